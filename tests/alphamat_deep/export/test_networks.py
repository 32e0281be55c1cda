"""Published networks in ONNX, from files like their authors', beside what these compute."""

import numpy as np
import pytest

import alphamat_deep
from alphamat_deep.export import to_onnx
from alphamat_deep.export.drawing import draw
from alphamat_deep.export.ports import function_of
from alphamat_deep.export.writing import model_of
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.checkpoints.writing import published
from tests.alphamat_deep.networks import cases, pictures, theirs
from tests.alphamat_deep.oracles import by_preset

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytestmark = pytest.mark.slow

NETWORKS = (
    "pp-mattingv2-512",
    "pp-matting-512",
    "modnet",
    "gca",
    "dim",
    "u2netp",
    "vitmatte-s",
    "bgmv2-mobilenetv2",  # in each mode of its refiner
)


def loaded(oracle, stored, folder, **config):
    """Return the network of a checkpoint in its authors' format, with weights anyone can make."""
    path = folder / "checkpoint"
    framework = alphamat_deep.PRESETS[oracle.preset].weights.format
    path.write_bytes(published(reference.weights(stored.name), framework))
    try:
        return alphamat_deep.load(oracle.preset, path, **stored.settings, **config)
    finally:
        path.unlink()


def run_of(matting, height, width):
    """Return what runs a network's file on a batch of one picture, channels last."""
    size = 1, height, width
    drawn = draw(matting, *function_of(matting, raw=True), "NHWC", size)
    return to_onnx.onnx_run(model_of(drawn, "NHWC"), "NHWC"), drawn.inputs


@pytest.mark.parametrize(
    ("preset", "stored"),
    [
        pytest.param(preset, stored, id=stored.name)
        for preset in NETWORKS
        for stored in by_preset(preset).stored
    ],
)
def test_a_file_computes_what_the_authors_program_does(preset, stored, tmp_path):
    oracle, case = by_preset(preset), cases(stored)[0]
    given = [np.asarray(x[:1]) for x in pictures(stored, case)]
    run, _ = run_of(loaded(oracle, stored, tmp_path), *given[0].shape[1:3])
    field = next((name for name, ours in oracle.fields.items() if ours == "alpha"), "alpha")
    key = f"{case}/out/{field}"
    noise = reference.manifest(stored.name)["info"][key].get(
        "f32_f64_maxdiff", stored.noise.get(field, 0)
    )
    far = np.abs(theirs(run(*given)[0]) - reference.outputs(stored.name)[key])
    assert (far > max(2e-5, 10 * noise)).mean() <= oracle.flips


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
