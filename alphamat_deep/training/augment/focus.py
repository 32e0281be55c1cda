"""Blur and sharpening of layers; the image follows."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np

from alphamat_deep.training.augment.sample import (
    Sample,
    by_picture,
    in_8_bits,
    parts,
    with_layers,
)


def gaussian_blur(pixels: np.ndarray, size: int, *, sigma: float = 0.0) -> np.ndarray:
    """Blur by a Gaussian of size × size weights; borders are mirrored.

    Sigma 0 stands for 0.3 (size / 2 - 1.5) + 0.8; size 0 for one that fits sigma.

    Examples
    --------
    >>> gaussian_blur(np.float32([[[0], [4], [0]]]), 3).ravel().tolist()
    [2.0, 2.0, 2.0]
    """
    return by_picture(pixels, lambda picture: cv2.GaussianBlur(picture, (size, size), sigma))


def box_blur(pixels: np.ndarray, size: int) -> np.ndarray:
    """Take means of size × size pixels, as kornia does; borders are mirrored.

    Of an even size one more pixel counts to the right and below; for OpenCV alone it is to the left
    and above.

    Examples
    --------
    >>> box_blur(np.float32([[[0], [4], [0]]]), 2).ravel().tolist()
    [2.0, 2.0, 2.0]
    """
    middle = (size - 1) // 2, (size - 1) // 2
    return by_picture(pixels, lambda picture: cv2.blur(picture, (size, size), anchor=middle))


def pillow_box_blur(pixels: np.ndarray, radius: int) -> np.ndarray:
    """Take means of (2 radius + 1)² pixels in 8 bits, as Pillow does; borders are repeated.

    Examples
    --------
    >>> blurred = pillow_box_blur(np.float32([[[0], [0], [1]]]), 1)
    >>> (255 * blurred).ravel().round().tolist()
    [0.0, 85.0, 170.0]
    """
    from PIL import ImageFilter

    return _filtered(pixels, ImageFilter.BoxBlur(radius))


def pillow_sharpen(pixels: np.ndarray) -> np.ndarray:
    """Sharpen by Pillow's 3 × 3 kernel in 8 bits: 32 in the middle and -2 around, over 16.

    Examples
    --------
    >>> pillow_sharpen(np.ones((3, 3, 1), np.float32)).min().item()
    1.0
    """
    from PIL import ImageFilter

    return _filtered(pixels, ImageFilter.SHARPEN)


def unsharp(pixels: np.ndarray, size: int, weight: float) -> np.ndarray:
    """Add `weight` times what a Gaussian of sigma 5 takes away, in 8 bits: PaddleSeg's.

    Examples
    --------
    >>> unsharp(np.ones((3, 3, 1), np.float32), 3, 0.5).min().item()
    1.0
    """

    def sharpened(levels):
        blurred = cv2.GaussianBlur(levels, (size, size), 5)
        return cv2.addWeighted(levels, 1 + weight, np.reshape(blurred, levels.shape), -weight, 0)

    return in_8_bits(pixels, sharpened)


def adjust_sharpness(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Blend with a slightly smoothed picture: 0 smooths, 1 keeps, more sharpens; torchvision's.

    The smoothing kernel is 5 in the middle and 1 around, over 13; the border stays.

    Examples
    --------
    >>> adjust_sharpness(np.ones((3, 3, 1), np.float32), 4).min().item()
    1.0
    """
    kernel = np.ones((3, 3), np.float32)
    kernel[1, 1] = 5

    def sharpened(picture):
        smooth = picture.copy()
        filtered = np.atleast_3d(cv2.filter2D(picture, -1, kernel / 13))
        smooth[1:-1, 1:-1] = filtered[1:-1, 1:-1]
        return np.clip(smooth + np.float32(factor) * (picture - smooth), 0, 1)

    return by_picture(pixels, sharpened)


def random_blur(
    sample: Sample,
    rng: np.random.Generator,
    *,
    probability: float = 0.1,
    separately: bool = False,
) -> Sample:
    """Blur layers and alpha, but not the trimap: PaddleSeg's RandomBlur.

    It happens once in int(1 / probability) times, in 8 bits, with one size for all, 3, 5, 7 or 9
    at 1 : 2 : 2 : 2. With `separately` the image is blurred itself, as in PaddleSeg:
    I = αF + (1 - α)B then fails at edges.

    Examples
    --------
    >>> sample = {"alpha": np.zeros((5, 5, 1), np.float32)}
    >>> sample["alpha"][2, 2] = 1
    >>> blurred = random_blur(sample, np.random.default_rng(0), probability=1)["alpha"]
    >>> bool(0 < blurred.max() < 1)
    True
    """
    if probability <= 0 or rng.integers(int(1 / min(probability, 1))):
        return sample
    size = int(rng.choice([3, 5, 5, 7, 7, 9, 9]))

    def blurred(pixels):
        return in_8_bits(pixels, lambda levels: cv2.GaussianBlur(levels, (size, size), 0))

    new = {name: blurred(sample[name]) for name in parts(sample, separately=separately)}
    return sample | new if separately else with_layers(sample, new)


def random_sharpen(
    sample: Sample,
    rng: np.random.Generator,
    *,
    probability: float = 0.2,
    separately: bool = False,
) -> Sample:
    """Sharpen colours by unsharp masking: PaddleSeg's RandomSharpen.

    Size 3, 5, 7, 9 or 31, weight 0.1 … 0.5, for foreground and background alike; the image follows.
    With `separately`, as in PaddleSeg, these are for the image, and foreground and background have
    31 and 0.5: I = αF + (1 - α)B is then false.

    Examples
    --------
    >>> sample = {"foreground": np.ones((5, 5, 3), np.float32)}
    >>> random_sharpen(sample, np.random.default_rng(0), probability=1)["foreground"].min().item()
    1.0
    """
    if rng.random() >= probability:
        return sample
    drawn = int(rng.choice([0, 3, 5, 7, 9])), rng.uniform(0.1, 0.5)  # size 0: what fits sigma, 31
    names = [name for name in parts(sample, separately=separately) if name != "alpha"]
    if separately:
        fixed = {name: drawn if name == "image" else (0, 0.5) for name in names}
        return sample | {name: unsharp(sample[name], *how) for name, how in fixed.items()}
    return with_layers(sample, {name: unsharp(sample[name], *drawn) for name in names})


def random_box_blur(
    sample: Sample,
    rng: np.random.Generator,
    *,
    names: Iterable[str] = ("foreground", "alpha"),
    probability: float = 0.1,
    radius: int = 5,
) -> Sample:
    """Blur layers alike by Pillow's box, of radius 0 … `radius`: BackgroundMattingV2's.

    Examples
    --------
    >>> sample = {"alpha": np.ones((8, 8, 1), np.float32)}
    >>> rng = np.random.default_rng(0)
    >>> random_box_blur(sample, rng, names=("alpha",), probability=1)["alpha"].min().item()
    1.0
    """
    if rng.random() >= probability:
        return sample
    drawn = int(rng.integers(radius, endpoint=True))
    return with_layers(sample, {name: pillow_box_blur(sample[name], drawn) for name in names})


def random_pillow_sharpen(
    sample: Sample,
    rng: np.random.Generator,
    *,
    names: Iterable[str] = ("foreground", "alpha"),
    probability: float = 0.1,
) -> Sample:
    """Sharpen layers alike by Pillow's kernel: BackgroundMattingV2's.

    Examples
    --------
    >>> sample = {"alpha": np.ones((8, 8, 1), np.float32)}
    >>> rng = np.random.default_rng(0)
    >>> random_pillow_sharpen(sample, rng, names=("alpha",), probability=1)["alpha"].shape
    (8, 8, 1)
    """
    if rng.random() >= probability:
        return sample
    return with_layers(sample, {name: pillow_sharpen(sample[name]) for name in names})


def random_sharpness(
    sample: Sample,
    rng: np.random.Generator,
    *,
    probability: float = 0.1,
    most: float = 8.0,
) -> Sample:
    """Smooth or sharpen foreground, background and alpha alike by 0 … `most`: RVM's.

    Stills there have probability 0.05.

    Examples
    --------
    >>> sample = {"alpha": np.ones((8, 8, 1), np.float32)}
    >>> random_sharpness(sample, np.random.default_rng(0), probability=1)["alpha"].min().item()
    1.0
    """
    if rng.random() >= probability:
        return sample
    factor = rng.uniform(0, most)
    names = parts(sample)
    return with_layers(sample, {name: adjust_sharpness(sample[name], factor) for name in names})


def _filtered(pixels: np.ndarray, kernel) -> np.ndarray:
    from PIL import Image

    def filtered(levels):
        picture = Image.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels)
        return np.asarray(picture.filter(kernel))

    return in_8_bits(pixels, filtered)
