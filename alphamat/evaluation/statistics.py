"""Whether two methods differ, or chance favoured one of them.

All methods see the same pictures, so their differences are tested: an interval for the mean by the
bootstrap (Efron, "Better Bootstrap Confidence Intervals", JASA 1987), Wilcoxon's signed-rank test
("Individual Comparisons by Ranking Methods", 1945), and Holm's correction for several tests ("A
Simple Sequentially Rejective Multiple Test Procedure", 1979).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np


class Comparison(NamedTuple):
    """A method beside another; a negative difference is in favour of `method`."""

    method: str
    other: str
    pairs: int
    """Pictures that both finished."""
    better: int
    """Pictures on which `method` has the lower error; on `worse` it has the higher."""
    worse: int
    difference: float
    """Mean of the method's error less the other's."""
    low: float
    high: float
    """Ends of the interval of `difference`."""
    p: float
    """Wilcoxon's signed-rank test, two-sided."""
    p_holm: float
    """After Holm's correction for all comparisons made."""


def compare_all(
    scores: dict[str, np.ndarray],
    units: Sequence[str],
    against: str | None,
    confidence: float,
    resamples: int,
    rng: np.random.Generator,
) -> list[Comparison]:
    """Compare all pairs of methods, or each with `against`, by their means within `units`."""
    pairs = list(combinations(scores, 2))
    if against is not None:
        pairs = [(method, against) for method in scores if method != against]
    found = []
    for method, other in pairs:
        difference = unit_means(scores[method] - scores[other], units)
        low, high = bootstrap_mean(difference, confidence, resamples, rng)
        found.append(
            Comparison(
                method,
                other,
                difference.size,
                int(np.count_nonzero(difference < 0)),
                int(np.count_nonzero(difference > 0)),
                float(difference.mean()) if difference.size else math.nan,
                low,
                high,
                p := signed_rank(difference),
                p,
            )
        )
    corrected = holm([comparison.p for comparison in found])
    return [c._replace(p_holm=p) for c, p in zip(found, corrected, strict=True)]


def swapped(c: Comparison) -> Comparison:
    """Return a comparison seen from the other method."""
    return c._replace(
        method=c.other,
        other=c.method,
        better=c.worse,
        worse=c.better,
        difference=-c.difference,
        low=-c.high,
        high=-c.low,
    )


def unit_means(values: np.ndarray, units: Sequence[str]) -> np.ndarray:
    """Return the mean of each unit's values; NaN is left out."""
    there = ~np.isnan(values)
    _, unit = np.unique(np.asarray(units)[there], return_inverse=True)
    return np.bincount(unit, values[there]) / np.bincount(unit)


def bootstrap_mean(
    values: np.ndarray, confidence: float, resamples: int, rng: np.random.Generator
) -> tuple[float, float]:
    """Return the BCa interval of a mean; NaN for fewer than two values."""
    from scipy.special import ndtr, ndtri

    if values.size < 2:
        return math.nan, math.nan
    if np.ptp(values) == 0:
        return float(values[0]), float(values[0])
    mean, deviation = values.mean(), values - values.mean()
    means = _resampled_means(values, resamples, rng)
    below = (np.count_nonzero(means < mean) + np.count_nonzero(means <= mean)) / 2
    bias = ndtri(below / resamples)
    # The jackknife's acceleration of a mean.
    acceleration = np.sum(deviation**3) / (6 * np.sum(deviation**2) ** 1.5)
    z = bias + ndtri([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(means, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def _resampled_means(values: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    means = np.empty(count)
    some = max(1, 2**20 // values.size)  # at a time, to save memory
    for first in range(0, count, some):
        part = means[first : first + some]
        part[:] = values[rng.integers(values.size, size=(part.size, values.size))].mean(axis=1)
    return means


def signed_rank(values: np.ndarray) -> float:
    """Return the p-value of Wilcoxon's test that values lie evenly about zero."""
    from scipy.stats import wilcoxon

    if not values.size:
        return math.nan
    return float(wilcoxon(values).pvalue) if values.any() else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for their number; NaN is not counted.

    The smallest of m is multiplied by m, the next by m - 1, and so on; none falls below the one
    before it.
    """
    corrected = [math.nan] * len(p_values)
    asked = sorted((p, at) for at, p in enumerate(p_values) if not math.isnan(p))
    most = 0.0
    for done, (p, at) in enumerate(asked):
        most = max(most, min(1.0, (len(asked) - done) * p))
        corrected[at] = most
    return corrected
