"""How far the changes of alpha from frame to frame are from those of the truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from alphamat.door.image import Pixels, as_array, refuse_other_size
from alphamat.door.parameters import shown
from alphamat.metrics.pictures import parse

Frames = Sequence[Pixels] | np.ndarray


def dtssd(
    alphas: Frames, truths: Frames, trimaps: Frames | None = None, *, quantise: bool = False
) -> float:
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

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> truths = np.zeros((3, 8, 9))
    >>> flicker = truths + [[[0.1]], [[0]], [[0.1]]]
    >>> metrics.dtssd(truths, truths), metrics.dtssd(flicker, truths) > 0
    (0.0, True)
    """
    changes = pairwise(_errors(alphas, truths, trimaps, quantise))
    roots = [
        np.sqrt(np.mean((after - before)[unknown] ** 2))
        for (before, unknown), (after, _) in changes
        if unknown.any()
    ]
    return 100 * float(np.mean(roots)) if roots else float("nan")


def mean_temporal_error(
    alphas: Frames,
    truths: Frames,
    trimaps: Frames | None = None,
    *,
    flow: Frames | None = None,
    quantise: bool = False,
) -> float:
    """Average how the squared error changes from frame to frame, along the motion.

    That is MESSDdt of Erofeev et al., "Perceptually Motivated Benchmark for Video Matting", BMVC
    2015: for each pair of frames ``Σ_p |(α_p - α*_p)² - (α'_q - α*'_q)²| / n``. Pixel p has moved
    to q = p + v_p in the next frame. An error that moves with the picture does not count, as it
    does in `dtssd`. It is not scaled; papers multiply it by various powers of ten.

    Parameters
    ----------
    alphas, truths, trimaps, quantise
        As for `dtssd`.
    flow : (T - 1, H, W, 2) array_like, or sequence of (H, W, 2), optional
        Motion v from each frame to the next, in pixels to the right and downwards, as OpenCV's
        optical flow has it. Errors between pixels are interpolated bilinearly. Pixels that leave
        the picture, or have NaN, are left out. None means that nothing moves.

    Returns
    -------
    float, NaN where there is nothing to average.

    Raises
    ------
    TypeError, ValueError
        As `dtssd`, or if `flow` does not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat import metrics
    >>> truths = np.zeros((3, 8, 9))
    >>> round(metrics.mean_temporal_error(truths + [[[0.1]], [[0]], [[0.1]]], truths), 9) > 0
    True
    """
    errors = _errors(alphas, truths, trimaps, quantise)
    if flow is not None and _length(flow, "flow") != len(truths) - 1:
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


def _errors(
    alphas: Frames, truths: Frames, trimaps: Frames | None, quantise: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Return for each frame its error, and which of its pixels are unknown."""
    count = _length(truths, "truths")
    hints = [None] * count if trimaps is None else trimaps
    for name, frames in (("alphas", alphas), ("trimaps", hints)):
        if _length(frames, name) != count:
            raise ValueError(
                f"`{name}` has {len(frames)} frames and `truths` has {count}; expected as "
                "many of each."
            )
    if count < 2:
        raise ValueError(f"`truths` has {count} frames; expected at least 2 to compare.")
    first = as_array(truths[0], name="truths[0]").shape

    def error(t: int) -> tuple[np.ndarray, np.ndarray]:
        names = f"alphas[{t}]", f"truths[{t}]", f"trimaps[{t}]"
        alpha, truth, unknown = parse(alphas[t], truths[t], hints[t], quantise, names)
        refuse_other_size(truth.shape, first, names[1], "`truths[0]`")
        return alpha - truth, unknown

    return map(error, range(count))


def _length(frames: Any, name: str) -> int:
    try:
        return len(frames)
    except TypeError:
        raise TypeError(f"`{name}` is {shown(frames)}; expected a sequence of frames.") from None


def _follow(
    after: np.ndarray, unknown: np.ndarray, motion, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the next frame's values, each at the pixel it comes from, and where there is one."""
    from scipy.ndimage import map_coordinates

    motion = as_array(motion, name=name)
    if motion.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` has dtype {motion.dtype}; expected real numbers.")
    if motion.shape != (*after.shape, 2):
        raise ValueError(f"`{name}` has shape {motion.shape}; expected {(*after.shape, 2)}.")
    height, width = after.shape
    x = np.arange(width) + motion[..., 0]
    y = np.arange(height)[:, None] + motion[..., 1]
    seen = unknown & (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)  # never with NaN
    moved = np.zeros_like(after)
    moved[seen] = map_coordinates(after, [y[seen], x[seen]], order=1)
    return moved, seen
