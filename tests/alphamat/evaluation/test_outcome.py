import csv
import json

import numpy as np

from alphamat.evaluation import Row, evaluate
from tests.alphamat.evaluation.cases import choosy, half, red, sample, samples, table

NAN = float("nan")
LABELS = [("disc", "fine"), ("disc", "coarse"), ("moon", "fine")]


def test_csv_holds_the_rows(tmp_path):
    bright = sample("moon, full")._replace(image=np.full((11, 14, 3), 255, np.uint8))
    found = evaluate([red, choosy], [sample(), bright])
    found.to_csv(tmp_path / "scores.csv")
    with open(tmp_path / "scores.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["disc", "disc", "moon, full", "moon, full"]
    assert [float(row["mse"]) for row in rows[:3]] == [row.mse for row in found.rows[:3]]
    assert rows[3]["mse"] == ""
    assert rows[3]["error"] == "RuntimeError: not <this> one (cases.py, line 44, in choosy)"


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


def test_an_evaluation_prints_as_a_short_table():
    found = table({"old": [2, 1, 3], "new": [1, NAN, 1]}, LABELS)
    head, _, *lines = repr(found).splitlines()
    assert [cell.strip() for cell in head.split("|")[1:4]] == ["method", "SAD", "MSE"]
    assert [line.split("|")[1].strip() for line in lines] == ["old", "new"]
    assert "SAD" in found._repr_html_()
    assert found._repr_html_().count("<tr") == 3
