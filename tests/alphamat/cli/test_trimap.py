"""The command `alphamat trimap`."""

import numpy as np
import pytest
from typer.testing import CliRunner

from alphamat.cli import app
from alphamat.examples import astronaut
from alphamat.io.images import read_image, read_picture, write_image
from alphamat.trimap import (
    Diagonal,
    Ellipse,
    check,
    from_alpha,
    from_mask,
    from_scribbles,
    overlay,
)
from tests.alphamat.io.writers import profile


@pytest.fixture
def scene(tmp_path, monkeypatch):
    """Work in a folder with a photograph, a mask, a soft mask and scribbles of it, 61 × 80."""
    monkeypatch.chdir(tmp_path)
    y, x = np.mgrid[:61, :80]
    distance = np.hypot(y - 30, x - 37)
    rng = np.random.default_rng(83)
    write_image("photo.png", rng.uniform(0.2, 0.8, (61, 80, 3)))
    write_image("mask.png", (distance < 22).astype(float))
    write_image("soft.png", np.clip((25 - distance) / 6, 0, 1))
    scribbled = read_image("photo.png").copy()
    scribbled[28:33, 30:44], scribbled[2:5] = 255, 0
    write_image("scribbled.png", scribbled)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(app, ["trimap", *map(str, arguments)])


def files(folder):
    return {path.name for path in folder.iterdir()}


def test_the_usual_case_is_short(scene):
    before = files(scene)
    result = run("mask.png")
    assert result.exit_code == 0, result.output
    assert files(scene) - before == {"mask_trimap.png"}
    expected = from_mask(read_image("mask.png"), inner=Diagonal(0.01), outer=Diagonal(0.01))
    np.testing.assert_array_equal(read_image("mask_trimap.png"), expected)
    shares = [f"{100 * (expected == level).mean():.1f} %" for level in (255, 0, 128)]
    assert result.stdout == (
        f"wrote mask_trimap.png\n{shares[0]} foreground, {shares[1]} background, "
        f"{shares[2]} unknown\n"
    )
    assert result.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "inner", "outer"),
    [
        (["--width", "4"], 4, 4),
        (["--width", "2.5", "--outer", "7"], 2.5, 7),
        (["--inner", "0", "--outer", "3%"], 0, Diagonal(0.03)),
        (["--inner", "3x2"], Ellipse(3, iterations=2), Diagonal(0.01)),
    ],
)
@pytest.mark.parametrize("source", ["mask", "alpha"])
def test_widths_are_pixels_shares_or_kernels(scene, source, arguments, inner, outer):
    result = run("soft.png", "--from", source, *arguments, "-o", "out.tif")
    assert result.exit_code == 0, result.output
    maker = {"mask": from_mask, "alpha": from_alpha}[source]
    expected = maker(read_image("soft.png"), inner=inner, outer=outer)
    np.testing.assert_array_equal(read_image("out.tif"), expected)


def test_a_mask_of_0_and_1_is_taken_with_the_advice_given(scene):
    write_image("labels.png", (read_image("mask.png") > 0).astype(np.uint8))
    assert run("labels.png", "--high", "0.00001").exit_code == 0
    run("mask.png")
    np.testing.assert_array_equal(read_image("labels_trimap.png"), read_image("mask_trimap.png"))


def test_a_folder_that_ends_in_a_slash_is_made(scene):
    assert run("mask.png", "--overlay", "photo.png", "-o", "new/folder/").exit_code == 0
    assert files(scene / "new/folder") == {"mask_trimap.png", "mask_overlay.png"}


def test_low_and_high_are_heeded(scene):
    result = run("soft.png", "--low", 0.1, "--high", 0.7, "--width", 2)
    assert result.exit_code == 0, result.output
    expected = from_mask(read_image("soft.png"), inner=2, outer=2, low=0.1, high=0.7)
    np.testing.assert_array_equal(read_image("soft_trimap.png"), expected)


def test_scribbles_are_compared_with_the_photograph(scene):
    result = run("scribbled.png", "--from", "scribbles", "--image", "photo.png")
    assert result.exit_code == 0, result.output
    expected = from_scribbles(read_image("scribbled.png"), image=read_image("photo.png"))
    np.testing.assert_array_equal(read_image("scribbled_trimap.png"), expected)
    assert result.stderr.startswith("warning: 94 % of the pixels are unknown")


def test_the_overlay_is_written_beside_the_trimap(scene):
    (scene / "folder").mkdir()
    result = run("mask.png", "--width", 3, "--overlay", "photo.png", "-o", "folder")
    assert result.exit_code == 0, result.output
    assert files(scene / "folder") == {"mask_trimap.png", "mask_overlay.png"}
    expected = overlay(read_image("photo.png"), read_image("folder/mask_trimap.png"))
    np.testing.assert_array_equal(
        read_image("folder/mask_overlay.png"), np.rint(255 * expected).astype(np.uint8)
    )


def test_the_overlay_has_the_photographs_profile_and_the_trimap_none(scene):
    write_image("photo.png", read_image("photo.png"), profile=profile())
    result = run("mask.png", "--width", 3, "--overlay", "photo.png")
    assert result.exit_code == 0, result.output
    assert read_picture("mask_overlay.png").profile == profile()
    assert read_picture("mask_trimap.png").profile is None


def test_check_says_what_is_odd_and_writes_nothing(scene):
    before = files(scene)
    result = run("--check", "soft.png")
    assert result.exit_code == 1
    said = check(read_image("soft.png"))
    assert said
    assert result.stdout.splitlines()[1:] == said
    assert result.stderr == ""
    assert files(scene) == before
    run("mask.png", "--width", 3)
    result = run("--check", "mask_trimap.png")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1:] == ["Nothing is odd about it."]


def test_check_compares_a_trimap_with_its_photograph(scene):
    image, trimap = astronaut()
    write_image("astronaut.png", image)
    for name, turned in (("right.png", trimap), ("wrong.png", trimap[:, ::-1])):
        write_image(name, turned)
        assert run("--check", name).exit_code == 0
        result = run("--check", name, "--image", "astronaut.png")
        assert result.exit_code == (name == "wrong.png")
        assert ("It fits the photograph no better" in result.stdout) == (name == "wrong.png")


def test_check_may_show_the_trimap(scene):
    before = files(scene)
    run("--check", "soft.png", "--overlay", "photo.png")
    assert files(scene) - before == {"soft_overlay.png"}


def test_mattes_without_opaque_pixels_are_made_with_a_warning(scene):
    write_image("glass.png", 0.5 * read_image("soft.png") / 255)
    result = run("glass.png", "--from", "alpha")
    assert result.exit_code == 0, result.output
    assert "warning: No pixel is known foreground" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere/mask.png"], "nowhere/mask.png does not exist"),
        (["missing.png"], "missing.png does not exist"),
        (["photo.png"], "`mask` has colours"),
        (["mask.png", "--width", "30"], "--inner is 30 pixels, which leaves no known foreground"),
        (["mask.png", "--low", "2"], "--low and --high are 2.0 and 1.0"),
        (["labels.png"], "If it holds 0 and 1, give --high 0.00001"),
        (["clear.png"], "`mask` is transparent in places; expected an opaque picture. Flatten it"),
        (["mask.png", "-o", "mask.png"], "is one of the inputs"),
        (["mask.png", "-o", "out.gif"], "out.gif cannot be written"),
        (["mask.png", "--overlay", "missing.png"], "missing.png does not exist"),
        (["mask.png", "--overlay", "small.png"], "`trimap` is 61 × 80 and the image is 5 × 6"),
        (["photo.png", "--from", "scribbles"], "`scribbles` has no white stroke"),
        (["photo.png", "--check"], "`trimap` has colours"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(scene, arguments, message):
    write_image("small.png", np.zeros((5, 6)))
    write_image("labels.png", (read_image("mask.png") > 0).astype(np.uint8))
    write_image("clear.png", np.full((61, 80, 4), 0.5))
    before = {path.name: path.read_bytes() for path in scene.iterdir()}
    result = run(*arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert {path.name: path.read_bytes() for path in scene.iterdir()} == before


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["mask.png", "--width", "wide"],
        ["mask.png", "--width", "-3"],
        ["mask.png", "--inner", "0%"],
        ["mask.png", "--outer", "7x0"],
        ["mask.png", "--outer", "7x"],
        ["mask.png", "--width", "nan"],
        ["mask.png", "--width", "inf"],
        ["mask.png", "--from", "magic"],
        ["mask.png", "--image", "photo.png"],
        ["mask.png", "--overlay", "photo.png", "-o", "mask_overlay.png"],
        ["scribbled.png", "--from", "scribbles", "--width", "3"],
        ["mask.png", "--check", "--inner", "0"],
        ["mask.png", "--check", "--from", "alpha"],
        ["mask.png", "--check", "-o", "out.png"],
    ],
)
def test_misuse_exits_with_2_and_writes_nothing(scene, arguments):
    before = files(scene)
    result = run(*arguments)
    assert result.exit_code == 2
    assert files(scene) == before
