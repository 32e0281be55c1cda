"""PyMatting's pictures: files, trimaps, compositing, and sheets of several pictures."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


def load_image(
    path: str | os.PathLike[str], mode: str | None = None, size: Any = None, resample: str = "box"
) -> np.ndarray:
    """Read a picture of 8 bits as float64 in [0, 1].

    Parameters
    ----------
    path : str or path
        A file that Pillow reads.
    mode : str, optional
        "GRAY", "RGB", or another mode of Pillow's to convert to. None keeps the file's.
    size : (width, height) or float, optional
        Size to resize to, or a factor.
    resample : str
        "box", "bilinear", "bicubic", "hamming", "lanczos", or "nearest", also called "none".

    Returns
    -------
    (H, W) or (H, W, channels) float64 array.

    Raises
    ------
    ValueError
        If the picture has not 8 bits a channel. `alphamat.read_image` reads the others.
    """
    with Image.open(path) as picture:
        if mode is not None:
            picture = picture.convert("L" if mode.upper() == "GRAY" else mode.upper())
        if size is not None:
            if np.ndim(size) == 0:
                size = int(picture.width * size), int(picture.height * size)
            filter = {"none": "nearest"}.get(resample.lower(), resample.lower())
            picture = picture.resize(size, Image.Resampling[filter.upper()])
        levels = np.asarray(picture)
    if levels.dtype != np.uint8:
        raise ValueError(
            f"`path` is {os.fspath(path)}, a picture with levels of {levels.dtype}; expected 8 "
            "bits. alphamat.read_image reads pictures of 16 bits and of floating point."
        )
    return levels / 255.0


def save_image(
    path: str | os.PathLike[str], image: np.ndarray, make_directory: bool = True
) -> None:
    """Write a picture of uint8, or of floating point in [0, 1], which is clipped and cut to 8 bits.

    Folders that are missing are made, unless `make_directory` is False.
    """
    levels = _levels(image)
    if make_directory:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path)


def to_rgb8(image: np.ndarray) -> np.ndarray:
    """Return gray, RGB or RGBA of uint8 or in [0, 1] as (H, W, 3) uint8; a fourth channel is lost.

    Examples
    --------
    >>> to_rgb8(np.eye(2)).tolist()
    [[[255, 255, 255], [0, 0, 0]], [[0, 0, 0], [255, 255, 255]]]
    """
    levels = _levels(image)
    if levels.ndim == 2:
        levels = levels[..., None]
    if levels.ndim != 3 or levels.shape[2] not in (1, 3, 4):
        raise ValueError(f"`image` has shape {np.shape(image)}; expected gray, RGB or RGBA.")
    return np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels[..., :3]


def _levels(image: np.ndarray) -> np.ndarray:
    if image.dtype == np.uint8:
        return image
    if image.dtype not in (np.float32, np.float64):
        raise TypeError(
            f"`image` has dtype {image.dtype}; expected uint8, float32 or float64 in [0, 1]."
        )
    return np.clip(image * 255, 0, 255).astype(np.uint8)


def sanity_check_image(image: np.ndarray) -> None:
    """Warn of an image that is not (H, W, 3), not floating point, or not in [0, 1]."""
    if image.ndim != 3 or image.shape[2] != 3:
        warnings.warn(
            f"Expected RGB image of shape (?, ?, 3), but image.shape is {image.shape}.",
            stacklevel=3,
        )
    for told in _oddities(image, "Image"):
        warnings.warn(told, stacklevel=3)


def trimap_split(
    trimap: np.ndarray, flatten: bool = True, bg_threshold: float = 0.1, fg_threshold: float = 0.9
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Split a trimap into foreground, background, known and unknown pixels.

    Parameters
    ----------
    trimap : (H, W) array
        Floating point in [0, 1].
    flatten : bool
        Whether the masks are flat.
    bg_threshold, fg_threshold : float
        Levels up to the first are background, from the second on foreground.

    Returns
    -------
    is_fg, is_bg, is_known, is_unknown : bool arrays

    Raises
    ------
    ValueError
        If there is no background, or no foreground.

    Examples
    --------
    >>> [mask.tolist() for mask in trimap_split(np.array([[1, 0], [0.5, 0.2]]))[:2]]
    [[True, False, False, False], [False, True, False, False]]
    """
    if flatten:
        trimap = trimap.ravel()
    for told in _oddities(trimap, "Trimap"):
        warnings.warn(told, stacklevel=3)
    is_fg, is_bg = trimap >= fg_threshold, trimap <= bg_threshold
    if not is_bg.any():
        raise ValueError(f"Trimap did not contain background values (values <= {bg_threshold:f})")
    if not is_fg.any():
        raise ValueError(f"Trimap did not contain foreground values (values >= {fg_threshold:f})")
    is_known = is_fg | is_bg
    return is_fg, is_bg, is_known, ~is_known


def _oddities(levels: np.ndarray, name: str) -> list[str]:
    variable, told = name.lower(), []
    for end, value, odd in (
        ("min", levels.min(), levels.min() < 0),
        ("max", levels.max(), levels.max() > 1),
    ):
        if odd:
            told.append(f"{name} values should be in [0, 1], but {variable}.{end}() is {value}.")
    if levels.dtype not in (np.float32, np.float64):
        told.append(
            f"Unexpected {variable}.dtype {levels.dtype}. Are you sure that you do not want to use "
            "np.float32 or np.float64 instead?"
        )
    return told


def fix_trimap(
    trimap: np.ndarray, lower_threshold: float = 0.1, upper_threshold: float = 0.9
) -> np.ndarray:
    """Return a trimap with 0 below the first threshold, 1 above the second, and 0.5 between.

    Examples
    --------
    >>> fix_trimap(np.array([0, 0.1, 0.4, 0.9, 1]), 0.2, 0.8).tolist()
    [0.0, 0.0, 0.5, 1.0, 1.0]
    """
    if not 0 <= lower_threshold <= 1:
        raise ValueError(f"`lower_threshold` is {lower_threshold}; expected 0 to 1.")
    if not lower_threshold <= upper_threshold <= 1:
        raise ValueError(
            f"`upper_threshold` is {upper_threshold}; expected `lower_threshold` to 1."
        )
    fixed = np.full_like(trimap, 0.5)
    fixed[trimap < lower_threshold], fixed[trimap > upper_threshold] = 0, 1
    return fixed


def blend(foreground: np.ndarray, background: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return alpha · foreground + (1 - alpha) · background, for images or single colours."""
    if alpha.ndim == 2:
        alpha = alpha[..., None]
    return alpha * foreground + (1 - alpha) * background


def stack_images(*images: np.ndarray) -> np.ndarray:
    """Join the channels of images, (H, W) or (H, W, channels), such as colours and alpha.

    Examples
    --------
    >>> stack_images(np.zeros((4, 5, 3)), np.ones((4, 5))).shape
    (4, 5, 4)
    """
    return np.dstack(images)


def remove_background_bicolor(
    image: np.ndarray, fg_color: np.ndarray, bg_color: np.ndarray
) -> np.ndarray:
    """Cut out what was painted in one colour on another, by the share of each in each pixel.

    Parameters
    ----------
    image : (H, W, 3) array
    fg_color, bg_color : (3,) arrays

    Returns
    -------
    (H, W, 4) array: straight colours and alpha.
    """
    line = fg_color - bg_color
    alpha = np.clip((image - bg_color) @ line / (line @ line), 0, 1)[..., None]
    rest = image - (1 - alpha) * bg_color
    colour = np.divide(rest, alpha, out=np.zeros_like(rest), where=alpha != 0)
    return np.concatenate([np.clip(colour, 0, 1), alpha], axis=2)


def make_grid(
    images: Sequence[np.ndarray | None],
    nx: int | None = None,
    ny: int | None = None,
    dtype: Any = None,
) -> np.ndarray | None:
    """Lay images out in nx columns and ny rows, in cells of the greatest size; None stays empty.

    By default the sheet is about square.
    """
    if not images:
        return None
    there = [image for image in images if image is not None]
    depth = max(image.shape[2] if image.ndim == 3 else 1 for image in there)
    height, width = (max(image.shape[axis] for image in there) for axis in (0, 1))
    if nx is None:
        nx = int(np.ceil(np.sqrt(len(images)))) if ny is None else -(-len(images) // ny)
    if ny is None:
        ny = -(-len(images) // nx)
    sheet = np.zeros((ny, height, nx, width, depth), dtype or there[0].dtype)
    for at, image in enumerate(images[: nx * ny]):
        if image is not None:
            sheet[at // nx, : image.shape[0], at % nx, : image.shape[1]] = _deepened(image, depth)
    sheet = sheet.reshape(ny * height, nx * width, depth)
    return sheet[..., 0] if depth == 1 else sheet


def _deepened(image: np.ndarray, depth: int) -> np.ndarray:
    """Return an image with more channels: gray repeated, RGB with an opaque alpha."""
    if image.ndim == 2:
        image = image[..., None]
    if image.shape[2] == 3 and depth == 4:
        return stack_images(image, np.ones_like(image[..., 0]))
    return image


def show_images(images: Sequence[np.ndarray | None]) -> None:
    """Show a sheet of images in the system's viewer."""
    if (sheet := make_grid(images)) is not None:
        Image.fromarray(_levels(sheet)).show()
