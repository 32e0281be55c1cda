"""`alphamat matte --memory`."""

import json

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.io.images import read_image, write_image


def matte(scene, *arguments):
    paths = scene / "photo.png", scene / "trimap.png"
    return CliRunner().invoke(app, [str(a) for a in ("matte", *paths, *arguments)])


def test_memory_is_kept_to_and_a_tiff_is_written(scene):
    result = matte(scene, "--method", "closed-form", "--memory", "600M")
    assert result.exit_code == 0, result.output
    expected = alphamat.closed_form(
        read_image(scene / "photo.png"), read_image(scene / "trimap.png")
    )
    assert np.abs(read_image(scene / "photo_alpha.tif") - 255 * expected).max() < 1
    assert {path.name for path in scene.iterdir()} == {"photo.png", "trimap.png", "photo_alpha.tif"}


def test_tells_in_json(scene):
    arguments = "--method", "learning-based", "--memory", "1G", "-o", scene / "a.tif", "--json"
    told = json.loads(matte(scene, *arguments).stdout)
    assert told["outputs"] == {"alpha": str(scene / "a.tif")}
    assert told["converged"] is True


def test_large_pictures_take_this_way_and_closed_form(scene, monkeypatch):
    pictures = [read_image(scene / f"{name}.png") for name in ("photo", "trimap")]
    paths = [scene / "photo.tif", scene / "trimap.tif"]
    for path, pixels in zip(paths, pictures, strict=True):
        write_image(path, pixels)
    arguments = ["matte", *map(str, paths), "-o", str(scene / "a.tif")]
    with monkeypatch.context() as patched:
        patched.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # half of those of a picture that is large
        result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert np.abs(read_image(scene / "a.tif") - 255 * alphamat.closed_form(*pictures)).max() < 1
    assert "closed-form is used instead" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--memory", "much"], 2, "no amount of memory"),
        (["--memory", "1M"], 1, "--memory is 1048576"),
        (["--memory", "1G", "--cutout"], 1, "only the alpha of a trimap"),
        (["--memory", "1G", "--method", "knn"], 1, "is knn; pictures beyond memory"),
        (["--memory", "1G", "-o", "alpha.png"], 1, "alpha.png cannot be written"),
    ],
)
def test_misuse_is_refused(scene, wide, arguments, code, told):
    result = matte(scene, *arguments)
    assert result.exit_code == code
    assert told in result.output
