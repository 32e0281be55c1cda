"""Networks small enough to compute by hand, as files in ONNX, and their cards."""

import json

import pytest

from alphamat.rules import HALF, Preprocess, to_data

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")

HEADER = '<ir_version: 8, opset_import: ["": 17]>'
PICTURE = "float[b,3,h,w] image"
ALPHA = "float[b,1,h,w] alpha"
MEAN = f"mean ({PICTURE}) => ({ALPHA}) {{ alpha = ReduceMean<axes = [1]>(image) }}"
GREEN_OVER_WHITE = """
    all (float[b,3,h,w] image, float[b,1,h,w] trimap, float[b,3,h,w] plate)
    => (float[b,1,h,w] alpha, float[b,3,h,w] foreground)
    {
        foreground = Sub(image, plate)
        apart = ReduceMean<axes = [1]>(foreground)
        alpha = Mul(apart, trimap)
    }
"""
SUMS = """
    sums (float[b,3,h,w] image, float[1,1,8,8] before)
    => (float[b,1,h,w] alpha, float[1,1,8,8] after)
    {
        gray = ReduceMean<axes = [1]>(image)
        after = Add(gray, before)
        quarter = Constant<value = float {0.25}>()
        alpha = Mul(after, quarter)
    }
"""


def model(text, path):
    """Write a network that is given in ONNX's own words."""
    onnx.save(onnx.parser.parse_model(f"{HEADER} {text}"), path)
    return path


def port(name, role=None, shape=("b", 1, "h", "w"), layout="NCHW", dtype="float32", **more):
    return {
        "name": name,
        "role": role or name,
        "shape": list(shape),
        "layout": layout,
        "dtype": dtype,
        **more,
    }


IMAGE = port("image", shape=("b", 3, "h", "w"))


PLAIN, MATTE = Preprocess(HALF, HALF), port("alpha")


def card(rules=PLAIN, inputs=(IMAGE,), outputs=(MATTE,), **more):
    return {
        "format": "alphamat-onnx",
        "version": 1,
        "preset": "small",
        "rules": to_data(rules),
        "normalised": True,
        "inputs": list(inputs),
        "outputs": list(outputs),
        **more,
    }


def net(folder, text=MEAN, told=None, **fields):
    """Write a network and its card; return where the network lies."""
    (folder / "net.onnx.json").write_text(json.dumps(told or card(**fields)))
    return model(text, folder / "net.onnx")
