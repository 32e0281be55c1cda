"""What is no file of a network, or names files elsewhere, is refused by name before it is run."""

import json
import os
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import alphamat.onnx
from alphamat.examples import astronaut
from alphamat.io.images import write_image
from alphamat.onnx.sidecar import sidecar_of
from alphamat.onnx.wire import files_of
from alphamat.rules import HALF, Brighten, Preprocess, fixed_size, levels, to_data
from tests.alphamat.onnx.models import IMAGE, MEAN, card, model, net, onnx, port

TENSORS = onnx.helper.make_tensor


def refused(path, said):
    with pytest.raises(ValueError, match=said) as fault:
        alphamat.onnx.load(path, like="u2net" if not sidecar_of(path).exists() else None)
    assert str(path) in str(fault.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "photo.png"
    write_image(path, astronaut()[0][:20, :20])
    path.rename(tmp_path / "net.onnx")
    refused(tmp_path / "net.onnx", "is no whole file in ONNX: it has other contents")
    (tmp_path / "net.onnx").write_bytes(b"")
    refused(tmp_path / "net.onnx", "is no whole file in ONNX")
    # A protocol buffer of something else: one text, one number.
    (tmp_path / "net.onnx").write_bytes(b"\x0a\x05hello\x10\x07")
    refused(tmp_path / "net.onnx", "it has no graph")
    with pytest.raises(FileNotFoundError, match=r"none\.onnx"):
        alphamat.onnx.load(tmp_path / "none.onnx")


def test_a_file_that_is_cut_short_is_refused_wherever_it_ends(tmp_path):
    whole = model(MEAN, tmp_path / "whole.onnx").read_bytes()
    path = tmp_path / "u2net.onnx"
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"u2net.onnx (is no whole|cannot be run|is not what)"):
            alphamat.onnx.load(path)


@settings(
    max_examples=60, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_files_with_other_bytes_are_refused_or_run(tmp_path, data):
    stored = bytearray(model(MEAN, tmp_path / "whole.onnx").read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        stored[data.draw(st.integers(0, len(stored) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "u2net.onnx"
    path.write_bytes(stored)
    with suppress(ValueError, FileNotFoundError):
        alphamat.onnx.load(path)(np.zeros((4, 4, 3)))


def outside(name, location):
    """Return a tensor that says it lies in another file."""
    tensor = onnx.TensorProto(name=name, dims=[1], data_type=onnx.TensorProto.FLOAT)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("offset", "0"), ("location", location), ("length", "4")):
        tensor.external_data.add(key=key, value=value)
    return tensor


def with_initializer(graph, tensor):
    graph.initializer.append(tensor)


def with_constant(graph, tensor):
    graph.node.append(onnx.helper.make_node("Constant", [], ["c"], value=tensor))


def with_branch(graph, tensor):
    within = onnx.helper.make_graph([], "within", [], [], [tensor])
    graph.node.append(onnx.helper.make_node("If", ["x"], ["y"], then_branch=within))


def with_sparse(graph, tensor):
    sparse = onnx.SparseTensorProto(values=tensor, dims=[4])
    graph.sparse_initializer.append(sparse)


HIDDEN = [with_initializer, with_constant, with_branch, with_sparse]


def referring(path, location, hide=with_initializer):
    made = onnx.parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]> {MEAN}')
    hide(made.graph, outside("w", location))
    path.write_bytes(made.SerializeToString())
    return path


@pytest.mark.parametrize("hide", HIDDEN)
@pytest.mark.parametrize(
    "place", ["/etc/hostname", "../w.bin", "sub/w.bin", "..", "", "a\\b", "c:w"]
)
def test_tensors_elsewhere_are_refused(tmp_path, hide, place):
    path = referring(tmp_path / "u2net.onnx", place, hide)
    with pytest.raises(ValueError, match=r"u2net.onnx keeps tensors in .*its own folder"):
        alphamat.onnx.load(path)


def test_tensors_of_functions_and_training_are_looked_at(tmp_path):
    for part in ("functions", "training_info"):
        made = onnx.ModelProto()
        made.graph.name = "g"
        if part == "functions":
            made.functions.add().node.append(
                onnx.helper.make_node("Constant", [], ["c"], value=outside("w", "/w"))
            )
        else:
            made.training_info.add().initialization.initializer.append(outside("w", "/w"))
        path = tmp_path / "net.onnx"
        path.write_bytes(made.SerializeToString())
        with pytest.raises(ValueError, match="its own folder"):
            files_of(path)


def test_a_link_is_no_file_of_its_folder(tmp_path):
    path = referring(tmp_path / "u2net.onnx", "w.bin")
    with pytest.raises(FileNotFoundError, match=r"u2net.onnx keeps tensors in w.bin, which is not"):
        alphamat.onnx.load(path)
    (tmp_path / "secret").write_bytes(bytes(8))
    os.symlink(tmp_path / "secret", tmp_path / "w.bin")
    refused(path, r"keeps tensors in w.bin, which is a link")


def test_tensors_beside_the_file_are_read(tmp_path):
    made = onnx.parser.parse_model(
        f'<ir_version: 8, opset_import: ["": 17]> {MEAN.replace("alpha =", "gray =")}'
    )
    made.graph.node.append(onnx.helper.make_node("Mul", ["gray", "w"], ["alpha"]))
    made.graph.initializer.append(outside("w", "net.onnx.data"))
    (tmp_path / "net.onnx.json").write_text(json.dumps(card()))
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    (tmp_path / "net.onnx.data").write_bytes(np.float32([0.5]).tobytes())
    method = alphamat.onnx.load(tmp_path / "net.onnx")
    np.testing.assert_allclose(method(np.ones((4, 5, 3))), 0.5, atol=1e-6)
    (tmp_path / "net.onnx.data").write_bytes(np.float32([0.25]).tobytes())
    assert alphamat.onnx.load(tmp_path / "net.onnx").weights != method.weights


def test_graphs_in_graphs_end_somewhere(tmp_path):
    inner = b""
    for _ in range(100):
        attribute = b"\x32" + length(inner) + inner  # graph
        node = b"\x2a" + length(attribute) + attribute
        inner = b"\x0a" + length(node) + node
    (tmp_path / "net.onnx").write_bytes(b"\x3a" + length(inner) + inner)
    refused(tmp_path / "net.onnx", "its graphs lie in one another too deep")


def length(message):
    size = len(message)
    return bytes([size & 127 | 128, size >> 7 & 127 | 128, size >> 14])


def test_operators_of_others_are_refused(tmp_path):
    text = '<ir_version: 8, opset_import: ["": 17, "mine": 1]> ' + MEAN.replace(
        "ReduceMean<axes = [1]>", "mine.Guess"
    )
    path = tmp_path / "u2net.onnx"
    onnx.save(onnx.parser.parse_model(text), path)
    refused(
        path, r"cannot be run by onnxruntime: Fatal error: mine:Guess\(-1\) is not a registered"
    )


FIXED = MEAN.replace("h,w", "16,16")
ELSEWHERE = {**IMAGE, "shape": [1, 3, 32, 32]}
CONTRADICTIONS = [
    (MEAN, {"inputs": [{**IMAGE, "name": "x"}]}, "it has the inputs image, not x"),
    (MEAN, {"inputs": [IMAGE, port("trimap")]}, "it has the inputs image, not image, trimap"),
    (MEAN, {"outputs": [port("matte", "alpha")]}, "it has the outputs alpha, not matte"),
    (MEAN, {"outputs": []}, "it has 0 of the role alpha"),
    (MEAN, {"inputs": [{**IMAGE, "dtype": "float16"}]}, "image has float32; expected float16"),
    (MEAN, {"inputs": [{**IMAGE, "role": "trimap"}]}, "channels; expected 1"),
    (MEAN, {"rules": Preprocess(HALF, HALF, levels)}, "it has 0 of the role trimap; its rules nee"),
    (MEAN, {"rules": Preprocess(HALF, HALF, plate=True)}, "it has 0 of the role plate"),
    (MEAN, {"outputs": [port("alpha"), port("alpha", "state")]}, "as many states"),
    (MEAN, {"rules": Preprocess(HALF, HALF, coarse=(Brighten(),))}, "its rules have a second size"),
    (FIXED, {"rules": Preprocess(HALF, HALF)}, "16 × 16 pixels, and its rules lead elsewhere"),
    (FIXED, {"rules": fixed_size(Preprocess(HALF, HALF), 32, 32), "inputs": [ELSEWHERE]}, "image"),
]


@pytest.mark.parametrize(("text", "fields", "said"), CONTRADICTIONS)
def test_a_card_of_another_file_is_refused(tmp_path, text, fields, said):
    if text is FIXED and "inputs" not in fields:
        fields = {**fields, "inputs": [{**IMAGE, "shape": [1, 3, 16, 16]}]}
    refused(net(tmp_path, text, **fields), f"net.onnx is not what net.onnx.json says: .*{said}")


def damaged(**fields):
    return json.dumps({**card(), **fields})


DAMAGED = [
    ("", "it is no JSON"),
    ("{" * 3000, "it is no JSON"),
    (b"\xff\xfe", "it is no JSON"),
    ("[]", 'it has no "format": "alphamat-onnx"'),
    ('{"name": "resnet"}', 'it has no "format"'),
    (damaged(version=2), "its version is 2; this alphamat reads 1"),
    (damaged(version="1"), "its version is '1'"),
    (damaged(colour="red"), "it has 'colour'; expected format, version"),
    (damaged(preset=5), "it has 5 as preset; expected str"),
    (damaged(commercial="no"), "it has 'no' as commercial; expected bool or NoneType"),
    (damaged(rules={}), "`rules` has no mean"),
    (damaged(inputs=["image"]), r"inputs\[0\] is 'image'"),
    (damaged(inputs=[{"name": "image"}]), r"inputs\[0\] has no role"),
    (damaged(inputs=[{**IMAGE, "role": "alpha"}]), r"inputs\[0\].role is 'alpha'; expected one of"),
    (damaged(inputs=[{**IMAGE, "shape": [1, -3, 4, 4]}]), "whole numbers and names"),
    (damaged(inputs=[{**IMAGE, "shape": [1, [3], 4, 4]}]), "whole numbers and names"),
    (damaged(inputs=[{**IMAGE, "layout": "NHWC"}]), "four sides, with the number of channels as C"),
    (damaged(inputs=[{**IMAGE, "shape": [3, 4, 4]}]), "four sides"),
    (damaged(inputs=[port("r", "state")]), "no whole numbers as `initial`"),
    (" " * 2**21, "more than 1,048,576 bytes"),
]


@pytest.mark.parametrize(("text", "said"), DAMAGED)
def test_a_damaged_card_is_refused(tmp_path, text, said):
    path = net(tmp_path)
    beside = tmp_path / "net.onnx.json"
    beside.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=f"net.onnx.json does not tell how a file.*{said}"):
        alphamat.onnx.load(path)


def test_a_card_may_tell_more(tmp_path):
    told = card(
        rules=Preprocess(HALF, HALF),
        licence="MIT",
        commercial=True,
        citation="Nobody, 2026",
        weights={"sha256": "", "file": "net.pth"},
        versions={"opset": 17},
        difference={"maximum": 1e-6},
    )
    method = alphamat.onnx.load(net(tmp_path, told=told))
    assert (method.card.licence, method.card.commercial) == ("MIT", True)
    assert to_data(method.card.rules) == told["rules"]
