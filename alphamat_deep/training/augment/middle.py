"""Crops that look at no alpha: the middle of a picture, or any part of it, brought to a size."""

from __future__ import annotations

import numpy as np

from alphamat_deep.training.augment.crops import Window, crop
from alphamat_deep.training.augment.geometry import resize, size_of
from alphamat_deep.training.augment.sample import LABELS, Sample, resample


def random_resized_crop(
    sample: Sample,
    height: int,
    width: int,
    rng: np.random.Generator,
    *,
    scale: tuple[float, float],
    ratio: tuple[float, float],
) -> Sample:
    """Resize a part of random area and aspect to a size: torchvision's RandomResizedCrop.

    The area is a share of the picture's, drawn from `scale`; the aspect (width / height) is drawn
    from `ratio`, uniformly in its logarithm. Ten draws may fail to fit; then it is the middle, as
    large as the nearest aspect allows. So it is for RVM's `scale=(1, 1), ratio=(0.9, 1.1)`.

    Examples
    --------
    >>> rng, sample = np.random.default_rng(0), {"alpha": np.zeros((40, 30, 1), np.float32)}
    >>> random_resized_crop(sample, 9, 8, rng, scale=(0.5, 1), ratio=(0.7, 1.3))["alpha"].shape
    (9, 8, 1)
    """
    window = _draw_part(size_of(sample), rng, scale, ratio)
    return resize(crop(sample, window), height, width)


def centre_crop(sample: Sample, height: int, width: int, *, between: bool = False) -> Sample:
    """Cut out the middle.

    An odd margin cannot be halved: half of it is rounded, to even, as torchvision does. `between`
    takes the mean of both ways instead, half a pixel from each, as kornia 0.4.1 does.

    Examples
    --------
    >>> sample = {"alpha": np.float32([[[0.25], [0.5], [1]]])}
    >>> centre_crop(sample, 1, 2)["alpha"].ravel().tolist()
    [0.25, 0.5]
    >>> centre_crop(sample, 1, 2, between=True)["alpha"].ravel().tolist()
    [0.375, 0.75]
    """
    rows, columns = size_of(sample)
    down, right = rows - height, columns - width
    if not between:
        return crop(sample, Window(round(down / 2), round(right / 2), height, width))

    def cut(name, pixels):
        for axis, margin, length in ((-3, down, height), (-2, right, width)):
            first = pixels.take(range(margin // 2, margin // 2 + length), axis)
            if margin % 2 and name not in LABELS:
                second = pixels.take(range(margin // 2 + 1, margin // 2 + 1 + length), axis)
                first = (first + second) / 2
            pixels = first
        return pixels

    return resample(sample, cut)


def shrink_and_crop(sample: Sample, height: int, width: int, *, between: bool = False) -> Sample:
    """Resize a sample to the square that covers a size, and cut out the middle.

    BackgroundMattingV2's base (with `between`) and RVM do so to whole batches; resizing is bilinear
    without antialiasing, and changes the aspect of pictures that are not square.

    Examples
    --------
    >>> shrink_and_crop({"alpha": np.zeros((64, 64, 1), np.float32)}, 40, 33)["alpha"].shape
    (40, 33, 1)
    """
    side = max(height, width)
    return centre_crop(resize(sample, side, side), height, width, between=between)


def cover_and_crop(sample: Sample, height: int, width: int) -> Sample:
    """Resize a sample until it just covers a size, and cut out the middle.

    BackgroundMattingV2 does so to refine, where the size is made of multiples of 4.

    Examples
    --------
    >>> cover_and_crop({"alpha": np.zeros((64, 64, 1), np.float32)}, 68, 52)["alpha"].shape
    (68, 52, 1)
    """
    rows, columns = size_of(sample)
    scale = max(height / rows, width / columns)
    larger = max(int(rows * scale), height), max(int(columns * scale), width)
    return centre_crop(resize(sample, *larger), height, width, between=True)


def draw_size(rng: np.random.Generator, most: int) -> tuple[int, int]:
    """Draw a height and a width, each uniformly from `most` // 2 … `most` - 1.

    These are the crops of BackgroundMattingV2 (base: most=512; refine: most=2048, each rounded down
    to a multiple of 4) and of RVM, whose `most` is the size of its clips.

    Examples
    --------
    >>> all(256 <= side < 512 for side in draw_size(np.random.default_rng(0), 512))
    True
    """
    height, width = rng.integers(most // 2, most, size=2)
    return int(height), int(width)


def _draw_part(
    shape: tuple[int, int],
    rng: np.random.Generator,
    scale: tuple[float, float],
    ratio: tuple[float, float],
) -> Window:
    rows, columns = shape
    for _ in range(10):
        area = rows * columns * rng.uniform(*scale)
        aspect = np.exp(rng.uniform(*np.log(ratio)))
        height, width = round(np.sqrt(area / aspect)), round(np.sqrt(area * aspect))
        if 0 < height <= rows and 0 < width <= columns:
            top, left = rng.integers(rows - height + 1), rng.integers(columns - width + 1)
            return Window(int(top), int(left), height, width)
    aspect = min(max(columns / rows, ratio[0]), ratio[1])
    height, width = min(rows, round(columns / aspect)), min(columns, round(rows * aspect))
    return Window((rows - height) // 2, (columns - width) // 2, height, width)
