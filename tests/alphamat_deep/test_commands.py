"""`alphamat` with networks."""

import json

import numpy as np
from typer.testing import CliRunner

import alphamat
import alphamat_deep
from alphamat.cli import app
from alphamat_deep.checkpoints import metadata, read
from tests.alphamat_deep.tiny import picture


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_command_mattes_with_a_network(weights, tmp_path):
    image, trimap = picture()
    alphamat.write_image(tmp_path / "photo.png", image)
    alphamat.write_image(tmp_path / "trimap.png", trimap)
    options = ["--method", "tiny", "--weights", weights]
    result = run("matte", tmp_path / "photo.png", tmp_path / "trimap.png", *options)
    assert result.exit_code == 0, result.output
    written = alphamat.read_image(tmp_path / "photo_alpha.png")
    expected = alphamat_deep.load("tiny", weights)(image, trimap)
    assert np.array_equal(written, np.rint(255 * expected))
    alone = run("matte", tmp_path / "photo.png", *options)
    assert alone.exit_code == 1
    assert "alphamat trimap" in alone.output


def test_the_command_evaluates_networks_beside_methods(weights, tmp_path):
    image, trimap = picture()
    for name, pixels in (("image", image), ("trimap", trimap), ("alpha", trimap)):
        (tmp_path / "set" / name).mkdir(parents=True)
        alphamat.write_image(tmp_path / "set" / name / "a.png", pixels)
    methods = ["--method", f"tiny={weights}", "--method", "random_walk"]
    result = run("evaluate", "folder", tmp_path / "set", *methods, "-o", tmp_path / "out", "--json")
    assert result.exit_code == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    assert [row["method"] for row in rows] == ["tiny", "random_walk"]
    assert all(row["sad"] >= 0 and not row["error"] for row in rows)


def test_the_command_needs_weights_for_networks_alone(weights, tmp_path):
    alphamat.write_image(tmp_path / "photo.png", picture()[0])
    result = run("matte", tmp_path / "photo.png", "--method", "tiny")
    assert result.exit_code == 2
    assert "alphamat models tiny" in " ".join(result.output.split())
    result = run("matte", tmp_path / "photo.png", "--method", "knn", "--weights", weights)
    assert result.exit_code == 2
    assert "knn has no weights" in result.output


def test_the_command_lists_networks_and_converts(weights, tmp_path):
    result = run("models")
    assert result.exit_code == 0
    assert "tiny" in result.output
    assert "dim-skip" in result.output
    told = run("models", "tiny").output
    assert "https://example.org/tiny.pth" in told
    assert "allowed" in told
    assert "Nothing, by nobody: SAD 0.00, MSE .005, Grad 1.00, Conn 31.80" in told
    target = tmp_path / "out.safetensors"
    assert run("convert", weights, target, "--preset", "tiny").exit_code == 0
    assert metadata(target)["preset"] == "tiny"
    ours, back = tmp_path / "ours.safetensors", tmp_path / "back.safetensors"
    alphamat_deep.save("tiny", alphamat_deep.load("tiny", weights).model, ours)
    assert run("convert", ours, back, "--preset", "tiny", "--like", weights).exit_code == 0
    assert list(read(back)) == list(read(weights)) != list(read(ours))
    assert run("convert", ours, back, "--preset", "tiny", "--like", "absent.pth").exit_code == 1
    assert run("convert", weights, tmp_path / "out.bin", "--preset", "tiny").exit_code == 1
    assert run("convert", weights, target, "--preset", "tyni").exit_code == 2
