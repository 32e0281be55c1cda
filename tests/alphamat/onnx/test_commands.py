"""Files in ONNX at the command line."""

import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from alphamat.cli import app
from alphamat.io.images import read_image, write_image
from alphamat.onnx import ROWS
from alphamat.rules import HALF, Preprocess, levels
from tests.alphamat.onnx.models import GREEN_OVER_WHITE, IMAGE, model, net, port
from tests.alphamat.onnx.test_rows import U2NET

WITH_TRIMAP = GREEN_OVER_WHITE.replace("float[b,3,h,w] plate", "float[b,3,h,w] black").replace(
    "Sub(image, plate)", "Identity(image)"
)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def photo(tmp_path):
    image = np.random.default_rng(73).integers(0, 256, (30, 40, 3), np.uint8)
    image[10:20, 10:30], image[:5], image[25:] = 255, 0, 0
    write_image(tmp_path / "photo.png", image)
    return image


def test_a_picture_is_matted_by_a_file(tmp_path, photo):
    path = net(tmp_path)
    result = run("matte", tmp_path / "photo.png", "--method", path)
    assert result.exit_code == 0, result.output
    expected = np.rint(photo.mean(axis=-1))
    alpha = read_image(tmp_path / "photo_alpha.png")
    np.testing.assert_allclose(alpha, expected, atol=1)


def test_a_name_says_whose_rules_a_file_follows(tmp_path, photo):
    path = model(U2NET, tmp_path / "mine.onnx")
    refused = run("matte", tmp_path / "photo.png", "--method", path)
    assert refused.exit_code == 1
    assert "--method NAME --weights mine.onnx" in refused.stderr
    unknown = run("matte", tmp_path / "photo.png", "--method", "u3net", "--weights", path)
    assert unknown.exit_code == 2
    assert "'u3net' is not known of files in ONNX" in " ".join(unknown.stderr.split())
    result = run("matte", tmp_path / "photo.png", "--method", "u2net", "--weights", path)
    assert result.exit_code == 0, result.output


def test_a_file_finds_what_to_cut_out(tmp_path, photo):
    path = net(tmp_path)
    result = run("cutout", tmp_path / "photo.png", "--segment", path, "--method", "closed-form")
    assert result.exit_code == 0, result.output
    alpha = Image.open(tmp_path / "photo_cutout.png").getchannel("A")
    assert (alpha.getpixel((20, 15)), alpha.getpixel((2, 2))) == (255, 0)
    wrong = run("cutout", tmp_path / "photo.png", "--method", path, "--overwrite")
    assert wrong.exit_code == 2
    assert "takes no trimap" in wrong.stderr


@pytest.mark.slow
def test_a_file_is_evaluated(tmp_path, photo):
    text = """m (float[b,3,h,w] image, float[b,1,h,w] trimap) => (float[b,1,h,w] alpha)
    { gray = ReduceMean<axes = [1]>(image) alpha = Mul(gray, trimap) }"""
    path = net(tmp_path, text, rules=Preprocess(HALF, HALF, levels), inputs=[IMAGE, port("trimap")])
    folder = tmp_path / "data"
    for name, pixels in {
        "image": photo,
        "trimap": np.where(photo[..., 0] > 200, 255, 128).astype(np.uint8),
        "alpha": photo[..., 0],
    }.items():
        (folder / name).mkdir(parents=True)
        write_image(folder / name / "one.png", pixels)
    result = run(
        "evaluate", "folder", folder, "--method", path, "-o", tmp_path / "out", "--jobs", 1
    )
    assert result.exit_code == 0, result.output
    assert "net.onnx" in result.output


def test_files_and_their_terms_are_listed(monkeypatch):
    monkeypatch.setattr("alphamat.cli.models.installed_models", dict)  # JAX takes seconds
    listed = run("models")
    assert listed.exit_code == 0, listed.output
    for name, row in ROWS.items():
        assert f"{name}.onnx" in listed.output
        assert f"ONNX, {row.licence}" in listed.output
    told = run("models", "rmbg-1.4.onnx").output
    assert "licence     non-commercial" in told
    assert "commercial  not allowed" in told


def test_files_are_listed_without_jax(monkeypatch):
    def missing():
        raise ImportError("`alphamat_deep` needs JAX")

    monkeypatch.setattr("alphamat.cli.models.installed_models", missing)
    listed = run("models")
    assert listed.stdout.startswith("u2net.onnx")
    assert listed.stderr == "networks that need JAX are not listed: `alphamat_deep` needs JAX\n"


def test_the_missing_extra_is_one_line(tmp_path, photo, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    result = run("matte", tmp_path / "photo.png", "--method", net(tmp_path))
    assert result.exit_code == 1
    assert 'pip install "alphamat[onnx]"' in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_damaged_file_is_one_line(tmp_path, photo):
    (tmp_path / "net.onnx").write_bytes(b"nothing")
    result = run("matte", tmp_path / "photo.png", "--method", tmp_path / "net.onnx")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: {tmp_path / 'net.onnx'} is no whole file in ONNX")
