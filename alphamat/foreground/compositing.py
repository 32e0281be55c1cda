"""A foreground put over something else.

Porter & Duff, "Compositing Digital Images", SIGGRAPH 1984: the operator "over", straight alpha.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from alphamat.door.colour import decode_srgb, encode_srgb
from alphamat.door.image import Pixels, as_alpha, as_array, as_image, refuse_other_size, unit_range
from alphamat.door.parameters import as_flag


def composite(
    foreground: Pixels, alpha: Pixels, background: Pixels, *, linear_light: bool = False
) -> np.ndarray:
    """Blend alpha · foreground + (1 - alpha) · background.

    Parameters
    ----------
    foreground : (H, W, 3) array_like
        Colours not multiplied by alpha, such as `estimate_foreground(image, alpha).foreground`.
    alpha : (H, W) array_like
        Opacity in [0, 1].
    background : (H, W, 3) or (3,) array_like
        An image of the same size, or one colour in [0, 1].
    linear_light : bool
        Blend amounts of light, as a camera does: decode sRGB, blend, encode. Soft edges then do
        not darken. The default blends the sRGB values as they are; alphas and layers estimated
        from sRGB values fit that.

    Returns
    -------
    (H, W, 3) float64 array in [0, 1].

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; see `as_image`.

    Examples
    --------
    >>> import alphamat
    >>> foreground, alpha = [[[1.0, 0.0, 0.0]]], [[0.5]]
    >>> alphamat.composite(foreground, alpha, (0.0, 0.0, 1.0))
    array([[[0.5, 0. , 0.5]]])
    """
    linear_light = as_flag(linear_light, "linear_light")
    foreground = as_image(foreground, name="foreground")
    alpha = as_alpha(alpha, shape=foreground.shape[:2])[..., None]
    background = _as_backdrop(background, shape=foreground.shape[:2])
    if linear_light:
        light = alpha * decode_srgb(foreground) + (1 - alpha) * decode_srgb(background)
        return encode_srgb(light)
    return alpha * foreground + (1 - alpha) * background


def cutout(foreground: Pixels, alpha: Pixels) -> np.ndarray:
    """Join a foreground and its alpha to an RGBA image.

    Parameters
    ----------
    foreground : (H, W, 3) array_like
        Colours not multiplied by alpha. The image itself would keep the old background's colours.
    alpha : (H, W) array_like
        Opacity in [0, 1].

    Returns
    -------
    (H, W, 4) float64 array in [0, 1], with straight alpha, as PNG has it.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above; see `as_image`.

    Examples
    --------
    >>> import alphamat
    >>> alphamat.cutout([[[1.0, 0.0, 0.0]]], [[0.25]])
    array([[[1.  , 0.  , 0.  , 0.25]]])
    """
    foreground = as_image(foreground, name="foreground")
    return np.dstack([foreground, as_alpha(alpha, shape=foreground.shape[:2])])


def _as_backdrop(background: Any, *, shape: tuple[int, int]) -> np.ndarray:
    background = as_array(background, name="background")
    if background.shape == (3,):
        if background.dtype.kind == "i":
            raise TypeError(
                f"`background` is the colour {tuple(background.tolist())} in integers; expected "
                "floating point in [0, 1], such as (1.0, 1.0, 1.0) for white."
            )
        return unit_range(background, name="background")
    background = as_image(background, name="background")
    refuse_other_size(background.shape, shape, "background")
    return background
