"""How much the width of the unknown band matters to a method."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from alphamat.datasets import Dataset, Sample
from alphamat.evaluation import plots
from alphamat.evaluation.digits import column
from alphamat.evaluation.outcome import Evaluation
from alphamat.evaluation.pages.markdown import table
from alphamat.evaluation.pages.tables import columns_table
from alphamat.evaluation.run import evaluate, labels_of
from alphamat.evaluation.summary import Cell, Columns
from alphamat.method import Method
from alphamat.trimap import from_alpha

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def trimap_sweep(
    methods: Mapping[str, Method] | Iterable[Method],
    dataset: Sequence[Sample],
    widths: Iterable[float] = (2, 5, 10, 20, 40),
    *,
    low: float = 0.0,
    high: float = 1.0,
    **options: Any,
) -> Sweep:
    """Run methods with trimaps of several widths, made from the truth.

    All widths are scored on the same pixels: the unknown ones of the widest trimap. If each width
    were scored on its own, mean errors would fall as the band grows, because easy pixels come in.
    On the pixels of the narrowest trimap, errors far from the edge would not count. A method that
    holds known pixels exactly has no errors outside its trimap's band, so its SAD is the same as
    over the whole picture.

    Parameters
    ----------
    methods, dataset
        As for `evaluate`. The trimaps of the data set are not used: of several samples with one
        name the first is taken.
    widths : numbers, at least 0
        How far the unknown region reaches into foreground and background beyond the pixels with
        fractional alpha, in pixels.
    low, high : float
        Alpha up to `low` counts as clear, from `high` on as opaque; see
        `alphamat.trimap.from_alpha`.
    **options
        `folder`, `jobs`, `limit`, `quantise`, `metrics` and `progress` of `evaluate`.

    Returns
    -------
    Sweep
        Means for each method and width, a plot, and the whole evaluation, whose groups are the
        widths.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import datasets, evaluation
    >>> samples = datasets.synthetic(40, 50)[:2]
    >>> sweep = evaluation.trimap_sweep([alphamat.closed_form], samples, (2, 6))
    >>> [len(means) for means in sweep.means("sad").values()]
    [2]
    """
    widths = _parsed(widths)
    make = partial(_trimap, low=low, high=high)
    first = {name: at for at, (name, _) in reversed([*enumerate(labels_of(dataset))])}
    entries = tuple(
        Banded(dataset[at : at + 1], name, width, make)
        for name, at in sorted(first.items(), key=lambda item: item[1])
        for width in widths
    )
    region = partial(make, width=widths[-1])
    return Sweep(widths, evaluate(methods, Dataset(entries), region=region, **options))


@dataclass(frozen=True, repr=False)
class Sweep:
    """What `trimap_sweep` returns; `print` shows it as a table."""

    widths: tuple[float, ...]
    evaluation: Evaluation
    """Its groups are the widths."""

    def means(self, metric: str = "sad") -> dict[str, list[float]]:
        """Return each method's mean score at each width.

        They are over the pictures that every method finished at every width: a curve would bend
        where a picture is missing.
        """
        scores = self._finished(metric).mean(axis=0) if self.pictures else math.nan
        scores = np.broadcast_to(scores, (len(self.widths), len(self.evaluation.methods)))
        return dict(zip(self.evaluation.methods, scores.T.tolist(), strict=True))

    @property
    def pictures(self) -> int:
        """Pictures that the means are over."""
        return len(self._finished("sad"))

    def plot(self, ax: Axes | None = None, *, metric: str = "sad") -> Axes:
        """Draw a curve per method; return matplotlib's axes."""
        return plots.trimap_widths(self, metric, ax=ax)

    def __str__(self) -> str:
        return table(self._columns()) + "\n"

    def __repr__(self) -> str:
        return table(self._columns())

    def _repr_html_(self) -> str:
        return columns_table(self._columns())

    def _columns(self) -> Columns:
        columns = {"SAD at width": [Cell(method) for method in self.evaluation.methods]}
        means = np.array([*self.means().values()])
        texts = np.reshape(column(means.ravel().tolist()), means.shape)
        for width, texts_at in zip(self.widths, texts.T.tolist(), strict=True):
            columns[f"{width:g}"] = [Cell(text) for text in texts_at]
        return columns

    def _finished(self, metric: str) -> np.ndarray:
        """Return the scores, (pictures, widths, methods), of pictures that have them all."""
        shape = (-1, len(self.widths), len(self.evaluation.methods))
        scores = self.evaluation.scores(metric).reshape(shape)
        return scores[~np.isnan(scores).any(axis=(1, 2))]


class Banded(NamedTuple):
    """A sample with a trimap of some width: an entry of a data set."""

    source: Sequence[Sample]
    name: str
    width: float
    make: Callable

    @property
    def group(self) -> str:
        return f"width {self.width:g}"

    def read(self) -> Sample:
        sample = self.source[0]
        return sample._replace(trimap=self.make(sample, width=self.width), group=self.group)


def _trimap(sample: Sample, *, width: float, low: float, high: float) -> np.ndarray:
    if sample.truth is None:
        raise ValueError(f"{sample.name} has no true alpha to make a trimap from.")
    return from_alpha(sample.truth, inner=width, outer=width, low=low, high=high)


def _parsed(widths: Iterable[float]) -> tuple[float, ...]:
    parsed = tuple(widths)
    for width in parsed:
        if not isinstance(width, Real) or not 0 <= width < math.inf:
            raise ValueError(f"`widths` has {width!r}; expected numbers of pixels, at least 0.")
    if not parsed:
        raise ValueError("`widths` is empty; expected numbers of pixels, such as (5, 10, 20).")
    return tuple(sorted(set(parsed)))
