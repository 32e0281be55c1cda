"""Layers of scene-linear light, whose values may be below 0 and far above 1."""

from __future__ import annotations

import numpy as np

from alphamat.door.image import Pixels, as_alpha, as_array
from alphamat.foreground.multilevel import Layers, estimate_foreground


def foreground_of_light(light: Pixels, alpha: Pixels) -> np.ndarray:
    """Estimate the foreground's light, by `estimate_foreground`.

    That is linear in the image, so it is given the light brought to [0, 1] by one scale and one
    offset. Where alpha is 1 the foreground is the light itself.

    Parameters
    ----------
    light : (H, W, 3) array_like
        Floating point, finite.
    alpha : (H, W) array_like
        Opacity in [0, 1].

    Returns
    -------
    (H, W, 3) float64 array, not multiplied by alpha, within the least and the greatest of `light`.

    Raises
    ------
    TypeError, ValueError
        If an argument is not as above.

    Examples
    --------
    >>> import numpy as np
    >>> light = np.full((11, 14, 3), 7.5)
    >>> float(foreground_of_light(light, np.ones((11, 14))).max())
    7.5
    """
    light = as_array(light, name="light")
    if light.dtype.kind != "f":
        raise TypeError(f"`light` has dtype {light.dtype}; expected floating point.")
    if light.ndim != 3 or light.shape[2] != 3 or light.size == 0:
        raise ValueError(f"`light` has shape {light.shape}; expected (H, W, 3).")
    light = light.astype(np.float64, copy=False)
    low, high = min(float(light.min()), 0.0), max(float(light.max()), 1.0)
    if not np.isfinite(low + high):
        raise ValueError("`light` contains NaN or infinite values; expected finite light.")
    alpha = as_alpha(alpha, shape=light.shape[:2])
    scaled = np.clip((light - low) / (high - low), 0, 1)
    layers: Layers = estimate_foreground(scaled, alpha)
    return with_opaque(low + (high - low) * layers.foreground, light, alpha)


def with_opaque(foreground: np.ndarray, image: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return an estimated foreground that is the image itself where alpha is 1."""
    return np.where(alpha[..., None] == 1, image, foreground)
