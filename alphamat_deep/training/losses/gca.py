"""GCA Matting.

Li & Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020: the published networks
minimise L1 over the unknown region alone. The terms after `supervised` are in GCA-Matting with
weight 0. Each takes the unknown region as a mask, and is a sum divided by its number of pixels.
"""

from __future__ import annotations

from functools import partial

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.models.gca import GCAOutput
from alphamat_deep.training.losses.filters import sobel_magnitude
from alphamat_deep.training.losses.terms import (
    Mask,
    Scalar,
    charbonnier,
    composite,
    l1,
    mean_over,
    refuse_other_shapes,
)

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]


def supervised(outputs: GCAOutput, alpha: Alpha, *, trimap: Alpha) -> dict[str, Scalar]:
    """Compare alpha in the unknown region of a trimap of 0, 0.5 and 1. Returns "total"."""
    return {"total": l1(outputs.alpha, alpha, trimap == 0.5)}


def smooth_l1(prediction: Alpha, truth: Alpha, mask: Mask) -> Scalar:
    """Average √(d² + 1e-6); each known pixel adds 1e-3 to the sum."""
    return charbonnier(prediction, truth, mask, epsilon=1e-6, added=1e-8, mask_inside=True)


def composition(
    prediction: Alpha, image: Colours, mask: Mask, *, foreground: Colours, background: Colours
) -> Scalar:
    """Compare the composite with the image: the sum of three L1, one a colour.

    Colours are ImageNet-normalised, as the network sees them.
    """
    return l1(composite(prediction, foreground, background), image, mask)


def gradient(prediction: Alpha, truth: Alpha, mask: Mask) -> Scalar:
    """Compare the magnitudes of Sobel's slopes, with zeros around the pictures."""
    refuse_other_shapes(prediction, truth, mask)
    steep = partial(sobel_magnitude, scale=1, epsilon=1e-8, border="constant")
    return l1(steep(prediction), steep(truth), mask)


def gabor(prediction: Alpha, truth: Alpha, mask: Mask) -> Scalar:
    """Compare the responses to Gabor filters of 16 directions: the sum of 16 squared errors."""
    refuse_other_shapes(prediction, truth, mask)
    # Filters 8 … 15 are filters 0 … 7 with the opposite sign.
    filters = jnp.asarray(gabor_filters(8), prediction.dtype)
    errors = lax.conv_general_dilated(
        prediction - truth,
        filters,
        window_strides=(1, 1),
        padding=((2, 2), (2, 2)),
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
        precision=lax.Precision.HIGHEST,
    )
    squares = (errors**2).sum(-1, keepdims=True)
    return 2 * mean_over(squares, mask, added=1e-8)


def gabor_filters(count: int) -> np.ndarray:
    """Return filters at angles of k π / 8, (5, 5, 1, count): σ 0.5, wavelength 5, aspect 0.5."""
    angle = np.arange(count) * np.pi / 8
    y, x = np.mgrid[2:-3:-1, 2:-3:-1][..., None]
    along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    envelope = np.exp(-(along**2 + (0.5 * across) ** 2) / (2 * 0.5**2))
    return (envelope * np.cos(2 * np.pi * along / 5 + np.pi / 2))[:, :, None]
