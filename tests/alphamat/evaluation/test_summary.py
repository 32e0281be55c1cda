import math

import numpy as np
import pytest

from alphamat.evaluation.summary import (
    Cell,
    Failure,
    against,
    by_rank,
    cells,
    comparisons_columns,
    failures,
    listed,
    means_columns,
    ranks_columns,
    scores_columns,
)
from alphamat.metrics import METRICS
from tests.alphamat.evaluation.cases import table

NAN = float("nan")
LABELS = [("disc", "fine"), ("disc", "coarse"), ("moon", "fine")]
TITLES = [metric.title for metric in METRICS.values()]


def test_cells_are_plain_unless_told_otherwise():
    cell = Cell("knn")
    assert not cell.best
    assert math.isnan(cell.value)
    found = cells([2.0, 0.5, NAN], 0.5)
    assert found[:2] == [("2.000", False, 2), ("0.500", True, 0.5)]
    assert found[2][:2] == ("–", False)


def test_means_begin_with_the_best_ranked_method_and_mark_the_lowest():
    columns = means_columns(table({"a": [3, 4], "b": [1, 2]}, LABELS[:2]), "sad")
    assert list(columns) == ["method", *TITLES, "seconds", "MB"]
    assert columns["method"] == [Cell("b"), Cell("a")]
    for title in TITLES:
        assert columns[title] == [("1.50", True, 1.5), ("3.50", False, 3.5)]
    assert columns["seconds"] == [("1.50", False, 1.5)] * 2


def test_a_mean_over_fewer_samples_is_not_the_best():
    # "new" has the lower mean, of easier pictures.
    columns = means_columns(table({"old": [1.5, 2, 3], "new": [1, NAN, 1]}, LABELS), "sad")
    best = {m.text: cell.best for m, cell in zip(columns["method"], columns["SAD"], strict=True)}
    assert best == {"old": True, "new": False}
    assert columns["failed"] == [("", False, 0), ("1", False, 1)]
    assert "not converged" not in columns


def test_equal_means_are_all_the_best_and_one_alone_is_not():
    both = means_columns(table({"a": [1], "b": [1]}, LABELS[:1]), "sad")["SAD"]
    assert [cell.best for cell in both] == [True, True]
    assert not means_columns(table({"a": [1]}, LABELS[:1]), "sad")["SAD"][0].best
    neither = means_columns(table({"a": [NAN], "b": [NAN]}, LABELS[:1]), "sad")["SAD"]
    assert [cell[:2] for cell in neither] == [("–", False)] * 2


def test_ranks_are_also_told_by_group_unless_there_is_one_or_many():
    found = table({"a": [1, 1, 5], "b": [2, 3, 4]}, LABELS)
    columns = ranks_columns(found, "mse")
    assert list(columns) == ["mean rank by", *TITLES, "MSE, fine", "MSE, coarse"]
    assert columns["mean rank by"] == [Cell("a"), Cell("b")]
    assert [cell.value for cell in columns["SAD"]] == [1.25, 1.75]
    assert [cell.text for cell in columns["MSE, coarse"]] == ["1.00", "2.00"]
    assert list(ranks_columns(table({"a": [1]}, LABELS[:1]), "sad")) == ["mean rank by", *TITLES]
    clips = [(str(at), f"clip {at}") for at in range(7)]
    assert len(ranks_columns(table({"a": range(7)}, clips), "sad")) == 6
    assert "SAD, no group" in ranks_columns(table({"a": [1, 2]}, [("x", ""), ("y", "z")]), "sad")


def test_comparisons_have_a_line_per_pair():
    found = table({"a": [1, 3], "b": [2, 5], "c": [NAN, NAN]}, [("x", ""), ("y", "")])
    columns = comparisons_columns(found, "sad")
    assert [cell.text for cell in columns["pair"]] == ["a less b", "a less c", "b less c"]
    assert [cell.text for cell in columns["difference in SAD"]] == ["-1.50", "–", "–"]
    assert columns["95 % interval"][1].text == "–"
    assert columns["better, worse"][0].text == "2, 0 of 2"


def test_scores_mark_the_best_of_each_sample():
    columns = scores_columns(table({"a": [1, 2, NAN], "b": [3, 2, NAN]}, LABELS), "sad")
    assert [cell.best for cell in columns["a"]] == [True, True, False]
    assert [cell.best for cell in columns["b"]] == [False, True, False]
    assert [cell.text for cell in columns["b"]] == ["3.00", "2.00", "–"]
    assert columns["a"][0] == ("1.00", True, 1)
    alone = scores_columns(table({"a": [1, 2]}, LABELS[:2]), "conn")
    assert alone == {"a": [("1.00", False, 1), ("2.00", False, 2)]}


def test_failures_name_method_samples_and_error():
    found = table({"a": [NAN, 1, NAN], "b": [1, 1, 1]}, LABELS)
    assert failures(found) == [Failure("a", "disc fine, moon fine", "no")]
    rows = table({"a": range(9)}, [(str(at), "") for at in range(9)]).rows
    assert listed(rows) == "0, 1, 2, 3, 4, 5, 3 more"
    assert listed(rows, most=9).endswith("7, 8")


def test_the_leader_is_compared_with_the_others_in_order_of_their_ranks():
    scores = {name: at + np.arange(4.0) ** 0.5 for name, at in (("c", 2), ("a", 0), ("b", 1))}
    found = table(scores, [(str(at), "") for at in range(4)])
    assert [means.method for means in by_rank(found, "sad")] == ["a", "b", "c"]
    pairs = against(found, "a", "sad")
    assert [(c.method, c.other) for c in pairs] == [("b", "a"), ("c", "a")]
    assert [c.difference for c in pairs] == pytest.approx([1, 2])
    # Corrected for three pairs, not for two.
    assert {c.p_holm for c in pairs} <= {c.p_holm for c in found.compare()}


def test_methods_without_a_rank_come_last():
    found = table({"a": [NAN], "b": [NAN]}, LABELS[:1])
    assert [means.method for means in by_rank(found, "sad")] == ["a", "b"]
