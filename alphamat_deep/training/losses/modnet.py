"""MODNet.

Ke, Sun, Li, Yan & Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective
Decomposition", AAAI 2022: section 3 in `supervised`, section 4 ("SOC") in `adapt`, with the weights
of the authors' program, which are not all the paper's. `pp.modnet` is PaddleSeg's.

`alpha` is in [0, 1] and the trimap 0, 0.5 or 1. The image is in [-1, 1], as the network sees it: a
loss of composition that took [0, 1] would be another one.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float

from alphamat_deep.layers import resize
from alphamat_deep.models.modnet import MODNetOutput
from alphamat_deep.training.losses.arithmetic import absolute, add_up
from alphamat_deep.training.losses.filters import filter_separably
from alphamat_deep.training.losses.terms import Scalar, l1, mse, refuse_other_shapes

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]


def supervised(
    outputs: MODNetOutput, alpha: Alpha, *, trimap: Alpha, image: Colours
) -> dict[str, Scalar]:
    """Compare the semantics, the detail along the boundary, and alpha.

    Returns
    -------
    "semantic", weighted by 10 as in the program (1 in the paper); "detail", by 10, a mean over all
    pixels of what is 0 off the boundary; "matte"; and "total", their sum.
    """
    boundary = trimap == 0.5
    sums = matte(outputs.alpha, alpha, boundary=boundary, outside=trimap, image=image)
    terms = {
        "semantic": 10 * mse(outputs.semantic, shrink(alpha, outputs.semantic)),
        "detail": 10 * l1(boundary * outputs.detail, boundary * alpha),
        "matte": sums[0] + sums[1],
    }
    return terms | {"total": terms["semantic"] + terms["detail"] + terms["matte"]}


def matte(
    prediction: Alpha,
    truth: Alpha,
    *,
    boundary: Bool[Array, "B H W 1"],
    outside: Alpha,
    image: Colours,
) -> tuple[Scalar, Scalar]:
    """Compare alpha, and α I, each once everywhere and four times more along the boundary.

    `outside` replaces the prediction off the boundary. It is the trimap in the authors' program, so
    that a truth that is soft there adds a constant, and the truth in PaddleSeg's.
    """
    refuse_other_shapes(prediction, truth, boundary)
    refuse_other_shapes(image[..., :1], truth)
    near = jnp.where(boundary, prediction, outside)
    alphas = l1(prediction, truth) + 4 * l1(near, truth)
    colours = l1(image * prediction, image * truth) + 4 * l1(image * near, image * truth)
    return alphas, colours


def adapt(outputs: MODNetOutput, backup: MODNetOutput) -> dict[str, Scalar]:
    """Make a trained network's three outputs agree on pictures without truth.

    Semantics and alpha must agree; along the boundary, detail and alpha must stay near those of
    `backup`, which are the outputs of a frozen copy of the network.

    Returns "semantic", weighted by 100, "detail" and "total".
    """
    boundary = boundaries(outputs.alpha, outputs.semantic)
    smooth, semantic = shrink(outputs.alpha, outputs.semantic), outputs.semantic
    agree = mse(semantic, _certain(smooth)) + mse(smooth, _certain(semantic))
    stay = add_up(
        _mean_along(boundary, x, lax.stop_gradient(old))
        for x, old in ((outputs.detail, backup.detail), (outputs.alpha, backup.alpha))
    )
    return {"semantic": 100 * agree, "detail": stay, "total": 100 * agree + stay}


def _certain(x: Alpha) -> Alpha:
    """Return what the other output must be: this one, and 0 where it is at most 0.01."""
    return lax.stop_gradient(jnp.where(x > 0.01, x, 0))


def _mean_along(boundary: Alpha, x: Alpha, y: Alpha) -> Scalar:
    """Return the mean over the batch of |x - y| averaged along each picture's boundary."""
    refuse_other_shapes(x, y, boundary)
    length = jnp.maximum(boundary.sum((1, 2, 3)), 1)  # without a boundary it is 0
    return ((absolute(x - y) * boundary).sum((1, 2, 3)) / length).mean()


def boundaries(alpha: Alpha, semantic: Float[Array, "B h w 1"]) -> Alpha:
    """Return 1 within about 1/40 of the sides from the edges of the foreground, else 0.

    Foreground is where alpha is above 0.1, weighted by where the semantics are. Nothing here has a
    gradient.
    """
    _, height, width, _ = alpha.shape
    sure = resize((semantic > 0.1).astype(alpha.dtype), height, width)
    foreground = lax.stop_gradient((alpha > 0.1) * sure)
    side = max(int((height + width) / 2 * 0.05), 1)
    before, after = side // 2, side - 1 - side // 2
    grown = _extreme(foreground, lax.max, -jnp.inf, side, (after, before))
    shrunk = _extreme(foreground, lax.min, jnp.inf, side, (before, after))
    return (grown != shrunk).astype(alpha.dtype)


def _extreme(x: Alpha, choose, start: float, side: int, reach: tuple[int, int]) -> Alpha:
    """Choose among the pixels of a square about each pixel, cut at the border."""
    window, padding = (1, side, side, 1), ((0, 0), reach, reach, (0, 0))
    return lax.reduce_window(x, jnp.asarray(start, x.dtype), choose, window, (1, 1, 1, 1), padding)


def shrink(alpha: Alpha, to: Float[Array, "B h w 1"]) -> Float[Array, "B h w 1"]:
    """Return alpha at the size of another array, smoothed: what semantics are compared with."""
    return smooth(resize(alpha, *to.shape[1:3]))


def smooth(x: Alpha) -> Alpha:
    """Filter by a Gaussian of σ 0.8, cut to 3 × 3; its tails are folded back into the square."""
    tail = np.exp(-(np.arange(4) ** 2) / (2 * 0.8**2))
    tail = (tail / (tail[0] + 2 * tail[1:].sum())).tolist()
    side, middle = tail[1] + tail[2], tail[0] + 2 * tail[3]
    return filter_separably(x, (side, middle, side), (side, middle, side), border="reflect")
