"""TIFF files: which page is the picture, and what it holds.

"TIFF, Revision 6.0", Adobe 1992; "TIFF Supplement 1 & 2"; "TIFF Technical Note 3"; BigTIFF. Gray
and RGB of 8 and 16 bits, half and float are read here; Pillow reads palettes, fewer bits, CMYK, and
JPEG or fax within TIFF.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from enum import IntEnum
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from alphamat.io.stored import UPRIGHT, Refusal, Stored, Windows, open_with_pillow, unread_form
from alphamat.io.strips import LZW, PACKINGS, Strips, map_pixels, unpack


class Tag(IntEnum):
    SUBFILE = 254
    OLD_SUBFILE = 255
    WIDTH = 256
    HEIGHT = 257
    BITS = 258
    COMPRESSION = 259
    PHOTOMETRIC = 262
    FILL_ORDER = 266
    STRIP_OFFSETS = 273
    ORIENTATION = 274
    SAMPLES = 277
    ROWS_PER_STRIP = 278
    STRIP_COUNTS = 279
    PLANAR = 284
    PREDICTOR = 317
    TILE_WIDTH = 322
    TILE_HEIGHT = 323
    TILE_OFFSETS = 324
    TILE_COUNTS = 325
    SUBDIRECTORIES = 330
    EXTRA_SAMPLES = 338
    SAMPLE_FORMAT = 339
    PROFILE = 34675
    DNG_VERSION = 50706


TYPES = {1: "u1", 3: "u2", 4: "u4", 7: "u1", 13: "u4", 16: "u8"}  # of whole numbers and bytes

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
CAMERA_RAW = (32803, 34892)
MEANINGS = {PALETTE: "palette", 4: "a mask", CMYK: "CMYK", YCBCR: "YCbCr", 8: "CIELab"}
PILLOWS = {2: "fax", 3: "fax", 4: "fax", 6: "JPEG", 7: "JPEG", 32771: "fax", 50001: "WebP"}
OTHERS = {
    34712: "JPEG 2000",
    33003: "JPEG 2000",
    33005: "JPEG 2000",
    34887: "LERC",
    50002: "JPEG XL",
}
ASSOCIATED, UNASSOCIATED, COREL = 1, 2, 999  # what extra samples that are alpha are called
MOST_SAMPLES = 6
MOST_PAGES = 1000  # to look at
FLOATING = 3  # sample format
ROUNDING = 2e-3  # by which half, divided by its alpha, may miss 1
SMALL = 2**22  # bytes of a tile that a window may unpack for a corner of it


class Page(NamedTuple):
    """A directory of the file: where a picture is, and how."""

    order: str
    """Byte order, "<" or ">"."""
    tags: dict[int, np.ndarray]

    def get(self, tag: Tag, default: int) -> int:
        return int(self.tags[tag][0]) if tag in self.tags else default

    def all(self, tag: Tag, default: int) -> set[int]:
        """Return the values of a tag that has one for each sample."""
        return set(self.tags[tag].tolist()) if tag in self.tags else {default}


def open_tiff(file: Any) -> Stored:
    """Find the picture in a TIFF file, and read all of it but its pixels."""
    number, page = _picture(file)
    size = page.get(Tag.HEIGHT, 0), page.get(Tag.WIDTH, 0)
    if min(size) < 1:
        raise Refusal("is damaged: it has no size")
    _refuse_other_samples(page)
    turned = page.get(Tag.ORIENTATION, 1)
    profile = _profile(page)
    if not _is_plain(page):
        stored = open_with_pillow(file, "TIFF", number)
        return stored._replace(profile=profile)
    strips = partial(_strips, page, size)
    return Stored(
        size,
        turned if turned in UPRIGHT else 1,
        profile,
        lambda: _decoded(unpack(file, strips()), page),
    )


def open_windows(file: Any) -> Windows | None:
    """Find the picture in a TIFF file, to be read in parts; None where Pillow has to read it."""
    _, page = _picture(file)
    size = page.get(Tag.HEIGHT, 0), page.get(Tag.WIDTH, 0)
    if min(size) < 1:
        raise Refusal("is damaged: it has no size")
    _refuse_other_samples(page)
    if not _is_put_together(page):
        return None
    if (turned := page.get(Tag.ORIENTATION, 1)) in UPRIGHT and turned != 1:
        raise Refusal(f"is stored turned (orientation {turned}); save it upright to read parts")
    strips, profile = _strips(page, size), _profile(page)
    rows, columns = strips.tile
    depth = 1 if strips.planar else strips.samples
    if (mapped := map_pixels(file, strips)) is not None:
        dtype = strips.dtype.newbyteorder("=")

        def read(rows: slice, columns: slice) -> np.ndarray:
            return _decoded(np.array(mapped()[rows, columns], dtype), page)

        return Windows(size, 1, True, read, profile)
    direct = rows * columns * depth * strips.dtype.itemsize <= SMALL and columns < size[1]

    def unpacked(rows: slice, columns: slice) -> np.ndarray:
        return _decoded(unpack(file, strips, (rows, columns)), page)

    return Windows(size, rows, direct, unpacked, profile)


def _profile(page: Page) -> bytes | None:
    return page.tags[Tag.PROFILE].tobytes() if Tag.PROFILE in page.tags else None


def _picture(file: Any) -> tuple[int, Page]:
    """Return number and directory of the first page that is no thumbnail."""
    pages = []
    for number, page in enumerate(_pages(file)):
        if Tag.DNG_VERSION in page.tags:
            raise Refusal("is DNG, camera raw, which has to be developed first")
        small = page.get(Tag.SUBFILE, 0) & 0b101 or page.get(Tag.OLD_SUBFILE, 1) == 2
        if not small:
            return number, page
        pages.append(page)
    order, big, _ = _layout(file)
    inner = [
        _page(file, int(at), order, big)[0]
        for at in pages[0].tags.get(Tag.SUBDIRECTORIES, np.zeros(0))[:MOST_PAGES]
    ]
    if any(page.get(Tag.PHOTOMETRIC, 0) in CAMERA_RAW for page in inner):
        raise Refusal("is camera raw, which has to be developed first")
    if inner:
        raise Refusal(
            "begins with a thumbnail; its picture is in a subdirectory, which is not read"
        )
    return 0, pages[0]  # there is nothing else


def _pages(file: Any) -> Iterator[Page]:
    order, big, at = _layout(file)
    seen = {0}
    while at not in seen and len(seen) <= MOST_PAGES:
        seen.add(at)
        page, at = _page(file, at, order, big)
        yield page


def _layout(file: Any) -> tuple[str, bool, int]:
    """Return the byte order, whether it is a BigTIFF, and where the first directory is."""
    file.seek(0)
    head = file.read(16)
    order = "<" if head[:2] == b"II" else ">"
    big = b"+" in head[2:4]
    (first,) = struct.unpack_from(order + ("Q" if big else "I"), head, 8 if big else 4)
    return order, big, first


def _page(file: Any, at: int, order: str, big: bool) -> tuple[Page, int]:
    """Read the directory at a place in the file; also return where the next one is."""
    counted, entry, link = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    (count,) = struct.unpack(order + counted, _bytes(file, at, struct.calcsize("=" + counted)))
    step = struct.calcsize("=" + entry)
    at += struct.calcsize("=" + counted)
    table = _bytes(file, at, count * step + struct.calcsize("=" + link))
    tags, wanted = {}, set(Tag)
    for tag, kind, number, inside in struct.iter_unpack(order + entry, table[: count * step]):
        if tag in wanted - tags.keys() and kind in TYPES and number:
            dtype = np.dtype(order + TYPES[kind])
            size = number * dtype.itemsize
            if size > len(inside):
                (place,) = struct.unpack(order + link, inside)
                inside = _bytes(file, place, size)
            tags[tag] = np.frombuffer(inside, dtype, number)
    return Page(order, tags), struct.unpack(order + link, table[count * step :])[0]


def _bytes(file: Any, at: int, count: int) -> bytes:
    """Return bytes that have to be there."""
    if at + count > file.seek(0, 2):
        raise Refusal(f"is damaged or cut short: there are no {count:,} bytes at byte {at:,}")
    file.seek(at)
    return file.read(count)


def _samples(page: Page) -> int:
    """Return how many samples a pixel has."""
    return page.get(Tag.SAMPLES, 1)


def _meaning(page: Page) -> int:
    """Return what the samples mean; where that is missing, as libtiff guesses."""
    return page.get(Tag.PHOTOMETRIC, RGB if _samples(page) > 2 else BLACK_IS_ZERO)


def _refuse_other_samples(page: Page) -> None:
    bits, forms = page.all(Tag.BITS, 1), page.all(Tag.SAMPLE_FORMAT, 1)
    meaning, samples = _meaning(page), _samples(page)
    kinds = {2: "signed", 5: "complex", 6: "complex"}
    packing = page.get(Tag.COMPRESSION, 1)
    if meaning in CAMERA_RAW:
        raise Refusal("is camera raw, which has to be developed first")
    if len(bits) > 1:
        raise unread_form(f"of {' and '.join(map(str, sorted(bits)))} bits")
    if odd := next((kinds[form] for form in sorted(forms) if form in kinds), None):
        raise unread_form(f"{max(bits)}-bit {odd}")
    floating = forms == {FLOATING}
    if FLOATING in forms and not (floating and bits <= {16, 32}):
        raise unread_form(f"{max(bits)}-bit floating point")
    if max(bits) not in (1, 2, 4, 8, 16) and not floating:
        raise unread_form(f"{max(bits)} bits")
    colour = MEANINGS.get(meaning, f"PhotometricInterpretation {meaning}")
    deep = max(bits) >= 16
    if meaning > RGB and (deep or meaning not in (PALETTE, CMYK, YCBCR)):
        raise unread_form(f"{colour} of {max(bits)} bits")
    if samples > (2 if meaning < RGB else MOST_SAMPLES):
        raise unread_form(f"{samples} channels")
    if deep and page.get(Tag.FILL_ORDER, 1) != 1:
        raise unread_form(f"{max(bits)} bits, FillOrder 2")
    if packing not in PACKINGS and (packing not in PILLOWS or deep):
        name = PILLOWS.get(packing, OTHERS.get(packing, packing))
        raise unread_form(f"{max(bits)} bits, compression {name}")


def _is_plain(page: Page) -> bool:
    """Return whether a page is put together here, if all of it is read."""
    bits, packing = page.all(Tag.BITS, 1), page.get(Tag.COMPRESSION, 1)
    if bits == {8} and packing == LZW and _meaning(page) == RGB and _samples(page) == 3:
        return page.get(Tag.PREDICTOR, 1) == 1  # Pillow is faster at undoing it
    return _is_put_together(page)


def _is_put_together(page: Page) -> bool:
    """Return whether a page can be put together here: gray or RGB, of 8 bits or more."""
    bits, packing = page.all(Tag.BITS, 1), page.get(Tag.COMPRESSION, 1)
    return (
        bits <= {8, 16, 32}
        and _meaning(page) in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB)
        and packing in PACKINGS
        and page.get(Tag.FILL_ORDER, 1) == 1
    )


def _decoded(levels: np.ndarray, page: Page) -> np.ndarray:
    """Return gray, RGB or RGBA of samples, which are changed."""
    meaning = _meaning(page)
    colours = 3 if meaning == RGB else 1
    if levels.shape[2] < colours:
        raise Refusal(f"is damaged: it is RGB, and has {levels.shape[2]} samples for each pixel")
    full = 1 if levels.dtype.kind == "f" else np.iinfo(levels.dtype).max
    if meaning == WHITE_IS_ZERO:
        levels[..., 0] = full - levels[..., 0]
    # Many programs do not say that a fourth channel is alpha.
    extra = page.get(Tag.EXTRA_SAMPLES, UNASSOCIATED if levels.shape[2] == colours + 1 else 0)
    if extra not in (ASSOCIATED, UNASSOCIATED, COREL):
        return levels[..., :3] if colours == 3 else levels[..., 0]
    if extra == ASSOCIATED:
        _divide_by_alpha(levels, colours)
    return levels[..., :4] if colours == 3 else levels[..., [0, 0, 0, 1]]


def _divide_by_alpha(levels: np.ndarray, colours: int) -> None:
    if levels.dtype.kind == "f":
        alpha, multiplied = levels[..., colours, None], levels[..., :colours]
        np.divide(multiplied, alpha, out=multiplied, where=alpha > 0)
        np.minimum(multiplied, 1, out=multiplied, where=multiplied < 1 + ROUNDING)
        return
    full = np.iinfo(levels.dtype).max
    alpha = np.maximum(levels[..., colours], 1).astype(np.uint32)
    for colour in range(colours):
        straight = (levels[..., colour] * np.uint32(full) + alpha // 2) // alpha
        levels[..., colour] = np.minimum(straight, full)


def _strips(page: Page, size: tuple[int, int]) -> Strips:
    tiled = Tag.TILE_OFFSETS in page.tags
    offsets = Tag.TILE_OFFSETS if tiled else Tag.STRIP_OFFSETS
    counts = Tag.TILE_COUNTS if tiled else Tag.STRIP_COUNTS
    if offsets not in page.tags:
        raise Refusal("is damaged: it does not say where its pixels are")
    kind = "f" if page.all(Tag.SAMPLE_FORMAT, 1) == {FLOATING} else "u"
    rows = min(page.get(Tag.ROWS_PER_STRIP, size[0]), size[0])
    tile = (page.get(Tag.TILE_HEIGHT, 0), page.get(Tag.TILE_WIDTH, 0)) if tiled else (rows, size[1])
    if min(tile) < 1:
        raise Refusal("is damaged: its strips or tiles have no size")
    return Strips(
        size=size,
        samples=_samples(page),
        dtype=np.dtype(f"{page.order}{kind}{max(page.all(Tag.BITS, 8)) // 8}"),
        tile=tile,
        tiled=tiled,
        planar=page.get(Tag.PLANAR, 1) == 2,
        packing=page.get(Tag.COMPRESSION, 1),
        predictor=page.get(Tag.PREDICTOR, 1),
        offsets=page.tags[offsets],
        counts=page.tags.get(counts),
    )
