import errno
import os
from pathlib import Path

import pytest

from alphamat.io.whole import refuse_unwritable, replace_file


def test_a_file_is_written_from_pieces_and_replaced(tmp_path):
    for content in ([b"one"], [b"two, ", b"three"]):
        replace_file(tmp_path / "a.csv", iter(content))
        assert (tmp_path / "a.csv").read_bytes() == b"".join(content)


def test_content_that_fails_leaves_what_was_there(tmp_path):
    def pieces():
        yield b"new"
        raise ValueError("no more")

    (tmp_path / "a.csv").write_bytes(b"old")
    with pytest.raises(ValueError, match="no more"):
        replace_file(tmp_path / "a.csv", pieces())
    assert [file.name for file in tmp_path.iterdir()] == ["a.csv"]
    assert (tmp_path / "a.csv").read_bytes() == b"old"


def test_names_of_other_endings_are_refused(tmp_path):
    refuse_unwritable(tmp_path / "a.CSV", endings=(".csv", ".txt"))
    with pytest.raises(ValueError, match=r"a\.png cannot be .* name in \.csv, \.txt"):
        refuse_unwritable(tmp_path / "a.png", endings=(".csv", ".txt"))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_a_name_may_be_as_long_as_the_system_allows(tmp_path):
    name = (os.pathconf(tmp_path, "PC_NAME_MAX") - 4) * "o" + ".csv"
    replace_file(tmp_path / name, [b"all"])
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_link_to_itself_is_replaced(tmp_path):
    (tmp_path / "a.csv").symlink_to("a.csv")
    refuse_unwritable(tmp_path / "a.csv", endings=(".csv",))
    replace_file(tmp_path / "a.csv", [b"all"])
    assert (tmp_path / "a.csv").read_bytes() == b"all"


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_what_the_system_refuses_names_the_file(tmp_path, monkeypatch, step):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match=r"a\.csv cannot be written: No space left on device\.$"):
        replace_file(tmp_path / "a.csv", [b"all"])
    assert not list(tmp_path.iterdir())


def test_faults_of_the_content_stay_as_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No such file .*missing"):
        replace_file(tmp_path / "a.csv", map(Path.read_bytes, [tmp_path / "missing"]))


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX")
def test_a_pipe_is_no_place_to_write(tmp_path):
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(ValueError, match=r"a\.csv is a pipe or a device"):
        refuse_unwritable(tmp_path / "a.csv", endings=(".csv",))
