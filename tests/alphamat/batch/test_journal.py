import json
import sys

import pytest

from alphamat.batch.journal import Errors, Journal, finished

ALL = (1, 1)


def write(out, records, shard=ALL):
    journal = Journal(out, shard)
    for name, made_of, size in records:
        journal.add(name, "photo.jpg", made_of, size)
    journal.close()


def test_what_was_written_down_is_finished_if_it_is_the_same(tmp_path):
    write(tmp_path, [("a.png", 2**64 - 1, 30), ("b.png", 0, 7)])
    known = finished(tmp_path)
    assert known.has("a.png", 2**64 - 1, 30)
    assert known.has("b.png", 0, 7)
    for other in (("a.png", 2**64 - 1, 29), ("a.png", 2**64 - 2, 30), ("c.png", 2**64 - 1, 30)):
        assert not known.has(*other)


def test_nothing_is_finished_at_first(tmp_path):
    assert not finished(tmp_path).has("a.png", 1, 5)


def test_the_latest_line_counts_in_whichever_journal_it_is(tmp_path, monkeypatch):
    for time, made_of, shard in ((30, 1, (2, 2)), (20, 2, ALL), (40, 3, (1, 2)), (10, 4, (1, 3))):
        monkeypatch.setattr("time.time", lambda time=time: time)
        write(tmp_path, [("a.png", made_of, 5), (f"{made_of}.png", made_of, 5)], shard)
    known = finished(tmp_path)
    assert [known.has("a.png", made_of, 5) for made_of in (1, 2, 3, 4)] == [0, 0, 1, 0]
    assert [known.has(f"{made_of}.png", made_of, 5) for made_of in (1, 2, 3, 4)] == [1] * 4


def test_a_line_cut_short_is_as_good_as_none_at_each_place(tmp_path):
    write(tmp_path, [("a.png", 1, 5), ("b.png", 2, 5)])
    file = tmp_path / ".batch" / "journal.jsonl"
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    for end in range(len(whole) + 1):
        file.write_bytes(whole[:end])
        known = finished(tmp_path)
        assert known.has("a.png", 1, 5) == (end >= first)
        assert known.has("b.png", 2, 5) == (end == len(whole))
        write(tmp_path, [("c.png", 3, 5)])
        assert finished(tmp_path).has("c.png", 3, 5)
        assert all(json.loads(line) for line in file.read_bytes().splitlines())


@pytest.mark.parametrize(
    "line",
    [
        "",
        "nonsense",
        "[]",
        "[" * 10**5,
        '{"output": "b.png"}',
        '{"output": "b.png", "made_of": "0g", "bytes": 5, "at": 1}',
        '{"output": "b.png", "made_of": "-1", "bytes": 5, "at": 1}',
        '{"output": "b.png", "made_of": "11111111111111111", "bytes": 5, "at": 1}',
        '{"output": "b.png", "made_of": "2", "bytes": -5, "at": 1}',
        '{"output": "b.png", "made_of": "2", "bytes": 1e400, "at": 1}',
        '{"output": 7, "made_of": "2", "bytes": 5, "at": 1}',
        '{"output": "b.png", "made_of": 2, "bytes": 5, "at": null}',
        "\0",
    ],
)
def test_damaged_lines_are_passed_over(tmp_path, line):
    write(tmp_path, [("a.png", 1, 5)])
    with open(tmp_path / ".batch" / "journal.jsonl", "a") as file:
        file.write(line + "\n")
    write(tmp_path, [("c.png", 3, 5)])
    known = finished(tmp_path)
    assert known.has("a.png", 1, 5)
    assert known.has("c.png", 3, 5)
    assert not known.has("b.png", 2, 5)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other locks")
def test_two_runs_do_not_write_one_journal(tmp_path):
    journal = Journal(tmp_path, ALL)
    with pytest.raises(ValueError, match="another run is writing to"):
        Journal(tmp_path, ALL)
    Journal(tmp_path, (1, 2)).close()
    journal.close()
    Journal(tmp_path, ALL).close()


def test_names_in_any_letters_are_found_again(tmp_path):
    names = ["ä/λ.png", "a\nb.png", 'a"b.png', "\udcff.png"]
    write(tmp_path, [(name, 1, 5) for name in names])
    known = finished(tmp_path)
    assert all(known.has(name, 1, 5) for name in names)


def test_a_table_of_errors_is_there_only_if_there_are_some(tmp_path):
    errors = Errors(tmp_path, ALL)
    assert not errors.path.exists()
    errors.add("a,b.jpg", "a.png", "reading", 'It says "no".')
    errors.add("\udcff.jpg", "b.png", "matting", "No.")
    assert errors.path.read_text().splitlines() == [
        "picture,output,step,error",
        '"a,b.jpg",a.png,reading,"It says ""no""."',
        "?.jpg,b.png,matting,No.",
    ]
    Errors(tmp_path, ALL)
    assert not errors.path.exists()
