"""The command `alphamat cutout`."""

import io
import json
import os

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.io.images import read_image, read_picture, write_image
from alphamat.photograph import Cutout, DoubtfulError
from alphamat.segmentation import Segmentation, largest
from tests.alphamat.io.writers import profile


@pytest.fixture
def calls(monkeypatch):
    """Cut out what is brighter than half, and keep the arguments; a blue picture is in doubt."""
    calls = []

    def cutout_photo(image, **options):
        image = alphamat.as_image(image)
        calls.append({"image": image, **options})
        if (image[..., 2] > image[..., 0]).all():
            raise DoubtfulError(Segmentation(image[..., 0], 0.75, "It is all blue."))
        alpha = (image[..., 0] > 0.5).astype(float)
        trimap = np.where(alpha == 1, 255, 0).astype(np.uint8)
        found = None if "trimap" in options else Segmentation(alpha, 0.2, "It is hazy.")
        return Cutout(np.dstack([image, alpha]), alpha, image, trimap, found)

    monkeypatch.setattr("alphamat.photograph.cutout_photo", cutout_photo)
    return calls


RED, BLUE = (0.8, 0.2, 0.2), (0.2, 0.2, 0.8)


@pytest.fixture
def photos(tmp_path, monkeypatch, packages, wide):
    """Work where the folder photos has 2.png and 10.jpg, red, and odd.png, blue, 11 × 14."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for name, colour in (("2.png", RED), ("odd.png", BLUE)):
        write_image(f"photos/{name}", np.full((11, 14, 3), colour))
    Image.fromarray(np.full((11, 14, 3), 200, np.uint8)).save("photos/10.jpg")
    return tmp_path / "photos"


def run(*arguments, **options):
    return CliRunner().invoke(app, ["cutout", *map(str, arguments)], **options)


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_the_usual_case_is_short(photos, calls):
    result = run("photos/2.png")
    assert (result.exit_code, result.stdout) == (0, "wrote photos/2_cutout.png\n")
    assert result.stderr == ""
    (call,) = calls
    assert (call["matte"], call["keep"]) == (alphamat.learned, None)
    assert call.keys() == {"image", "matte", "keep", "doubt", "layers"}
    found = read_image("photos/2_cutout.png")
    np.testing.assert_array_equal(found, np.full((11, 14, 4), [204, 51, 51, 255]))


def test_a_folder_is_cut_out_and_what_went_wrong_is_summed_up(photos, calls):
    (photos / "broken.png").write_bytes((photos / "2.png").read_bytes()[:60])
    (photos / "text.png").write_text("hello")
    (photos / "notes.txt").write_text("no picture")
    result = run("photos", "-o", "out/", "--keep", "largest")
    assert result.exit_code == 1
    assert result.stdout == (
        "wrote out/2_cutout.png\nwrote out/10_cutout.png\n2 cut out, 1 unsure, 2 failed\n"
    )
    broken, odd, text = result.stderr.splitlines()
    assert broken.startswith("error: photos/broken.png is damaged or cut short")
    assert odd.startswith("unsure: photos/odd.png: I could not tell the foreground: It is all blue")
    assert "(--box) or strokes (--scribbles)" in odd
    assert text.startswith("error: photos/text.png (5 bytes) is not an image")
    assert files(photos.parent / "out") == {"2_cutout.png", "10_cutout.png"}


def test_more_than_half_the_doubt_that_is_accepted_is_told(photos, calls):
    assert run("photos/2.png").stderr == ""
    result = run("photos/2.png", "--doubt", 0.3, "--overwrite")
    assert result.exit_code == 0
    assert result.stderr == "warning: photos/2.png: It is hazy. Have a look at it.\n"


def test_faults_that_name_no_picture_get_its_name(photos, calls):
    write_image("photos/glass.png", np.full((5, 6, 4), 0.5))
    result = run("photos/glass.png")
    assert result.exit_code == 1
    assert result.stderr.startswith("error: photos/glass.png: `image` is transparent in places;")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("pattern", ["photos/[0-9]*", "phot*/*[0-9].*", "**/[0-9]*.*"])
def test_patterns_are_understood_where_the_shell_leaves_them(photos, calls, pattern):
    assert run(pattern, "photos/2.png", "-o", "out/").exit_code == 0
    assert files(photos.parent / "out") == {"2_cutout.png", "10_cutout.png"}
    assert len(calls) == 2


def test_results_of_earlier_runs_are_no_pictures(photos, calls):
    run("photos/2.png", "photos/10.jpg", "--also", "alpha")
    result = run("photos", "--overwrite")
    assert result.stderr.startswith("Left out: 4 results of earlier runs.\n")
    assert result.stdout.endswith("2 cut out, 1 unsure\n")
    assert "2_cutout_cutout.png" not in files(photos)


def test_what_is_there_is_replaced_on_demand_only(photos, calls):
    assert run("photos/2.png").exit_code == 0
    (photos / "2_cutout.png").write_bytes(b"precious")
    result = run("photos/2.png", "photos/10.jpg")
    assert (result.exit_code, len(calls)) == (1, 1)
    assert result.stderr.startswith("error: photos/2_cutout.png is there already; give --overwrite")
    assert (photos / "2_cutout.png").read_bytes() == b"precious"
    assert run("photos/2.png", "photos/10.jpg", "--overwrite").exit_code == 0
    assert read_image("photos/2_cutout.png").shape == (11, 14, 4)
    assert "2_cutout.png is there already, and 1 more; give" in run("photos").stderr


def test_a_stopped_run_is_resumed(photos, calls):
    assert run("photos/2.png").exit_code == 0
    result = run("photos/2.png", "photos/10.jpg", "--resume")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 cut out, 1 there already")
    assert len(calls) == 2
    os.utime("photos/2.png", (2e9, 2e9))  # newer than its cut-out
    assert run("photos/2.png", "photos/10.jpg", "--resume").exit_code == 0
    assert len(calls) == 3


def test_a_stop_says_how_to_go_on(photos, calls, monkeypatch):
    def stop(path, *_, **__):
        if path.name == "10_cutout.png":
            raise KeyboardInterrupt

    monkeypatch.setattr("alphamat.colours.write_image", stop)
    result = run("photos")
    assert (result.exit_code, result.stdout) == (130, "wrote photos/2_cutout.png\n")
    told = "Stopped. Written: nothing. 1 of 3 are cut out; --resume goes on from there.\n"
    assert result.stderr == told


def test_stdin_becomes_stdout(photos, calls):
    content = (photos / "2.png").read_bytes()
    result = run("-", "--bits", 16, input=content)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout_bytes.startswith(b"\x89PNG")
    found = read_image(io.BytesIO(result.stdout_bytes))
    assert (found.shape, found.dtype) == ((11, 14, 4), np.uint16)
    assert run("-", "-o", "out/", input=content).stdout == "wrote out/stdin_cutout.png\n"
    result = run("photos/2.png", "-o", "-")
    assert read_image(io.BytesIO(result.stdout_bytes)).shape == (11, 14, 4)
    assert files(photos) == {"2.png", "10.jpg", "odd.png"}
    assert "is empty; expected a whole PNG" in run("-", input=b"").stderr


def test_more_is_written_beside_the_cutout(photos, calls):
    result = run("photos/2.png", "--also", "alpha", "--also", "trimap", "--bits", 16)
    assert result.exit_code == 0, result.output
    assert [line.rpartition("_")[2] for line in result.stdout.splitlines()] == [
        "cutout.png",
        "alpha.png",
        "trimap.png",
    ]
    assert (read_image("photos/2_alpha.png") == 65535).all()
    assert (read_image("photos/2_trimap.png") == 65535).all()


def test_results_in_colours_have_the_photographs_profile(photos, calls):
    write_image("photos/2.png", np.full((11, 14, 3), RED), profile=profile())
    assert run("photos/2.png", "--over", "white", "--also", "alpha").exit_code == 0
    assert read_picture("photos/2_composite.png").profile == profile()
    assert read_picture("photos/2_alpha.png").profile is None


def test_what_goes_behind_is_seen_in_the_composite(photos, calls):
    write_image("wall.png", np.zeros((5, 6)))
    pixels = np.full((11, 14, 3), RED)
    pixels[:5] = 0.2
    write_image("photos/2.png", pixels)
    result = run("photos/2.png", "--over", "wall.png", "--fit", "stretch", "-o", "all.jpg")
    assert result.exit_code == 0, result.output
    found = read_image("all.jpg").astype(int)
    assert np.abs(found[0] - 0).max() < 9
    assert np.abs(found[-1] - [204, 51, 51]).max() < 9


def test_json_is_one_line_a_picture(photos, calls):
    result = run("photos", "missing.png", "--json")
    assert result.exit_code == 1
    told = {line["picture"]: line for line in map(json.loads, result.stdout.splitlines())}
    assert list(told) == ["photos/2.png", "photos/10.jpg", "photos/odd.png", "missing.png"]
    done, unsure, failed = told["photos/2.png"], told["photos/odd.png"], told["missing.png"]
    assert done["outputs"] == {"cutout": "photos/2_cutout.png"}
    assert done["seconds"].keys() == {"read", "cut", "write"}
    assert (done["doubt"], done["reason"], done["error"]) == (0.2, "It is hazy.", None)
    assert (unsure["doubt"], unsure["reason"]) == (0.75, "It is all blue.")
    assert failed["error"] == "missing.png does not exist; expected an image file."
    assert [line["state"] for line in (done, unsure, failed)] == ["done", "unsure", "failed"]
    assert result.stderr.splitlines()[-1] == "2 cut out, 1 unsure, 1 failed"


def test_hints_reach_the_function(photos, calls):
    level = np.full((11, 14), 128, np.uint8)
    level[3:6, 4:8], level[5:7, 12:], level[9] = 255, 255, 0
    write_image("hint.png", level)
    run(
        "photos/2.png",
        "--box",
        "1,2,13,10",
        "--scribbles",
        "hint.png",
        "--keep",
        "largest",
        "--doubt",
        1,
    )
    assert (calls[0]["box"], calls[0]["doubt"]) == ((1, 2, 13, 10), 1.0)
    np.testing.assert_array_equal(calls[0]["scribbles"], level)
    assert calls[0]["keep"] is largest
    assert run("photos/2.png", "--overwrite", "--mask", "hint.png", "--keep", "13,6").exit_code == 0
    np.testing.assert_array_equal(calls[1]["segment"](None), level)
    np.testing.assert_array_equal(np.argwhere(calls[1]["keep"](level > 200))[0], [5, 12])
    assert run("photos/2.png", "--overwrite", "--trimap", "hint.png").exit_code == 0
    np.testing.assert_array_equal(calls[2]["trimap"], level)


@pytest.mark.parametrize("ground", ["copy", "layer"])
def test_strokes_may_be_on_a_copy_or_on_a_layer(photos, calls, ground):
    image = np.random.default_rng(5).uniform(0.3, 0.7, (11, 14, 3))
    write_image("photos/2.png", image)
    drawn = read_image("photos/2.png").copy()
    drawn[3:6, 4:8], drawn[9] = 255, 0
    if ground == "layer":
        opaque = (drawn != read_image("photos/2.png")).any(axis=2)
        drawn = np.dstack([drawn, 255 * opaque.astype(np.uint8)])
    write_image("drawn.png", drawn)
    assert run("photos/2.png", "--scribbles", "drawn.png").exit_code == 0
    levels = calls[0]["scribbles"]
    assert [(levels == level).sum() for level in (255, 0, 128)] == [12, 14, 11 * 14 - 26]


def test_a_function_of_the_users_finds_the_foreground(photos, calls, monkeypatch):
    (photos.parent / "mine.py").write_text(
        "def find(image): return image[..., 0]\ndef matte(image, trimap): return trimap / 255.0\n"
    )
    monkeypatch.syspath_prepend(photos.parent)
    assert run("photos/2.png", "--segment", "mine:find").exit_code == 0
    assert calls[0]["segment"].__name__ == "find"
    result = run("photos/2.png", "--overwrite", "--segment", "mine:matte")
    assert "mine:matte needs a trimap; give it as --method." in result.stderr
    result = run("photos/2.png", "--overwrite", "--method", "mine:find")
    assert "mine:find takes no trimap; give it as --segment." in result.stderr
    assert result.exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["photos/2.png", "photos/2.jpg"],
            "photos/2.png and photos/2.jpg would both become photos/2_",
        ),
        (["photos/2.png", "sub/2.png", "-o", "out/"], "would both become out/2_cutout.png"),
        (["photos/2.png", "-o", "photos/2.png"], "photos/2.png is one of the pictures"),
        (["photos/2.png", "-o", "link.png"], "link.png is one of the pictures"),
        (["photos/2.png", "--mask", "m.png", "-o", "m.png"], "m.png is one of the inputs"),
        (["empty"], "empty has no images"),
        (["none*.png"], "'none*.png' matches no file"),
        (["photos", "--over", "octarine"], "there is no such file, and"),
        (["photos", "-o", "photos/2.png/"], "photos/2.png/ cannot be made: a file has this name"),
        (["photos/2.png", "-o", "cut.jpg"], "cut.jpg cannot be written; expected a name in .png"),
        (["photos/2.png", "--scribbles", "m.png"], "--scribbles is 5 × 6 and the image is 11 × 14"),
        (["photos/2.png", "--mask", "m.png"], "--mask is 5 × 6 and the image is 11 × 14"),
        (["photos/2.png", "--trimap", "m.png"], "--trimap is 5 × 6 and the image is 11 × 14"),
        (["photos/2.png", "--over", "m.png"], "or give --fit: cover, contain, stretch."),
    ],
)
def test_refusals_are_one_line_and_write_nothing(photos, calls, arguments, message):
    write_image("m.png", np.zeros((5, 6)))
    for folder in ("sub", "empty"):
        (photos.parent / folder).mkdir()
    write_image("sub/2.png", np.full((11, 14, 3), RED))
    os.symlink("photos/2.png", "link.png")
    before = {path: path.read_bytes() for path in photos.parent.rglob("*.*") if path.is_file()}
    result = run(*arguments, "--overwrite")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert {p: p.read_bytes() for p in photos.parent.rglob("*.*") if p.is_file()} == before
    assert calls == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["photos", "--box", "1,2,3,4"], "it belongs to one picture, and there are 3."),
        (["photos", "--keep", "1,2"], "it belongs to one picture, and there are 3."),
        (["photos", "-o", "new"], "new is not an existing folder; expected one, or new/ to make"),
        (["photos", "-o", "-"], "- stands for one picture, and there are more."),
        (["-", "photos"], "- stands for one picture, and there are more."),
        (["-", "--also", "alpha"], "stdout takes one picture; name a folder."),
        (["-", "--json"], "the picture goes to stdout."),
        (["photos/2.png", "--box", "1,2,3"], "'1,2,3' is not LEFT,TOP,RIGHT,BOTTOM, in whole"),
        (["photos/2.png", "--keep", "most"], "'most' is not all, largest or X,Y, in whole pixels"),
        (["photos/2.png", "--fit", "cover"], "there is no --over."),
        (["photos/2.png", "--linear"], "there is no --over."),
        (["photos/2.png", "--segment-weights", "a"], "there is no --segment."),
        (["photos/2.png", "--mask", "a", "--box", "1,2,3,4"], "--mask says already where the"),
        (["photos/2.png", "--trimap", "a", "--mask", "b"], "--trimap says already where the"),
        (["photos/2.png", "--resume", "--overwrite"], "give one of them."),
        (
            ["photos/2.png", "--segment", "fast", "--segment-weights", "a"],
            "Invalid value for --segment: fast has no weights.",
        ),
    ],
)
def test_misuse_exits_with_2(photos, calls, arguments, message):
    result = run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert calls == []


def test_a_mask_is_all_it_takes(scene):
    y, x = np.mgrid[:23, :30]
    write_image(scene / "mask.png", (np.hypot(y - 11, x - 15) < 7).astype(float))
    result = run(scene / "photo.png", "--mask", scene / "mask.png", "--method", "closed-form")
    assert result.exit_code == 0, result.output
    found = read_image(scene / "photo_cutout.png").astype(int)
    assert found[[11, 0], [15, 0], 3].tolist() == [255, 0]
    edge = (found[..., 3] > 60) & (found[..., 3] < 200)
    assert edge.any()
    assert np.abs(found[edge][:, :3] - [230, 51, 26]).max() < 60  # the disc's red, not a mixture


@pytest.mark.slow
def test_the_astronaut_is_cut_out(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, _ = alphamat.examples.astronaut()
    write_image("astronaut.png", image)
    result = run("astronaut.png", "--also", "trimap", "--doubt", 1)
    assert result.exit_code == 0, result.output
    alpha = read_image("astronaut_cutout.png")[..., 3]
    assert alpha[120:180, 205:235].mean() > 245  # the face
    assert alpha[:60, :60].max() == 0
    assert set(np.unique(read_image("astronaut_trimap.png"))) == {0, 128, 255}
