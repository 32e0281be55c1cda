"""Crops, most of them around pixels that are neither foreground nor background.

Rules differ between authors where a crop would leave the picture. With no unknown pixel to choose
from, crops lie anywhere, unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from alphamat_deep.training.augment.geometry import (
    draw_filter,
    resize,
    resize_pixels,
    size_of,
)
from alphamat_deep.training.augment.sample import LABELS, Sample, resample


class Window(NamedTuple):
    """A part of a picture."""

    top: int
    left: int
    height: int
    width: int


def crop(sample: Sample, window: Window) -> Sample:
    """Cut a window out of every array of a sample.

    Examples
    --------
    >>> sample = {"alpha": np.arange(12, dtype=np.float32).reshape(3, 4, 1)}
    >>> crop(sample, Window(1, 2, 2, 2))["alpha"].ravel().tolist()
    [6.0, 7.0, 10.0, 11.0]
    """
    top, left, height, width = window
    rows, columns = slice(top, top + height), slice(left, left + width)
    return {name: pixels[..., rows, columns, :] for name, pixels in sample.items()}


def window_inside(shape: tuple[int, int], size: tuple[int, int], centre: tuple[int, int]) -> Window:
    """Return the window around a pixel, moved into the picture where it would leave it: DIM's.

    Examples
    --------
    >>> window_inside((100, 120), (32, 32), centre=(99, 60))
    Window(top=68, left=44, height=32, width=32)
    """
    top, left = (
        int(min(max(at, part / 2), side - part / 2) - part / 2)
        for at, part, side in zip(centre, size, shape, strict=True)
    )
    return Window(top, left, *size)


def window_cut_off(
    shape: tuple[int, int], size: tuple[int, int], centre: tuple[int, int]
) -> Window:
    """Return the window around a pixel, smaller near the right and lower border: PaddleSeg's.

    Near the left and upper border it is moved inside.

    Examples
    --------
    >>> window_cut_off((100, 120), (32, 32), centre=(99, 60))
    Window(top=83, left=44, height=17, width=32)
    """
    top, left = (max(0, at - part // 2) for at, part in zip(centre, size, strict=True))
    return Window(top, left, min(size[0], shape[0] - top), min(size[1], shape[1] - left))


def random_crop(sample: Sample, sizes: Sequence[int], rng: np.random.Generator) -> Sample:
    """Cut a square anywhere, its side one of `sizes`; smaller where the picture is.

    Examples
    --------
    >>> sample = {"alpha": np.zeros((40, 30, 1), np.float32)}
    >>> random_crop(sample, (32,), np.random.default_rng(0))["alpha"].shape
    (32, 30, 1)
    """
    side = int(rng.choice(sizes))
    return crop(sample, _anywhere(size_of(sample), side, rng))


def random_crop_around_unknown(
    sample: Sample,
    sizes: Sequence[int],
    rng: np.random.Generator,
    *,
    prefer_inside: bool = False,
) -> Sample:
    """Cut a square centred on a pixel of fractional alpha, moved inside the picture: DIM's.

    The side is one of `sizes`: 320, 480 or 640. A smaller picture is enlarged to cover it first.
    With `prefer_inside`, as in mmagic, pixels around which the whole square fits are chosen where
    there are any. Without fractional pixels the square is the middle.

    Examples
    --------
    >>> alpha = np.zeros((40, 30, 1), np.float32)
    >>> alpha[30, 20] = 0.5
    >>> cut = random_crop_around_unknown({"alpha": alpha}, (8,), np.random.default_rng(0))
    >>> np.argwhere(cut["alpha"][..., 0]).tolist()
    [[4, 4]]
    """
    side = int(rng.choice(sizes))
    sample = cover(sample, side, side)
    shape = size_of(sample)
    unknown = _is_fractional(sample)
    if prefer_inside:
        whole, half = np.zeros_like(unknown), side // 2
        inside = (..., slice(half, shape[0] - half), slice(half, shape[1] - half))
        whole[inside] = unknown[inside]
        unknown = whole if whole.any() else unknown
    centre = _choose(unknown, rng) or (shape[0] // 2, shape[1] // 2)
    return crop(sample, window_inside(shape, (side, side), centre))


def random_crop_by_alpha(
    sample: Sample,
    sizes: Sequence[int],
    rng: np.random.Generator,
    *,
    probability: float = 0.5,
) -> Sample:
    """Cut a square around a pixel of fractional alpha, or anywhere: PaddleSeg's RandomCropByAlpha.

    The square is cut off at the right and lower border. With `probability` it is around such a
    pixel; where there is none, the sample then stays whole. Resize afterwards.

    Examples
    --------
    >>> alpha = np.full((40, 30, 1), 0.5, np.float32)
    >>> cut = random_crop_by_alpha({"alpha": alpha}, (8,), np.random.default_rng(1))
    >>> cut["alpha"].shape
    (8, 8, 1)
    """
    side = int(rng.choice(sizes))
    shape = size_of(sample)
    if rng.random() >= probability:
        return crop(sample, _anywhere(shape, side, rng))
    centre = _choose(_is_fractional(sample), rng)
    return crop(sample, window_cut_off(shape, (side, side), centre)) if centre else sample


def random_crop_from_unknown(
    sample: Sample,
    sizes: Sequence[int],
    rng: np.random.Generator,
    *,
    fallback: int = 512,
    probability: float = 0.5,
) -> Sample:
    """Cut a square whose upper left pixel is unknown in the trimap, or anywhere: P3M's and GFM's.

    The side is one of `sizes` (P3M: 512, 768, 1024; GFM: 640, 960, 1280), or `fallback` (512; 320)
    where the one drawn is not below the picture's short side. A picture not larger than that is
    enlarged; their code stops there. With `probability` the corner is unknown.

    Examples
    --------
    >>> trimap = np.zeros((40, 30, 1), np.float32)
    >>> trimap[12, 7] = 0.5
    >>> rng = np.random.default_rng(1)
    >>> cut = random_crop_from_unknown({"trimap": trimap}, (8,), rng, probability=1)
    >>> np.argwhere(cut["trimap"][..., 0]).tolist()
    [[0, 0]]
    """
    side = int(rng.choice(sizes))
    if side >= min(size_of(sample)):
        side = fallback
    sample = cover(sample, side + 1, side + 1)
    height, width = size_of(sample)
    corner = None
    if rng.random() < probability:
        unknown = sample["trimap"][..., : height - side, : width - side, 0] == 0.5
        corner = _choose(unknown, rng)
    corner = corner or (int(rng.integers(height - side)), int(rng.integers(width - side)))
    return crop(sample, Window(*corner, side, side))


def random_crop_by_coarse_trimap(
    sample: Sample,
    side: int,
    rng: np.random.Generator,
    *,
    interpolations: Sequence[int] = (cv2.INTER_NEAREST,),
) -> Sample:
    """Cut a square around a pixel that is unknown in every fourth row and column: GCA's RandomCrop.

    Only pixels count around which the whole square fits; if these are fewer than 10, it lies
    anywhere. A picture not larger than the square is enlarged to 1.1 times it first; a sample
    without unknown pixels is resized to the square. That is by one of `interpolations`; if there is
    only one, background and image have a cubic filter. GCA brings a background to the size of the
    foreground before: `resize_pixels(background, height, width, interpolation=cv2.INTER_CUBIC)`.

    Examples
    --------
    >>> trimap = np.full((60, 50, 1), 0.5, np.float32)
    >>> cut = random_crop_by_coarse_trimap({"trimap": trimap}, 16, np.random.default_rng(0))
    >>> cut["trimap"].shape
    (16, 16, 1)
    """
    smooth = (cv2.INTER_CUBIC,) if len(interpolations) == 1 else interpolations
    filters = dict.fromkeys(LABELS, (cv2.INTER_NEAREST,))
    filters |= {"background": smooth, "image": smooth}

    def resized(name, pixels, height, width):
        how = draw_filter(filters.get(name, interpolations), rng)
        return resize_pixels(pixels, height, width, interpolation=how)

    height, width = size_of(sample)
    ratio = 1.1 * side / min(height, width)
    while min(height, width) <= side:
        height, width = int(height * ratio), int(width * ratio)
        larger = height, width
        sample = resample(sample, lambda name, pixels, to=larger: resized(name, pixels, *to))
    trimap = sample["trimap"][..., 0]
    if not (trimap == 0.5).any():
        return resample(sample, lambda name, pixels: resized(name, pixels, side, side))
    corner = _coarse_corner(trimap, side, rng)
    return crop(sample, Window(*corner, side, side))


def cover(sample: Sample, height: int, width: int) -> Sample:
    """Enlarge a sample that does not cover a size; its aspect stays. mmagic's rule.

    Examples
    --------
    >>> cover({"alpha": np.zeros((10, 20, 1), np.float32)}, 15, 15)["alpha"].shape
    (15, 30, 1)
    """
    rows, columns = size_of(sample)
    ratio = max(height / rows, width / columns)
    if ratio <= 1:
        return sample
    return resize(sample, max(int(rows * ratio), height), max(int(columns * ratio), width))


def _anywhere(shape: tuple[int, int], side: int, rng: np.random.Generator) -> Window:
    height, width = (min(side, length) for length in shape)
    top, left = rng.integers(shape[0] - height + 1), rng.integers(shape[1] - width + 1)
    return Window(int(top), int(left), height, width)


def _is_fractional(sample: Sample) -> np.ndarray:
    alpha = sample["alpha"][..., 0]
    return (alpha > 0) & (alpha < 1)


def _choose(mask: np.ndarray, rng: np.random.Generator) -> tuple[int, int] | None:
    """Return row and column of a random pixel of a mask (..., H, W), or None if it has none."""
    found = np.flatnonzero(mask)
    if not found.size:
        return None
    *_, row, column = np.unravel_index(found[rng.integers(found.size)], mask.shape)
    return int(row), int(column)


def _coarse_corner(trimap: np.ndarray, side: int, rng: np.random.Generator) -> tuple[int, int]:
    height, width = trimap.shape[-2:]
    coarse = resize_pixels(
        trimap[..., None], height // 4, width // 4, interpolation=cv2.INTER_NEAREST
    )
    margin = side // 2
    rows = slice(margin // 4, (height - margin) // 4)
    columns = slice(margin // 4, (width - margin) // 4)
    unknown = coarse[..., rows, columns, 0] == 0.5
    if np.count_nonzero(unknown) < 10:
        return int(rng.integers(height - side + 1)), int(rng.integers(width - side + 1))
    row, column = _choose(unknown, rng) or (0, 0)
    return 4 * row, 4 * column
