"""How far an alpha is from the truth: the numbers that papers print.

SAD, MSE, Grad and Conn are those of Rhemann et al., "A Perceptually Motivated Online Benchmark for
Image Matting", CVPR 2009, with the parameters and the scale of the evaluation code of Xu et al.,
"Deep Image Matting", CVPR 2017, which most papers since have used. They are summed over the pixels
that the trimap leaves unknown. That code takes these to be the pixels of exactly 128; here they are
all strictly between 0 and full scale, which is the same for trimaps of 0, 128 and 255. What a
prediction says of known pixels is left as it is: it has a part in Grad and Conn.

Floats are scored as they are. Published numbers are of alphas in files of 8 bits: `quantise=True`
rounds to their levels first, which moves scores by some tenths of a percent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from alphamat.door.image import refuse_other_size, single_channel, unit_range
from alphamat.metrics import _kernels as kernels


class Scores(NamedTuple):
    """The scores of one alpha; the less, the better."""

    sad: float
    mse: float
    mad: float
    grad: float
    conn: float


def all(alpha, truth, trimap=None, *, quantise: bool = False) -> Scores:
    """Score an alpha by every metric for single pictures.

    Parameters
    ----------
    alpha : (H, W) array_like, or PIL image
        The alpha to score: uint8, uint16, or floating point in [0, 1]. Levels of an integer count
        as their exact share of full scale.
    truth : (H, W) array_like, or PIL image
        The true alpha, of the same size.
    trimap : (H, W) array_like, or PIL image, optional
        Scores are taken on its unknown pixels: those strictly between 0 and full scale. It need not
        have known ones. None takes the whole picture.
    quantise : bool
        Round `alpha` and `truth` to 8 bits first, as published numbers do.

    Returns
    -------
    Scores, with each metric as the function of its name returns it.

    Raises
    ------
    TypeError, ValueError
        If an argument has another dtype or shape, values outside of [0, 1], or not the size of
        `truth`.
    """
    planes = _parse(alpha, truth, trimap, quantise)
    return Scores(_sad(*planes), _mse(*planes), _mad(*planes), _grad(*planes), _conn(*planes))


def sad(alpha, truth, trimap=None, *, quantise: bool = False) -> float:
    """Sum the absolute differences, in thousands: Σ |α - α*| / 1000.

    See `all` for the arguments.
    """
    return _sad(*_parse(alpha, truth, trimap, quantise))


def mse(alpha, truth, trimap=None, *, quantise: bool = False) -> float:
    """Average the squared differences: Σ (α - α*)² / n over n unknown pixels; NaN if n is 0.

    See `all` for the arguments. Papers that print numbers above 1 have multiplied by 1000, and
    those without trimaps have averaged over the whole picture.
    """
    return _mse(*_parse(alpha, truth, trimap, quantise))


def mad(alpha, truth, trimap=None, *, quantise: bool = False) -> float:
    """Average the absolute differences: Σ |α - α*| / n over n unknown pixels; NaN if n is 0.

    See `all` for the arguments. The metric is at home where there are no trimaps, and there it is
    taken over the whole picture: as it is by Ke et al., "MODNet", AAAI 2022, and multiplied by 1000
    by Lin et al., "Robust High-Resolution Video Matting", WACV 2022.
    """
    return _mad(*_parse(alpha, truth, trimap, quantise))


def grad(alpha, truth, trimap=None, *, quantise: bool = False) -> float:
    """Compare the strength of edges, in thousands: Σ (|∇α| - |∇α*|)² / 1000.

    ∇ filters with first derivatives of a Gaussian with a σ of 1.4, on 9 × 9 pixels and of unit
    norm, with the border repeated outwards. Before, each alpha is stretched to reach from 0 to 1
    over the whole picture; one that is constant has no edges.

    See `all` for the arguments.
    """
    return _grad(*_parse(alpha, truth, trimap, quantise))


def conn(alpha, truth, trimap=None, *, quantise: bool = False) -> float:
    """Compare what is not connected to the main part, in thousands: Σ |φ(α) - φ(α*)| / 1000.

    At each level of k / 10 for k from 1 to 10, take the pixels where both alphas reach it, and of
    these the largest component Ω_k of neighbours above, below and beside; of several the one that
    begins first in order of columns. A pixel is connected up to l, the last level before the first
    whose Ω_k it is not in. What exceeds l by d ≥ 0.15 is missing: φ = 1 - d, and else 1.

    Where no pixel reaches a level, none is connected there. (The evaluation code stops with an
    error then, and ports that skip the level score an alpha of 0 as perfect.)

    See `all` for the arguments.
    """
    return _conn(*_parse(alpha, truth, trimap, quantise))


def dtssd(alphas, truths, trimaps=None, *, quantise: bool = False) -> float:
    """Compare changes from frame to frame: 100 √(Σ (dα/dt - dα*/dt)² / n), averaged over frames.

    The term for a pair of frames is from Erofeev et al., "Perceptually Motivated Benchmark for
    Video Matting", BMVC 2015. The scale is that of Lin et al., "Robust High-Resolution Video
    Matting", WACV 2022, whose evaluation code counts the first of T frames as a change of 0:
    multiply by (T - 1) / T for numbers as printed there.

    Parameters
    ----------
    alphas : (T, H, W) array_like, or sequence of T frames
        At least two frames, each like the `alpha` of `all`.
    truths : (T, H, W) array_like, or sequence of T frames
        The true alphas, of the same size.
    trimaps : (T, H, W) array_like, or sequence of T frames, optional
        A change counts where the earlier of its two frames is unknown. A pair of frames without
        such pixels is left out. None takes the whole picture.
    quantise : bool
        Round `alphas` and `truths` to 8 bits first.

    Returns
    -------
    float, NaN where no frame but the last has unknown pixels.

    Raises
    ------
    TypeError, ValueError
        If there are fewer than two frames, not as many of each, or one that `all` would refuse.
    """
    changes = pairwise(_errors(alphas, truths, trimaps, quantise))
    roots = [
        np.sqrt(np.mean((after - before)[unknown] ** 2))
        for (before, unknown), (after, _) in changes
        if unknown.any()
    ]
    return 100 * float(np.mean(roots)) if roots else float("nan")


def mean_temporal_error(
    alphas, truths, trimaps=None, *, flow=None, quantise: bool = False
) -> float:
    """Average how the squared error changes from frame to frame, along the motion.

    That is MESSDdt of Erofeev et al., "Perceptually Motivated Benchmark for Video Matting", BMVC
    2015: for each pair of frames Σ_p |(α_p - α*_p)² - (α'_q - α*'_q)²| / n, where q = p + v_p is
    where pixel p has moved to in the next frame. An error that travels along is forgiven, which
    `dtssd` does not. Not scaled; papers print it times various powers of ten.

    Parameters
    ----------
    alphas, truths, trimaps, quantise
        As for `dtssd`.
    flow : (T - 1, H, W, 2) array_like, or sequence of (H, W, 2), optional
        Motion v from each frame to the next, in pixels to the right and downwards, as OpenCV's
        optical flow has it. Errors between pixels are interpolated bilinearly. Pixels that leave
        the picture, or have NaN, are left out. None takes everything to be at rest.

    Returns
    -------
    float, NaN where there is nothing to average.

    Raises
    ------
    TypeError, ValueError
        As `dtssd`, or if `flow` does not fit.
    """
    errors = _errors(alphas, truths, trimaps, quantise)
    if flow is not None and len(flow) != len(truths) - 1:
        raise ValueError(
            f"`flow` has {len(flow)} fields for {len(truths)} frames; expected one less."
        )
    means = []
    for t, ((before, unknown), (after, _)) in enumerate(pairwise(errors)):
        if flow is None:
            moved, seen = after, unknown
        else:
            moved, seen = _follow(after, unknown, flow[t], f"flow[{t}]")
        if seen.any():
            means.append(np.mean(np.abs(before[seen] ** 2 - moved[seen] ** 2)))
    return float(np.mean(means)) if means else float("nan")


def _parse(
    alpha, truth, trimap, quantise: bool, names: Sequence[str] = ("alpha", "truth", "trimap")
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return both alphas in float64, and which pixels to score."""
    alpha, truth = _plane(alpha, names[0]), _plane(truth, names[1])
    refuse_other_size(alpha.shape, truth.shape, names[0], f"`{names[1]}`")
    if quantise:
        alpha, truth = np.rint(255 * alpha) / 255, np.rint(255 * truth) / 255
    if trimap is None:
        return alpha, truth, np.ones(truth.shape, bool)
    levels = _plane(trimap, names[2])
    refuse_other_size(levels.shape, truth.shape, names[2], f"`{names[1]}`")
    return alpha, truth, (levels > 0) & (levels < 1)


def _plane(pixels, name: str) -> np.ndarray:
    plane = single_channel(unit_range(pixels, name=name), name)
    return np.require(plane, requirements=["C", "W"])  # kernels compile anew for read-only ones


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

    Floats are compared here, and levels of 8 or 16 bits still meet the thresholds that they meet in
    exact arithmetic: where 153 / 255 and the like equal a k / 10, both are rounded to one float64,
    and no level exceeds a k / 10 by just 0.15.
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


def _errors(alphas, truths, trimaps, quantise: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return for each frame its error, and which of its pixels are unknown."""
    trimaps = [None] * len(truths) if trimaps is None else trimaps
    for name, frames in (("alphas", alphas), ("trimaps", trimaps)):
        if len(frames) != len(truths):
            raise ValueError(
                f"`{name}` has {len(frames)} frames and `truths` has {len(truths)}; expected as "
                "many of each."
            )
    if len(truths) < 2:
        raise ValueError(f"`truths` has {len(truths)} frames; expected at least 2 to compare.")
    first = np.shape(truths[0])

    def error(t: int) -> tuple[np.ndarray, np.ndarray]:
        names = f"alphas[{t}]", f"truths[{t}]", f"trimaps[{t}]"
        alpha, truth, unknown = _parse(alphas[t], truths[t], trimaps[t], quantise, names)
        refuse_other_size(truth.shape, first, names[1], "`truths[0]`")
        return alpha - truth, unknown

    return map(error, range(len(truths)))


def _follow(
    after: np.ndarray, unknown: np.ndarray, motion, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return values of the next frame, each where its pixel comes from, and where there are any."""
    from scipy.ndimage import map_coordinates

    motion = np.asarray(motion, dtype=np.float64)
    if motion.shape != (*after.shape, 2):
        raise ValueError(f"`{name}` has shape {motion.shape}; expected {(*after.shape, 2)}.")
    height, width = after.shape
    x = np.arange(width) + motion[..., 0]
    y = np.arange(height)[:, None] + motion[..., 1]
    seen = unknown & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)  # never with NaN
    moved = np.zeros_like(after)
    moved[seen] = map_coordinates(after, [y[seen], x[seen]], order=1)
    return moved, seen
