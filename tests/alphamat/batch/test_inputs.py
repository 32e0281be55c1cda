import re
from pathlib import Path

import pytest

from alphamat.batch import Picture, pictures_of
from alphamat.batch.inputs import as_pictures


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Work in a folder with pictures, trimaps, results, and what is none of these."""
    monkeypatch.chdir(tmp_path)
    names = """
        10.jpg 2.png 2_trimap.png 2_alpha.png odd_alpha.png notes.txt .hidden.png .git/x.png
        b/lion.JPG b/lion_trimap.tif out/2_alpha.png trimaps/10.png trimaps/b/lion_trimap.png
    """
    for name in (f"photos/{name}" for name in names.split()):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


def pairs(found):
    return [(str(x.image), x.trimap and str(x.trimap), x.folder) for x in found]


def test_a_folder_is_paired_by_names(tree):
    found = pictures_of("photos", apart="photos/out")
    expected = [
        ("photos/2.png", "photos/2_trimap.png", ""),
        ("photos/10.jpg", None, ""),
        ("photos/odd_alpha.png", None, ""),
        ("photos/b/lion.JPG", "photos/b/lion_trimap.tif", "b"),
        ("photos/trimaps/10.png", None, "trimaps"),
        ("photos/trimaps/b/lion_trimap.png", None, "trimaps/b"),
    ]
    assert pairs(found) == expected
    assert pairs(found) == expected  # again, the same


def test_trimaps_of_another_folder_have_the_pictures_names(tree):
    found = pictures_of("photos", trimaps="photos/trimaps", apart="photos/out")
    assert pairs(found)[:2] == [
        ("photos/2.png", None, ""),
        ("photos/10.jpg", "photos/trimaps/10.png", ""),
    ]
    assert pairs(found)[3:] == [("photos/b/lion.JPG", "photos/trimaps/b/lion_trimap.png", "b")]
    assert "NAME_trimap in photos/trimaps" in found.rules


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("photos/*.png", [("photos/2.png", "photos/2_trimap.png", "")]),
        ("photos/*/l*.JPG", [("photos/b/lion.JPG", "photos/b/lion_trimap.tif", "b")]),
        ("photos/**/[l1]*.*[gG]", [
            ("photos/10.jpg", None, ""),
            ("photos/b/lion.JPG", "photos/b/lion_trimap.tif", "b"),
            ("photos/trimaps/10.png", None, "trimaps"),
            ("photos/trimaps/b/lion_trimap.png", None, "trimaps/b"),
        ]),
    ],
)  # fmt: skip
def test_a_pattern_finds_trimaps_that_it_does_not_match(tree, pattern, expected):
    found = pairs(pictures_of(pattern, apart="photos/out"))
    assert [pair for pair in found if "odd" not in pair[0]] == expected


def test_a_manifest_names_all_and_may_leave_out_some(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(
        "﻿output,image,trimap\r\nx/lion.png, a.jpg ,t.png\r\n,/far/b.jpg,\r\n,,t.png\r\n"
        '"c ""1"".png","d,e.jpg"\r\nf.png,g.jpg,h.png,more\r\n',
        encoding="utf-8",
    )
    found = list(pictures_of(path))
    assert found[0] == Picture(tmp_path / "a.jpg", tmp_path / "t.png", "x/lion.png")
    assert found[1] == Picture(Path("/far/b.jpg"))
    assert found[2].fault == f"Line 4 of {path} names no image."
    assert found[3] == Picture(tmp_path / "d,e.jpg", None, 'c "1".png')
    assert found[4].fault == f"Line 6 of {path} has more cells than there are columns."


def test_a_manifest_is_read_as_far_as_it_is_needed(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("image\n" + "a.jpg\n" * 10**5 + '"b.jpg"' + "x" * 200000 + "\n")
    found = iter(pictures_of(path))
    assert next(found).image == tmp_path / "a.jpg"
    with pytest.raises(ValueError, match=r"list\.csv is no CSV after line 10000"):
        list(found)


@pytest.mark.parametrize("head", ["", "picture,trimap", "image,image", "image,mask", "a.jpg,b.png"])
def test_a_manifest_with_other_columns_is_refused(tmp_path, head):
    path = tmp_path / "list.csv"
    path.write_text(f"{head}\na.jpg,b.png\n")
    with pytest.raises(ValueError, match=f"begins with '{head}'; expected the names"):
        pictures_of(path)


def test_what_is_not_there_is_refused(tree):
    for text, words in (
        ("nowhere", "nowhere does not exist; expected a folder"),
        ("photos/10.jpg", "is a file; expected a folder"),
        ("photos/*.gif", re.escape("'photos/*.gif' matches no file")),
        ("none.csv", "No such file"),
    ):
        with pytest.raises(OSError, match=words):
            pictures_of(text)
    with pytest.raises(FileNotFoundError, match="nowhere does not exist"):
        pictures_of("photos", trimaps="nowhere")
    Path("list.csv").write_text("image\n")
    with pytest.raises(ValueError, match="`trimaps` is given, and a manifest"):
        pictures_of("list.csv", trimaps="photos")


def test_paths_pairs_and_pictures_are_pictures():
    given = ["a.png", Path("b.png"), ("c.png", Path("d.png")), Picture(Path("e.png"), output="f")]
    assert list(as_pictures(given)) == [
        Picture(Path("a.png")),
        Picture(Path("b.png")),
        Picture(Path("c.png"), Path("d.png")),
        Picture(Path("e.png"), output="f"),
    ]
    for other in (7, ("a.png",), ("a.png", None), ("a", "b", "c")):
        found = as_pictures(["a.png", other])
        assert next(found).image == Path("a.png")
        with pytest.raises(TypeError, match=r"`inputs` has .* at 1; expected a path"):
            next(found)
