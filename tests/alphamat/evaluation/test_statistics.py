import itertools

import numpy as np
import pytest
from scipy import stats

from alphamat.evaluation.statistics import (
    bootstrap_mean,
    compare_all,
    holm,
    signed_rank,
    swapped,
    unit_means,
)


def test_holm_by_hand():
    # Sorted .01, .02, .03, .04: 4 × .01, 3 × .02, 2 × .03, 1 × .04, the last raised to .06.
    np.testing.assert_allclose(holm([0.03, 0.01, 0.04, 0.02]), [0.06, 0.04, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


def test_holm_counts_only_what_was_asked():
    assert holm([0.02, np.nan])[0] == 0.02
    assert np.isnan(holm([0.02, np.nan])[1])


def test_signed_rank_is_the_share_of_signs_as_extreme():
    values = np.array([1.5, -0.2, 0.9, 2.1, -0.4, 0.7, 3.0])
    ranks = stats.rankdata(np.abs(values))
    sums = [sum(r for r, s in zip(ranks, signs, strict=True) if s) for signs in
            itertools.product([0, 1], repeat=7)]  # fmt: skip
    seen = ranks[values > 0].sum()
    expected = 2 * np.mean(np.array(sums) >= seen)
    assert signed_rank(values) == pytest.approx(expected)
    assert signed_rank(np.zeros(5)) == 1
    assert np.isnan(signed_rank(np.array([])))


def test_bootstrap_is_scipys_bca():
    values = np.random.default_rng(8).exponential(size=23)
    ours = bootstrap_mean(values, 0.9, 50_000, np.random.default_rng(1))
    theirs = stats.bootstrap(
        (values,), np.mean, confidence_level=0.9, n_resamples=50_000, method="BCa", batch=10_000
    ).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_bootstrap_of_next_to_nothing():
    rng = np.random.default_rng(1)
    assert bootstrap_mean(np.full(3, 0.1), 0.95, 100, rng) == (0.1, 0.1)
    assert np.isnan(bootstrap_mean(np.array([1.0]), 0.95, 100, rng)).all()
    low, high = bootstrap_mean(np.array([1.0, 2.0]), 0.95, 1000, rng)
    assert 1 <= low <= 1.5 <= high <= 2


def test_units_are_averaged_without_what_failed():
    values = np.array([1.0, 3.0, np.nan, 5.0, np.nan])
    np.testing.assert_array_equal(unit_means(values, ["b", "b", "a", "a", "c"]), [5, 2])


def test_a_comparison_seen_from_the_other_method():
    rng = np.random.default_rng(4)
    scores = {"a": rng.uniform(size=9), "b": rng.uniform(size=9)}
    units = [str(at) for at in range(9)]
    (pair,) = compare_all(scores, units, None, 0.95, 200, rng)
    turned = swapped(pair)
    assert (turned.method, turned.other) == ("b", "a")
    assert (turned.difference, turned.low, turned.high) == (-pair.difference, -pair.high, -pair.low)
    assert turned.better == pair.worse
    assert swapped(turned) == pair
