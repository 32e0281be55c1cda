"""Plots of an evaluation, by matplotlib. Each takes the axes to draw in, and returns them.

matplotlib comes with `pip install "alphamat[notebook]"`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alphamat.door.image import Pixels
from alphamat.evaluation.pages.pictures import coloured_errors
from alphamat.evaluation.results import Results
from alphamat.evaluation.summary import by_rank
from alphamat.extras import not_installed

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def error_map(
    alpha: Pixels, truth: Pixels, trimap: Pixels | None = None, *, ax: Axes | None = None
) -> Axes:
    """Show where an alpha is wrong: blue where it is too low, orange where it is too high.

    Parameters
    ----------
    alpha, truth : (H, W) array_like, or PIL image
    trimap : (H, W) array_like, or PIL image, optional
        Its known pixels are nearly black, because they are not scored.
    ax : matplotlib axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import numpy as np
    >>> from alphamat.evaluation import plots
    >>> truth = np.linspace(0, 1, 20)[None].repeat(10, axis=0)
    >>> plots.error_map(truth**2, truth).images[0].get_array().shape
    (10, 20, 3)
    """
    ax = _axes(ax)
    ax.imshow(coloured_errors(alpha, truth, trimap))
    ax.axis("off")
    return ax


def bars(found: Results, metric: str = "sad", *, ax: Axes | None = None) -> Axes:
    """Draw each method's mean score as a bar, the best-ranked method first.

    A method that failed has the number of its samples beside its name: its mean is over fewer.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import datasets, evaluation
    >>> methods = [alphamat.closed_form, alphamat.knn]
    >>> found = evaluation.evaluate(methods, datasets.synthetic(40, 50)[:2])
    >>> ax = evaluation.plots.bars(found, "mse")
    >>> ax.get_xlabel()
    'mean MSE'
    """
    means, ax = by_rank(found, metric), _axes(ax)
    names = [f"{m.method}, {m.scored} of {m.samples}" if m.failed else m.method for m in means]
    drawn = ax.barh(names, [m.score(metric) for m in means], height=0.6)
    ax.bar_label(drawn, fmt="%.3g", padding=3)
    ax.invert_yaxis()
    ax.margins(x=0.15)
    ax.set(xlabel=f"mean {found.metrics[metric]}")
    return ax


def error_over_time(
    found: Results, clip: str | None = None, metric: str = "sad", *, ax: Axes | None = None
) -> Axes:
    """Draw each method's score on each frame of a clip; a curve is cut where a frame failed.

    Parameters
    ----------
    found : Evaluation
        Its groups are clips, and the samples of a group its frames in order.
    clip : str, optional
        Name of the group; needed where there are several.
    metric : str
    ax : matplotlib axes, optional
        By default those of a new figure.

    Returns
    -------
    matplotlib axes

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import datasets, evaluation
    >>> frames = datasets.synthetic(40, 50)[:3]
    >>> found = evaluation.evaluate([alphamat.closed_form], frames, unit="group")
    >>> ax = evaluation.plots.error_over_time(found)
    >>> len(ax.lines[0].get_ydata())
    3
    """
    clip = found.groups[0] if clip is None and len(found.groups) == 1 else clip
    if clip not in found.groups:
        groups = ", ".join(map(repr, found.groups))
        raise ValueError(f"`clip` is {clip!r}; expected one of {groups}.")
    of_clip = [row.group == clip for row in found.rows[:: len(found.methods)]]
    scores, ax = found.scores(metric)[of_clip], _axes(ax)
    for method, values in zip(found.methods, scores.T, strict=True):
        ax.plot(range(1, len(values) + 1), values, marker=".", label=method)
    ax.set(xlabel=f"frame of {clip}" if clip else "frame", ylabel=found.metrics[metric])
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


def trimap_widths(sweep: Any, metric: str = "sad", *, ax: Axes | None = None) -> Axes:
    """Draw each method's mean score in a `Sweep` over the width of the trimap's unknown band.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import datasets, evaluation
    >>> scenes = datasets.synthetic(40, 50)[:2]
    >>> sweep = evaluation.trimap_sweep([alphamat.closed_form], scenes, widths=(1, 3))
    >>> evaluation.plots.trimap_widths(sweep).lines[0].get_xdata().tolist()
    [1, 3]
    """
    means, ax = sweep.means(metric), _axes(ax)
    for method, values in means.items():
        ax.plot(sweep.widths, values, marker="o", label=method)
    ax.set(
        xlabel="width of the unknown band on each side, pixels",
        ylabel=f"mean {sweep.evaluation.metrics[metric]} of {sweep.pictures} pictures",
    )
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    try:
        import matplotlib.pyplot as plt
    except ImportError as fault:
        raise not_installed("plots need matplotlib", "notebook") from fault
    return plt.figure(layout="constrained").add_subplot()
