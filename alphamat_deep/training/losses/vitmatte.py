"""ViTMatte.

Yao, Wang, Yang & Wang, "ViTMatte: Boosting Image Matting with Pre-trained Plain Vision
Transformers", Information Fusion 103, 2024, section 3.4. MEMatte takes the same.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from alphamat_deep.training.losses.arithmetic import absolute, add_up
from alphamat_deep.training.losses.filters import sobel
from alphamat_deep.training.losses.pyramids import laplacian_rvm
from alphamat_deep.training.losses.terms import Mask, Scalar, l1, refuse_other_shapes

Alpha = Float[Array, "B H W 1"]


def supervised(prediction: Alpha, alpha: Alpha, *, trimap: Alpha) -> dict[str, Scalar]:
    """Compare alpha where it is unknown and where it is known, its pyramid and its slopes.

    H and W are at least 64. The trimap is 0, 0.5 or 1.

    Returns "unknown", "known", "laplacian", "gradient" and "total".
    """
    unknown = trimap == 0.5
    terms = {
        "unknown": region_l1(prediction, alpha, unknown),
        "known": region_l1(prediction, alpha, ~unknown),
        "laplacian": laplacian_rvm(prediction, alpha),
        "gradient": gradient_penalty(prediction, alpha, unknown),
    }
    return terms | {"total": add_up(terms.values())}


def region_l1(prediction: Alpha, truth: Alpha, region: Mask) -> Scalar:
    """Average over a region, up to a factor: 512² / (H W), whatever the size of the pictures."""
    refuse_other_shapes(prediction, truth, region)
    region = region.astype(truth.dtype)
    return _scale(region) * l1(region * prediction, region * truth)


def gradient_penalty(prediction: Alpha, truth: Alpha, region: Mask) -> Scalar:
    """Compare Sobel's slopes, and add 0.01 times the prediction's own, which smooths it.

    Around the pictures are zeros. The region multiplies slopes, up to the factor of `region_l1`.
    """
    refuse_other_shapes(prediction, truth, region)
    region = region.astype(truth.dtype)
    wrong = sobel(prediction - truth, border="constant")
    own = sobel(prediction, border="constant")
    errors, slopes = (add_up(absolute(x * region).mean() for x in both) for both in (wrong, own))
    return _scale(region) * (errors + 0.01 * slopes)


def _scale(region: Float[Array, "B H W 1"]) -> Scalar:
    """Return B 512² / the number of the region's pixels."""
    return len(region) * 512**2 / jnp.maximum(region.sum(), 1)
