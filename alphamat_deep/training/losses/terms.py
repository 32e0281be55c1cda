"""What the losses of several publications are sums of.

`prediction` and `truth` are (…, H, W, C) and of one shape; a mask is (…, H, W, 1), or has all
channels, and holds 0 and 1 or bool. Each term is a scalar of their type. Two conventions are met:

- over a mask: a sum over its pixels, divided by their number, which these functions do;
- over the picture: the mean over all pixels of what is 0 outside of the mask. That is less by the
  mask's share of the picture. Write `l1(mask * prediction, mask * truth)`.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from alphamat_deep.training.losses.arithmetic import absolute
from alphamat_deep.training.losses.filters import sobel_magnitude

Picture = Float[Array, "*B H W C"]
Mask = Float[Array, "*B H W _"] | Bool[Array, "*B H W _"]
Scalar = Float[Array, ""]


def l1(
    prediction: Picture, truth: Picture, mask: Mask | None = None, *, added: float = 1e-8
) -> Scalar:
    """Average |prediction - truth|. See `charbonnier` for `mask` and `added`.

    >>> import jax.numpy as jnp
    >>> truth = jnp.zeros((1, 2, 2, 1))
    >>> prediction = truth.at[0, 0, 0].set(1.0)
    >>> float(l1(prediction, truth)), float(l1(prediction, truth, prediction > 0))
    (0.25, 1.0)
    """
    refuse_other_shapes(prediction, truth, mask)
    return mean_over(absolute(prediction - truth), mask, added=added)


def mse(
    prediction: Picture, truth: Picture, mask: Mask | None = None, *, added: float = 1e-8
) -> Scalar:
    """Average (prediction - truth)². See `charbonnier` for `mask` and `added`.

    >>> import jax.numpy as jnp
    >>> float(mse(jnp.full((1, 2, 2, 1), 0.5), jnp.zeros((1, 2, 2, 1))))
    0.25
    """
    refuse_other_shapes(prediction, truth, mask)
    return mean_over((prediction - truth) ** 2, mask, added=added)


def charbonnier(
    prediction: Picture,
    truth: Picture,
    mask: Mask | None = None,
    *,
    epsilon: float = 1e-12,
    added: float = 1.0,
    mask_inside: bool = False,
) -> Scalar:
    """Average √(d² + ε) of the differences d: |d|, with a smooth kink.

    Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017, equation 2.

    Parameters
    ----------
    prediction, truth : (..., H, W, C) arrays
    mask : (..., H, W, 1) array, optional
        Where to average; everywhere if None. Under a mask of one channel the C channels of a
        pixel are summed.
    epsilon : float
        ε, in squared units of the prediction: 1e-12 in Deep Image Matting and P3M, 1e-6 in
        PaddleSeg and in GCA's smooth L1.
    added : float
        This is added to the number of the mask's pixels, so that an empty mask gives 0: 1 in
        pytorch-deep-image-matting and P3M, 1e-6 in PaddleSeg, 1e-8 in GCA.
    mask_inside : bool
        Whether the mask multiplies d, and the sum is over all pixels, so that each pixel outside
        of the mask adds √ε. So do stage 0 of pytorch-deep-image-matting, P3M, GFM and GCA.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> truth = jnp.zeros((1, 2, 2, 1))
    >>> round(float(charbonnier(truth + 0.3, truth, epsilon=0.16)), 6)
    0.5
    """
    refuse_other_shapes(prediction, truth, mask)
    difference = prediction - truth
    if mask is None or not mask_inside:
        return mean_over(jnp.sqrt(difference**2 + epsilon), mask, added=added)
    roots = jnp.sqrt((difference * mask) ** 2 + epsilon)
    return roots.sum() / (mask.astype(roots.dtype).sum() + added)


mrsd = partial(charbonnier, epsilon=1e-6, added=1e-6)
"""`charbonnier` with PaddleSeg's constants: its "MRSD"."""


def gradient_l1(
    prediction: Picture, truth: Picture, mask: Mask | None = None, *, added: float = 1e-6
) -> Scalar:
    """Average the absolute difference of `sobel_magnitude`: of BackgroundMattingV2 and PaddleSeg.

    A mask multiplies both pictures before the filter, so that its own edge enters, and the sum is
    over all pixels; it is divided by the number of the mask's pixels and `added`.

    >>> import jax.numpy as jnp
    >>> flat = jnp.zeros((1, 4, 4, 1))
    >>> float(gradient_l1(flat, flat + 1))
    0.0
    """
    refuse_other_shapes(prediction, truth, mask)
    if mask is None:
        return absolute(sobel_magnitude(prediction) - sobel_magnitude(truth)).mean()
    slopes = sobel_magnitude(prediction * mask), sobel_magnitude(truth * mask)
    return absolute(slopes[0] - slopes[1]).sum() / (mask.astype(slopes[0].dtype).sum() + added)


def composite(alpha: Float[Array, "*B H W 1"], foreground: Picture, background: Picture) -> Picture:
    """Return α F + (1 - α) B, the picture that a loss of composition compares.

    >>> import jax.numpy as jnp
    >>> red, blue = jnp.array([[[1.0, 0, 0]]]), jnp.array([[[0, 0, 1.0]]])
    >>> composite(jnp.full((1, 1, 1), 0.25), red, blue).tolist()
    [[[0.25, 0.0, 0.75]]]
    """
    expected = *foreground.shape[:-1], 1
    if alpha.shape != expected or background.shape != foreground.shape:
        raise ValueError(
            f"`alpha` is {alpha.shape}, `foreground` {foreground.shape} and `background` "
            f"{background.shape}; expected {expected} for alpha, and colours of one shape."
        )
    return alpha * foreground + (1 - alpha) * background


def cross_entropy(logits: Float[Array, "*B H W K"], classes: Int[Array, "*B H W 1"]) -> Scalar:
    """Average -log of the probability, a softmax of the scores, of each pixel's true class.

    >>> import jax.numpy as jnp
    >>> even = jnp.zeros((1, 1, 1, 2)), jnp.array([[[[1]]]])
    >>> round(float(cross_entropy(*even)), 4)
    0.6931
    """
    return -pick(jax.nn.log_softmax(logits), classes).mean()


def pick(values: Float[Array, "*B H W K"], classes: Int[Array, "*B H W 1"]) -> Array:
    """Return each pixel's value for its class."""
    expected = *values.shape[:-1], 1
    if classes.shape != expected:
        raise ValueError(
            f"`classes` is {classes.shape}; expected {expected}, for scores of {values.shape}."
        )
    return jnp.where(classes == jnp.arange(values.shape[-1]), values, 0).sum(-1)


def classes_of(trimap: Float[Array, "*B H W 1"]) -> Int[Array, "*B H W 1"]:
    """Return 0 for background, 1 for unknown and 2 for foreground, of a trimap of 0, 0.5 and 1."""
    return (2 * trimap).astype(int)


def mean_over(values: Array, mask: Mask | None = None, *, added: float) -> Scalar:
    """Return the sum over a mask, divided by the number of its pixels and `added`; or the mean."""
    if mask is None:
        return values.mean()
    mask = mask.astype(values.dtype)
    return (values * mask).sum() / (mask.sum() + added)


def refuse_other_shapes(prediction: Array, truth: Array, mask: Array | None = None) -> None:
    """Raise ValueError where arrays would be repeated silently to fit each other."""
    if prediction.shape != truth.shape:
        raise ValueError(
            f"The prediction is {prediction.shape} and the truth {truth.shape}; expected one shape."
        )
    one_channel = *truth.shape[:-1], 1
    if mask is not None and mask.shape not in (truth.shape, one_channel):
        raise ValueError(
            f"`mask` is {mask.shape}; expected {one_channel} or {truth.shape}, as the truth is."
        )
