"""The files of an entry: do they fit together, and what do they hold?"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from alphamat import read_image
from alphamat.io.folders import raise_faults, read_colour, size
from alphamat_deep.training.compositions.entries import PLANES, layers
from alphamat_deep.training.sample import Sample

MOST_NAMED = 20


def fit(files: dict[str, Path], faults: list[str], left_out: list[str]) -> bool:
    """Return whether all files are pictures; add a fault if layers differ in size."""
    found = {key: size(file, left_out) for key, file in files.items()}
    sizes = {key: shape for key, shape in found.items() if shape is not None}
    if len(sizes) < len(files):
        return False
    first, (rows, columns) = next(iter(sizes.items()))
    for key, (height, width) in sizes.items():
        if key != "background" and (height, width) != (rows, columns):
            faults.append(
                f"{files[key]} is {height} × {width}, and {files[first]} is {rows} × {columns} "
                "(height × width)"
            )
    return True


def refuse_or_warn(
    root: Path, faults: list[str], left_out: list[str], count: int, stacklevel: int = 4
) -> None:
    """Raise if there are faults, or nothing to use; warn of what is left out."""
    if not faults and not count:
        faults = [*left_out[:MOST_NAMED], "nothing is left to use"]
    raise_faults(root, faults)
    if left_out:
        more = len(left_out) - MOST_NAMED
        lines = left_out[:MOST_NAMED] + [f"… and {more} more"] * (more > 0)
        warnings.warn(
            f"Not all of {root} is used:\n  " + "\n  ".join(lines),
            stacklevel=stacklevel,
        )


def read_cutout(path: Path) -> Sample:
    pixels = read_image(path)
    if pixels.shape[2:] != (4,):
        raise ValueError(f"{path} has no alpha channel; expected RGBA.")
    return layers({"foreground": _without_alpha(pixels), "alpha": pixels[..., 3]}, str(path))


def read_layers(files: dict[str, Path]) -> Sample:
    pixels = {key: _pixels(key, file) for key, file in files.items()}
    return layers(pixels, str(next(iter(files.values()))))


def read_frame(files: dict[str, list[Path]]) -> Sample:
    return read_layers({key: frame for key, (frame,) in files.items()})


def read_frames(files: dict[str, list[Path]]) -> Sample:
    pixels = {key: np.stack([_pixels(key, x) for x in frames]) for key, frames in files.items()}
    return layers(pixels, str(next(iter(files.values()))[0]))


def _pixels(key: str, path: Path) -> np.ndarray:
    if key in PLANES:
        return read_image(path)
    if key != "foreground":
        return read_colour(path)
    pixels = read_image(path)
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    # A fourth channel is not the alpha that was given.
    return pixels if pixels.shape[2] == 3 else _without_alpha(pixels)


def _without_alpha(pixels: np.ndarray) -> np.ndarray:
    """Return the colours of RGBA; a slice of them would be slow to work with."""
    import cv2

    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
