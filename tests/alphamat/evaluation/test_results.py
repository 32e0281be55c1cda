import math

import numpy as np
import pytest

from alphamat.evaluation import Means, Row
from alphamat.metrics import METRICS
from tests.alphamat.evaluation.cases import table

NAN = float("nan")
LABELS = [("disc", "fine"), ("disc", "coarse"), ("moon", "fine")]


def test_ranks_by_hand():
    # Ranks in the cells: fine 1 2 3 and 2.5 2.5 1, coarse 1 3 2.
    found = table({"a": [1, 1, 5], "b": [2, 3, 5], "c": [3, 2, 4]}, LABELS)
    ranks = found.ranks()
    assert ranks["a"].groups == {"fine": 1.75, "coarse": 1}
    assert ranks["b"].groups == {"fine": 2.25, "coarse": 3}
    assert [ranks[method].overall for method in "abc"] == [1.375, 2.625, 2]


def test_failures_rank_last_and_share_it():
    found = table({"a": [NAN, 1], "b": [2, 2], "c": [NAN, 3]}, LABELS[:2])
    assert {m: r.groups["fine"] for m, r in found.ranks().items()} == {"a": 2.5, "b": 1, "c": 2.5}


def test_cells_without_truth_are_not_ranked():
    found = table({"a": [1, NAN], "b": [2, NAN]}, LABELS[:2])
    assert found.ranks()["b"] == (2, {"fine": 2})
    assert math.isnan(table({"a": [NAN], "b": [NAN]}, LABELS[:1]).ranks()["a"].overall)


def test_means_leave_out_failures_and_count_them():
    found = table({"a": [1, 2, 6], "b": [2, NAN, 5]}, LABELS)
    first, second = found.means()
    assert (first.sad, first.scored, first.failed, first.seconds) == (3, 3, 0, 2)
    assert (second.sad, second.scored, second.failed, second.samples) == (3.5, 2, 1, 3)


def test_comparisons_average_a_pictures_trimaps():
    found = table({"a": [1, 3, 5], "b": [4, 4, 4]}, LABELS)
    (pair,) = found.compare()
    assert (pair.method, pair.other, pair.pairs) == ("a", "b", 2)
    assert pair.difference == pytest.approx((-2 + 1) / 2)
    assert (pair.better, pair.worse) == (1, 1)
    by_clip = table({"a": [1, 3, 5], "b": [4, 4, 4]}, LABELS, unit="group").compare()
    assert by_clip[0].difference == pytest.approx((-1 - 1) / 2)


def test_comparisons_are_of_all_pairs_or_against_one():
    scores = {name: np.random.default_rng(at).uniform(size=3) for at, name in enumerate("abc")}
    found = table(scores, LABELS)
    assert [c[:2] for c in found.compare("mse")] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [c[:2] for c in found.compare(against="b")] == [("a", "b"), ("c", "b")]
    assert found.compare() == found.compare()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"metric": "psnr"}, "sad, mse, mad, grad, conn"),
        ({"against": "d"}, r"expected one of \['a', 'b'\]"),
        ({"confidence": 95}, "0.95"),
        ({"resamples": 0}, "at least 1"),
    ],
)
def test_nonsense_comparisons_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        table({"a": [1], "b": [2]}, LABELS[:1]).compare(**options)


@pytest.mark.parametrize(("kind", "first"), [(Row, 3), (Means, 1)])
def test_rows_and_means_have_a_field_for_each_metric_in_their_order(kind, first):
    assert kind._fields[first : first + len(METRICS)] == tuple(METRICS)
    assert kind._fields[first + len(METRICS) :][:2] == ("seconds", "peak_memory")


@pytest.mark.parametrize("metric", METRICS)
def test_every_metric_can_be_asked_for(metric):
    found = table({"a": [1], "b": [2]}, LABELS[:1])
    assert found.scores(metric).tolist() == [[1, 2]]
    assert found.ranks(metric)["b"].overall == 2
