"""Changes of colour, by the rules of torchvision, kornia and Pillow.

`TENSOR_RULES` are torchvision's for tensors, `KORNIA_RULES` kornia 0.4's; both work on floating
point. `PILLOW_RULES` are torchvision's for Pillow's images and `PADDLESEG_RULES` PaddleSeg's; both
work on 8 bits. Each set changes brightness, contrast, saturation and hue, in this order.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from alphamat_deep.training.augment.sample import by_picture, in_8_bits

Rule = Callable[[np.ndarray, float], np.ndarray]

LUMA = np.array([0.2989, 0.587, 0.114], np.float32)
"""As torchvision weighs colours."""


def adjust_brightness(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Multiply colours.

    Examples
    --------
    >>> adjust_brightness(np.float32([[[0.25, 0.5, 1]]]), 1.5).tolist()
    [[[0.375, 0.75, 1.0]]]
    """
    return np.clip(pixels * np.float32(factor), 0, 1)


def adjust_contrast(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distance of colours from the mean grey of each picture.

    Examples
    --------
    >>> adjust_contrast(np.float32([[[0] * 3, [1] * 3]]), 0.5)[..., 0].round(3).tolist()
    [[0.25, 0.75]]
    """
    mean = grey_of(pixels).mean(axis=(-3, -2, -1), keepdims=True)
    return _blend(mean, pixels, factor)


def adjust_saturation(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the distance of colours from their grey.

    Examples
    --------
    >>> (1000 * adjust_saturation(np.float32([[[1, 0, 0]]]), 0)).round().tolist()
    [[[299.0, 299.0, 299.0]]]
    """
    return _blend(grey_of(pixels), pixels, factor)


def adjust_hue(pixels: np.ndarray, turn: float) -> np.ndarray:
    """Turn the hue by a share of the circle.

    Examples
    --------
    >>> adjust_hue(np.float32([[[1, 0, 0]]]), 1 / 3).round(3).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    return change_hsv(pixels, hue=360 * turn)


def grey_of(pixels: np.ndarray) -> np.ndarray:
    """Return the grey of colours as torchvision weighs them, (..., H, W, 1).

    Examples
    --------
    >>> (1000 * grey_of(np.float32([[[1, 0, 0], [0, 1, 0]]]))).round().tolist()
    [[[299.0], [587.0]]]
    """
    return (pixels @ LUMA)[..., None]


def change_hsv(
    pixels: np.ndarray,
    *,
    hue: float = 0.0,
    saturation: Callable[[np.ndarray], np.ndarray] | None = None,
    value: Callable[[np.ndarray], np.ndarray] | None = None,
) -> np.ndarray:
    """Turn hues by degrees and map saturation and value by functions of arrays in [0, 1].

    Examples
    --------
    >>> change_hsv(np.float32([[[1, 0, 0]]]), value=lambda v: v / 2).round(3).tolist()
    [[[0.5, 0.0, 0.0]]]
    """

    def changed(picture):
        hsv = cv2.cvtColor(picture, cv2.COLOR_RGB2HSV)
        hsv[..., 0] = (hsv[..., 0] + np.float32(hue)) % 360
        for channel, change in ((1, saturation), (2, value)):
            if change is not None:
                hsv[..., channel] = change(hsv[..., channel])
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)

    return by_picture(pixels, changed)


def add_brightness(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Add `factor` - 1 to colours, as kornia 0.4 does.

    Examples
    --------
    >>> add_brightness(np.float32([[[0.25, 0.5, 1]]]), 1.25).tolist()
    [[[0.5, 0.75, 1.0]]]
    """
    return np.clip(pixels + np.float32(factor - 1), 0, 1)


def scale_saturation(pixels: np.ndarray, factor: float) -> np.ndarray:
    """Multiply the saturation of HSV.

    Examples
    --------
    >>> scale_saturation(np.float32([[[1, 0.5, 0.5]]]), 0.5).round(3).tolist()
    [[[1.0, 0.75, 0.75]]]
    """
    return change_hsv(pixels, saturation=lambda s: np.clip(s * np.float32(factor), 0, 1))


def enhance(name: str) -> Rule:
    """Return the rule of a class of Pillow's ImageEnhance: "Brightness", "Contrast" or "Color".

    It works on 8 bits and truncates.

    Examples
    --------
    >>> darker = enhance("Brightness")(np.float32([[[51 / 255] * 3]]), 0.5)
    >>> (255 * darker).round().tolist()
    [[[25.0, 25.0, 25.0]]]
    """

    def enhanced(pixels: np.ndarray, factor: float) -> np.ndarray:
        from PIL import Image, ImageEnhance

        enhancer = getattr(ImageEnhance, name)
        return in_8_bits(
            pixels, lambda levels: np.asarray(enhancer(Image.fromarray(levels)).enhance(factor))
        )

    return enhanced


def turn_hue_byte(pixels: np.ndarray, turn: float) -> np.ndarray:
    """Turn the hue by a share of the circle, in whole steps of bytes: torchvision's with Pillow.

    Examples
    --------
    >>> turn_hue_byte(np.float32([[[1, 0, 0]]]), 1 / 3).round(2).tolist()
    [[[0.0, 1.0, 0.0]]]
    """
    return _change_hue_byte(pixels, lambda hue: hue + int(255 * turn))


def add_hue_byte(pixels: np.ndarray, steps: float) -> np.ndarray:
    """Turn the hue by a number of bytes' steps, and truncate: PaddleSeg's.

    Hues below 0 are truncated towards it.

    Examples
    --------
    >>> add_hue_byte(np.float32([[[1, 0, 0]]]), -0.9).tolist()
    [[[1.0, 0.0, 0.0]]]
    """
    return _change_hue_byte(pixels, lambda hue: hue + steps)


def reflect(levels: np.ndarray) -> np.ndarray:
    """Mirror what lies outside [0, 1] at its ends.

    Examples
    --------
    >>> reflect(np.array([-0.25, 0.5, 1.25])).tolist()
    [0.25, 0.5, 0.75]
    """
    return 1 - np.abs(1 - np.abs(levels))


def _blend(grey: np.ndarray, pixels: np.ndarray, factor: float) -> np.ndarray:
    return np.clip(grey + np.float32(factor) * (pixels - grey), 0, 1)


def _change_hue_byte(pixels: np.ndarray, change: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    from PIL import Image

    def changed(levels):
        hsv = np.array(Image.fromarray(levels).convert("HSV"))
        # Towards 0 and then modulo 256, which is what C does with bytes.
        hsv[..., 0] = np.trunc(change(hsv[..., 0].astype(np.float64))).astype(np.int64) & 255
        return np.asarray(Image.fromarray(hsv, mode="HSV").convert("RGB"))

    return in_8_bits(pixels, changed)


TENSOR_RULES = adjust_brightness, adjust_contrast, adjust_saturation, adjust_hue
KORNIA_RULES = add_brightness, adjust_brightness, scale_saturation, adjust_hue
PILLOW_RULES = enhance("Brightness"), enhance("Contrast"), enhance("Color"), turn_hue_byte
PADDLESEG_RULES = *PILLOW_RULES[:3], add_hue_byte
