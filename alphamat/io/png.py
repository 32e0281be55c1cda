"""PNG files. "Portable Network Graphics (PNG) Specification", third edition, W3C 2025.

Pillow decodes them, and is shown only what the pixels need. So it gives the still picture of an
animation, and neither damage nor size of other chunks matters.
"""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from alphamat.io.stored import Refusal, Stored, decode_with_pillow, orientation_in

SIGNATURE = b"\x89PNG\r\n\x1a\n"
WIDEST = 1_000_000  # pixels on a side that libpng, in OpenCV, writes
MOST_SIDE_BYTES = 2**24  # of what a text or a profile is inflated to
GRAY, RGB, PALETTE, GRAY_ALPHA, RGB_ALPHA = 0, 2, 3, 4, 6  # colour types
DEPTHS = {
    GRAY: (1, 2, 4, 8, 16),
    RGB: (8, 16),
    PALETTE: (1, 2, 4, 8),
    GRAY_ALPHA: (8, 16),
    RGB_ALPHA: (8, 16),
}


class Chunk(NamedTuple):
    name: bytes
    start: int
    """Where its body is in the file."""
    length: int
    """At most up to the end of the file."""


class Header(NamedTuple):
    width: int
    height: int
    depth: int
    colour: int
    compression: int
    filtering: int
    interlacing: int


def open_png(file: Any) -> Stored:
    """Read all of a PNG file but its pixels."""
    chunks = _chunks(file)
    if not chunks or chunks[0].name != b"IHDR" or chunks[0].length != 13:
        raise Refusal("is damaged or cut short: it does not begin with the chunk IHDR")
    header = Header(*struct.unpack(">IIBBBBB", _body(file, chunks[0])))
    if header.depth not in DEPTHS.get(header.colour, ()):
        raise Refusal(
            f"is damaged: there is no PNG of colour type {header.colour} with {header.depth} bits"
        )
    return Stored(
        (header.height, header.width),
        orientation_in(_about(file, chunks)),
        _profile(file, chunks),
        lambda: _decode(file, header, chunks),
    )


def encode_png(levels: np.ndarray, profile: bytes | None) -> bytes:
    """Return the PNG file of gray, RGB or RGBA levels, uint8 or uint16."""
    import cv2

    if max(levels.shape[:2]) > WIDEST:
        raise ValueError(
            f"`pixels` is {levels.shape[0]} × {levels.shape[1]} (height × width); PNG files of at "
            f"most {WIDEST:,} pixels on a side are written. Write a TIFF."
        )
    swapped = levels if levels.ndim == 2 else levels[..., [2, 1, 0, 3][: levels.shape[2]]]
    file = cv2.imencode(".png", swapped)[1].tobytes()
    if profile is None:
        return file
    body = b"ICC profile\0\0" + zlib.compress(profile)
    return file[:33] + _chunk(b"iCCP", body) + file[33:]  # behind IHDR


def _chunks(file: Any) -> list[Chunk]:
    """Return the chunks of a file, up to its last or to where it is cut short."""
    chunks, at, end = [], len(SIGNATURE), file.seek(0, 2)
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:
            return chunks
        length, name = struct.unpack(">I4s", head)
        if not name.isalpha():
            raise Refusal(f"is damaged or cut short: it has no chunk at byte {at:,}")
        if name[:1].isupper() and name not in (b"IHDR", b"PLTE", b"IDAT", b"IEND"):
            raise Refusal(f"has the chunk {name.decode()}, which is not known and has to be")
        chunks.append(Chunk(name, at + 8, min(length, end - at)))
        if name == b"IEND":
            return chunks
        at += 12 + length


def _body(file: Any, chunk: Chunk) -> bytes:
    """Return the body of a chunk, which has to be whole."""
    return _body_and_sum(file, chunk)[:-4]


def _body_and_sum(file: Any, chunk: Chunk) -> bytes:
    """Return the body of a chunk, which has to be whole, and its checksum."""
    file.seek(chunk.start)
    found = file.read(chunk.length + 4)
    expected = zlib.crc32(memoryview(found)[:-4], zlib.crc32(chunk.name)).to_bytes(4, "big")
    if len(found) < chunk.length + 4 or found[-4:] != expected:
        raise Refusal(f"is damaged or cut short: its chunk {chunk.name.decode()} is not whole")
    return found


def _decode(file: Any, header: Header, chunks: list[Chunk]) -> np.ndarray:
    from PIL import Image

    if header.colour == GRAY_ALPHA and header.depth == 16:  # has as many bytes as RGBA of 8 bits
        pixels = _shown(file, header._replace(depth=8, colour=RGB_ALPHA), chunks)
        bytes_ = decode_with_pillow(Image.open(pixels, formats=["PNG"]))
        return bytes_.view(">u2").astype(np.uint16)[..., [0, 0, 0, 1]]
    pixels = _shown(file, header, chunks)
    if header.depth < 16:
        levels = decode_with_pillow(Image.open(pixels, formats=["PNG"]))
    elif header.colour == GRAY:
        levels = np.asarray(Image.open(pixels, formats=["PNG"])).astype(np.uint16, copy=False)
    else:
        levels = _half(pixels, "B").astype(np.uint16)
        levels <<= 8
        levels |= _half(pixels, "L")
    clear = next((chunk for chunk in chunks if chunk.name == b"tRNS"), None)
    if clear is None or header.colour not in (GRAY, RGB):
        return levels
    return _with_clear_colour(levels, _body(file, clear), header.depth)


def _half(pixels: BytesIO, order: str) -> np.ndarray:
    """Return the high bytes of 16 bits, which are "B"ig-endian; the low ones, as if "L"ittle."""
    from PIL import Image

    picture = Image.open(pixels, formats=["PNG"])
    picture.tile = [picture.tile[0]._replace(args=f"{picture.mode};16{order}")]
    return np.asarray(picture)


def _shown(file: Any, header: Header, chunks: list[Chunk]) -> BytesIO:
    """Return a PNG file of what the pixels need."""
    needed = [b"PLTE", b"tRNS", b"IDAT"] if header.colour == PALETTE else [b"IDAT"]
    for name in {b"PLTE", b"IDAT"} & set(needed) - {chunk.name for chunk in chunks}:
        raise Refusal(f"is damaged or cut short: it has no chunk {name.decode()}")
    parts = [SIGNATURE, _chunk(b"IHDR", struct.pack(">IIBBBBB", *header))]
    for chunk in chunks:
        if chunk.name in needed:
            parts += [struct.pack(">I4s", chunk.length, chunk.name), _body_and_sum(file, chunk)]
    return BytesIO(b"".join([*parts, _chunk(b"IEND", b"")]))


def _chunk(name: bytes, body: bytes) -> bytes:
    sum_ = zlib.crc32(body, zlib.crc32(name))
    return b"".join([struct.pack(">I", len(body)), name, body, struct.pack(">I", sum_)])


def _with_clear_colour(levels: np.ndarray, clear: bytes, depth: int) -> np.ndarray:
    """Return RGBA that is clear where gray or RGB is one level, as the chunk tRNS says."""
    colours = levels.reshape(*levels.shape[:2], -1)
    level = np.frombuffer(clear, ">u2")[: colours.shape[2]] & (2**depth - 1)
    full = np.iinfo(levels.dtype).max
    opaque = (colours != level * (full // (2**depth - 1))).any(axis=2)
    alpha = np.where(opaque, full, 0).astype(levels.dtype)
    return np.dstack([np.broadcast_to(colours, (*alpha.shape, 3)), alpha])


def _about(file: Any, chunks: list[Chunk]) -> dict:
    """Return what may tell the orientation, in Pillow's terms, wherever it is in the file."""
    info: dict[str, bytes | str] = {}
    for chunk in chunks:
        if chunk.name == b"eXIf":
            info["exif"] = b"Exif\0\0" + _body(file, chunk)
        elif chunk.name in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _text(file, chunk)
            if keyword == b"XML:com.adobe.xmp":
                info["xmp"] = text
            elif keyword == b"Raw profile type exif":
                info["Raw profile type exif"] = text.decode("latin-1")
    return info


def _text(file: Any, chunk: Chunk) -> tuple[bytes, bytes]:
    """Return keyword and text of a chunk; nothing of damaged ones, and of those of no interest."""
    file.seek(chunk.start)
    keyword = file.read(min(chunk.length, 80)).partition(b"\0")[0]
    if keyword not in (b"XML:com.adobe.xmp", b"Raw profile type exif"):
        return b"", b""
    try:
        body = _body(file, chunk)[len(keyword) + 1 :]
        if chunk.name == b"zTXt":
            return keyword, _inflated(body[1:])
        if chunk.name == b"tEXt":
            return keyword, body
        text = body[2:].split(b"\0", 2)[2]  # behind a language and a translated keyword
        return keyword, _inflated(text) if body[0] else text
    except (Refusal, zlib.error, IndexError):
        return b"", b""


def _profile(file: Any, chunks: list[Chunk]) -> bytes | None:
    """Return the ICC profile; none where it is damaged, as viewers do."""
    for chunk in chunks:
        if chunk.name == b"iCCP":
            try:
                return _inflated(_body(file, chunk).partition(b"\0")[2][1:])
            except (Refusal, zlib.error):
                return None
    return None


def _inflated(packed: bytes) -> bytes:
    return zlib.decompressobj().decompress(packed, MOST_SIDE_BYTES)
