"""Zarr arrays and OME-Zarr pictures: read in parts, and written in chunks.

OME-NGFF 0.5, <https://ngff.openmicroscopy.org/0.5/>. The largest scale is read: axes are y and x,
with channels before or behind them, and one time and one depth at most. It needs the package zarr.
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.extras import not_installed
from alphamat.io.stored import Refusal, Windows

CHUNK = 512


def is_zarr(path: str | os.PathLike[str]) -> bool:
    """Return whether a path names a Zarr folder, by its ending."""
    return Path(path).suffix.lower() == ".zarr"


def installed() -> Any:
    """Return the package zarr; raise where it is not installed."""
    try:
        return import_module("zarr")
    except ImportError:
        raise not_installed("Zarr arrays need the package zarr", "tiles") from None


def open_zarr(path: str | os.PathLike[str], zarr: Any) -> Windows:
    """Open an array of gray, RGB or RGBA levels with the package zarr."""
    if not Path(path).is_dir():
        raise FileNotFoundError(f"{path} does not exist; expected a Zarr folder.")
    found = zarr.open(os.fspath(path), mode="r")
    if not hasattr(found, "shape"):
        about = found.attrs.get("ome", found.attrs).get("multiscales")
        name = about[0]["datasets"][0]["path"] if about else "0"
        if name not in found:
            raise Refusal(f"is a Zarr group without an array '{name}'")
        found = found[name]
    if found.dtype not in (np.uint8, np.uint16):
        raise Refusal(f"has dtype {found.dtype}; expected uint8 or uint16")
    shape = found.shape
    if len(shape) >= 3 and shape[-1] in (3, 4):  # channels behind y and x
        ahead, (height, width), last = shape[:-3], shape[-3:-1], True
    else:
        ahead, (height, width), last = shape[:-2], shape[-2:], False
    channels = [n for n in ahead if n != 1]
    if channels and (last or len(channels) > 1 or channels[0] not in (3, 4)):
        raise Refusal(f"has shape {shape}; expected one picture, gray or in three colours")

    def read(rows: slice, columns: slice) -> np.ndarray:
        pixels = np.asarray(found[(*[slice(None)] * len(ahead), rows, columns)])
        pixels = pixels.reshape(*channels, *pixels.shape[len(ahead) :])
        return np.ascontiguousarray(np.moveaxis(pixels, 0, -1)) if channels else pixels

    rows = found.chunks[-3 if last else -2]
    return Windows((height, width), rows, True, read)


def create_ome_zarr(path: Path, shape: tuple[int, int], dtype: np.dtype) -> Any:
    """Return the array, (H, W), of a new OME-Zarr picture; it is filled in parts."""
    group = installed().open_group(os.fspath(path), mode="w", zarr_format=3)
    chunks = min(CHUNK, shape[0]), min(CHUNK, shape[1])
    array = group.create_array(
        "0", shape=shape, dtype=dtype, chunks=chunks, dimension_names=("y", "x")
    )
    scale = {"type": "scale", "scale": [1.0, 1.0]}
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [
            {
                "name": "alpha",
                "axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}],
                "datasets": [{"path": "0", "coordinateTransformations": [scale]}],
            }
        ],
    }
    return array
