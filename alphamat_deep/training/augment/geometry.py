"""Resizing, flipping and padding, alike for all arrays of a sample.

Colours and alpha are interpolated, trimaps take the nearest pixel.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from alphamat_deep.training.augment.sample import LABELS, Sample, by_picture, resample

ALL_FILTERS = (cv2.INTER_NEAREST, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def resize_pixels(
    pixels: np.ndarray, height: int, width: int, *, interpolation: int = cv2.INTER_LINEAR
) -> np.ndarray:
    """Resize (..., H, W, C) by one of OpenCV's filters, without antialiasing.

    Examples
    --------
    >>> resize_pixels(np.float32([[[0], [1]]]), 1, 4).tolist()
    [[[0.0], [0.25], [0.75], [1.0]]]
    """
    if pixels.shape[-3:-1] == (height, width):
        return pixels
    return by_picture(
        pixels, lambda picture: cv2.resize(picture, (width, height), interpolation=interpolation)
    )


def resize(
    sample: Sample,
    height: int,
    width: int,
    *,
    interpolation: int = cv2.INTER_LINEAR,
    separately: bool = False,
) -> Sample:
    """Resize a sample.

    The image is composed anew, or, with `separately`, resized itself, as authors do who compose
    their pictures beforehand (DIM, mmagic, PaddleSeg): I = αF + (1 - α)B then fails at edges.

    Examples
    --------
    >>> resize({"trimap": np.float32([[[0], [0.5]]])}, 1, 4)["trimap"].ravel().tolist()
    [0.0, 0.0, 0.5, 0.5]
    """

    def resized(name, pixels):
        how = cv2.INTER_NEAREST if name in LABELS else interpolation
        return resize_pixels(pixels, height, width, interpolation=how)

    return resample(sample, resized, separately=separately)


def limit_short_side(sample: Sample, most: int, *, least: int = 0) -> Sample:
    """Resize a sample whose short side is above `most` or below `least`: PaddleSeg's LimitShort.

    Examples
    --------
    >>> limit_short_side({"alpha": np.zeros((90, 60, 1), np.float32)}, 20)["alpha"].shape
    (30, 20, 1)
    """
    height, width = size_of(sample)
    scale = min(max(min(height, width), least), most) / min(height, width)
    return sample if scale == 1 else resize(sample, round(height * scale), round(width * scale))


def random_resize(
    sample: Sample, size: int, rng: np.random.Generator, *, scale: tuple[float, float] = (0.3, 1.5)
) -> Sample:
    """Resize by a factor drawn uniformly, 1 being what covers size × size: PaddleSeg's.

    PP-HumanMatting has size 2048 and scale 0.3 … 1.5.

    Examples
    --------
    >>> sample = {"alpha": np.zeros((90, 60, 1), np.float32)}
    >>> random_resize(sample, 20, np.random.default_rng(0), scale=(1, 1))["alpha"].shape
    (30, 20, 1)
    """
    height, width = size_of(sample)
    factor = max(size / width, size / height) * rng.uniform(*scale)
    return resize(sample, round(height * factor), round(width * factor))


def flip(sample: Sample, *, vertically: bool = False) -> Sample:
    """Mirror a sample left to right, or upside down.

    Examples
    --------
    >>> flip({"alpha": np.float32([[[0], [1]]])})["alpha"].ravel().tolist()
    [1.0, 0.0]
    """
    axis = -3 if vertically else -2
    return {name: np.flip(pixels, axis) for name, pixels in sample.items()}


def random_flip(
    sample: Sample,
    rng: np.random.Generator,
    *,
    probability: float = 0.5,
    vertically: bool = False,
) -> Sample:
    """Mirror a sample half of the time.

    Examples
    --------
    >>> sample = {"alpha": np.float32([[[0], [1]]])}
    >>> random_flip(sample, np.random.default_rng(0), probability=1)["alpha"].ravel().tolist()
    [1.0, 0.0]
    """
    return flip(sample, vertically=vertically) if rng.random() < probability else sample


def pad(sample: Sample, height: int, width: int) -> Sample:
    """Pad a sample at its right and bottom, up to a size: PaddleSeg's Padding.

    Colours are padded with 0.5, alpha and trimap with 0: the border is known background.

    Examples
    --------
    >>> sample = {name: np.ones((1, 1, 1), np.float32) for name in ("image", "alpha")}
    >>> [pad(sample, 1, 3)[name].ravel().tolist() for name in sample]
    [[1.0, 0.5, 0.5], [1.0, 0.0, 0.0]]
    """
    rows, columns = size_of(sample)
    below, right = max(0, height - rows), max(0, width - columns)

    def padded(name, pixels):
        border = [(0, 0)] * (pixels.ndim - 3) + [(0, below), (0, right), (0, 0)]
        value = 0.0 if name in LABELS or name == "alpha" else 0.5
        return np.pad(pixels, border, constant_values=value)

    return {name: padded(name, pixels) for name, pixels in sample.items()}


def draw_filter(interpolations: Sequence[int], rng: np.random.Generator | None) -> int:
    """Return one of several filters; with one there is nothing to draw."""
    if len(interpolations) == 1 or rng is None:
        return interpolations[0]
    return interpolations[int(rng.integers(len(interpolations)))]


def size_of(sample: Sample) -> tuple[int, int]:
    """Return the height and width of a sample's pictures."""
    return next(iter(sample.values())).shape[-3:-1]
