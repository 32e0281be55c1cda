"""What an evaluation says, as columns of cells; pages and the command line write them out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from alphamat.evaluation.digits import NONE, column, probability
from alphamat.evaluation.measure import Row
from alphamat.evaluation.results import Means, Results
from alphamat.evaluation.statistics import Comparison, swapped

MOST_GROUPS = 6
"""Up to so many kinds of trimap, or clips, have columns of their own."""


class Cell(NamedTuple):
    text: str
    best: bool = False
    """Whether it is the best of its column, or of its line."""
    value: float = math.nan
    """The number behind the text; NaN where there is none."""


Columns = dict[str, list[Cell]]
"""Columns by their heads."""


class Failure(NamedTuple):
    method: str
    samples: str
    error: str


def means_columns(results: Results, metric: str) -> Columns:
    """Return mean scores, costs and counts of faults, the best-ranked method first."""
    means = by_rank(results, metric)
    columns = {"method": [Cell(m.method) for m in means]}
    for key, title in results.metrics.items():
        columns[title] = cells([m.score(key) for m in means], lowest(means, key))
    columns["seconds"] = cells([m.seconds for m in means])
    columns["MB"] = cells([m.peak_memory / 1e6 for m in means])
    columns["failed"] = [Cell(str(m.failed or ""), value=m.failed) for m in means]
    columns["not converged"] = [Cell(str(m.unconverged or ""), value=m.unconverged) for m in means]
    return {head: column for head, column in columns.items() if any(c.text for c in column)}


def ranks_columns(results: Results, metric: str) -> Columns:
    """Return mean ranks by each metric, and by one metric also in each group."""
    order = [means.method for means in by_rank(results, metric)]
    columns = {"mean rank by": [Cell(method) for method in order]}
    for key, title in results.metrics.items():
        ranks = results.ranks(key)
        columns[title] = cells([ranks[method].overall for method in order])
    ranks = results.ranks(metric)
    if 1 < len(results.groups) <= MOST_GROUPS:
        for group in results.groups:
            values = [ranks[method].groups.get(group, math.nan) for method in order]
            columns[f"{results.metrics[metric]}, {group or 'no group'}"] = cells(values)
    return columns


def comparisons_columns(results: Results, metric: str) -> Columns:
    """Return the comparisons of each two methods, one per line."""
    found = results.compare(metric)
    numbers = column([end for c in found for end in (c.difference, c.low, c.high)])
    ends = list(zip(numbers[::3], numbers[1::3], numbers[2::3], strict=True))
    columns = {
        "pair": [f"{c.method} less {c.other}" for c in found],
        f"difference in {results.metrics[metric]}": [difference for difference, _, _ in ends],
        "95 % interval": [NONE if low == NONE else f"{low} to {high}" for _, low, high in ends],
        "better, worse": [f"{c.better}, {c.worse} of {c.pairs}" for c in found],
        "p": [probability(c.p) for c in found],
        "p after Holm": [probability(c.p_holm) for c in found],
    }
    return {head: [Cell(text) for text in texts] for head, texts in columns.items()}


def scores_columns(results: Results, metric: str) -> Columns:
    """Return a column for each method with its score on each sample; the best of a line is marked.

    Equal scores are all marked. With one method none is.
    """
    scores = results.scores(metric)
    texts = np.reshape(column(scores.ravel().tolist()), scores.shape)
    # NaN is never the least, but where no method has a score.
    best = scores == np.fmin.reduce(scores, axis=1, keepdims=True)
    best &= len(results.methods) > 1
    columns = zip(texts.T.tolist(), best.T.tolist(), scores.T.tolist(), strict=True)
    return {
        method: list(map(Cell, *column))
        for method, column in zip(results.methods, columns, strict=True)
    }


def failures(results: Results) -> list[Failure]:
    """Return which methods failed, on which samples and why."""
    return [
        Failure(method, listed(rows), error) for (method, error), rows in results.failures().items()
    ]


def notes(results: Results) -> list[Failure]:
    """Return which methods warned, on which samples and of what."""
    return [Failure(method, listed(rows), text) for (method, text), rows in results.notes().items()]


ABOUT_P = (
    "The interval is about the mean difference, which a few hard pictures can decide. The p-value "
    "is about the number of pictures on which a method is better, and the ranks of the "
    "differences. So the two can seem to disagree."
)


def against(results: Results, leader: str, metric: str) -> list[Comparison]:
    """Return the comparison of every other method with one, corrected for the number of all pairs.

    They are in the order of the methods' ranks.
    """
    order = [means.method for means in by_rank(results, metric)]
    found = results.compare(metric)
    turned = [swapped(c) if c.method == leader else c for c in found]
    return sorted((c for c in turned if c.other == leader), key=lambda c: order.index(c.method))


def by_rank(results: Results, metric: str) -> list[Means]:
    """Return the means, the best-ranked method first."""
    ranks = results.ranks(metric)
    return sorted(results.means(), key=lambda means: _nan_last(ranks[means.method].overall))


def lowest(means: Sequence[Means], key: str) -> float:
    """Return the lowest mean among methods that never failed; NaN if there is one method only.

    The mean of a method that failed is over fewer samples, perhaps the easy ones.
    """
    sound = [m.score(key) for m in means if not m.failed and not math.isnan(m.score(key))]
    return min(sound, default=math.nan) if len(means) > 1 else math.nan


def cells(values: Sequence[float], first: float = math.nan) -> list[Cell]:
    """Return a column of numbers; those equal to `first` are the best."""
    return [Cell(text, v == first, v) for text, v in zip(column(values), values, strict=True)]


def listed(rows: Sequence[Row], most: int = 6) -> str:
    """Name the samples of some rows."""
    names = [label(row) for row in rows[:most]]
    more = [f"{len(rows) - most} more"] if len(rows) > most else []
    return ", ".join(names + more)


def label(row: Row) -> str:
    """Name a row's sample."""
    return " ".join(part for part in (row.name, row.group) if part)


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value
