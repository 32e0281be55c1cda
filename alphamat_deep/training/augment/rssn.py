"""RSSN of Li et al. (2022, "Bridging Composite and Real"): layers made alike before they meet.

Foregrounds and backgrounds come from different cameras. Denoising both, blurring the background
and adding the same noise to all hides what would tell them apart: their resolution, sharpness and
noise. PaddleSeg and GFM have rules of their own; both work on 8 bits.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from alphamat_deep.training.augment.sample import Sample, in_8_bits, with_layers


def denoise(pixels: np.ndarray) -> np.ndarray:
    """Denoise colours by non-local means in 8 bits, strength 3, as PaddleSeg does.

    It takes about two seconds for a megapixel.

    Examples
    --------
    >>> denoise(np.ones((8, 8, 3), np.float32)).shape
    (8, 8, 3)
    """

    def denoised(levels):
        blue_first = np.ascontiguousarray(levels[..., ::-1])
        return cv2.fastNlMeansDenoisingColored(blue_first, None, 3, 3, 7, 21)[..., ::-1]

    return in_8_bits(pixels, denoised)


def blur_in_8_bits(pixels: np.ndarray, size: int) -> np.ndarray:
    """Blur by a Gaussian of size × size weights in 8 bits.

    Examples
    --------
    >>> blur_in_8_bits(np.ones((8, 8, 3), np.float32), 19).min().item()
    1.0
    """
    return in_8_bits(pixels, lambda levels: cv2.GaussianBlur(levels, (size, size), 0))


def box_blur_in_8_bits(pixels: np.ndarray, size: int) -> np.ndarray:
    """Take means of size × size pixels in 8 bits, as OpenCV does.

    Examples
    --------
    >>> box_blur_in_8_bits(np.ones((8, 8, 3), np.float32), 20).min().item()
    1.0
    """
    return in_8_bits(pixels, lambda levels: cv2.blur(levels, (size, size)))


def random_paddleseg_rssn(
    sample: Sample,
    rng: np.random.Generator,
    *,
    denoise: Callable[[np.ndarray], np.ndarray] = denoise,
) -> Sample:
    """Denoise foreground and background half of the time; half of the time blur the background.

    The blur is 19, 29, 39, 49 or 59 pixels wide. PaddleSeg does it before the background is
    enlarged and cropped, and composes in 8 bits (`compose_in_8_bits`).

    Examples
    --------
    >>> sample = {name: np.ones((8, 8, 3), np.float32) for name in ("foreground", "background")}
    >>> random_paddleseg_rssn(sample, np.random.default_rng(0))["background"].min().item()
    1.0
    """
    layers = {name: sample[name] for name in ("foreground", "background")}
    if rng.random() < 0.5:
        layers = {name: denoise(pixels) for name, pixels in layers.items()}
    if rng.random() < 0.5:
        size = int(rng.choice([19, 29, 39, 49, 59]))
        layers["background"] = blur_in_8_bits(layers["background"], size)
    return with_layers(sample, layers)


def random_gfm_rssn(
    sample: Sample,
    rng: np.random.Generator,
    *,
    denoise: Callable[[np.ndarray], np.ndarray] = denoise,
    sigma: float = 10 / 255,
) -> Sample:
    """Do as `random_paddleseg_rssn`, with box blur; then add noise half of the time.

    The box is 20, 30, 40, 50 or 60 pixels wide. Foreground, background and image get the same
    noise, and are clipped, where bytes wrap round in GFM. GFM denoises by BM3D beforehand: pass
    another `denoise` to do so.

    Examples
    --------
    >>> sample = {name: np.ones((8, 8, 3), np.float32) for name in ("foreground", "background")}
    >>> random_gfm_rssn(sample, np.random.default_rng(0))["background"].shape
    (8, 8, 3)
    """
    layers = {name: sample[name] for name in ("foreground", "background")}
    if rng.random() < 0.5:
        layers = {name: denoise(pixels) for name, pixels in layers.items()}
    if rng.random() < 0.5:
        size = int(rng.choice([20, 30, 40, 50, 60]))
        layers["background"] = box_blur_in_8_bits(layers["background"], size)
    if rng.random() < 0.5:
        noise = np.float32(sigma) * rng.standard_normal(sample["foreground"].shape, np.float32)
        layers = {name: np.clip(pixels + noise, 0, 1) for name, pixels in layers.items()}
    return with_layers(sample, layers)
