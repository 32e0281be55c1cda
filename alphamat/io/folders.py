"""The files of a data set: found, compared and read.

All faults are raised together, in one error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from alphamat.door.image import FULL_SCALE, as_plane
from alphamat.io.images import image_size, read_image, read_picture

Folder = str | os.PathLike[str]
SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
SUFFIXES += (".avif", ".heic", ".heif", ".exr")


def existing_folder(path: Folder) -> Path:
    """Return `path` if it is a folder; raise otherwise."""
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected the folder of a data set.")
    if not path.is_dir():
        raise NotADirectoryError(f"{path} is a file; expected the folder of a data set.")
    return path


def refuse_unless_among(name: str, value, allowed: Iterable) -> None:
    """Raise unless a parameter is one of a few words."""
    if value not in allowed:
        raise ValueError(f"`{name}` is {value!r}; expected {' or '.join(map(repr, allowed))}.")


def raise_faults(path: Path, faults: list[str]) -> None:
    """Raise one error that names all faults, if there are any."""
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise ValueError(f"{path} is not as expected, {count}:\n  " + "\n  ".join(faults))


def pictures(folder: Path, faults: list[str]) -> dict[str, Path]:
    """Find the images in a folder: path by name without suffix, in natural order.

    Hidden files and other kinds of files are skipped.
    """
    if not folder.is_dir():
        faults.append(f"there is no folder {folder}")
        return {}
    found: dict[str, Path] = {}
    for file in sorted(folder.iterdir(), key=lambda file: (*natural(file.stem), file.name)):
        if file.suffix.lower() not in SUFFIXES or file.name.startswith("."):
            continue
        if file.stem in found:
            faults.append(f"{file} and {found[file.stem].name} have the same name")
        found[file.stem] = file
    if not found:
        faults.append(f"{folder} has no images ({', '.join(SUFFIXES)})")
    return found


def natural(name: str) -> tuple:
    """Return a key that sorts numbers in names by their value."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if at % 2 else part for at, part in enumerate(parts)], name


def size(path: Path, faults: list[str]) -> tuple[int, int] | None:
    """Return an image's height and width from its header; add a fault, and None, if it has none."""
    try:
        return image_size(path)
    except (OSError, ValueError) as error:
        faults.append(str(error).rstrip("."))


def partners(
    folder: Path,
    images: dict[str, Path],
    sizes: dict[str, tuple[int, int] | None],
    faults: list[str],
    names: Callable[[str], tuple[str, ...]] = lambda name: (name,),
) -> dict[str, Path]:
    """Find the file in a folder that belongs to each image, and has its size.

    `names` gives the names that the file of an image may have.
    """
    found, partner = pictures(folder, faults), {}
    if not found or not images:
        return {}
    for name, image in images.items():
        file = next((found[other] for other in names(name) if other in found), None)
        if file is None:
            faults.append(f"{folder} has no {name}, which {image} needs")
            continue
        partner[name] = file
        actual, expected = size(file, faults), sizes[name]
        if actual and expected and actual != expected:
            faults.append(
                f"{file} is {actual[0]} × {actual[1]}, and {image} is "
                f"{expected[0]} × {expected[1]} (height × width)"
            )
    used = set(partner.values())
    faults += [f"{file} belongs to no image" for file in found.values() if file not in used]
    return partner


def read_colour(path: Path) -> np.ndarray:
    """Read an image as (H, W, 3), at its own depth; light as sRGB shows it."""
    pixels = read_image(path)
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4 and (pixels[..., 3] != FULL_SCALE.get(pixels.dtype, 1)).any():
        raise ValueError(f"{path} is transparent in places; expected an opaque image.")
    return pixels[..., :3]


def refuse_sixteen_bits(path: Path, pixels: np.ndarray) -> None:
    """Raise unless pixels have 8 bits per channel."""
    if pixels.dtype != np.uint8:
        raise ValueError(f"{path} has {8 * pixels.itemsize} bits per channel; expected 8.")


def read_gray(path: Path) -> np.ndarray:
    """Read a trimap or an alpha as (H, W), at its own depth; its channels have to be equal."""
    pixels = read_picture(path).pixels  # those of EXR, too, are no light
    levels = as_plane(pixels, name=str(path))
    if pixels.dtype not in FULL_SCALE:
        return levels
    return np.rint(levels * FULL_SCALE[pixels.dtype]).astype(pixels.dtype)
