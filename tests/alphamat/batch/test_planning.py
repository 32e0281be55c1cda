import os
from functools import partial
from itertools import chain
from pathlib import Path

import numpy as np
import pytest

import alphamat
from alphamat import batch
from alphamat.batch import Picture
from alphamat.batch.journal import Journal
from alphamat.io.images import write_image


def alone(image):
    return np.ones(np.shape(image)[:2])


def maybe(image, trimap=None):
    return alone(image)


def with_plate(image, trimap, plate):
    return alone(image)


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Work where lion.png and its trimap are."""
    monkeypatch.chdir(tmp_path)
    write_image("lion.png", np.ones((11, 14, 3)))
    write_image("lion_trimap.png", np.ones((11, 14)))
    return [("lion.png", "lion_trimap.png")]


def planned(inputs, **options):
    return list(batch.plan(inputs, "out", **options))


def test_outputs_are_named_after_pictures_and_folders():
    inputs = [
        "far/lion.v2.jpg",
        Picture(Path("zebra.jpg"), folder="a/b"),
        Picture(Path("gnu.jpg"), output="c/../d/gnu.TIF", folder="a"),
    ]
    names = [x.name for x in planned(inputs, method=maybe)]
    assert names == ["lion.v2_alpha.png", "a/b/zebra_alpha.png", "d/gnu.TIF"]
    assert planned(inputs, kind="cutout")[0].output == Path("out/lion.v2_cutout.png")


@pytest.mark.parametrize(
    ("picture", "fault"),
    [
        (Picture(Path("a.jpg"), output="../a.png"), "is not in the folder of all outputs"),
        (Picture(Path("a.jpg"), output="b/../../a.png"), "is not in the folder of all outputs"),
        (Picture(Path("a.jpg"), output="/a.png"), "is not in the folder of all outputs"),
        (Picture(Path("a.jpg"), output=".batch/a.png"), "is not in the folder of all outputs"),
        (Picture(Path("a.jpg"), output="a.jpg"), "cannot be written; expected .png"),
        (Picture(Path("a.jpg"), output="a"), "cannot be written; expected .png"),
        (Picture(Path("a.jpg"), fault="It is lost."), "It is lost."),
    ],
)
def test_what_cannot_be_done_is_known_before(picture, fault):
    (found,) = planned([picture], method=maybe)
    assert fault in found.fault
    assert not found.finished


def test_an_input_is_not_overwritten_by_whatever_name(photos):
    Path("out/.batch").mkdir(parents=True)
    os.link("lion.png", "out/a.png")
    os.symlink("../lion_trimap.png", "out/t.png")
    given = Picture(Path("lion.png"), Path("lion_trimap.png"))
    found = planned([given._replace(output=name) for name in ("a.png", "t.png")], method=maybe)
    assert [one.fault for one in found] == [
        "The output a.png would overwrite lion.png.",
        "The output t.png would overwrite lion_trimap.png.",
    ]


def test_two_pictures_do_not_become_one_file():
    first, second, third = planned(["a/lion.jpg", "b/lion.png", "b/gnu.png"], method=maybe)
    assert (first.fault, third.fault) == ("", "")
    assert second.fault.startswith("Another picture becomes lion_alpha.png, too")


def test_a_missing_trimap_is_a_fault_only_where_one_is_needed():
    for method, kind, fits in (
        (alphamat.closed_form, "alpha", False),
        (alphamat.closed_form, "cutout", True),
        (maybe, "alpha", True),
        (alone, "alpha", True),
    ):
        (found,) = planned(["lion.jpg"], method=method, kind=kind)
        assert (found.fault == "") == fits
    assert (
        "no trimap, which closed_form needs" in planned(["a"], method=alphamat.closed_form)[0].fault
    )


def test_a_trimap_is_left_out_where_none_is_taken(photos):
    assert planned(photos, method=alone)[0].picture.trimap is None
    assert planned(photos, method=maybe)[0].picture.trimap == Path("lion_trimap.png")


def test_shards_share_the_pictures_out():
    inputs = [f"{at}.jpg" for at in range(200)]
    parts = [[x.name for x in planned(inputs, method=maybe, shard=(at, 5))] for at in range(1, 6)]
    assert sorted(chain(*parts)) == sorted(x.name for x in planned(inputs, method=maybe))
    assert all(20 < len(part) < 60 for part in parts)
    assert [batch.plan(inputs, "out", shard=(at, 5)).count() for at in range(1, 6)] == [
        len(part) for part in parts
    ]
    backwards = [x.name for x in planned(inputs[::-1], method=maybe, shard=(2, 5))]
    assert backwards == parts[1][::-1]


def test_inputs_are_drawn_when_they_are_needed():
    def endless():
        while True:
            yield f"{next(numbers)}.jpg"

    numbers = iter(range(10**9))
    found = iter(batch.plan(endless(), "out", method=maybe))
    assert [next(found).name for _ in range(3)] == [f"{at}_alpha.png" for at in range(3)]
    assert next(numbers) == 3


def finish(inputs, **options):
    """Write down all pictures as finished."""
    journal = Journal(Path("out"), (1, 1))
    for one in planned(inputs, **options):
        one.output.write_bytes(bytes(7))
        journal.add(one.name, one.picture.image, one.made_of, 7)
    journal.close()


def changed_picture():
    write_image("lion.png", np.zeros((11, 14, 3)))


def touched_trimap():
    os.utime("lion_trimap.png", ns=(5, 5))


def cut_output():
    Path("out/lion_alpha.png").write_bytes(bytes(6))


@pytest.mark.parametrize(
    "change",
    [changed_picture, touched_trimap, cut_output, lambda: Path("lion_trimap.png").unlink()],
)
def test_a_finished_picture_is_not_done_again_until_a_file_changes(photos, change):
    finish(photos, method=maybe)
    assert planned(photos, method=maybe)[0].finished
    change()
    assert not planned(photos, method=maybe)[0].finished


def test_a_finished_picture_is_done_again_with_another_method_or_option(photos, monkeypatch):
    before = {"method": partial(maybe), "bits": 8, "doubt": 0.5}
    finish(photos, **before)
    assert planned(photos, **before)[0].finished
    for options in (
        {"method": alphamat.fast},
        {"method": partial(maybe, radius=3)},
        {"bits": 16},
        {"doubt": 0.4},
        {"segment": alone},
    ):
        assert not planned(photos, **before | options)[0].finished
    assert not planned([("lion.png", "lion.png")], **before)[0].finished
    monkeypatch.setattr("alphamat.batch.planning.__version__", "0.0")
    assert not planned(photos, **before)[0].finished


def test_weights_that_have_changed_are_noticed(photos):
    Path("net.onnx").write_bytes(b"123")
    method = partial(maybe, weights=Path("net.onnx"))
    finish(photos, method=method)
    assert planned(photos, method=method)[0].finished
    Path("net.onnx").write_bytes(b"1234")
    assert not planned(photos, method=method)[0].finished


def test_an_old_output_of_another_method_is_not_trusted_when_the_first_comes_again(photos):
    finish(photos, method=maybe)
    finish(photos, method=alphamat.fast)
    assert not planned(photos, method=maybe)[0].finished


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "trimap"}, "`kind` is 'trimap'; expected 'alpha' or 'cutout'"),
        ({"bits": 12}, "`bits` is 12"),
        ({"doubt": 2}, "`doubt` is 2"),
        ({"shard": (0, 3)}, "`shard` is (0, 3); expected"),
        ({"shard": (4, 3)}, "`shard` is (4, 3)"),
        ({"shard": "3/4"}, "`shard` is '3/4'"),
        ({"shard": (1.0, 2)}, "`shard` is (1.0, 2)"),
        ({"trimaps": "here"}, "`trimaps` is given, and `inputs` are no folder"),
        ({"method": with_plate}, "`method` is with_plate, which needs a plate"),
    ],
)
def test_nonsense_is_refused(options, words):
    with pytest.raises(ValueError) as fault:  # noqa: PT011
        batch.plan(["a.jpg"], "out", **options)
    assert words in str(fault.value)


def test_a_folder_with_files_of_others_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    batch.plan([], tmp_path / "empty")
    (tmp_path / "empty" / "notes.txt").touch()
    with pytest.raises(FileExistsError, match=r"no batch wrote, such as notes\.txt"):
        batch.plan([], tmp_path / "empty")
    with pytest.raises(NotADirectoryError, match="is a file; expected a folder"):
        batch.plan([], tmp_path / "empty" / "notes.txt")
