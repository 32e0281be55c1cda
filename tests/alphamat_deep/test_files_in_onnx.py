"""A network's file in ONNX is the network, also where its pictures are resized and padded."""

from dataclasses import replace

import numpy as np
import pytest

import alphamat.onnx
import alphamat_deep
from alphamat.method import takes
from alphamat.rules import fixed_size
from tests.alphamat_deep.tiny import TINY, picture, tensors

pytest.importorskip("onnxruntime")
pytest.importorskip("onnx")


@pytest.mark.parametrize(
    ("rules", "options"),
    [
        (fixed_size(TINY.preprocess, 24, 16), {"size": (24, 16)}),
        (fixed_size(TINY.preprocess, 24, 16), {"size": (24, 16), "raw": True, "layout": "NHWC"}),
        pytest.param(TINY.preprocess, {"size": None}, marks=pytest.mark.slow),
    ],
)
def test_pictures_of_all_sizes_get_the_networks_alpha(tmp_path, monkeypatch, rules, options):
    monkeypatch.setitem(alphamat_deep.PRESETS, "tiny", replace(TINY, preprocess=rules))
    np.savez(tmp_path / "tiny.npz", **tensors())
    network = alphamat_deep.load("tiny", tmp_path / "tiny.npz")
    alphamat_deep.export_onnx(network, tmp_path / "net.onnx", **options)
    method = alphamat.onnx.load(tmp_path / "net.onnx")
    assert takes(method) == takes(network)
    for size in ((21, 34), (70, 11)):
        image, trimap = picture(*size)
        expected = network(image, trimap)
        assert expected.std() > 0.1
        np.testing.assert_allclose(method(image, trimap), expected, atol=1e-5)
