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
from alphamat.rules import Pad, Preprocess
from alphamat_deep import matting
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
    rules = Preprocess((0, 0, 0), (1, 1, 1), chain=(Pad(0, 4),), plate=True)
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


def test_a_batch_is_its_pictures_one_by_one(weights):
    method = alphamat_deep.load("tiny", weights)
    pictures = [picture(), (picture()[0][::-1], picture()[1][:, ::-1])]
    alphas = method(*(np.stack(parts) for parts in zip(*pictures, strict=True)))
    assert alphas.shape == (2, 21, 34)
    for alpha, one in zip(alphas, pictures, strict=True):
        np.testing.assert_allclose(alpha, method(*one), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "trimap", "said"),
    [
        ((3, 21, 34), (21, 34), r"`image` is \(3, 21, 34\); expected \(H, W, 3\): channels last"),
        ((2, 3, 21, 34), (2, 21, 34), r"\(2, 3, 21, 34\); expected \(B, H, W, 3\): channels last"),
        ((2, 21, 34, 3), (21, 34), r"`trimap` has shape \(21, 34\); expected one for each of 2"),
        ((2, 21, 34, 3), (3, 21, 34), r"`trimap` has shape \(3, 21, 34\); expected one for each"),
        ((0, 21, 34, 3), (0, 21, 34), "empty batch"),
    ],
)
def test_other_arrangements_are_named(weights, shape, trimap, said):
    method = alphamat_deep.load("tiny", weights)
    with pytest.raises(ValueError, match=said):
        method(np.zeros(shape, np.uint8), np.full(trimap, 128, np.uint8))


def test_float32_is_multiplied_as_the_authors_do_unless_told_otherwise(weights, monkeypatch):
    seen = []

    def spy(f, state, *inputs):
        seen.append(jax.config.jax_default_matmul_precision)
        return run(f, state, *inputs)

    run = matting._layers
    monkeypatch.setattr(matting, "_layers", spy)
    exact = alphamat_deep.load("tiny", weights)
    quick = alphamat_deep.load("tiny", weights, precision="default")
    methods = exact, quick, pickle.loads(pickle.dumps(quick))
    alphas = [method(*picture()) for method in methods]
    assert seen == ["highest", "default", "default"]
    if jax.default_backend() == "cpu":
        assert np.array_equal(alphas[0], alphas[1])
    with pytest.raises(ValueError, match="`precision` is 'best'; expected one of: highest"):
        alphamat_deep.load("tiny", weights, precision="best")


def test_what_memory_cannot_hold_is_refused(weights, monkeypatch):
    method = alphamat_deep.load("tiny", weights)
    monkeypatch.setattr("alphamat.memory.physical", lambda: 1000.0)
    with pytest.raises(MemoryError, match="tiny on 16 × 32"):
        method(*picture())
    with pytest.raises(MemoryError, match="tiny on 2 pictures of 16 × 32"):
        method(*(np.stack([part, part]) for part in picture()))


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
