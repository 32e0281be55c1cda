"""The pixels of a TIFF file: strips or tiles, packed, put together."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any, NamedTuple

import numpy as np

from alphamat.io.stored import Refusal, unread_form

NONE, LZW, DEFLATE, PACK_BITS = 1, 5, 8, 32773
PACKINGS = {NONE: "none", LZW: "LZW", DEFLATE: "Deflate", 32946: "Deflate", PACK_BITS: "PackBits"}
PACKINGS |= {34925: "LZMA", 50000: "Zstandard"}
BATCH = 2**24  # bytes that are unpacked at a time
LARGEST_TILE = 2**26  # pixels


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


def unpack(file: Any, strips: Strips) -> np.ndarray:
    """Return the samples, (H, W, samples), uint8 or uint16 in native byte order."""
    (height, width), (rows, columns) = strips.size, strips.tile
    if strips.tiled and rows * columns > max(LARGEST_TILE, 4 * height * width):
        raise Refusal(f"is damaged: its tiles are {rows} × {columns}")
    if strips.predictor not in (1, 2) and strips.packing not in (NONE, PACK_BITS):
        raise unread_form(f"predictor {strips.predictor}")
    down, across = -(-height // rows), -(-width // columns)
    planes = [slice(k, k + 1) for k in range(strips.samples)] if strips.planar else [slice(None)]
    if len(strips.offsets) < down * across * len(planes):
        raise Refusal("is damaged or cut short: strips or tiles are missing")
    levels = np.empty((height, width, strips.samples), strips.dtype.newbyteorder("="))
    row_bytes = columns * (1 if strips.planar else strips.samples) * strips.dtype.itemsize
    batch = max(1, BATCH // (rows * row_bytes))
    for plane, channels in enumerate(planes):
        for first in range(0, down * across, batch):
            last = min(first + batch, down * across)
            heights = [
                rows if strips.tiled else min(rows, height - rows * k) for k in range(first, last)
            ]
            numbers = range(first + plane * down * across, last + plane * down * across)
            samples = _samples(file, strips, numbers, heights, row_bytes)
            top = 0
            for k, tall in zip(range(first, last), heights, strict=True):
                y, x = k // across * rows, k % across * columns
                place = levels[y : y + rows, x : x + columns, channels]
                place[...] = samples[top : top + tall][: place.shape[0], : place.shape[1]]
                top += tall
    return levels


def _samples(
    file: Any, strips: Strips, numbers: range, heights: list[int], row_bytes: int
) -> np.ndarray:
    """Return strips one below the other, (rows, columns, samples)."""
    sizes = [tall * row_bytes for tall in heights]
    if strips.packing == NONE:
        data = b"".join(_read(file, strips, k, size) for k, size in zip(numbers, sizes, strict=True))
    elif strips.counts is None or len(strips.counts) <= numbers[-1]:
        raise Refusal("is damaged: it does not say how long its strips or tiles are")
    else:
        packed = [_read(file, strips, k, int(strips.counts[k])) for k in numbers]
        data = _unpacked(packed, heights, row_bytes, strips.packing)
    samples = np.frombuffer(data, strips.dtype).reshape(sum(heights), strips.tile[1], -1)
    if strips.predictor == 2 and strips.packing not in (NONE, PACK_BITS):
        return np.cumsum(samples, axis=1, dtype=strips.dtype.newbyteorder("="))
    return samples


def _read(file: Any, strips: Strips, number: int, size: int) -> bytes:
    at = int(strips.offsets[number])
    if at + size > file.seek(0, 2):
        raise Refusal("is damaged or cut short: its pixels lie beyond its end")
    file.seek(at)
    return file.read(size)


def _unpacked(packed: list[bytes], heights: list[int], row_bytes: int, packing: int) -> bytes:
    """Unpack strips with libtiff: as strips of a gray picture of 8 bits, which are just bytes."""
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
    try:
        return TiffImagePlugin.TiffImageFile(file).tobytes()
    except Exception as fault:  # libtiff raises anything on bad bytes
        raise Refusal(
            f"is damaged or cut short: its {PACKINGS[packing]} pixels cannot be unpacked"
        ) from fault
