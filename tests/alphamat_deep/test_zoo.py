"""From a preset and a file to a network."""

from dataclasses import replace
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat.identity import describe
from alphamat_deep.checkpoints import metadata, read
from tests.alphamat_deep.tiny import picture, tensors


def test_a_file_of_pytorch_is_its_tensors(weights, tmp_path):
    written = Path(__file__).parent / "checkpoints" / "files" / "conv.pth"
    alphamat_deep.convert(written, tmp_path / "conv.safetensors", "tiny")
    expected = alphamat_deep.load("tiny", weights)(*picture())
    for path in (written, tmp_path / "conv.safetensors"):
        assert np.array_equal(alphamat_deep.load("tiny", path)(*picture()), expected)


def test_half_precision_is_asked_for(weights):
    image, trimap = picture()
    whole = alphamat_deep.load("tiny", weights)(image, trimap)
    half = alphamat_deep.load("tiny", weights, dtype=jnp.bfloat16)(image, trimap)
    assert 0 < np.abs(whole - half).max() < 0.03


def test_doubts_about_weights_are_told(weights, monkeypatch):
    row = replace(alphamat_deep.PRESETS["tiny"], doubt=lambda model: f"{type(model)} is new")
    monkeypatch.setitem(alphamat_deep.PRESETS, "tiny", row)
    with pytest.warns(UserWarning, match="is new"):
        alphamat_deep.load("tiny", weights)


@pytest.mark.usefixtures("weights")
def test_configurations_are_changed_by_keyword():
    wide = {"conv.weight": np.zeros((1, 4, 5, 5), np.float32), "conv.bias": np.zeros(1, np.float32)}
    model = alphamat_deep.from_state_dict("tiny", wide, size=5)
    assert model.conv.kernel.shape == (5, 5, 4, 1)
    assert alphamat_deep.build("tiny", rngs=nnx.Rngs(0), size=5).conv.kernel.shape[0] == 5
    with pytest.raises(TypeError, match=r"sice.*expected some of: size"):
        alphamat_deep.from_state_dict("tiny", wide, sice=5)


def test_what_is_wrong_is_said(weights, tmp_path):
    with pytest.raises(ValueError, match="`preset` is 'tyni'; expected one of: learned, dim"):
        alphamat_deep.load("tyni", weights)
    with pytest.raises(FileNotFoundError, match=r"absent\.pth"):
        alphamat_deep.load("tiny", tmp_path / "absent.pth")
    with pytest.raises(ValueError, match="not those of this model"):
        alphamat_deep.load("dim", weights)
    weights.write_bytes(weights.read_bytes()[:-30])
    with pytest.raises(ValueError, match=r"tiny\.npz"):
        alphamat_deep.load("tiny", weights)


def test_converting_keeps_tensors_and_writes_where_they_come_from(weights, tmp_path):
    target = tmp_path / "tiny.safetensors"
    alphamat_deep.convert(weights, target, "tiny")
    notes = metadata(target)
    assert notes["preset"] == "tiny"
    assert notes["source"] == "tiny.npz"
    assert notes["licence"] == "MIT"
    assert len(notes["source_sha256"]) == 64
    alphas = [alphamat_deep.load("tiny", path)(*picture()) for path in (weights, target)]
    assert np.array_equal(*alphas)


def test_other_weights_are_another_method(weights, tmp_path):
    changed = tensors() | {"module.conv.bias": np.float32([0.2])}
    np.savez(tmp_path / "other.npz", **changed)
    paths = weights, weights, tmp_path / "other.npz"
    one, again, other = (describe(alphamat_deep.load("tiny", path)) for path in paths)
    assert one == again != other


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_a_network_that_was_saved_is_loaded_bit_for_bit(weights, tmp_path, dtype):
    method = alphamat_deep.load("tiny", weights, dtype=dtype)
    target = tmp_path / "trained.safetensors"
    for like in (None, tensors()):
        alphamat_deep.save("tiny", method.model, target, like=like)
        again = alphamat_deep.load("tiny", target, dtype=dtype)
        assert np.array_equal(again(*picture()), method(*picture()))
        assert metadata(target)["preset"] == "tiny"
        assert set(read(target)) == set(tensors() if like else {"conv.weight", "conv.bias"})
