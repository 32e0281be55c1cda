"""The pixels of a TIFF file: strips or tiles, packed, put together."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Callable
from functools import partial
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from alphamat.io.stored import Refusal, unread_form

NONE, LZW, DEFLATE, PACK_BITS = 1, 5, 8, 32773
PACKINGS = {NONE: "none", LZW: "LZW", DEFLATE: "Deflate", 32946: "Deflate", PACK_BITS: "PackBits"}
PACKINGS |= {34925: "LZMA", 50000: "Zstandard"}
UNPREDICTED = (NONE, PACK_BITS)
BATCH = 2**24  # bytes that are unpacked at a time
LARGEST_TILE = 2**24  # pixels


def _lzma_decompressor() -> Any:
    from lzma import LZMADecompressor

    return LZMADecompressor()


DECOMPRESSORS = {
    DEFLATE: zlib.decompressobj,
    32946: zlib.decompressobj,
    34925: _lzma_decompressor,
}


class Strips(NamedTuple):
    """Where the pixels are, and how they are packed; strips are tiles as wide as the picture."""

    size: tuple[int, int]
    samples: int
    dtype: np.dtype
    tile: tuple[int, int]
    tiled: bool
    """Tiles are whole at the lower edge, strips are cut."""
    planar: bool
    """Each channel has strips of its own."""
    packing: int
    predictor: int
    offsets: np.ndarray
    counts: np.ndarray | None


def unpack(file: Any, strips: Strips, window: tuple[slice, slice] | None = None) -> np.ndarray:
    """Return the samples, (H, W, samples), in native byte order.

    `window` says which rows and columns; by default it is all of them.
    """
    (height, width), (rows, columns) = strips.size, strips.tile
    _refuse_odd(strips)
    down, along = window or (slice(0, height), slice(0, width))
    shape = down.stop - down.start, along.stop - along.start, strips.samples
    levels = np.empty(shape, strips.dtype.newbyteorder("="))
    planes = [slice(k, k + 1) for k in range(strips.samples)] if strips.planar else [slice(None)]
    across = -(-width // columns)
    count = -(-height // rows) * across  # of one plane
    if len(strips.offsets) < count * len(planes):
        raise Refusal("is damaged or cut short: strips or tiles are missing")
    depth = 1 if strips.planar else strips.samples
    batch = max(1, BATCH // (rows * columns * depth * strips.dtype.itemsize))
    touched = [
        y * across + x
        for y in range(down.start // rows, -(-down.stop // rows))
        for x in range(along.start // columns, -(-along.stop // columns))
    ]
    for plane, channels in enumerate(planes):
        for first in range(0, len(touched), batch):
            some = touched[first : first + batch]
            tops = [k // across * rows for k in some]
            heights = [rows if strips.tiled else min(rows, height - top) for top in tops]
            samples = _samples(file, strips, [plane * count + k for k in some], heights, depth)
            blocks = np.split(samples, np.cumsum(heights)[:-1])
            for k, top, block in zip(some, tops, blocks, strict=True):
                y, x = top - down.start, k % across * columns - along.start
                place = levels[max(y, 0) : y + rows, max(x, 0) : x + columns, channels]
                cut = block[max(-y, 0) :, max(-x, 0) :]
                place[...] = cut[: place.shape[0], : place.shape[1]]
    return levels


def map_pixels(file: Any, strips: Strips) -> Callable[[], np.ndarray] | None:
    """Return what maps the samples into memory, (H, W, samples); None where they are not in order.

    Pages of a map that were read count as this process's memory until the map is dropped.
    """
    (height, width), offsets = strips.size, strips.offsets.astype(np.int64)
    row_bytes = width * strips.samples * strips.dtype.itemsize
    steps = strips.tile[0] * row_bytes * np.arange(-(-height // strips.tile[0]))
    if (
        strips.packing != NONE
        or strips.tiled
        or (strips.planar and strips.samples > 1)
        or len(offsets) < len(steps)
        or (offsets[: len(steps)] != offsets[0] + steps).any()
        or not isinstance(getattr(file, "name", None), str)
    ):
        return None
    if offsets[0] + height * row_bytes > file.seek(0, 2):
        raise Refusal("is damaged or cut short: its pixels lie beyond its end")
    shape, start = (height, width, strips.samples), int(offsets[0])
    return lambda: np.memmap(file.name, strips.dtype, "r", start, shape)


def _refuse_odd(strips: Strips) -> None:
    rows, columns = strips.tile
    if strips.tiled and rows * columns > max(LARGEST_TILE, 4 * math.prod(strips.size)):
        raise Refusal(f"is damaged: its tiles are {rows} × {columns}")
    floating = strips.dtype.kind == "f"
    if strips.predictor not in (1, 3 if floating else 2) and strips.packing not in UNPREDICTED:
        raise unread_form(f"predictor {strips.predictor}")


def _samples(
    file: Any, strips: Strips, numbers: list[int], heights: list[int], depth: int
) -> np.ndarray:
    """Return strips of these numbers, one below the other, (rows, columns, depth)."""
    row_bytes = strips.tile[1] * depth * strips.dtype.itemsize
    sizes = [rows * row_bytes for rows in heights]
    if strips.packing != NONE:
        if strips.counts is None or len(strips.counts) <= max(numbers):
            raise Refusal("is damaged: it does not say how long its strips or tiles are")
        packed = [_read(file, strips, number, int(strips.counts[number])) for number in numbers]
        data = _unpacked(packed, heights, row_bytes, strips.packing)
    else:
        data = b"".join(map(partial(_read, file, strips), numbers, sizes))
    shape = sum(heights), strips.tile[1], depth
    if strips.predictor == 3 and strips.packing not in UNPREDICTED:
        return _floats(data, strips.dtype.itemsize, shape)
    samples = np.frombuffer(data, strips.dtype).reshape(shape)
    if strips.predictor == 2 and strips.packing not in UNPREDICTED:
        return np.cumsum(samples, axis=1, dtype=strips.dtype.newbyteorder("="))
    return samples


def _floats(data: bytes, size: int, shape: tuple[int, int, int]) -> np.ndarray:
    """Return floating point of which each row has the first bytes of all samples, then the second.

    Each byte is the difference to that of the sample to its left.
    """
    rows, columns, depth = shape
    bytes_ = np.frombuffer(data, np.uint8).reshape(rows, size * columns, depth)
    planes = np.cumsum(bytes_, axis=1, dtype=np.uint8).reshape(rows, size, columns * depth)
    return np.ascontiguousarray(planes.swapaxes(1, 2)).view(f">f{size}").reshape(shape)


def _read(file: Any, strips: Strips, number: int, size: int) -> bytes:
    at = int(strips.offsets[number])
    if at + size > file.seek(0, 2):
        raise Refusal("is damaged or cut short: its pixels lie beyond its end")
    file.seek(at)
    return file.read(size)


def _unpacked(packed: list[bytes], heights: list[int], row_bytes: int, packing: int) -> bytes:
    sizes = [rows * row_bytes for rows in heights]
    try:
        if decompressor := DECOMPRESSORS.get(packing):
            parts = zip(packed, sizes, strict=True)
            data = b"".join(decompressor().decompress(part, size) for part, size in parts)
        else:
            data = _unpacked_by_libtiff(packed, heights, row_bytes, packing)
        if len(data) == sum(sizes):
            return data
    except MemoryError:
        raise
    except Exception:  # libtiff raises anything on bad bytes
        pass
    raise Refusal(f"is damaged or cut short: its {PACKINGS[packing]} pixels cannot be unpacked")


def _unpacked_by_libtiff(
    packed: list[bytes], heights: list[int], row_bytes: int, packing: int
) -> bytes:
    """Unpack strips with Pillow: as strips of a gray picture of 8 bits, which are just bytes."""
    from PIL import TiffImagePlugin

    starts = 8 + np.cumsum([0, *map(len, packed)])
    lengths = np.diff(starts)
    count = len(packed)
    arrays = b"".join(np.asarray(a, "<u4").tobytes() for a in (starts[:-1], lengths))
    places = (starts[-1], starts[-1] + 4 * count) if count > 1 else (starts[0], lengths[0])
    tags = [
        (256, 4, 1, row_bytes),
        (257, 4, 1, sum(heights)),
        (258, 3, 1, 8),
        (259, 3, 1, packing),
        (262, 3, 1, 1),
        (273, 4, count, places[0]),
        (277, 3, 1, 1),
        (278, 4, 1, heights[0]),
        (279, 4, count, places[1]),
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
    head = struct.pack("<2sHI", b"II", 42, starts[-1] + len(arrays))
    file = BytesIO(b"".join([head, *packed, arrays, directory, bytes(4)]))
    return TiffImagePlugin.TiffImageFile(file).tobytes()
