"""The command `alphamat export`."""

import json

import pytest
from typer.testing import CliRunner

from alphamat.cli import app

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def run(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


def test_it_writes_a_file_and_says_how_near_it_is(weights, tmp_path):
    target = tmp_path / "net.onnx"
    result = run("tiny", "--weights", weights, "--size", "16x24", "-o", target)
    assert result.exit_code == 0, result.output
    assert f"wrote {target} (" in result.stdout
    assert "from the network's, on 3 pictures" in result.stdout
    told = json.loads((tmp_path / "net.onnx.json").read_text())
    assert told["weights"]["file"] == "tiny.npz"
    assert told["inputs"][0]["shape"] == [1, 3, 16, 24]


@pytest.mark.parametrize(("count", "told"), [("any", "batch"), ("4", 4)])
def test_it_writes_a_file_for_several_pictures(weights, tmp_path, count, told):
    target = tmp_path / "net.onnx"
    result = run("tiny", "--weights", weights, "--size", "16x24", "--batch", count, "-o", target)
    assert result.exit_code == 0, result.output
    inputs = json.loads((tmp_path / "net.onnx.json").read_text())["inputs"]
    assert inputs[0]["shape"] == [told, 3, 16, 24]


def test_it_writes_stablehlo(weights, tmp_path):
    target = tmp_path / "net.stablehlo"
    options = "--size", "16x24", "--format", "stablehlo", "-o", target
    result = run("tiny", "--weights", weights, *options)
    assert result.exit_code == 0, result.output
    assert target.stat().st_size > 1000


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        (["--size", "16"], 2, "expected HEIGHTxWIDTH"),
        (["--batch", "few"], 2, "is no number of pictures"),
        (["--format", "stablehlo", "--float16"], 2, "are for ONNX"),
        (["--size", "dynamic", "--format", "stablehlo", "-o", "n.stablehlo"], 1, "has one size"),
        (["-o", "net.pb"], 1, "expected a name in .onnx"),
        (["--size", "0x16"], 1, "--size is (0, 16)"),
    ],
)
def test_misuse_is_told_in_a_sentence(weights, options, code, told):
    result = run("tiny", "--weights", weights, *options)
    assert result.exit_code == code
    assert told in " ".join(result.output.split())


def test_a_missing_package_is_named(weights, monkeypatch):
    monkeypatch.setattr("alphamat_deep.export.to_onnx.find_spec", lambda name: None)
    result = run("tiny", "--weights", weights)
    assert result.exit_code == 1
    assert "Export needs onnx, not installed here" in result.output
