"""The results of a run: rows, means, ranks and comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from alphamat.datasets import Sample
from alphamat.door.parameters import as_count
from alphamat.evaluation.measure import Row
from alphamat.evaluation.statistics import Comparison, compare_all
from alphamat.metrics import METRICS


class Means(NamedTuple):
    """One method over all samples: mean scores, median costs, and counts of what went wrong."""

    method: str
    sad: float
    mse: float
    mad: float
    grad: float
    conn: float
    seconds: float
    """Median; so is `peak_memory`, in bytes."""
    peak_memory: float
    samples: int
    scored: int
    """How many samples the means are over: those with truth on which the method did not fail."""
    failed: int
    unconverged: int
    own: tuple[tuple[str, float], ...] = ()
    """Means by the caller's own metrics, with their names."""

    def score(self, metric: str) -> float:
        """Return the mean by a metric."""
        return getattr(self, metric) if metric in METRICS else dict(self.own)[metric]


class Ranks(NamedTuple):
    """Mean ranks of a method among the others, overall and by group; 1 is best."""

    overall: float
    groups: dict[str, float]


@dataclass(frozen=True)
class Results:
    """What methods have scored on a data set."""

    rows: tuple[Row, ...] = field(repr=False)
    """One for each sample and method, in the order of the data set."""
    definitions: dict[str, str]
    """What each method is, by name."""
    quantise: bool
    region: Callable[[Sample], np.ndarray | None] | None
    dataset: Sequence[Sample] = field(repr=False)
    unit: str
    """What counts as one observation: "name" or "group"."""
    alphas: Mapping[tuple[str, str, str], bytes | Path] = field(repr=False)
    """PNGs, or the paths of such, by method, name and group."""
    own: tuple[str, ...] = ()
    """Names of the caller's own metrics."""

    @property
    def methods(self) -> list[str]:
        return list(self.definitions)

    @property
    def metrics(self) -> dict[str, str]:
        """Titles of the metrics, by their names."""
        return {key: kind.title for key, kind in METRICS.items()} | {key: key for key in self.own}

    @property
    def samples(self) -> int:
        return len(self.rows) // len(self.methods)

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(row.group for row in self.rows))

    def alpha(self, method: str, name: str, group: str = "") -> np.ndarray:
        """Return an alpha (H, W) as it was kept, uint8; KeyError if there is none."""
        import cv2

        kept = self.alphas[method, name, group]
        encoded = kept if isinstance(kept, bytes) else kept.read_bytes()
        alpha = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
        if alpha is None:
            raise ValueError(f"the alpha that {method} made of {name} is damaged: {kept!r:.200}.")
        return alpha

    def scored(self, sample) -> np.ndarray | None:
        """Return the trimap whose unknown pixels are scored; None is the whole picture."""
        return sample.trimap if self.region is None else self.region(sample)

    def scores(self, metric: str = "sad") -> np.ndarray:
        """Return one metric of all samples and methods, (samples, methods), NaN where none."""
        if metric not in self.metrics:
            raise ValueError(f"`metric` is {metric!r}; expected one of {', '.join(self.metrics)}.")
        values = np.array([row.score(metric) for row in self.rows])
        return values.reshape(-1, len(self.methods))

    def means(self) -> list[Means]:
        """Return mean scores, one entry per method, in the order of the methods.

        Samples on which a method failed are not in its means; `failed` is their number.
        """
        return [
            _means(method, self.rows[at :: len(self.methods)], self.own)
            for at, method in enumerate(self.methods)
        ]

    def ranks(self, metric: str = "sad") -> dict[str, Ranks]:
        """Rank the methods as alphamatting.com does.

        Methods are ranked by their scores in each cell: one picture with one trimap. Ties share the
        mean of their ranks; a method that failed comes last. Ranks are averaged over the cells of a
        group, then over the groups.
        """
        from scipy.stats import rankdata

        scores = self.scores(metric)
        scored = ~np.isnan(scores).all(axis=1)
        ranks = rankdata(np.where(np.isnan(scores), np.inf, scores)[scored], axis=1)
        of_cell = np.array([row.group for row in self.rows[:: len(self.methods)]])[scored]
        groups = {
            group: ranks[of_cell == group].mean(axis=0)
            for group in self.groups
            if (of_cell == group).any()
        }
        overall = np.mean([*groups.values()], axis=0) if groups else [math.nan] * scores.shape[1]
        return {
            method: Ranks(float(overall[at]), {key: float(r[at]) for key, r in groups.items()})
            for at, method in enumerate(self.methods)
        }

    def compare(
        self,
        metric: str = "sad",
        *,
        against: str | None = None,
        confidence: float = 0.95,
        resamples: int = 10_000,
        seed: int = 0,
    ) -> list[Comparison]:
        """Compare methods in pairs, on the pictures that both finished.

        A picture may have several trimaps. Their differences are averaged first, because they are
        not independent; with `unit="group"` so are those of a clip's frames.

        Parameters
        ----------
        metric : "sad", "mse", "mad", "grad", "conn", or the name of an own metric
        against : name of a method, optional
            Compare the others with it. By default all pairs are compared.
        confidence : float
            Coverage of the bootstrap's interval of the mean difference (BCa, Efron 1987).
        resamples, seed : int
            Of the bootstrap.

        Returns
        -------
        list of Comparison
            With p-values of Wilcoxon's signed-rank test, before and after Holm's correction for the
            number of comparisons returned.

        Notes
        -----
        The interval is about the mean difference, which a few hard pictures can decide. The p-value
        is about the number of pictures on which a method is better, and the ranks of the
        differences. So the interval can contain 0 where p is small, or not where p is large.
        """
        if against is not None and against not in self.definitions:
            raise ValueError(f"`against` is {against!r}; expected one of {self.methods}.")
        if not 0 < confidence < 1:
            raise ValueError(f"`confidence` is {confidence}; expected a share, such as 0.95.")
        resamples = as_count(resamples, "resamples")
        units = [getattr(row, self.unit) for row in self.rows[:: len(self.methods)]]
        scores = dict(zip(self.methods, self.scores(metric).T, strict=True))
        rng = np.random.default_rng(seed)
        return compare_all(scores, units, against, confidence, resamples, rng)

    def notes(self) -> dict[tuple[str, str], list[Row]]:
        """Return the rows with a warning, by method and warning."""
        return self._rows_by("warning")

    def failures(self) -> dict[tuple[str, str], list[Row]]:
        """Return the rows that failed, by method and error."""
        return self._rows_by("error")

    def _rows_by(self, key: str) -> dict[tuple[str, str], list[Row]]:
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if text := getattr(row, key):
                found.setdefault((row.method, text), []).append(row)
        return found


def _means(method: str, rows: Sequence[Row], own: Sequence[str]) -> Means:
    scored = [row for row in rows if not math.isnan(row.sad)]
    # MSE over no pixels is NaN; it says nothing about the method.
    means = {key: _without_nan(np.mean, [r.score(key) for r in scored]) for key in (*METRICS, *own)}
    return Means(
        method,
        **{key: means[key] for key in METRICS},
        own=tuple((key, means[key]) for key in own),
        seconds=_without_nan(np.median, [row.seconds for row in rows]),
        peak_memory=_without_nan(np.median, [row.peak_memory for row in rows]),
        samples=len(rows),
        scored=len(scored),
        failed=sum(bool(row.error) for row in rows),
        unconverged=sum(row.converged is False for row in rows),
    )


def _without_nan(summary, values: Sequence[float]) -> float:
    known = [value for value in values if not math.isnan(value)]
    return float(summary(known)) if known else math.nan
