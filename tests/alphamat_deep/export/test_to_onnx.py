"""Files in ONNX: what they take and give, what is told of them, and when none is written."""

import json
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

import alphamat_deep
from alphamat import rules
from alphamat_deep.compiling import without_values
from alphamat_deep.export import to_onnx
from tests.alphamat_deep.tiny import picture

pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")


@pytest.fixture
def matting(weights):
    return alphamat_deep.load("tiny", weights)


def export(matting, tmp_path, **options):
    return alphamat_deep.export_onnx(matting, tmp_path / "net.onnx", size=(16, 24), **options)


def run(path, **inputs):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, {name: np.float32(x) for name, x in inputs.items()})[0]


def of_network(matting, image, trimap):
    colours = (image - 0.5) / 0.5
    return np.asarray(matting.model(jnp.float32(colours), jnp.float32(trimap)).alpha)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(11)
    return rng.random((1, 16, 24, 3)), rng.random((1, 16, 24, 1))


def test_a_file_computes_the_network_channels_first(matting, tmp_path, inputs):
    found = export(matting, tmp_path)
    image, trimap = (x.transpose(0, 3, 1, 2) for x in inputs)
    alpha = run(found.path, image=image, trimap=trimap).transpose(0, 2, 3, 1)
    np.testing.assert_allclose(alpha, of_network(matting, *inputs), atol=1e-6)
    assert found.difference.maximum < 1e-6
    assert found.difference.pictures == 3
    assert found.size == found.path.stat().st_size


def test_a_file_computes_the_network_channels_last(matting, tmp_path, inputs):
    found = export(matting, tmp_path, layout="NHWC")
    alpha = run(found.path, image=inputs[0], trimap=inputs[1])
    np.testing.assert_allclose(alpha, of_network(matting, *inputs), atol=1e-6)


def test_a_raw_file_takes_normalised_colours(matting, tmp_path, inputs):
    found = export(matting, tmp_path, layout="NHWC", raw=True)
    alpha = run(found.path, image=inputs[0] * 2 - 1, trimap=inputs[1])
    np.testing.assert_allclose(alpha, of_network(matting, *inputs), atol=1e-6)
    assert not json.loads(found.sidecar.read_text())["normalised"]


@pytest.mark.parametrize(("batch", "told", "counts"), [(None, "batch", (1, 3)), (2, 2, (2,))])
def test_a_file_takes_several_pictures(matting, tmp_path, batch, told, counts):
    found = export(matting, tmp_path, layout="NHWC", batch=batch)
    port = json.loads(found.sidecar.read_text())["inputs"][0]
    assert port["shape"] == [told, 16, 24, 3]
    rng = np.random.default_rng(23)
    for count in counts:
        inputs = [rng.random((count, 16, 24, channels)) for channels in (3, 1)]
        alpha = run(found.path, image=inputs[0], trimap=inputs[1])
        np.testing.assert_allclose(alpha, of_network(matting, *inputs), atol=1e-6)


def in_steps(x):
    """Do many pictures in steps."""
    return jnp.concatenate([jnp.maximum(x[:1], 0), in_steps(x[1:])]) if len(x) > 1 else x * (x > 0)


def test_a_network_that_does_many_pictures_in_steps_takes_any_number(matting, tmp_path):
    matting.model.activation = in_steps
    found = export(matting, tmp_path, layout="NHWC", batch=None)
    rng = np.random.default_rng(29)
    inputs = [rng.random((4, 16, 24, channels)) for channels in (3, 1)]
    alpha = run(found.path, image=inputs[0], trimap=inputs[1])
    np.testing.assert_allclose(alpha, of_network(matting, *inputs), atol=1e-5)


def test_a_network_that_counts_its_pictures_needs_their_number(matting, tmp_path):
    def add_one_channel(x):
        at = (x[:, 0, 0, 0] > 0).astype(int)
        return x + x.at[jnp.arange(len(x)), :, :, at].get(mode="clip")[..., None]

    matting.model.activation = add_one_channel
    with pytest.raises(ValueError, match="`batch` must be given: tiny has arrays that follow"):
        export(matting, tmp_path, batch=None)


def test_weights_in_float16_move_alpha_a_little_and_that_is_told(matting, tmp_path):
    found = export(matting, tmp_path, half=True)
    assert 1e-5 < found.difference.maximum < 1e-2
    told = json.loads(found.sidecar.read_text())["difference"]["maximum"]
    assert told == found.difference.maximum


def test_the_sidecar_tells_how_pictures_are_given(matting, tmp_path, weights):
    found = export(matting, tmp_path, source=weights)
    told = json.loads(found.sidecar.read_text())
    assert (told["format"], told["version"], told["preset"]) == ("alphamat-onnx", 1, "tiny")
    assert told["inputs"] == [
        {
            "name": name,
            "role": name,
            "shape": [1, count, 16, 24],
            "layout": "NCHW",
            "dtype": "float32",
        }
        for name, count in (("image", 3), ("trimap", 1))
    ]
    assert [port["role"] for port in told["outputs"]] == ["alpha"]
    assert len(told["weights"]["sha256"]) == 64
    assert (told["licence"], told["commercial"]) == ("MIT", True)
    prepared = rules.from_data(told["rules"]).apply(*picture())
    assert prepared.inputs[0].shape == (1, 16, 24, 3)


def test_a_file_that_computes_something_else_is_not_kept(matting, tmp_path, monkeypatch):
    ours = to_onnx.network_run
    wrong = lambda *_: lambda *x: [y + 2e-4 for y in ours(*_)(*x)]  # noqa: E731
    monkeypatch.setattr(to_onnx, "network_run", wrong)
    with pytest.raises(ValueError, match=r"not kept: its alpha is up to 0.0002,"):
        export(matting, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.npz"]


def test_an_operation_without_a_converter_is_named(matting, tmp_path):
    matting.model.activation = lambda x: jnp.sort(x, 1)
    with pytest.raises(ValueError, match=r"`matting` cannot .* the operation `sort`"):
        export(matting, tmp_path)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"layout": "CHWN"}, "`layout` is 'CHWN'"),
        ({"size": (0, 16)}, r"`size` is \(0, 16\)"),
        ({"size": 512}, "`size` is 512; expected a height and a width"),
        ({"batch": 0}, "`batch` is 0"),
    ],
)
def test_what_cannot_be_meant_is_refused(matting, tmp_path, options, told):
    with pytest.raises(ValueError, match=told):
        alphamat_deep.export_onnx(matting, tmp_path / "net.onnx", **options)


def test_other_names_and_types_are_refused(matting, tmp_path):
    with pytest.raises(ValueError, match=r"expected a name in \.onnx"):
        alphamat_deep.export_onnx(matting, tmp_path / "net.pb")
    with pytest.raises(ValueError, match=r"`matting` computes in bfloat16"):
        export(replace(matting, dtype=jnp.dtype("bfloat16")), tmp_path)
    two = replace(matting.preset.preprocess, coarse=(rules.Brighten(),))
    with pytest.raises(ValueError, match=r"`matting` is tiny, which sees each picture at two"):
        export(replace(matting, preset=replace(matting.preset, preprocess=two)), tmp_path)


def test_a_size_that_the_network_does_not_take_is_refused(tmp_path):
    row = alphamat_deep.PRESETS["modnet"]
    matting = alphamat_deep.Matting("modnet", row, without_values(row), np.dtype("float32"), "")
    with pytest.raises(
        ValueError, match=r"`size` does not suit the network: .* multiples of 32\.$"
    ):
        export(matting, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("preset", "told"),
    [("u2netp", "rules lead to 320x320"), ("rvm-mobilenetv3", "memory of a clip")],
)
def test_some_networks_have_no_file_for_all_sizes(tmp_path, preset, told):
    row = alphamat_deep.PRESETS[preset]
    matting = alphamat_deep.Matting(preset, row, without_values(row), np.dtype("float32"), "")
    with pytest.raises(ValueError, match=f"`size` must be given: .*{told}"):
        alphamat_deep.export_onnx(matting, tmp_path / "net.onnx", size=None)
