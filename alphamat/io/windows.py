"""Image files of which parts are read, and copies from which any part is read."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.io import zarrs
from alphamat.io.images import _named, _stored
from alphamat.io.sniff import format_of
from alphamat.io.sources import opened
from alphamat.io.stored import UPRIGHT, Refusal, Windows
from alphamat.io.tiff import open_windows

BAND = 2**25  # bytes that are copied at a time


@contextmanager
def windows_of(path: Any, *, most: int, name: str = "image") -> Iterator[Windows]:
    """Open an image file, a Zarr folder or an array, to read parts of it.

    TIFF files of gray or RGB may have any size. Others are read whole, with `most` bytes of memory
    at most. An array has a shape, a dtype and slices, as those of NumPy, Dask and Zarr have.
    Errors name the file, or `name`.
    """
    if not isinstance(path, str | os.PathLike):
        yield _of_array(path, name)
        return
    if zarrs.is_zarr(path):
        yield _naming(str(path), partial(zarrs.open_zarr, path, zarrs.installed()))
        return
    with opened(path) as (file, name):
        yield _naming(name, partial(_windows, file, most))


def _of_array(array: Any, name: str) -> Windows:
    """Return windows of an array (H, W), (H, W, 3) or (H, W, 4)."""
    shape, dtype = getattr(array, "shape", None), getattr(array, "dtype", None)
    if shape is None or dtype is None:
        raise TypeError(f"`{name}` is a {type(array).__name__}; expected a path or an array.")
    if len(shape) not in (2, 3) or shape[2:] not in ((), (3,), (4,)):
        raise ValueError(f"`{name}` has shape {shape}; expected (H, W), (H, W, 3) or (H, W, 4).")
    chunks: Any = getattr(array, "chunks", None) or (1,)  # a row of them is computed together
    rows = max(chunks[0]) if isinstance(chunks[0], tuple) else chunks[0]
    return Windows(shape[:2], rows, True, lambda *at: np.ascontiguousarray(array[at]))


def _naming(name: str, make: Callable[[], Windows]) -> Windows:
    """Return windows; errors of making and reading them name the file."""
    with _named(name):
        windows = make()

    def read(rows: slice, columns: slice) -> np.ndarray:
        with _named(name):
            return windows.read(rows, columns)

    return windows._replace(read=read)


def _windows(file: Any, most: int) -> Windows:
    found = open_windows(file) if format_of(file.read(512)) == "TIFF" else None
    file.seek(0)
    return _refusing_large_pieces(found, most) if found else _whole(file, most)


def _refusing_large_pieces(windows: Windows, most: int) -> Windows:
    needed = 10 * windows.rows * windows.size[1]
    if not windows.direct and needed > most:
        raise Refusal(
            f"has strips of {windows.rows:,} rows, which are unpacked only whole and take about "
            f"{needed / 2**30:.1f} GiB; save it in tiles or in strips of fewer rows"
        )
    return windows


def _whole(file: Any, most: int) -> Windows:
    stored = _stored(file, None)
    if stored.light is not None:
        raise Refusal("is scene-linear light, which is not read in parts")
    if 4 * math.prod(stored.size) > most:
        raise Refusal(
            f"has {stored.size[0]:,} × {stored.size[1]:,} pixels (height × width), and only TIFF "
            "files and Zarr arrays are read in parts; save it as TIFF, in tiles"
        )
    turned = stored.orientation >= 5
    height, width = stored.size[::-1] if turned else stored.size

    def read(rows: slice, columns: slice) -> np.ndarray:
        return np.ascontiguousarray(UPRIGHT[stored.orientation](stored.decode())[rows, columns])

    return Windows((height, width), height, False, read, stored.profile)


def bands(windows: Windows) -> Iterator[slice]:
    """Yield rows that are well read together, from the top."""
    height, width = windows.size
    step = windows.rows * max(1, BAND // (4 * width * windows.rows))
    for top in range(0, height, step):
        yield slice(top, min(top + step, height))


def copy_to(windows: Windows, path: Path) -> Windows:
    """Copy the pixels to a file that is mapped into memory, unless they are there already."""
    everything = slice(0, windows.size[1])
    if not path.exists():
        part, copy = path.with_suffix(".part"), None
        for rows in bands(windows):
            pixels = windows.read(rows, everything)
            shape = (*windows.size, *pixels.shape[2:])
            copy = np.lib.format.open_memmap(
                part, "w+" if copy is None else "r+", pixels.dtype, shape
            )
            copy[rows] = pixels
            copy.flush()
        os.replace(part, path)
    return windows._replace(
        rows=1, direct=True, read=lambda *at: np.array(np.load(path, mmap_mode="r")[at])
    )
