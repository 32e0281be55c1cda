"""The file of finished rows: what it may hold, and what it survives."""

import json
import os

import numpy as np
import pytest

from alphamat.evaluation import evaluate
from tests.alphamat.evaluation.cases import half, red, sample, samples


def fraction(alpha, truth, trimap):
    return np.mean(np.abs(alpha - truth) > 0.1)


def undefined(alpha, truth, trimap):
    return float("nan")


@pytest.fixture
def folder(tmp_path):
    evaluate([red, half], [sample()], folder=tmp_path, progress=False)
    return tmp_path


def edited(*path, value):
    """Return a function that changes one entry of a record."""

    def edit(record):
        for key in path[:-1]:
            record = record[key]
        record[path[-1]] = value

    return edit


def without(*path):
    def edit(record):
        for key in path[:-1]:
            record = record[key]
        del record[path[-1]]

    return edit


@pytest.mark.parametrize(
    ("edit", "told"),
    [
        (edited("row", "sad", value=True), "sad is True"),
        (edited("row", "sad", value="0.1"), "sad is '0.1'"),
        (edited("row", "sad", value=-0.1), "sad is -0.1"),
        (edited("row", "grad", value=1e308), "grad is 1e\\+308"),
        (edited("row", "conn", value=10**400), "conn is 1000"),
        (edited("row", "mse", value=1.5), "mse is 1.5"),
        (edited("row", "seconds", value=float("nan")), "seconds is nan"),
        (edited("row", "peak_memory", value=float("inf")), "peak_memory is inf"),
        (edited("row", "converged", value=1), "converged is 1"),
        (edited("row", "name", value=3), "name is 3"),
        (edited("row", "error", value=None), "error is None"),
        (edited("row", "own", value=[]), r"own is \[\]"),
        (edited("row", "own", value={"worst": "much"}), "own is {'worst': 'much'}"),
        (edited("row", "more", value=1), "it has more, which is unknown"),
        (edited("row", value=None), "row is None"),
        (edited("settings", value=[]), r"settings is \[\]"),
        (edited("died", value="no"), "died is 'no'"),
        (edited("limit", value=-2), "limit is -2"),
        (without("row", "sad"), "it lacks sad"),
        (without("settings"), "it lacks settings"),
    ],
)
def test_a_line_with_a_wrong_entry_is_named(folder, edit, told):
    path = folder / "rows.jsonl"
    first, second = path.read_text().splitlines()
    record = json.loads(second)
    edit(record)
    path.write_text(f"{first}\n{json.dumps(record)}\n")
    with pytest.raises(ValueError, match=rf"rows\.jsonl is damaged in line 2: {told}") as caught:
        evaluate([red, half], [sample()], folder=folder)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    "line", [b"null", b"{}", b"[]", b'"row"', b"3", b"[" * 5000, b"\0" * 80, b"\xff\xfe{", b"{"]
)
def test_a_line_that_is_no_record_is_named(folder, line):
    path = folder / "rows.jsonl"
    path.write_bytes(line + b"\n" + path.read_bytes())
    with pytest.raises(ValueError, match=r"rows\.jsonl is damaged in line 1: it "):
        evaluate([red, half], [sample()], folder=folder)


def test_cutting_a_line_off_leaves_all_rows_where_the_disk_is_full(folder, monkeypatch):
    path = folder / "rows.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"settings": {')

    def full(*names):
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        evaluate([red, half], [sample()], folder=folder)
    assert path.read_bytes().startswith(whole)
    monkeypatch.undo()
    evaluate([red, half], [sample()], folder=folder)
    assert path.read_bytes() == whole
    assert [file.name for file in folder.iterdir() if file.name.startswith(".")] == []


def test_own_metrics_are_kept_also_where_they_are_undefined(tmp_path):
    own = {"metrics": [fraction, undefined], "folder": tmp_path}
    first = evaluate([red, half], samples(), **own)
    again = evaluate([red, half], samples(), **own)
    np.testing.assert_equal(again.rows, first.rows)
    with pytest.raises(ValueError, match="by other settings: metrics was"):
        evaluate([red, half], samples(), metrics=[fraction], folder=tmp_path)


def test_names_in_no_encoding_are_kept_and_written(tmp_path):
    odd = sample(b"m\xf6on".decode(errors="surrogateescape"))
    for _ in range(2):
        found = evaluate([red], [odd], folder=tmp_path)
        assert not found.failures()
    assert len((tmp_path / "rows.jsonl").read_text().splitlines()) == 1
    for write in (found.to_csv, found.to_json, found.report):
        write(tmp_path / "out")
        assert b"m\\udcf6on" in (tmp_path / "out").read_bytes()
