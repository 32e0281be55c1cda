"""How far an alpha is from the truth: the numbers that papers print.

SAD, MSE, Grad and Conn are those of Rhemann et al., "A Perceptually Motivated Online Benchmark for
Image Matting", CVPR 2009, with the parameters and the scale of the evaluation code of Xu et al.,
"Deep Image Matting", CVPR 2017, which most papers since have used. They are summed over the pixels
that the trimap leaves unknown. In that code these are the pixels of exactly 128; here they are all
pixels strictly between 0 and full scale. Both are the same for trimaps of 0, 128 and 255. A
prediction is not corrected where alpha is known, and its errors there affect Grad and Conn.

Floats are scored as they are. Published numbers are for alphas in files of 8 bits: `quantise=True`
rounds to their levels first, which changes scores by some tenths of a percent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from alphamat.door.image import Pixels, as_plane, refuse_other_size
from alphamat.door.parameters import as_flag
from alphamat.metrics import _kernels as kernels
from alphamat.trimap import Trimap


class Scores(NamedTuple):
    """The scores of one alpha; lower is better."""

    sad: float
    mse: float
    mad: float
    grad: float
    conn: float


def all(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, quantise: bool = False
) -> Scores:
    """Score an alpha by every metric for single pictures.

    Parameters
    ----------
    alpha : (H, W) array_like, or PIL image
        The alpha to score: uint8, uint16, or floating point in [0, 1]. Levels of an integer count
        as their exact share of full scale.
    truth : (H, W) array_like, or PIL image
        The true alpha, of the same size.
    trimap : (H, W) array_like, or PIL image, optional
        Scores are taken on its unknown pixels: those strictly between 0 and full scale. It may have
        no known ones. None takes the whole picture.
    quantise : bool
        Round `alpha` and `truth` to 8 bits first, as published numbers do.

    Returns
    -------
    Scores: each is what the function of its name returns.

    Raises
    ------
    TypeError, ValueError
        If an argument has another dtype or shape, values outside of [0, 1], or not the size of
        `truth`.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> truth = np.linspace(0, 1, 30)[None].repeat(20, axis=0)
    >>> metrics.all(truth, truth)
    Scores(sad=0.0, mse=0.0, mad=0.0, grad=0.0, conn=0.0)
    """
    planes = parse(alpha, truth, trimap, quantise)
    return Scores(_sad(*planes), _mse(*planes), _mad(*planes), _grad(*planes), _conn(*planes))


def sad(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, quantise: bool = False
) -> float:
    """Sum the absolute differences, in thousands: ``Σ |α - α*| / 1000``.

    See `all` for the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> round(metrics.sad(np.full((2, 2), 0.5), np.full((2, 2), 0.5) + [[0.2, -0.2], [0, 0]]), 9)
    0.0004
    """
    return _sad(*parse(alpha, truth, trimap, quantise))


def mse(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, quantise: bool = False
) -> float:
    """Average the squared differences: Σ (α - α*)² / n over n unknown pixels; NaN if n is 0.

    See `all` for the arguments. Papers that print numbers above 1 have multiplied by 1000, and
    those without trimaps have averaged over the whole picture.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> round(metrics.mse(np.full((2, 2), 0.5), np.full((2, 2), 0.5) + [[0.2, -0.2], [0, 0]]), 9)
    0.02
    """
    return _mse(*parse(alpha, truth, trimap, quantise))


def mad(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, quantise: bool = False
) -> float:
    """Average the absolute differences: ``Σ |α - α*| / n`` over n unknown pixels; NaN if n is 0.

    See `all` for the arguments. The metric is common where there are no trimaps, and is then taken
    over the whole picture: by Ke et al., "MODNet", AAAI 2022, as it is here, and by Lin et al.,
    "Robust High-Resolution Video Matting", WACV 2022, multiplied by 1000.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> round(metrics.mad(np.full((2, 2), 0.5), np.full((2, 2), 0.5) + [[0.2, -0.2], [0, 0]]), 9)
    0.1
    """
    return _mad(*parse(alpha, truth, trimap, quantise))


def grad(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, quantise: bool = False
) -> float:
    """Compare the strength of edges, in thousands: ``Σ (|∇α| - |∇α*|)² / 1000``.

    ∇ filters with first derivatives of a Gaussian with a σ of 1.4, on 9 × 9 pixels and of unit
    norm, with the border repeated outwards. Each alpha is first stretched to run from 0 to 1 over
    the whole picture; a constant alpha has no edges.

    See `all` for the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> truth = np.linspace(0, 1, 30)[None].repeat(20, axis=0)
    >>> metrics.grad(truth, truth), metrics.grad(truth**2, truth) > 0
    (0.0, True)
    """
    return _grad(*parse(alpha, truth, trimap, quantise))


def conn(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, quantise: bool = False
) -> float:
    """Compare what is apart from the main part, in thousands: ``Σ |φ(α) - φ(α*)| / 1000``.

    At each level of k / 10 for k from 1 to 10, take the pixels where both alphas reach it, and of
    these the largest component Ω_k of neighbours above, below and beside; of equally large ones the
    one that begins first, column by column. A pixel is connected up to l, the last level before the
    first whose Ω_k it is not in. Alpha exceeds l by d: φ = 1 - d if d ≥ 0.15, and else 1.

    Where no pixel reaches a level, none is connected there. (The evaluation code stops with an
    error then, and ports that skip the level score an alpha of 0 as perfect.)

    See `all` for the arguments.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> truth = np.linspace(0, 1, 30)[None].repeat(20, axis=0)
    >>> metrics.conn(truth, truth), metrics.conn(truth**2, truth) > 0
    (0.0, True)
    """
    return _conn(*parse(alpha, truth, trimap, quantise))


class Metric(NamedTuple):
    title: str
    decimals: int
    """Of a score in a column."""
    function: Callable[..., float]


METRICS = {
    "sad": Metric("SAD", 4, sad),
    "mse": Metric("MSE", 5, mse),
    "mad": Metric("MAD", 5, mad),
    "grad": Metric("Grad", 4, grad),
    "conn": Metric("Conn", 4, conn),
}
"""The metrics for single pictures by name, in the order of `Scores`."""


def parse(
    alpha: Pixels,
    truth: Pixels,
    trimap: Pixels | None,
    quantise: bool,
    names: Sequence[str] = ("alpha", "truth", "trimap"),
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both alphas in float64, and which pixels to score."""
    quantise = as_flag(quantise, "quantise")
    alpha, truth = as_plane(alpha, name=names[0]), as_plane(truth, name=names[1])
    refuse_other_size(alpha.shape, truth.shape, names[0], f"`{names[1]}`")
    if quantise:
        alpha, truth = np.rint(255 * alpha) / 255, np.rint(255 * truth) / 255
    if trimap is None:
        return alpha, truth, np.ones(truth.shape, bool)
    levels = as_plane(trimap, name=names[2])
    refuse_other_size(levels.shape, truth.shape, names[2], f"`{names[1]}`")
    return alpha, truth, Trimap.of(levels).unknown


def _sad(alpha: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    return float(np.abs(alpha - truth)[unknown].sum()) / 1000


def _mse(alpha: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    return _mean(((alpha - truth) ** 2)[unknown])


def _mad(alpha: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    return _mean(np.abs(alpha - truth)[unknown])


def _grad(alpha: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    difference = _gradient_magnitude(alpha) - _gradient_magnitude(truth)
    return float((difference**2)[unknown].sum()) / 1000


def _gradient_magnitude(alpha: np.ndarray) -> np.ndarray:
    low, high = alpha.min(), alpha.max()
    magnitude = np.zeros_like(alpha)
    if low < high:
        x = np.arange(-4.0, 5.0)
        smooth = np.exp(-(x**2) / (2 * 1.4**2))
        slope = x * smooth
        smooth, slope = smooth / np.linalg.norm(smooth), slope / np.linalg.norm(slope)
        kernels.gradient_magnitude((alpha - low) / (high - low), smooth, slope, magnitude)
    return magnitude


def _conn(alpha: np.ndarray, truth: np.ndarray, unknown: np.ndarray) -> float:
    """Sum the differences of φ.

    Floats are compared here. Levels of 8 or 16 bits still meet the same thresholds as in exact
    arithmetic: where a level such as 153 / 255 equals a k / 10, both round to one float64, and no
    level exceeds a k / 10 by exactly 0.15.
    """
    reached = np.empty(alpha.shape, np.uint8)
    kernels.count_steps(alpha, truth, reached)
    joined = _connected_level(reached)
    return float(kernels.sum_differences(alpha, truth, unknown, joined)) / 1000


def _connected_level(reached: np.ndarray) -> np.ndarray:
    """Return 10 l for each pixel, from the highest k at which both alphas reach k / 10.

    From the highest level to the lowest, components can only grow and join, so that one sweep of
    union-find serves all ten.
    """
    plane = np.pad(reached.T, 1)
    levels = plane.ravel()
    order, parent, into = np.empty((3, levels.size), np.int32)
    ends, largest = np.empty((2, 11), np.int64)
    died, joined = np.zeros((2, levels.size), np.uint8)
    kernels.sort_by_level(levels, order, ends)
    kernels.grow_components(levels, plane.shape[1], order, ends, parent, into, died, largest)
    kernels.follow_largest(largest, into, died, joined)
    return np.ascontiguousarray(joined.reshape(plane.shape)[1:-1, 1:-1].T)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")
