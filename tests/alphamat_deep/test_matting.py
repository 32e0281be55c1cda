"""From pictures to mattes, with a network small enough to see through."""

import pickle
from dataclasses import replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep import preprocess
from alphamat_deep.layers import Conv
from tests.alphamat_deep.tiny import RULES, TINY, picture, tensors


def test_alpha_has_the_image_s_size_and_what_is_known(weights):
    method = alphamat_deep.load("tiny", weights)
    image, trimap = picture()
    alpha = method(image, trimap)
    assert alpha.shape == image.shape[:2]
    assert alpha.dtype == np.float64
    assert (alpha[trimap == 255] == 1).all()
    assert (alpha[trimap == 0] == 0).all()
    between = alpha[trimap == 128]
    assert ((between > 0) & (between < 1)).all()


def test_a_loaded_network_is_its_model_between_the_rules(weights):
    image, trimap = picture()
    model = alphamat_deep.from_state_dict("tiny", tensors())
    prepared = RULES.apply(image, trimap)
    expected = RULES.undo(model(*map(jnp.asarray, prepared.inputs)).alpha[0, ..., 0], prepared)
    alpha = alphamat_deep.load("tiny", weights)(image, trimap)
    np.testing.assert_allclose(alpha, expected, atol=1e-6)


def test_a_network_without_a_memory_mattes_frames_as_pictures(weights):
    method = alphamat_deep.load("tiny", weights)
    step = method.clip()
    for size in ((21, 34), (20, 30)):
        matte = step(*picture(*size))
        assert np.array_equal(matte.alpha, method(*picture(*size)))
        assert matte.foreground is None


def test_a_trimap_may_be_all_unknown(weights):
    image, _ = picture()
    trimap = np.full(image.shape[:2], 128, np.uint8)
    prepared = RULES.apply(image, trimap)
    model = alphamat_deep.from_state_dict("tiny", tensors())
    expected = model(*map(jnp.asarray, prepared.inputs)).alpha[0, ..., 0]
    alpha = alphamat_deep.load("tiny", weights)(image, trimap)
    np.testing.assert_allclose(alpha, RULES.undo(np.asarray(expected), prepared), atol=1e-6)


def test_a_loaded_network_can_be_sent_to_another_process(weights):
    method = alphamat_deep.load("tiny", weights)
    again = pickle.loads(pickle.dumps(method))
    assert np.array_equal(again(*picture()), method(*picture()))
    assert again.__name__ == "tiny"


class PlatedOutput(NamedTuple):
    alpha: jax.Array
    foreground: jax.Array


class Plated(nnx.Module):
    def __init__(self, config, *, rngs):
        self.conv = Conv(6, 1, config.size, padding=config.size // 2, rngs=rngs)

    def __call__(self, image, plate):
        both = jnp.concatenate([image, plate], axis=-1)
        return PlatedOutput(jax.nn.sigmoid(self.conv(both)), image - plate)


def test_a_network_with_a_plate_gives_alpha_and_foreground(tmp_path, monkeypatch):
    rules = preprocess.Preprocess((0, 0, 0), (1, 1, 1), chain=(preprocess.Pad(0, 4),), plate=True)
    row = replace(TINY, model=Plated, preprocess=rules)
    monkeypatch.setitem(alphamat_deep.PRESETS, "plated", row)
    weight = np.random.default_rng(67).normal(size=(1, 6, 3, 3)).astype(np.float32)
    np.savez(tmp_path / "plated.npz", **{"conv.weight": weight, "conv.bias": np.zeros(1, "f")})
    method = alphamat_deep.load("plated", tmp_path / "plated.npz")
    (image, _), plate = picture(), picture()[0][::-1]
    matte = method.layers(image, plate=plate)
    assert np.array_equal(matte.alpha, method(image, plate=plate))
    assert matte.alpha.shape == image.shape[:2]
    colours = np.clip(image / 255 - plate / 255, 0, 1)
    np.testing.assert_allclose(matte.foreground, colours, atol=1e-6)
    assert method.layers(image / 255, None, plate).foreground.shape == image.shape
    said = "`plate` is missing; plated needs a picture of the same scene without the"
    with pytest.raises(ValueError, match=said):
        method(image)
    with pytest.raises(ValueError, match=r"`plate` is 20 × 34.*one size"):
        method(image, plate=plate[1:])


def test_pictures_are_refused_like_any_method_s(weights):
    method = alphamat_deep.load("tiny", weights)
    image, trimap = picture()
    with pytest.raises(ValueError, match=r"`trimap` is missing.*alphamat trimap"):
        method(image)
    with pytest.raises(ValueError, match="one size"):
        method(image, trimap[1:])
    with pytest.raises(ValueError, match="`image`"):
        method(np.full(image.shape, np.nan), trimap)


def test_what_memory_cannot_hold_is_refused(weights, monkeypatch):
    method = alphamat_deep.load("tiny", weights)
    monkeypatch.setattr("alphamat.memory.physical", lambda: 1000.0)
    with pytest.raises(MemoryError, match="tiny on 16 × 32"):
        method(*picture())


@pytest.mark.parametrize(
    ("preset", "given", "message"),
    [
        ("modnet", {"trimap": True}, "`trimap` is given, and modnet takes none"),
        ("gca", {"trimap": True, "plate": True}, "`plate` is given, and gca takes none"),
        ("gca", {}, "`trimap` is missing; gca needs one"),
        ("bgmv2-resnet50", {}, "`plate` is missing; bgmv2-resnet50 needs a picture of the same"),
        ("rvm-resnet50", {"plate": True}, "`plate` is given, and rvm-resnet50 takes none"),
    ],
)
def test_what_a_network_does_not_take_is_refused_before_it_runs(preset, given, message):
    row = alphamat_deep.PRESETS[preset]
    network = alphamat_deep.Matting(preset, row, nnx.Module(), jnp.dtype(jnp.float32), "")
    image, trimap = picture()
    inputs = {"trimap": trimap, "plate": image}
    with pytest.raises(ValueError, match=message):
        network(image, **{name: inputs[name] for name in given})
