"""Published networks in ONNX, with weights that anyone can make, beside what their authors' do."""

import numpy as np
import pytest

import alphamat_deep
from alphamat_deep.export import to_onnx
from alphamat_deep.export.ports import function_of
from alphamat_deep.matting import Matting
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.networks import cases, network, pictures, theirs
from tests.alphamat_deep.oracles import by_preset

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

NETWORKS = (
    "pp-mattingv2-512",
    "pp-matting-512",
    "modnet",
    "gca",
    "dim",
    "u2netp",
    "vitmatte-s",
    "bgmv2-mobilenetv2",
)


@pytest.mark.slow
@pytest.mark.parametrize("preset", NETWORKS)
def test_a_file_computes_what_the_authors_program_does(preset):
    oracle = by_preset(preset)
    stored = oracle.stored[0]
    case = cases(stored)[0]
    row, model = alphamat_deep.PRESETS[preset], network(oracle, stored)
    matting = Matting(preset, row, model, np.dtype("float32"), "")
    function, state = function_of(matting, raw=True)
    given = [np.asarray(x[:1]) for x in pictures(stored, case)]
    size = 1, *given[0].shape[1:3]
    inputs, outputs, graph, results = to_onnx._of_one_size(matting, function, state, "NHWC", size)
    model = to_onnx._model(graph, results, inputs, outputs, "NHWC")
    alpha = to_onnx.onnx_run(model, "NHWC")(*given)[0]

    field = next((name for name, ours in oracle.fields.items() if ours == "alpha"), "alpha")
    key = f"{case}/out/{field}"
    noise = reference.manifest(stored.name)["info"][key].get(
        "f32_f64_maxdiff", stored.noise.get(field, 0)
    )
    far = np.abs(theirs(alpha) - reference.outputs(stored.name)[key]) > max(2e-5, 10 * noise)
    assert far.mean() <= oracle.flips
