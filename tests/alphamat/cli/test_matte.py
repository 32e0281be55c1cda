"""The command `alphamat matte`."""

import json
import os

import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.examples import astronaut
from alphamat.io.images import read_image, read_picture, write_image
from alphamat.io.profiles import as_rgb, convert_colours
from alphamat.method import Matte
from tests.alphamat.io.writers import profile


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def matte(scene, *arguments):
    return run("matte", scene / "photo.png", scene / "trimap.png", *arguments)


def written(scene):
    return {path.name for path in scene.iterdir()} - {"photo.png", "trimap.png"}


def test_writes_alpha_next_to_the_image(scene):
    result = matte(scene)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert written(scene) == {"photo_alpha.png"}
    assert str(scene / "photo_alpha.png") in result.stdout
    assert "converged" in result.stdout
    alpha = read_image(scene / "photo_alpha.png")
    expected = alphamat.closed_form(
        read_image(scene / "photo.png"), read_image(scene / "trimap.png")
    )
    np.testing.assert_array_equal(alpha, np.rint(255 * expected))


def test_bits_and_output_are_heeded(scene):
    result = matte(scene, "--method", "flat", "--bits", 16, "-o", scene / "out.tif")
    assert result.exit_code == 0, result.output
    np.testing.assert_array_equal(read_image(scene / "out.tif"), np.full((23, 30), 32768))


def test_cutout_is_written_instead_of_alpha(scene):
    result = matte(scene, "--cutout")
    assert result.exit_code == 0, result.output
    assert written(scene) == {"photo_cutout.png"}
    cutout = read_image(scene / "photo_cutout.png").astype(int)
    assert cutout.shape == (23, 30, 4)
    np.testing.assert_array_equal(cutout[[11, 0], [15, 0], 3], [255, 0])
    edge = (cutout[..., 3] > 60) & (cutout[..., 3] < 200)
    assert edge.any()
    assert np.abs(cutout[edge][:, :3] - [230, 51, 26]).max() < 60  # the disc's red, not a mixture


@pytest.mark.parametrize("spec", ["white", "#ffffff", "rgb(255, 255, 255)", "FILE"])
def test_what_goes_behind_is_a_colour_or_a_file(scene, spec):
    if spec == "FILE":
        spec = scene / "wall.png"
        write_image(spec, np.ones((23, 30, 3)))
    result = matte(scene, "--over", spec, "-o", scene / "out.png")
    assert result.exit_code == 0, result.output
    composite = read_image(scene / "out.png")
    np.testing.assert_array_equal(composite[0, 0], [255, 255, 255])
    np.testing.assert_allclose(composite[11, 15].astype(int), [230, 51, 26], atol=25)


def test_cutout_and_composite_are_both_written_to_a_folder(scene):
    (scene / "out").mkdir()
    result = matte(scene, "--cutout", "--over", "white", "-o", scene / "out")
    assert result.exit_code == 0, result.output
    assert written(scene / "out") == {"photo_cutout.png", "photo_composite.png"}


def test_json_is_one_object_and_all_there_is(scene):
    result = matte(scene, "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record["outputs"] == {"alpha": str(scene / "photo_alpha.png")}
    assert record["size"] == {"height": 23, "width": 30}
    assert set(record["seconds"]) == {"read", "matte", "write"}
    assert record["converged"] is True
    assert record["iterations"] >= 1
    assert 0 <= record["residual"] <= 1e-7
    assert record["warnings"] == []


def test_a_solve_that_stops_early_is_written_with_a_warning(scene):
    result = matte(scene, "--method", "early")
    assert result.exit_code == 0, result.output
    warning = "The solver stopped after 7 iterations with a residual of 2.5e-01"
    assert result.stderr.startswith(f"warning: {warning}")
    assert result.stderr.count("\n") == 1
    assert "did not converge: 7 iterations, residual 2.5e-01" in result.stdout
    record = json.loads(matte(scene, "--method", "early", "--json").stdout)
    assert record["converged"] is False
    assert record["residual"] == 0.25
    assert [text[: len(warning)] for text in record["warnings"]] == [warning]


def test_a_method_without_a_solver_reports_none(scene):
    record = json.loads(matte(scene, "--method", "flat", "--json").stdout)
    assert record["iterations"] is record["residual"] is record["converged"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "failing"], "`trimap` is not to my taste"),
        (["--method", "absent"], "no_such_module"),
        (["--over", "octarine"], "is not an opaque CSS colour"),
        (["--over", "#ff000080"], "is not an opaque CSS colour"),
        (["--over", "small.png"], "`over` is 5 × 6"),
        (["-o", "alpha.jpg"], r"expected a name in .png, .tif, .tiff"),
        (["-o", "nowhere/alpha.png"], "there is no folder nowhere"),
        (["-o", "photo.png"], "is one of the inputs"),
        (["-o", "link.png"], "is one of the inputs"),
        (["-o", "small.png", "--over", "small.png"], "is one of the inputs"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(scene, monkeypatch, arguments, message):
    monkeypatch.chdir(scene)
    write_image("small.png", np.zeros((5, 6)))
    os.symlink("trimap.png", "link.png")
    before = {path.name: path.read_bytes() for path in scene.iterdir()}
    result = run("matte", "photo.png", "trimap.png", *arguments)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr
    assert {path.name: path.read_bytes() for path in scene.iterdir()} == before


@pytest.mark.parametrize(
    ("image", "trimap", "message"),
    [
        ("missing.png", "trimap.png", "missing.png does not exist"),
        ("nowhere/photo.png", "trimap.png", "nowhere/photo.png does not exist; expected an image"),
        ("photo.png", "nowhere/trimap.png", "nowhere/trimap.png does not exist"),
        ("https://x.org/a.png", "trimap.png", "https://x.org/a.png is a URL; download it first"),
        (".", "trimap.png", "is a folder"),
        ("photo.png", "notes.txt", "notes.txt (5 bytes) is not an image"),
        ("photo.png", "small.png", "`trimap` is 5 × 6"),
        ("photo.png", "photo.png", "`trimap` has colours"),
        ("photo.png", "gray.png", "marks no foreground"),
        ("short.png", "trimap.png", "short.png is damaged or cut short"),
        ("glass.png", "trimap.png", "fourth channel"),
    ],
)
def test_bad_inputs_are_one_line(scene, monkeypatch, image, trimap, message):
    monkeypatch.chdir(scene)
    write_image("small.png", np.zeros((5, 6)))
    write_image("gray.png", np.full((23, 30), 0.5))
    write_image("glass.png", np.full((23, 30, 4), 0.5))
    (scene / "notes.txt").write_text("hello")
    (scene / "short.png").write_bytes((scene / "photo.png").read_bytes()[:150])
    result = run("matte", image, trimap, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1
    assert message in result.stderr


def with_profile(path, colours):
    pixels = read_image(path)
    write_image(path, pixels, profile=colours)


@pytest.mark.parametrize("arguments", [["--cutout"], ["--over", "white"]])
def test_results_have_the_photographs_profile(scene, arguments):
    with_profile(scene / "photo.png", profile())
    for name in ("out.png", "out.tif"):
        result = matte(scene, *arguments, "-o", scene / name)
        assert result.exit_code == 0, result.output
        assert read_picture(scene / name).profile == profile()
    assert matte(scene).exit_code == 0
    assert read_picture(scene / "photo_alpha.png").profile is None


def test_what_goes_behind_is_brought_to_the_photographs_profile(scene):
    with_profile(scene / "photo.png", profile())
    behind = np.full((23, 30, 3), [60, 120, 100], np.uint8)
    known = read_image(scene / "trimap.png") == 0
    for name, colours in (("srgb.png", None), ("same.png", profile())):
        write_image(scene / name, behind, profile=colours)
        assert matte(scene, "--over", scene / name, "-o", scene / "out.png").exit_code == 0
        levels = convert_colours(behind / 255, colours, profile())
        found = read_image(scene / "out.png")[known]
        np.testing.assert_array_equal(found, np.rint(255 * levels)[known])
    assert matte(scene, "--over", "rgb(60, 120, 100)", "-o", scene / "out.png").exit_code == 0
    levels = convert_colours(behind / 255, None, profile())
    np.testing.assert_array_equal(
        read_image(scene / "out.png")[known], np.rint(255 * levels)[known]
    )
    assert np.abs(255 * levels - behind).max() > 5


def test_a_gray_photographs_profile_becomes_one_for_colours(scene):
    gray = read_image(scene / "photo.png")[..., 0]
    write_image(scene / "photo.png", gray, profile=profile(b"GRAY"))
    result = matte(scene, "--cutout", "-o", scene / "out.png")
    assert result.exit_code == 0, result.output
    assert read_picture(scene / "out.png").profile == as_rgb(profile(b"GRAY"), name="photo")


def test_output_is_checked_before_the_work(scene):
    # `failing` would fail otherwise: its message would be the one shown.
    result = matte(scene, "--method", "failing", "-o", scene / "alpha.gif")
    assert "alpha.gif cannot be written" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--method", "magic"],
        ["--bits", 12],
        ["--cutout", "--over", "white", "-o", "one.png"],
        ["--nonsense"],
    ],
)
def test_misuse_exits_with_2(scene, arguments):
    result = matte(scene, *arguments)
    assert result.exit_code == 2
    assert written(scene) == set()


def differing(image, trimap=None, plate=None):
    off = np.abs(alphamat.as_image(image) - alphamat.as_image(plate)).max(axis=2)
    return (off > 0.1).astype(float)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """Put a green square before a photograph; its plate is 20 pixels off."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("alphamat.cli.matte.method_named", lambda *_: differing)
    scene, _ = astronaut()
    image = scene[:400, :400].copy()
    image[150:250, 150:250] = 0, 255, 0
    alphamat.write_image("image.png", image)
    alphamat.write_image("plate.png", scene[:400, :400])
    alphamat.write_image("moved.png", scene[20:420, 10:410])


def before_plate(*arguments):
    return run("matte", "image.png", *arguments)


def test_a_clean_plate_is_handed_on(pictures):
    assert before_plate("--plate", "plate.png").exit_code == 0
    alpha = alphamat.read_image("image_alpha.png").copy()
    assert (alpha[150:250, 150:250] == 255).mean() > 0.9
    alpha[150:250, 150:250] = 0
    assert not alpha.any()


def test_one_from_a_hand_held_camera_is_aligned_first(pictures):
    result = before_plate("--plate", "moved.png", "--handheld")
    assert result.exit_code == 0, result.output
    assert "the plate fits: " in result.stderr
    alpha = alphamat.read_image("image_alpha.png").copy()
    assert (alpha[150:250, 150:250] == 255).mean() > 0.9
    alpha[150:250, 150:250] = 0
    assert alpha.mean() < 3
    assert before_plate("--plate", "moved.png").exit_code == 0
    assert alphamat.read_image("image_alpha.png").mean() > 60  # as if there were foreground


def test_what_does_not_fit_is_refused(pictures, monkeypatch):
    assert "there is no --plate" in before_plate("--handheld").stderr
    alphamat.write_image("gray.png", np.full((400, 400, 3), 99, np.uint8))
    assert "error: `plate` does not fit" in before_plate("--plate", "gray.png", "--handheld").stderr
    monkeypatch.setattr("alphamat.cli.matte.method_named", lambda *_: alphamat.closed_form)
    assert "closed_form takes none" in before_plate("--plate", "plate.png").stderr
    assert "one of the inputs" in before_plate("--plate", "plate.png", "-o", "plate.png").stderr


def test_a_cutout_has_the_methods_own_foreground(pictures, monkeypatch):
    def layers(image, trimap=None, plate=None):
        alpha = np.full(image.shape[:2], 0.5)
        return Matte(alpha, np.full(image.shape, (0.2, 0.4, 0.6)))

    monkeypatch.setattr("alphamat.cli.matte.method_named", lambda *_: layers)
    assert before_plate("--cutout", "-o", "cutout.png").exit_code == 0
    cutout = alphamat.read_image("cutout.png")
    assert np.unique(cutout.reshape(-1, 4), axis=0).tolist() == [[51, 102, 153, 128]]


def test_a_trimap_that_a_method_does_not_take_is_refused(pictures, monkeypatch):
    monkeypatch.setattr("alphamat.cli.matte.method_named", lambda *_: lambda image: image[..., 0])
    result = before_plate("plate.png")
    assert result.exit_code == 1
    assert result.stderr == "error: `trimap` is given, and <lambda> takes none.\n"
