"""Three losses on Laplacian pyramids, none of which equals another.

All three pyramids are linear: the difference of two pyramids is the pyramid of the difference, and
so one is built, not two. They are compiled, since hundreds of small steps are slow one by one.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.training.losses.arithmetic import absolute, add_up
from alphamat_deep.training.losses.filters import filter_separably, halve
from alphamat_deep.training.losses.terms import (
    Mask,
    Picture,
    Scalar,
    mean_over,
    refuse_other_shapes,
)

LEVELS = 5
BINOMIAL = tuple(weight / 16 for weight in (1, 4, 6, 4, 1))


@jax.jit
def laplacian_rvm(prediction: Picture, truth: Picture) -> Scalar:
    """Compare five bands of frequencies: Σ 2^ℓ L1(band ℓ) / 5, from the finest, ℓ = 0.

    A last odd row or column of each level is left out, and so is what is coarser than all bands.
    It is the loss of Robust Video Matting, of ViTMatte and of MEMatte.

    Parameters
    ----------
    prediction, truth : (..., H, W, C) arrays
        H and W at least 64: a smaller picture cannot be mirrored at the fifth level.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> truth = jnp.zeros((1, 64, 70, 1))
    >>> float(laplacian_rvm(truth + 1, truth)) < 1e-6  # a constant is in no band
    True
    """
    refuse_other_shapes(prediction, truth)
    _refuse_smaller(64, prediction)
    bands = _bands(prediction - truth)
    return add_up(2.0**level * absolute(band).mean() for level, band in enumerate(bands)) / LEVELS


@jax.jit
def laplacian_mgmatting(prediction: Picture, truth: Picture, mask: Mask) -> Scalar:
    """Compare the bands of `laplacian_rvm` over a mask: Σ 2^ℓ Σ_mask |band ℓ| / |mask|.

    Coarser levels take every second pixel of the mask. It is the loss of Mask Guided Matting (Yu et
    al., CVPR 2021) and of MatteFormer, and with a full mask five times `laplacian_rvm`.

    Parameters
    ----------
    prediction, truth : (..., H, W, C) arrays
        H and W multiples of 32, at least 64.
    mask : (..., H, W, 1) array
    """
    refuse_other_shapes(prediction, truth, mask)
    _refuse_smaller(64, prediction, multiple=32)
    terms = []
    for level, band in enumerate(_bands(prediction - truth)):
        terms.append(2.0**level * mean_over(absolute(band), mask, added=1e-8))
        mask = mask[..., ::2, ::2, :]
    return add_up(terms)


@jax.jit
def laplacian_aim(prediction: Picture, truth: Picture, mask: Mask | None = None) -> Scalar:
    """Compare five bands and what is coarser than all of them: the sum of six L1, unweighted.

    Its filter is the sum, not the product, of two Gaussians, one along rows and one along columns;
    levels are averages of 2 × 2 pixels. A mask multiplies both pictures first, and the means are
    over all pixels nevertheless. It is the loss of AIM, GFM and P3M-Net, and PaddleSeg has it.

    Parameters
    ----------
    prediction, truth : (..., H, W, C) arrays
        H and W at least 32.
    mask : (..., H, W, 1) array, optional

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> truth = jnp.zeros((1, 32, 40, 1))
    >>> round(float(laplacian_aim(truth + 1, truth)), 4)  # a constant is in the last term only
    1.0
    """
    refuse_other_shapes(prediction, truth, mask)
    _refuse_smaller(32, prediction)
    x, terms = prediction - truth, []
    if mask is not None:
        x = x * mask
    gaussian = np.exp(-(np.arange(-2.0, 3.0) ** 2))
    weights, ones = (gaussian / (10 * gaussian.sum())).tolist(), [1.0] * 5
    for _ in range(LEVELS):
        filtered = filter_separably(x, weights, ones, border="edge")
        filtered += filter_separably(x, ones, weights, border="edge")
        terms.append(absolute(x - filtered).mean())
        x = halve(filtered)
    return add_up([*terms, absolute(x).mean()])


def _bands(x: Picture) -> list[Float[Array, "*B h w C"]]:
    """Return each level less what the next coarser one, doubled in size, knows of it."""
    bands, doubled = [], [2 * weight for weight in BINOMIAL]
    for _ in range(LEVELS):
        *_, height, width, _ = x.shape
        x = x[..., : height // 2 * 2, : width // 2 * 2, :]
        coarser = filter_separably(x, BINOMIAL, BINOMIAL, border="reflect")[..., ::2, ::2, :]
        spaced = [(0, 0, 0)] * (x.ndim - 3) + [(0, 1, 1), (0, 1, 1), (0, 0, 0)]
        spread = lax.pad(coarser, jnp.zeros((), x.dtype), spaced)
        bands.append(x - filter_separably(spread, doubled, doubled, border="reflect"))
        x = coarser
    return bands


def _refuse_smaller(least: int, picture: Array, *, multiple: int = 1) -> None:
    *_, height, width, _ = picture.shape
    if min(height, width) < least or height % multiple or width % multiple:
        also = f", multiples of {multiple}" if multiple > 1 else ""
        raise ValueError(
            f"`prediction` is {height} × {width} (height × width); this Laplacian pyramid needs "
            f"sides of at least {least}{also}."
        )
