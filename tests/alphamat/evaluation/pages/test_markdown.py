from dataclasses import replace

from alphamat.evaluation.pages.markdown import table as written
from alphamat.evaluation.summary import Cell
from tests.alphamat.evaluation.cases import table

NAN = float("nan")
LABELS = [("disc", "fine"), ("disc", "coarse"), ("moon", "fine")]


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


def test_a_table_is_aligned_and_its_best_cells_are_bold():
    columns = {"method": [Cell("a|b"), Cell("*c*")], "SAD": [Cell("1.50", best=True), Cell("12")]}
    assert written(columns).splitlines() == [
        "| method |      SAD |",
        "| ------ | -------: |",
        "| a\\|b   | **1.50** |",
        "| *c*    |       12 |",
    ]


def test_methods_are_in_the_order_of_a_metric_and_p_values_are_explained(tmp_path):
    found = table({"a": [1, 2], "b": [2, 3]}, LABELS[:2])
    rows = tuple(row._replace(mse=5 - row.sad) for row in found.rows)
    found = replace(found, rows=rows)
    found.to_markdown(tmp_path / "scores.md", metric="mse")
    text = (tmp_path / "scores.md").read_text()
    assert text.splitlines()[4].startswith("| b ")
    assert "difference in MSE" in text
    assert text.splitlines()[-1].startswith("The interval is about the mean difference")
