"""Robust Video Matting.

Lin, Yang, Saleemi & Sengupta, "Robust High-Resolution Video Matting with Temporal Guidance", WACV
2022, section 5. Outputs and truth are of clips, (B, T, H, W, ·), so `outputs` is an `RVMOutput`
whose fields have the axis T of time. The authors take a step of the optimiser for `matting`, and
another for `segmentation`.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from alphamat_deep.models.rvm import RVMOutput
from alphamat_deep.training.losses.arithmetic import add_up
from alphamat_deep.training.losses.pyramids import laplacian_rvm
from alphamat_deep.training.losses.terms import Picture, Scalar, l1, mse, refuse_other_shapes

Alpha = Float[Array, "B T H W 1"]
Colours = Float[Array, "B T H W 3"]


def matting(outputs: RVMOutput, alpha: Alpha, *, foreground: Colours) -> dict[str, Scalar]:
    """Compare alpha, its pyramid and its changes in time, and the same of the foreground's colours.

    Colours count where alpha is above 0, and their means are over all pixels.

    Returns "alpha", "laplacian", "coherence", "foreground", "foreground_coherence" and "total".
    """
    seen = alpha > 0
    colours = outputs.foreground * seen, foreground * seen
    terms = {
        "alpha": l1(outputs.alpha, alpha),
        "laplacian": laplacian_rvm(outputs.alpha, alpha),
        "coherence": coherence(outputs.alpha, alpha),
        "foreground": l1(*colours),
        "foreground_coherence": coherence(*colours),
    }
    return terms | {"total": add_up(terms.values())}


def coherence(prediction: Picture, truth: Picture, *, weight: float = 5.0) -> Scalar:
    """Compare changes from frame to frame: 5 MSE of the differences along axis 1.

    >>> import jax.numpy as jnp
    >>> still = jnp.zeros((1, 2, 4, 4, 1))
    >>> float(coherence(still + 0.3, still))
    0.0
    """
    refuse_other_shapes(prediction, truth)
    if truth.shape[1] < 2:
        raise ValueError(f"The clips have {truth.shape[1]} frame; expected at least 2.")
    return weight * mse(jnp.diff(prediction, axis=1), jnp.diff(truth, axis=1))


def segmentation(outputs: RVMOutput, person: Alpha) -> dict[str, Scalar]:
    """Compare the log odds of a person with where one is, 0 or 1: binary cross-entropy."""
    logits = outputs.segmentation
    refuse_other_shapes(logits, person)
    return {"total": (jnp.logaddexp(logits, 0) - logits * person).mean()}
