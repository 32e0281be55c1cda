import csv
import json
import math

import numpy as np
import pytest

from alphamat.evaluation import Row, evaluate
from tests.alphamat.evaluation.cases import choosy, half, red, sample, samples, table

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


def test_csv_holds_the_rows(tmp_path):
    bright = sample("moon, full")._replace(image=np.full((11, 14, 3), 255, np.uint8))
    found = evaluate([red, choosy], [sample(), bright])
    found.to_csv(tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["disc", "disc", "moon, full", "moon, full"]
    assert [float(row["mse"]) for row in rows[:3]] == [row.mse for row in found.rows[:3]]
    assert rows[3]["mse"] == ""
    assert rows[3]["error"] == "RuntimeError: not <this> one"


def test_json_holds_the_rows_and_what_follows_from_them(tmp_path):
    found = evaluate([red, half, choosy], samples())
    found.to_json(tmp_path / "scores.json")
    record = json.loads((tmp_path / "scores.json").read_text())
    numbers = Row._fields[3:10]
    rows = [
        Row(**{**row, **{key: NAN for key in numbers if row[key] is None}})
        for row in record["rows"]
    ]
    np.testing.assert_equal(rows, list(found.rows))
    assert record["means"][1]["sad"] == found.means()[1].sad
    assert record["ranks"]["sad"]["red"]["overall"] == found.ranks()["red"].overall
    assert len(record["comparisons"]) == 3
    assert record["methods"]["half"].endswith("cases.half")


def test_json_of_failures_only_is_json(tmp_path):
    table({"a": [NAN], "b": [NAN]}, LABELS[:1]).to_json(tmp_path / "scores.json")
    record = json.loads((tmp_path / "scores.json").read_text())
    assert record["means"][0]["sad"] is None
    assert record["ranks"]["sad"]["a"]["overall"] is None


def test_markdown_marks_the_best_and_tells_of_failures(tmp_path):
    found = table({"good|old": [1.5, 2, 3], "new": [1, NAN, 1]}, LABELS)
    found.to_markdown(tmp_path / "scores.md")
    text = (tmp_path / "scores.md").read_text()
    assert text == str(found)
    lines = text.splitlines()
    # "new" has the lower mean, of easier pictures: it is not marked.
    assert sum("**2.17**" in line for line in lines) == 1
    assert "**1.00**" not in text
    assert "- new failed on disc coarse: no" in lines
    assert sum("| good\\|old " in line for line in lines) == 3


def test_one_method_and_one_sample_are_enough():
    text = str(table({"a": [0.0]}, LABELS[:1]))
    assert "1 sample," in text
    assert "p after Holm" not in text
