"""Colours: sRGB and linear light, luma, and what people write in CSS."""

from __future__ import annotations

import numpy as np

LUMA = np.array([0.299, 0.587, 0.114])
"""Shares of red, green and blue in luma, BT.601."""


def decode_srgb(colours: np.ndarray) -> np.ndarray:
    """Return the linear light of sRGB values in [0, 1], IEC 61966-2-1.

    Examples
    --------
    Half of full scale is a fifth of the light:

    >>> import numpy as np
    >>> float(decode_srgb(np.float64(0.5)).round(3))
    0.214
    """
    return np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)


def encode_srgb(light: np.ndarray) -> np.ndarray:
    """Return the sRGB values of linear light, IEC 61966-2-1; light beyond [0, 1] is clipped.

    Examples
    --------
    >>> import numpy as np
    >>> encode_srgb(np.array([-0.1, 0.2140, 2.0])).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def luma(image: np.ndarray) -> np.ndarray:
    """Return the luma of an (H, W, 3) image in [0, 1] as OpenCV takes it, (H, W) uint8."""
    import cv2

    return cv2.cvtColor(np.rint(255 * image).astype(np.uint8), cv2.COLOR_RGB2GRAY)


def css_colour(text: str) -> np.ndarray:
    """Return an opaque CSS colour as (3,) floats in [0, 1].

    Raises
    ------
    ValueError
        If `text` is not a CSS colour, or if the colour has an alpha, also one of 255.

    Examples
    --------
    >>> css_colour("#3366cc").tolist()
    [0.2, 0.4, 0.8]
    """
    from PIL import ImageColor

    try:
        levels = ImageColor.getrgb(text)
    except ValueError:
        levels = ()
    if len(levels) != 3 or max(levels) > 255:
        raise ValueError(
            f"'{text}' is not an opaque CSS colour, such as white, '#3366cc' or "
            "'rgb(51, 102, 204)'."
        )
    return np.divide(levels, 255)
