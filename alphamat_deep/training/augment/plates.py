"""The clean plate and what makes it differ from the background of the image: BackgroundMattingV2.

A sample's `background` is what the image shows; its `plate` is what the network is given. They are
the same picture at first; then a person's shadow falls on the background, and the plate, taken at
another time, has noise, colours and a place of its own. The order there is: shadow, `compose`,
noise, jitter, affine.
"""

from __future__ import annotations

import cv2
import numpy as np

from alphamat_deep.training.augment.affine import draw_affine, warp
from alphamat_deep.training.augment.colour import KORNIA_RULES
from alphamat_deep.training.augment.focus import box_blur
from alphamat_deep.training.augment.geometry import size_of
from alphamat_deep.training.augment.jitter import apply_jitter, draw_jitter
from alphamat_deep.training.augment.noise import add_noise
from alphamat_deep.training.augment.sample import Sample, with_layers


def add_plate(sample: Sample) -> Sample:
    """Set the plate to the background.

    Examples
    --------
    >>> sorted(add_plate({"background": np.zeros((1, 1, 3), np.float32)}))
    ['background', 'plate']
    """
    return sample | {"plate": sample["background"]}


def cast_shadow(sample: Sample, strength: float, matrix: np.ndarray, size: int) -> Sample:
    """Darken the background by alpha times `strength`, moved by a matrix and box-blurred.

    Examples
    --------
    >>> sample = {"alpha": np.ones((4, 4, 1), np.float32)}
    >>> sample["background"] = np.ones((4, 4, 3), np.float32)
    >>> cast_shadow(sample, 0.25, np.eye(2, 3), 2)["background"].max().item()
    0.75
    """
    alpha = np.float32(strength) * sample["alpha"]
    moved = warp(alpha, matrix, *size_of(sample), interpolation=cv2.INTER_NEAREST)
    shadow = box_blur(moved, size)
    return with_layers(sample, {"background": np.clip(sample["background"] - shadow, 0, 1)})


def random_shadow(sample: Sample, rng: np.random.Generator, *, probability: float = 0.3) -> Sample:
    """Cast a shadow of strength 0 … 0.3 on the background.

    It is alpha turned by ± 5°, moved by ± 0.2 of the sides, scaled by 0.5 … 1.5, sheared by ± 5°,
    to the nearest pixel, and blurred by a box of 20 … 39 pixels.

    Examples
    --------
    >>> sample = {"alpha": np.ones((48, 48, 1), np.float32)}
    >>> sample["background"] = sample["plate"] = np.ones((48, 48, 3), np.float32)
    >>> shadowed = random_shadow(sample, np.random.default_rng(0), probability=1)
    >>> bool(shadowed["background"].mean() < shadowed["plate"].mean())
    True
    """
    if rng.random() >= probability:
        return sample
    height, width = size_of(sample)
    drawn = draw_affine(rng, height, width, degrees=5, translate=0.2, scale=(0.5, 1.5), shear=5)
    strength, size = 0.3 * rng.random(), int(rng.integers(20, 40))
    return cast_shadow(sample, strength, drawn.matrix(height, width), size)


def random_plate_noise(
    sample: Sample, rng: np.random.Generator, *, probability: float = 0.4
) -> Sample:
    """Add normal noise to image and plate, of its own for each; sigma 0 … 0.03.

    The noise of the image is in no layer: I = αF + (1 - α)B then holds up to it.

    Examples
    --------
    >>> sample = {name: np.full((4, 4, 3), 0.5, np.float32) for name in ("image", "plate")}
    >>> noisy = random_plate_noise(sample, np.random.default_rng(0), probability=1)
    >>> bool((noisy["image"] != noisy["plate"]).all())
    True
    """
    if rng.random() >= probability:
        return sample
    return sample | {
        name: add_noise(sample[name], 0.03 * rng.random(), rng) for name in ("image", "plate")
    }


def random_plate_jitter(
    sample: Sample, rng: np.random.Generator, *, probability: float = 0.8
) -> Sample:
    """Jitter the plate's colours by 0.18, 0.18, 0.18 and 0.1 of the circle, by kornia's rules.

    Examples
    --------
    >>> sample = {"plate": np.full((4, 4, 3), 0.5, np.float32)}
    >>> random_plate_jitter(sample, np.random.default_rng(0))["plate"].shape
    (4, 4, 3)
    """
    if rng.random() >= probability:
        return sample
    jitter = draw_jitter(
        rng, brightness=0.18, contrast=0.18, saturation=0.18, hue=0.1, rules=KORNIA_RULES
    )
    return sample | {"plate": apply_jitter(sample["plate"], jitter)}


def random_plate_affine(
    sample: Sample, rng: np.random.Generator, *, probability: float = 0.3
) -> Sample:
    """Turn the plate by ± 1° and move it by ± 0.01 of its sides, to the nearest pixel.

    Examples
    --------
    >>> sample = {"plate": np.ones((4, 4, 3), np.float32)}
    >>> random_plate_affine(sample, np.random.default_rng(0))["plate"].shape
    (4, 4, 3)
    """
    if rng.random() >= probability:
        return sample
    height, width = size_of(sample)
    drawn = draw_affine(rng, height, width, degrees=1, translate=0.01)
    matrix = drawn.matrix(height, width)
    plate = warp(sample["plate"], matrix, height, width, interpolation=cv2.INTER_NEAREST)
    return sample | {"plate": plate}
