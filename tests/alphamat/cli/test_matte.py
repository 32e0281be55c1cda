"""The command `alphamat matte`."""

import json
import os
from functools import partial

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.colours import exact_layers
from alphamat.examples import astronaut
from alphamat.io.images import read_image, read_picture, write_image
from alphamat.io.profiles import as_rgb, convert_colours
from alphamat.method import Matte
from alphamat.methods.fast import SOLVER
from alphamat.network.unet import shapes
from tests.alphamat.io.writers import profile
from tests.alphamat.network.writers import stored


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def matte(scene, *arguments):
    return run("matte", scene / "photo.png", scene / "trimap.png", *arguments)


def written(scene):
    return {path.name for path in scene.iterdir()} - {"photo.png", "trimap.png"}


@pytest.mark.parametrize(
    ("arguments", "method"),
    [([], alphamat.learned), (["--method", "closed-form"], alphamat.closed_form)],
)
def test_writes_alpha_next_to_the_image(scene, arguments, method):
    expected = method(read_image(scene / "photo.png"), read_image(scene / "trimap.png"))
    result = matte(scene, *arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    assert written(scene) == {"photo_alpha.png"}
    assert str(scene / "photo_alpha.png") in result.stdout
    assert "converged" in result.stdout
    alpha = read_image(scene / "photo_alpha.png")
    np.testing.assert_array_equal(alpha, np.rint(255 * expected))


def test_the_librarys_own_network_takes_weights(scene):
    other = {name: np.zeros(shape, np.float32) for name, shape in shapes().items()}
    (scene / "own.safetensors").write_bytes(stored(other))
    result = matte(scene, "--weights", scene / "own.safetensors")
    assert result.exit_code == 0, result.output
    image, trimap = read_image(scene / "photo.png"), read_image(scene / "trimap.png")
    expected = alphamat.learned(image, trimap, weights=scene / "own.safetensors")
    np.testing.assert_array_equal(read_image(scene / "photo_alpha.png"), np.rint(255 * expected))
    assert np.abs(expected - alphamat.learned(image, trimap)).max() > 0.01


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


@pytest.mark.parametrize("output", ["new/folder/", "new/folder/../folder/"])
def test_a_folder_that_ends_in_a_slash_is_made(scene, output):
    result = matte(scene, "-o", f"{scene}/{output}")
    assert result.exit_code == 0, result.output
    assert written(scene / "new/folder") == {"photo_alpha.png"}


def test_a_folder_is_not_made_for_a_command_that_is_refused(scene):
    assert matte(scene, "--over", scene / "none.png", "-o", f"{scene}/new/").exit_code == 1
    assert run("matte", scene / "none.png", "-o", f"{scene}/new/").exit_code == 1
    assert written(scene) == set()


def test_a_composite_may_be_jpeg_or_webp(scene):
    assert matte(scene, "--over", "teal", "-o", scene / "all.png").exit_code == 0
    exact = read_image(scene / "all.png").astype(int)
    for name, kind in (("all.jpg", "JPEG"), ("all.JPEG", "JPEG"), ("all.webp", "WEBP")):
        result = matte(scene, "--over", "teal", "-o", scene / name)
        assert result.exit_code == 0, result.output
        with Image.open(scene / name) as picture:
            assert picture.format == kind
            assert np.abs(np.asarray(picture) - exact).mean() < 8  # WebP halves its chroma


def test_pictures_too_long_for_webp_are_refused_before_the_work(tmp_path, packages):
    write_image(tmp_path / "long.png", np.zeros((1, 16_384)))
    arguments = ["--method", "failing", "--over", "white", "-o", tmp_path / "out.webp"]
    result = run("matte", tmp_path / "long.png", tmp_path / "long.png", *arguments)
    assert "WEBP has at most 16,383 pixels a side" in result.stderr


@pytest.mark.parametrize(("fit", "first", "last"), [("cover", 4, 10), ("stretch", 0, 14)])
def test_a_backdrop_of_another_size_is_fitted(scene, fit, first, last):
    # Columns of a wide backdrop, 5 × 15, are 0, 10, 20 …; the middle of the picture is its own.
    columns = np.arange(15) * 10
    write_image(scene / "wall.png", np.tile(columns, (5, 1)).astype(np.uint8))
    result = matte(scene, "--over", scene / "wall.png", "--fit", fit, "-o", scene / "out.png")
    assert result.exit_code == 0, result.output
    row = read_image(scene / "out.png")[0, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[0] == pytest.approx(columns[first], abs=6)
    assert row[-1] == pytest.approx(columns[last], abs=6)


def test_a_contained_backdrop_has_black_bars(scene):
    write_image(scene / "wall.png", np.ones((5, 15)))
    result = matte(scene, "--over", scene / "wall.png", "--fit", "contain", "-o", scene / "out.png")
    assert result.exit_code == 0, result.output
    column = read_image(scene / "out.png")[:, 0]
    assert (column == 255).all(axis=1).tolist() == [False] * 6 + [True] * 10 + [False] * 7
    assert not column[:6].any()


def test_light_may_be_blended(scene):
    results = {}
    for options in ([], ["--linear"]):
        arguments = "--over", "white", *options, "-o", scene / "out.png"
        assert matte(scene, "--method", "closed-form", *arguments).exit_code == 0
        results[bool(options)] = read_image(scene / "out.png").astype(int)
    alpha = alphamat.closed_form(read_image(scene / "photo.png"), read_image(scene / "trimap.png"))
    layers = exact_layers(read_image(scene / "photo.png") / 255, alpha)
    for linear, picture in results.items():
        expected = alphamat.composite(
            layers.foreground, alpha, (1.0, 1.0, 1.0), linear_light=linear
        )
        np.testing.assert_array_equal(picture, np.rint(255 * expected))
    assert (results[True] > results[False]).any()


def test_options_of_the_method_are_heeded(scene):
    options = ["--epsilon", "1e-3", "--radius", "2", "--rtol", "1e-3"]
    record = json.loads(matte(scene, "--method", "fast", *options, "--json").stdout)
    expected = alphamat.fast(
        read_image(scene / "photo.png"),
        read_image(scene / "trimap.png"),
        epsilon=1e-3,
        radius=2,
        solver=partial(SOLVER, rtol=1e-3),
    )
    assert 1e-7 < record["residual"] <= 1e-3
    np.testing.assert_array_equal(read_image(scene / "photo_alpha.png"), np.rint(255 * expected))


def odd_trimaps(trimap):
    """Return trimaps that are odd, and a part of what is said of them."""
    from io import BytesIO

    file = BytesIO()
    Image.fromarray(trimap).save(file, "JPEG", quality=50)
    return {
        "binary": (255 * (trimap > 0).astype(np.uint8), "No pixel is unknown"),
        "inverted": (255 - trimap, "is it inverted?"),
        "jpeg": (np.asarray(Image.open(file)), "saved as JPEG?"),
    }


@pytest.mark.parametrize("kind", ["binary", "inverted", "jpeg"])
def test_an_odd_trimap_is_told_of_in_one_line(scene, kind):
    trimap, told = odd_trimaps(read_image(scene / "trimap.png"))[kind]
    write_image(scene / "odd.png", trimap)
    result = run("matte", scene / "photo.png", scene / "odd.png")
    assert result.exit_code == 0, result.output
    assert result.stderr.startswith(f"warning: {scene / 'odd.png'}: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    record = json.loads(run("matte", scene / "photo.png", scene / "odd.png", "--json").stdout)
    assert told in record["warnings"][0]
    (scene / "photo_alpha.png").unlink()
    result = run("matte", scene / "photo.png", scene / "odd.png", "--strict")
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert not (scene / "photo_alpha.png").exists()


def test_the_trimap_of_another_photograph_is_told_of(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    image, trimap = astronaut()
    write_image("photo.png", image)
    write_image("trimap.png", trimap[:, ::-1])
    result = run("matte", "photo.png", "trimap.png")
    assert "trimap.png: It fits the photograph no better than if it were mirrored" in result.stderr


def test_a_trimap_with_opaque_alpha_is_taken(scene):
    gray = read_image(scene / "trimap.png")
    write_image(scene / "rgba.png", np.dstack([gray] * 3 + [np.full_like(gray, 255)]))
    result = run("matte", scene / "photo.png", scene / "rgba.png", "-o", scene / "a.png")
    assert (result.exit_code, result.stderr) == (0, "")
    matte(scene, "-o", scene / "b.png")
    np.testing.assert_array_equal(read_image(scene / "a.png"), read_image(scene / "b.png"))


def strokes(photo):
    """Return pictures of strokes: coloured and white ones over a photograph, and on nothing."""
    coloured, white = photo.copy(), photo.copy()
    coloured[9:13, 12:18], coloured[1:3] = (255, 0, 0), (0, 255, 0)
    white[9:13, 12:18], white[1:3] = 255, 0
    clear = np.dstack([white, np.where(white == photo, 0, 255).any(axis=2) * np.uint8(255)])
    return {"coloured": coloured, "white": white, "clear": clear}


@pytest.mark.parametrize("kind", ["coloured", "white", "gray", "clear"])
def test_strokes_are_refused_with_the_command_for_them(scene, kind):
    photo = read_image(scene / "photo.png")
    if kind == "gray":
        photo = photo.mean(axis=2).astype(np.uint8)
        write_image(scene / "photo.png", photo)
        drawn = photo.copy()
        drawn[9:13, 12:18], drawn[1:3] = 255, 0
    else:
        drawn = strokes(photo)[kind]
    write_image(scene / "drawn.png", drawn)
    result = run("matte", scene / "photo.png", scene / "drawn.png")
    assert result.exit_code == 1
    command = f"`alphamat trimap {scene / 'drawn.png'} --from scribbles"
    assert command + ("`" if kind == "clear" else f" --image {scene / 'photo.png'}`") in (
        result.stderr
    )
    assert result.stderr.count("\n") == 1


def test_a_stop_says_what_is_written(scene, monkeypatch):
    (scene / "out").mkdir()
    arguments = ["--cutout", "--over", "white", "-o", scene / "out"]
    monkeypatch.setattr("alphamat.colours.write_image", _stop_at("composite"))
    result = matte(scene, *arguments)
    assert (result.exit_code, result.stdout) == (130, "")
    assert result.stderr == f"Stopped. Written: {scene / 'out/photo_cutout.png'}.\n"


def _stop_at(kind):
    def write(path, *arguments, **options):
        if kind in path.name:
            raise KeyboardInterrupt
        write_image(path, *arguments, **options)

    return write


def test_json_is_one_object_and_all_there_is(scene):
    result = matte(scene, "--method", "closed-form", "--json")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    record = json.loads(result.stdout)
    assert record["outputs"] == {"alpha": str(scene / "photo_alpha.png")}
    assert record["size"] == {"height": 23, "width": 30}
    assert set(record["seconds"]) == {"read", "matte", "write"}
    assert record["converged"] is True
    assert record["iterations"] >= 1
    assert 0 <= record["residual"] <= 1e-6
    assert record["warnings"] == []


def test_a_solve_that_stops_early_is_written_with_a_warning(scene):
    result = matte(scene, "--method", "early")
    assert result.exit_code == 0, result.output
    warning = "The solver stopped after 7 iterations with a residual of 2.5e-01"
    assert result.stderr.startswith(f"warning: {warning}")
    assert "Give it a looser tolerance, --rtol." in result.stderr
    assert result.stderr.count("\n") == 1
    assert "did not converge: 7 iterations, residual 2.5e-01" in result.stdout
    record = json.loads(matte(scene, "--method", "early", "--json").stdout)
    assert record["converged"] is False
    assert record["residual"] == 0.25
    assert [text[: len(warning)] for text in record["warnings"]] == [warning]


def test_a_method_without_a_solver_reports_none(scene):
    record = json.loads(matte(scene, "--method", "flat", "--json").stdout)
    assert record["iterations"] is record["residual"] is record["converged"] is None


def speckled(trimap):
    trimap = trimap.copy()
    trimap[11, 15] = 128
    return trimap


CLOSED_FORM = "--method", "closed-form"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--method", "failing"], "`trimap` is not to my taste"),
        (["--method", "absent"], "no_such_module"),
        (["--over", "octarine"], "is not an opaque CSS colour"),
        (["--over", "#ff000080"], "is not an opaque CSS colour"),
        (["--over", "small.png"], "--over is 5 × 6 and the image is 23 × 30"),
        (["--over", "glass.png"], "--over is transparent in places; expected an"),
        (["--strict", "--method", "closed-form"], "trimap.png: There is a speck"),
        (
            ["--epsilon", "1e-5", "--method", "knn"],
            "--epsilon is given, and knn takes only --rtol.",
        ),
        (["--rtol", "1e-3", "--method", "flat"], "--rtol is given, and flat takes no such"),
        ([*CLOSED_FORM, "--epsilon", "nan"], "--epsilon is nan; expected a positive number"),
        ([*CLOSED_FORM, "--radius", "1.5"], "--radius is 1.5; expected a whole number"),
        ([*CLOSED_FORM, "--rtol", "2"], "--rtol is 2.0; expected a number between 0 and 1"),
        (
            ["-o", "alpha"],
            "alpha has no ending; expected a name in .png, .tif, .tiff, .exr, or a folder",
        ),
        (["-o", "photo.png/"], "the folder photo.png/ cannot be made: a file has this name."),
        (["--cutout", "-o", "cutout.webp"], "expected a name in .png, .tif, .tiff"),
        (["--over", "red", "--bits", "16", "-o", "all.jpg"], "JPEG has 8 bits per channel"),
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
    write_image("glass.png", np.full((23, 30, 4), 0.5))
    write_image("trimap.png", speckled(read_image("trimap.png")))
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
        ("photo.png", "photo.png", "`trimap` is the photograph itself"),
        ("photo.png", "colours.png", "`trimap` has colours; expected black background"),
        ("holidays/photo.png", "trimap.png", "holidays/photo.png does not exist"),
        ("photo.png", "gray.png", "marks no foreground"),
        ("short.png", "trimap.png", "short.png is damaged or cut short"),
        (
            "glass.png",
            "trimap.png",
            "`image` is transparent in places; expected an opaque picture.",
        ),
    ],
)
def test_bad_inputs_are_one_line(scene, monkeypatch, image, trimap, message):
    monkeypatch.chdir(scene)
    write_image("small.png", np.zeros((5, 6)))
    write_image("gray.png", np.full((23, 30), 0.5))
    write_image("glass.png", np.full((23, 30, 4), 0.5))
    write_image("colours.png", read_image("photo.png")[::-1])
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
        ["--linear"],
        ["--fit", "cover"],
        ["--fit", "cover", "--over", "white"],
        ["--fit", "crop", "--over", "white"],
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
    assert "error: --plate does not fit" in before_plate("--plate", "gray.png", "--handheld").stderr
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
