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
