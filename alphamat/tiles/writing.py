"""The alpha of a large picture, written in tiles."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from alphamat.io.stored import Windows
from alphamat.io.whole import refuse_unwritable
from alphamat.io.zarrs import CHUNK, create_ome_zarr, installed, is_zarr
from alphamat.tiles.state import State

TILE = 256
ENDINGS = (".tif", ".tiff")


def refuse_output(output: Path) -> None:
    """Raise unless the output can be written, as TIFF or OME-Zarr."""
    if not is_zarr(output):
        refuse_unwritable(output, endings=(*ENDINGS, ".zarr"))
        return
    installed()
    if output.exists():
        raise FileExistsError(f"{output} is there already; remove it, or name another output.")


def write(output: Path, state: State, levels: Windows, bits: int) -> None:
    """Write the alpha to a file or folder that takes its name once it is complete."""
    dtype = np.dtype(f"uint{bits}")
    if is_zarr(output):
        part = state.folder / "next.zarr"
        array = create_ome_zarr(part, state.size, dtype)
        for top, alpha in _bands(state, levels, dtype, CHUNK):
            array[top : top + len(alpha)] = alpha
    else:
        part = state.folder / "next.tif"
        _write_tiff(part, state, levels, dtype)
        with open(part, "rb+") as file:
            os.fsync(file.fileno())
    os.replace(part, os.path.realpath(output))


def _bands(
    state: State, levels: Windows, dtype: np.dtype, rows: int
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield the levels of alpha of some rows at a time, and where they begin."""
    full, (height, width) = np.float32(np.iinfo(dtype).max), state.size
    for top in range(0, height, rows):
        box = slice(top, min(top + rows, height)), slice(0, width)
        known = levels.read(*box)
        unknown = known == 128
        band = (known == 255).astype(dtype) * np.iinfo(dtype).max
        band[unknown] = np.rint(state.alpha(box)[unknown].clip(0, 1) * full)
        yield top, band


def _write_tiff(path: Path, state: State, levels: Windows, dtype: np.dtype) -> None:
    import tifffile

    def tiles() -> Iterator[np.ndarray]:
        for _, band in _bands(state, levels, dtype, TILE):
            for left in range(0, state.size[1], TILE):
                tile = np.zeros((TILE, TILE), dtype)
                part = band[:, left : left + TILE]
                tile[: part.shape[0], : part.shape[1]] = part
                yield tile

    with tifffile.TiffWriter(path, bigtiff=True) as file:
        file.write(
            tiles(),
            shape=state.size,
            dtype=dtype,
            tile=(TILE, TILE),
            photometric="minisblack",
            compression="zlib",
            compressionargs={"level": 1},
            metadata=None,
        )
