"""Photographs of film and photography through the commands: light, 16 bits, and profiles."""

import numpy as np
import pytest
from typer.testing import CliRunner

from alphamat.cli import app
from alphamat.door import encode_srgb
from alphamat.foreground import foreground_of_light
from alphamat.io import as_srgb, read_image, read_picture, write_image
from alphamat.io.profiles import convert_colours
from tests.alphamat.io.writers import profile


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert not isinstance(result.exception, (TypeError, KeyError, AttributeError)), result.exception
    return result


@pytest.fixture
def plate(scene):
    """Return the scene's folder with photo.exr, in which the disc is brighter than white."""
    pytest.importorskip("OpenEXR")
    light = read_picture(scene / "photo.png").pixels / 255.0 * [6, 1, 1] - 0.01
    write_image(scene / "photo.exr", light)
    return scene


def matte(folder, name, *arguments):
    result = run("matte", folder / name, folder / "trimap.png", *arguments)
    assert result.exit_code == 0, result.output
    return result


def test_matting_sees_light_as_srgb_shows_it(plate):
    matte(plate, "photo.exr", "--method", "closed-form", "--exposure", -1, "--bits", "float")
    seen = as_srgb(read_picture(plate / "photo.exr"), exposure=-1)
    write_image(plate / "seen.tif", seen, bits="float")
    matte(plate, "seen.tif", "--method", "closed-form", "-o", plate / "a.tif", "--bits", "float")
    found = read_picture(plate / "photo_alpha.exr").pixels
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, read_image(plate / "a.tif"), atol=1e-5)


def test_light_is_cut_out_and_composited_as_light(plate):
    matte(plate, "photo.exr", "--cutout", "--over", "#bcbcbc", "-o", plate, "--bits", "float")
    light = read_picture(plate / "photo.exr").pixels
    cutout = read_picture(plate / "photo_cutout.exr").pixels
    opaque = cutout[..., 3] == 1
    assert light[opaque].max() > 5
    np.testing.assert_array_equal(cutout[opaque][:, :3], light[opaque])
    foreground = foreground_of_light(light, cutout[..., 3])
    alpha, gray = cutout[..., 3:], 0.5029  # the light of #bcbcbc
    expected = alpha * foreground + (1 - alpha) * gray
    np.testing.assert_allclose(
        read_picture(plate / "photo_composite.exr").pixels, expected, atol=2e-3
    )


def test_light_becomes_srgb_in_other_files(plate):
    matte(plate, "photo.exr", "--cutout", "-o", plate / "a.png", "--bits", 16, "--exposure", -2)
    light, cutout = read_picture(plate / "photo.exr").pixels, read_image(plate / "a.png")
    opaque = cutout[..., 3] == 65535
    shown = encode_srgb(light[opaque].astype(float) / 4)
    assert np.abs(cutout[opaque][:, :3] / 65535 - shown).max() < 1e-4


def test_other_photographs_become_light_in_exr(plate):
    matte(plate, "photo.png", "--over", plate / "photo.exr", "-o", plate / "a.exr")
    back = read_picture(plate / "a.exr")
    corner = read_picture(plate / "photo.exr").pixels[0, 0]
    np.testing.assert_array_equal(back.pixels[0, 0], corner)  # alpha is 0 there
    middle = encode_srgb(back.pixels[11, 15].astype(float))
    np.testing.assert_allclose(middle, read_image(plate / "photo.png")[11, 15] / 255, atol=1e-3)


def test_cut_out_takes_light_and_says_what_it_cannot_write(plate):
    arguments = ["cutout", plate / "photo.exr", "--trimap", plate / "trimap.png"]
    result = run(*arguments, "--also", "alpha", "--also", "trimap", "-o", f"{plate}/out/")
    assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (plate / "out").iterdir())
    assert names == ["photo_alpha.exr", "photo_cutout.exr", "photo_trimap.png"]
    assert read_picture(plate / "out" / "photo_cutout.exr").pixels.max() > 5
    for options, told in (
        (["--bits", "16", "-o", plate / "a.exr"], "EXR has half or float bits"),
        (["--bits", "half", "-o", plate / "a.png"], "PNG has 8 or 16 bits"),
        (["--layer", "sky", "-o", plate / "a.exr"], "has no layer 'sky'"),
    ):
        result = run(*arguments, *options)
        assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
        assert told in result.stderr


def test_exposure_is_refused_for_what_is_no_light(scene):
    result = run("matte", scene / "photo.png", scene / "trimap.png", "--exposure", 1)
    assert result.exit_code == 1
    assert "--exposure is 1, and image is not scene-linear light" in result.stderr


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_never_pass_eight(tmp_path, packages, ending):
    # Each level occurs once in each channel; the right half of the picture is opaque.
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    photo = np.stack([levels, levels[::-1], levels.T], axis=2)
    wide = np.concatenate([photo[:, :20], photo], axis=1)
    trimap = np.full((256, 276), 255, np.uint8)
    trimap[:, :10], trimap[:, 10:20] = 0, 128
    write_image(tmp_path / f"photo.{ending}", wide, bits=16)
    write_image(tmp_path / "trimap.png", trimap)
    name, options = tmp_path / f"photo.{ending}", ["--bits", 16, "--method", "closed-form"]
    outputs = {}
    for command in ("matte", "cutout"):
        out = tmp_path / f"{command}.{ending}"
        hint = ["--trimap", tmp_path / "trimap.png"] if command == "cutout" else []
        hint = hint or [tmp_path / "trimap.png", "--cutout"]
        assert run(command, name, *hint, *options, "-o", out).exit_code == 0
        outputs[command] = read_image(out)
    over = ["--over", "teal", "-o", tmp_path / f"over.{ending}"]
    matte(tmp_path, f"photo.{ending}", *options, *over)
    outputs["over"] = read_image(tmp_path / f"over.{ending}")
    for pixels in outputs.values():
        assert pixels.dtype == np.uint16
        np.testing.assert_array_equal(pixels[:, 20:, :3], photo)
    frames = tmp_path / "frames"
    frames.mkdir()
    write_image(frames / f"1.{ending}", wide, bits=16)
    pattern = frames.parent / f"%d.{ending}"
    arguments = ["video", frames, tmp_path / "trimap.png", "-o", pattern, *options]
    assert run(*arguments).exit_code == 0
    np.testing.assert_array_equal(read_image(tmp_path / f"1.{ending}")[:, 20:, :3], photo)


def test_sixteen_bits_of_alpha_are_kept(tmp_path, packages, monkeypatch):
    alpha = np.arange(65536).reshape(256, 256) / 65535
    module = __import__("other_methods")
    monkeypatch.setattr(module, "flat", lambda image, trimap: alpha)
    write_image(tmp_path / "photo.png", alpha, bits=16)
    write_image(tmp_path / "trimap.png", np.full((256, 256), 0.5))
    for ending in ("png", "tif"):
        out = tmp_path / f"out.{ending}"
        matte(tmp_path, "photo.png", "--method", "flat", "--bits", 16, "-o", out)
        np.testing.assert_array_equal(read_image(out), np.rint(65535 * alpha))


def test_matting_sees_srgb_and_results_keep_the_photographs_colours(scene):
    levels = read_image(scene / "photo.png")
    write_image(scene / "own.png", levels.astype(np.uint16) * 257, bits=16, profile=profile())
    seen = convert_colours(levels / 255.0, profile(), None)
    write_image(scene / "seen.tif", seen, bits="float")
    options = ["--method", "closed-form", "--bits", 16]
    matte(scene, "own.png", *options)
    matte(scene, "seen.tif", *options, "-o", scene / "seen_alpha.png")
    alphas = [read_image(scene / f"{name}_alpha.png").astype(int) for name in ("own", "seen")]
    assert np.abs(alphas[0] - alphas[1]).max() <= 2
    matte(scene, "own.png", *options, "--cutout")
    cutout = read_picture(scene / "own_cutout.png")
    assert cutout.profile == profile()
    opaque = read_image(scene / "trimap.png") == 255
    np.testing.assert_array_equal(
        cutout.pixels[opaque][:, :3], levels[opaque].astype(np.uint16) * 257
    )


def test_the_methods_own_foreground_is_used_where_it_saw_the_photographs_colours(scene):
    import other_methods

    from alphamat.method import Matte

    other_methods.flat = lambda image, trimap: Matte(np.ones((23, 30)), np.full((23, 30, 3), 0.2))
    levels = read_image(scene / "photo.png")
    write_image(scene / "own.png", levels, profile=profile())
    for name, expected in (("photo.png", 51), ("own.png", levels)):
        matte(scene, name, "--method", "flat", "--cutout", "-o", scene / "a.png")
        assert (read_image(scene / "a.png")[..., :3] == expected).all()
