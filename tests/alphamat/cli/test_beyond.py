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


def test_large_pictures_take_this_way(scene, monkeypatch):
    pictures = [read_image(scene / f"{name}.png") for name in ("photo", "trimap")]
    for name, pixels in zip(("photo", "trimap"), pictures, strict=True):
        write_image(scene / f"{name}.tif", pixels)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)  # half of those of a picture that is large
    paths = [str(scene / name) for name in ("photo.tif", "trimap.tif")]
    result = CliRunner().invoke(app, ["matte", *paths, "-o", str(scene / "a.tif")])
    assert result.exit_code == 0, result.output
    with Image.open(scene / "a.tif") as written:
        alpha = np.asarray(written)
    assert np.abs(alpha - 255 * alphamat.learned(*pictures)).max() < 1


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
