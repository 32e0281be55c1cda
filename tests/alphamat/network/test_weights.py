import re

import numpy as np
import pytest

from alphamat.network.unet import shapes
from alphamat.network.weights import BUNDLED, read_weights
from tests.alphamat.network.writers import stored


def zeros(dtype=np.float16, **others):
    return {name: np.zeros(shape, dtype) for name, shape in shapes().items()} | others


def test_the_packages_own_weights_fill_the_network():
    weights = read_weights(BUNDLED)
    assert {name: tensor.shape for name, tensor in weights.items()} == shapes()
    assert sum(tensor.size for tensor in weights.values()) == 3_562_153
    assert all(tensor.dtype == np.float32 for tensor in weights.values())
    assert min(np.ptp(tensor) for name, tensor in weights.items() if "weight" in name) > 0


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_a_file_gives_what_was_stored(tmp_path, dtype):
    rng = np.random.default_rng(8)
    tensors = {name: rng.standard_normal(s).astype(dtype) for name, s in shapes().items()}
    (tmp_path / "own.safetensors").write_bytes(stored(tensors))
    for name, tensor in read_weights(tmp_path / "own.safetensors").items():
        assert np.array_equal(tensor, tensors[name])


def head(**changes):
    entry = {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]} | changes
    return stored(zeros(), **{"head.bias": entry})


def without(name):
    return {key: tensor for key, tensor in zeros().items() if key != name}


DAMAGED = {
    "empty": (lambda: b"", "it has 0 bytes"),
    "too long": (lambda: bytes(2**25 + 1), "it has 33,554,433 bytes"),
    "no header": (lambda: b"\0" * 99, "it is no .safetensors file"),
    "a header that is no JSON": (
        lambda: stored(zeros()).replace(b'"', b"'", 1),
        "it is no .safetensors",
    ),
    "a list": (lambda: b"\2" + b"\0" * 7 + b"[]", "it is no .safetensors file"),
    "a deep list": (
        lambda: (10**5).to_bytes(8, "little") + b"[" * 10**5,
        "it is no .safetensors file",
    ),
    "a long header": (
        lambda: stored(zeros(), __metadata__={"a": "b" * 2**20}),
        "it is no .safetensors",
    ),
    "a header beyond the file": (lambda: b"\xff" * 8 + b"{}", "stem.weight is missing"),
    "cut short": (lambda: stored(zeros())[:-1], "head.bias lies at"),
    "one tensor less": (lambda: stored(without("low.bias")), "low.bias is missing"),
    "one tensor more": (lambda: stored(zeros(dim=np.zeros(2))), "the network has no 'dim'"),
    "another shape": (
        lambda: stored(zeros() | {"head.bias": np.zeros(2, "f2")}),
        r"of shape \[2\]",
    ),
    "another dtype": (lambda: stored(zeros(np.float64)), "'F64' of shape .*; expected F16 or F32"),
    "NaN": (lambda: stored(zeros() | {"head.bias": np.array([np.nan], "f2")}), "head.bias has NaN"),
    "no place": (lambda: head(data_offsets=None), "head.bias lies at None; expected 2 bytes"),
    "a place before the file": (lambda: head(data_offsets=[-2, 0]), r"head.bias lies at \[-2, 0\]"),
    "a place of another size": (lambda: head(data_offsets=[0, 4]), r"head.bias lies at \[0, 4\]"),
    "a place that is no number": (lambda: head(data_offsets=[0.0, 2.0]), r"lies at \[0.0, 2.0\]"),
    "an entry that is no object": (
        lambda: stored(zeros(), **{"head.bias": 3}),
        "head.bias is None",
    ),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_not_the_networks_is_refused_by_its_name(tmp_path, name):
    content, message = DAMAGED[name]
    path = tmp_path / "bad.safetensors"
    path.write_bytes(content())
    expected = f"^{re.escape(str(path))} does not hold the network's weights: .*{message}"
    with pytest.raises(ValueError, match=expected):
        read_weights(path)


def test_a_path_of_another_kind_or_without_a_file_is_refused(tmp_path):
    with pytest.raises(TypeError, match="`weights` is 7; expected the path"):
        read_weights(7)
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        read_weights(tmp_path / "none.safetensors")
