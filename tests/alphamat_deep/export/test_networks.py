"""Published networks in ONNX, from files like their authors', beside what these compute."""

from dataclasses import replace

import numpy as np
import pytest
from typer.testing import CliRunner

import alphamat.onnx
import alphamat_deep
from alphamat.cli import app
from alphamat_deep.export import to_onnx
from alphamat_deep.export.drawing import draw
from alphamat_deep.export.ports import function_of
from alphamat_deep.export.proving import Difference
from alphamat_deep.export.writing import model_of
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.checkpoints.writing import published
from tests.alphamat_deep.networks import cases, pictures, theirs
from tests.alphamat_deep.oracles import by_preset

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

ENDINGS = {"PyTorch": ".pth", "Paddle": ".pdparams"}


def checkpoint(oracle, stored, folder):
    """Write a file in its authors' format, with weights anyone can make."""
    framework = alphamat_deep.PRESETS[oracle.preset].weights.format
    path = folder / f"{stored.name}{ENDINGS[framework]}"
    path.write_bytes(published(reference.weights(stored.name), framework))
    return path


def loaded(oracle, stored, folder, **config):
    path = checkpoint(oracle, stored, folder)
    try:
        return alphamat_deep.load(oracle.preset, path, **stored.settings, **config)
    finally:
        path.unlink()


def run_of(matting, height, width):
    """Return what runs a network's file on a batch of one picture, channels last."""
    size = 1, height, width
    drawn = draw(matting, *function_of(matting, raw=True), "NHWC", size)
    return to_onnx.onnx_run(model_of(drawn, "NHWC"), "NHWC"), drawn.inputs


def check(alpha, oracle, stored):
    """Check alpha, (1, 1, H, W), of the first case beside what the authors' program gives."""
    case = cases(stored)[0]
    field = next((name for name, ours in oracle.fields.items() if ours == "alpha"), "alpha")
    key = f"{case}/out/{field}"
    noise = reference.manifest(stored.name)["info"][key].get(
        "f32_f64_maxdiff", stored.noise.get(field, 0)
    )
    far = np.abs(alpha - reference.outputs(stored.name)[key])
    assert (far > max(2e-5, 10 * noise)).mean() <= oracle.flips


def check_file(path, oracle, stored):
    """Check a file as its users run it. The authors' pictures are those that the network sees."""
    method = alphamat.onnx.load(path)
    image, *marks = (x[0] for x in stored.inputs())
    rules = replace(method.rules, chain=(), keep_known=False)
    if marks:
        rules = replace(rules, encode=lambda _: marks[0])
    method = replace(method, card=replace(method.card, rules=rules))
    colours = image * np.float32(rules.std) + np.float32(rules.mean)
    unknown = np.full(image.shape[:2], 128, np.uint8)
    alpha = method(colours, unknown) if marks else method(colours)
    check(alpha[None, None], oracle, stored)


def test_the_command_writes_a_file_that_computes_what_the_authors_program_does(tmp_path):
    oracle = by_preset("modnet")
    (stored,) = oracle.stored
    target = tmp_path / "net.onnx"
    options = "--weights", checkpoint(oracle, stored, tmp_path), "--size", "96x128", "-o", target
    result = CliRunner().invoke(app, ["export", "modnet", *map(str, options)])
    assert result.exit_code == 0, result.output
    check_file(target, oracle, stored)


@pytest.mark.slow
@pytest.mark.parametrize(
    "preset",
    ["gca", "dim", "u2net", "u2netp", "vitmatte-s", "pp-matting-512", "pp-mattingv2-512"],
)
def test_a_file_computes_what_the_authors_program_does(preset, tmp_path, monkeypatch):
    """The proof beside our own network is left out: to compile it takes long."""
    monkeypatch.setattr(to_onnx, "_differences", lambda *_: Difference(0, 0, 0, 0, 0, 0))
    oracle = by_preset(preset)
    (stored,) = oracle.stored
    matting = loaded(oracle, stored, tmp_path)
    size = stored.inputs()[0].shape[1:3]
    found = alphamat_deep.export_onnx(matting, tmp_path / "net.onnx", size=size)
    check_file(found.path, oracle, stored)


@pytest.mark.slow
@pytest.mark.parametrize("stored", by_preset("bgmv2-mobilenetv2").stored, ids=lambda x: x.name)
def test_a_file_refines_as_the_authors_program_does(stored, tmp_path):
    oracle = by_preset("bgmv2-mobilenetv2")
    given = [np.asarray(x[:1]) for x in pictures(stored, cases(stored)[0])]
    run, _ = run_of(loaded(oracle, stored, tmp_path), *given[0].shape[1:3])
    check(theirs(run(*given)[0]), oracle, stored)


@pytest.mark.slow
def test_a_file_remembers_a_clip_as_the_authors_program_does(tmp_path):
    oracle = by_preset("rvm-mobilenetv3")
    (stored,) = oracle.stored
    expected = reference.outputs(stored.name)
    frames = reference.inputs(stored.name, "hr")[0].swapaxes(0, 1)
    matting = loaded(oracle, stored, tmp_path, downsample_ratio=0.5)
    run, inputs = run_of(matting, *frames.shape[2:4])
    states = [np.zeros(port.shape, np.float32) for port in inputs if port.role == "state"]
    for at, frame in enumerate(np.float32(frames)):
        alpha, foreground, *states = run(frame, *states)
        for found, name in ((alpha, "pha"), (foreground, "fgr")):
            np.testing.assert_allclose(
                theirs(found), expected[f"hr/out/{name}"][:, at], rtol=0, atol=5e-5
            )
    for at, state in enumerate(states, start=1):
        np.testing.assert_allclose(theirs(state), expected[f"hr/out/r{at}"], rtol=0, atol=5e-5)
