"""BiRefNet: how alpha is compared at four sizes, and where the picture changes.

Zheng et al., "Bilateral Reference for High-Resolution Dichotomous Image Segmentation", CAAI
Artificial Intelligence Research 3, 2024, section 3.4; weights as in the authors' program, which
has others for matting than for masks. Their Laplacian is kornia's with 5 × 5 pixels: the sum of the
others around less 24 times the one, both divided by 48.
"""

from __future__ import annotations

from math import exp

import jax
import optax
from jaxtyping import Array, Float

from alphamat_deep.layers import resize_to_corners
from alphamat_deep.models.birefnet import BiRefNetOutput
from alphamat_deep.training.losses.arithmetic import add_up
from alphamat_deep.training.losses.filters import filter_separably
from alphamat_deep.training.losses.terms import Scalar, l1

Alpha = Float[Array, "B H W 1"]

BELL = [exp(-((at - 5) ** 2) / 4.5) for at in range(11)]  # 11 pixels of a Gaussian of 1.5
WINDOW = [weight / sum(BELL) for weight in BELL]


def masks(outputs: BiRefNetOutput, truth: Alpha, *, image: Array) -> dict[str, Scalar]:
    """Compare masks of any objects ("general use"): entropy, overlap, structure and distance.

    Parameters
    ----------
    outputs : BiRefNetOutput
        With `sides` and `edges`: of a network with `supervise`.
    truth : (B, H, W, 1) array
    image : (B, H, W, 3) array
        As the network sees it.

    Returns
    -------
    "entropy", "overlap", "structure", "distance" and "edges", each with its weight and summed over
    sizes, and "total", their sum.
    """
    return _supervised(outputs, truth, image, overlap=0.5)


def matting(outputs: BiRefNetOutput, truth: Alpha, *, image: Array) -> dict[str, Scalar]:
    """Compare alpha: as `masks` without "overlap"."""
    return _supervised(outputs, truth, image, overlap=0.0)


def _supervised(
    outputs: BiRefNetOutput, truth: Alpha, image: Array, *, overlap: float
) -> dict[str, Scalar]:
    assert outputs.sides is not None
    height, width = truth.shape[1:3]
    enlarged = [resize_to_corners(side, height, width) for side in outputs.sides]
    logits = [*enlarged, outputs.logits]
    alphas = [jax.nn.sigmoid(x) for x in logits]
    terms = {
        "entropy": 30 * add_up(entropy(x, truth) for x in logits),
        "structure": 10 * add_up(structure(x, truth) for x in alphas),
        "distance": 100 * add_up(l1(x, truth) for x in alphas),
        "edges": edges(outputs, image),
    }
    if overlap:
        terms["overlap"] = overlap * add_up(no_overlap(x, truth) for x in alphas)
    return terms | {"total": add_up(terms.values())}


def entropy(logits: Alpha, truth: Alpha) -> Scalar:
    """Return the binary cross-entropy of a sigmoid.

    >>> import jax.numpy as jnp
    >>> round(float(entropy(jnp.zeros((1, 2, 2, 1)), jnp.ones((1, 2, 2, 1)))), 4)
    0.6931
    """
    return optax.sigmoid_binary_cross_entropy(logits, truth).mean()


def no_overlap(prediction: Alpha, truth: Alpha) -> Scalar:
    """Return 1 less the intersection over the union, summed over the batch.

    >>> import jax.numpy as jnp
    >>> halves = jnp.array([[1.0, 0], [1, 1]]).reshape(1, 2, 2, 1)
    >>> round(float(no_overlap(halves, jnp.ones((1, 2, 2, 1)))), 4)
    0.25
    """
    both = (prediction * truth).sum((1, 2, 3))
    return (1 - both / (prediction.sum((1, 2, 3)) + truth.sum((1, 2, 3)) - both)).sum()


def structure(prediction: Alpha, truth: Alpha) -> Scalar:
    """Return 1 less the mean of SSIM, in windows of 11 pixels; beyond the border is 0.

    Wang, Bovik, Sheikh & Simoncelli, "Image Quality Assessment: From Error Visibility to Structural
    Similarity", IEEE Transactions on Image Processing 13(4), 2004, equation 13.

    >>> import jax.numpy as jnp
    >>> ramp = jnp.linspace(0, 1, 20).reshape(1, 1, 20, 1)
    >>> abs(round(float(structure(ramp, ramp)), 4))
    0.0
    """
    mean = lambda x: filter_separably(x, WINDOW, WINDOW, border="constant")  # noqa: E731
    c1, c2 = 0.01**2, 0.03**2
    mx, my = mean(prediction), mean(truth)
    vx, vy = mean(prediction**2) - mx**2, mean(truth**2) - my**2
    covariance = mean(prediction * truth) - mx * my
    similar = (2 * mx * my + c1) * (2 * covariance + c2)
    return 1 - (similar / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()


def edges(outputs: BiRefNetOutput, image: Array) -> Scalar:
    """Compare where the network sees changes with where the picture changes within the object.

    The truth is a sigmoid of the Laplacian of gray times each size's logits. It learns, too: the
    author lets gradients through it.
    """
    assert outputs.sides is not None
    assert outputs.edges is not None
    height, width = image.shape[1:3]
    changes = laplacian(image.mean(-1, keepdims=True))
    losses = []
    for side, edge in zip(outputs.sides, outputs.edges, strict=True):
        truth = jax.nn.sigmoid(changes * resize_to_corners(side, height, width))
        losses.append(entropy(resize_to_corners(edge, height, width), truth))
    return add_up(losses)


def laplacian(x: Float[Array, "B H W 1"]) -> Float[Array, "B H W 1"]:
    """Return the mean of 5 × 5 pixels less the one, times 25/48; the border is mirrored.

    >>> import jax.numpy as jnp
    >>> float(laplacian(jnp.zeros((1, 5, 5, 1)).at[0, 2, 2, 0].set(1.0))[0, 2, 2, 0])
    -0.5
    """
    ones = [1.0] * 5
    return (filter_separably(x, ones, ones, border="reflect") - 25 * x) / 48
