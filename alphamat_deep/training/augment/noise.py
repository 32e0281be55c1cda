"""Noise and JPEG.

PaddleSeg's noise and JPEG are of the image only, and so in no layer: after them
I = αF + (1 - α)B holds only up to these.
"""

from __future__ import annotations

import cv2
import numpy as np

from alphamat_deep.training.augment.geometry import resize_pixels
from alphamat_deep.training.augment.sample import Sample, in_8_bits, parts, with_layers


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Compress colours as JPEG and read them again.

    Examples
    --------
    >>> jpeg(np.full((8, 8, 3), 0.5, np.float32), 90).shape
    (8, 8, 3)
    """

    def compressed(levels):
        settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
        encoded = cv2.imencode(".jpg", levels[..., ::-1], settings)[1]
        return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR))[..., ::-1]

    return in_8_bits(pixels, compressed)


def add_noise(
    pixels: np.ndarray, sigma: float, rng: np.random.Generator, *, mean: float = 0.0
) -> np.ndarray:
    """Add normal noise, and clip.

    Examples
    --------
    >>> add_noise(np.ones((1, 1, 3), np.float32), 0, np.random.default_rng(0)).min().item()
    1.0
    """
    noise = rng.standard_normal(pixels.shape, np.float32)
    return np.clip(pixels + np.float32(mean) + np.float32(sigma) * noise, 0, 1)


def grain(
    shape: tuple[int, ...],
    size: float,
    sigma: float,
    rng: np.random.Generator,
    *,
    monochrome: bool = False,
) -> np.ndarray:
    """Return normal noise (..., H, W, C) in grains of `size` pixels: RVM's.

    It is drawn in a picture that is `size` times smaller, and enlarged, bilinearly.

    Examples
    --------
    >>> grain((8, 12, 3), 2, 0.1, np.random.default_rng(0)).shape
    (8, 12, 3)
    """
    *lead, height, width, channels = shape
    small = *lead, round(height / size), round(width / size), 1 if monochrome else channels
    noise = np.float32(sigma) * rng.standard_normal(small, np.float32)
    return np.broadcast_to(resize_pixels(noise, height, width), shape)


def random_noise(sample: Sample, rng: np.random.Generator, *, probability: float = 0.5) -> Sample:
    """Add normal noise to the image only: PaddleSeg's RandomNoise.

    Its mean is 0 … 0.04 and its variance 0 … 0.001: it brightens, too.

    Examples
    --------
    >>> sample = {"image": np.full((5, 5, 3), 0.5, np.float32)}
    >>> noisy = random_noise(sample, np.random.default_rng(0), probability=1)["image"]
    >>> bool(noisy.std() > 0)
    True
    """
    if rng.random() >= probability:
        return sample
    mean, variance = rng.uniform(0, 0.04), rng.uniform(0, 0.001)
    return sample | {"image": add_noise(sample["image"], variance**0.5, rng, mean=mean)}


def random_jpeg(sample: Sample, rng: np.random.Generator, *, probability: float = 0.2) -> Sample:
    """Compress the image only, quality 70 … 94: PaddleSeg's RandomReJpeg.

    PaddleSeg compresses with red and blue exchanged; here they are not.

    Examples
    --------
    >>> sample = {"image": np.full((8, 8, 3), 0.5, np.float32)}
    >>> random_jpeg(sample, np.random.default_rng(0), probability=1)["image"].shape
    (8, 8, 3)
    """
    if rng.random() >= probability:
        return sample
    return sample | {"image": jpeg(sample["image"], int(rng.integers(70, 95)))}


def random_grain(sample: Sample, rng: np.random.Generator, *, probability: float = 0.1) -> Sample:
    """Add grain to foreground and background, and so to the image: RVM's.

    Grains of 1 … 4 pixels, half of the time without colour; their sigma, drawn for each layer, is
    0 … 0.2 divided by the size. Stills there have probability 0.05.

    Examples
    --------
    >>> sample = {"foreground": np.full((8, 8, 3), 0.5, np.float32)}
    >>> noisy = random_grain(sample, np.random.default_rng(0), probability=1)["foreground"]
    >>> bool(noisy.std() > 0)
    True
    """
    if rng.random() >= probability:
        return sample
    size, monochrome = rng.uniform(1, 4), bool(rng.random() < 0.5)
    layers = {}
    for name in parts(sample):
        if name != "alpha":
            pixels, sigma = sample[name], rng.uniform(0, 0.2) / size
            noise = grain(pixels.shape, size, sigma, rng, monochrome=monochrome)
            layers[name] = np.clip(pixels + noise, 0, 1)
    return with_layers(sample, layers)
