"""Guided contextual attention, against its definition place by place."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import PRESETS
from alphamat_deep.models import gca

H, W, FEATURES, GUIDANCE = 10, 14, 3, 4
MASKS = {
    "some": np.kron(np.random.default_rng(41).integers(0, 2, (2, 2, 4)), np.ones((3, 2))),
    "known": np.zeros((2, 6, 8)),
    "unknown": np.ones((2, 6, 8)),
}


def noise(*shape, seed=59):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.fixture(scope="module")
def layer():
    """An attention that adds just what it has gathered."""
    made = gca.GuidedAttention(FEATURES, GUIDANCE, rngs=nnx.Rngs(3))
    made.guidance_conv.bias[...] = noise(GUIDANCE // 2)
    mixing, normalisation = made.W
    mixing.kernel[...] = jnp.eye(FEATURES)[None, None]
    normalisation.scale[...] = jnp.full(FEATURES, np.sqrt(1 + 1e-5))
    made.eval()
    return made


@pytest.fixture(scope="module")
def network():
    """All but its values, which those tests need not that end before any are used."""
    return nnx.eval_shape(lambda: gca.GCA(rngs=nnx.Rngs(0)))


@jax.jit
def compiled(layer, features, guidance, guide):
    return layer(features, guidance, guide)


def scene(mask=MASKS["some"][:, : H // 2, : W // 2], by_share=False):
    guide, _ = gca.make_guide(jnp.asarray(mask, jnp.float32), by_share)
    return noise(2, H, W, FEATURES), noise(2, H, W, GUIDANCE, seed=60), guide


def mirrored(x):
    return np.pad(x, [(1, 1), (1, 1)] + [(0, 0)] * (x.ndim - 2), mode="reflect")


def attention(layer, features, guidance, unknown, by_share):
    """Gather, for one picture: every sum written out."""
    (h, w), kernel = unknown.shape, np.asarray(layer.guidance_conv.kernel[0, 0])
    small = guidance[::2, ::2] @ kernel + np.asarray(layer.guidance_conv.bias[...])
    marks, image, values = mirrored(unknown), mirrored(small), mirrored(features)
    with np.errstate(divide="ignore"):
        ratio = unknown.mean() / (1 - unknown.mean())
        omega = np.clip(np.sqrt([ratio, 1 / ratio]), 0.1, 10)
    out = np.zeros((2 * h + 2, 2 * w + 2, features.shape[2]))
    best = np.zeros((h, w, 2), int)
    for i, j in np.ndindex(h, w):
        scores = np.zeros((h, w))
        for k, m in np.ndindex(h, w):
            mine, other = image[i : i + 3, j : j + 3], image[k : k + 3, m : m + 3]
            share = marks[k : k + 3, m : m + 3].mean()
            cosine = (mine * other).sum() / max(np.linalg.norm(other), 1e-4)
            scores[k, m] = cosine * omega[0 if share > 0 else 1]
            if (i, j) == (k, m):
                scores[k, m] -= 1e4 * (share if by_share else share > 0)
        weights = np.exp(scores - scores.max())
        weights /= weights.sum()
        best[i, j] = np.array(np.unravel_index(scores.argmax(), (h, w))) - (h // 2, w // 2)
        for k, m in np.ndindex(h, w):
            patch = values[2 * k : 2 * k + 4, 2 * m : 2 * m + 4]
            out[2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += weights[k, m] * patch / 4
    return features + out[1:-1, 1:-1], best


@pytest.mark.parametrize("by_share", [False, True])
@pytest.mark.parametrize("kind", MASKS)
def test_attention_is_its_definition(layer, kind, by_share):
    mask = MASKS[kind][:, : H // 2, : W // 2]
    features, guidance, guide = scene(mask, by_share)
    found, offsets = compiled(layer, features, guidance, guide)
    for at in range(2):
        expected, best = attention(layer, features[at], guidance[at], mask[at], by_share)
        np.testing.assert_allclose(found[at], expected, rtol=0, atol=2e-5)
        assert np.array_equal(offsets[at], best)


def test_attention_is_the_same_however_many_queries_it_takes_at_once(layer, monkeypatch):
    expected, places = compiled(layer, *scene())
    monkeypatch.setattr(gca, "QUERIES", 8)  # of 35
    found, others = jax.jit(lambda *inputs: layer(*inputs))(*scene())
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.array_equal(others, places)


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("kind", MASKS)
def test_no_trimap_and_no_flat_image_makes_gradients_infinite(layer, kind, flat):
    features, guidance, _ = scene()
    graph, parameters, rest = nnx.split(layer, nnx.Param, ...)
    if flat:
        guidance = np.zeros_like(guidance)
        conv = parameters["guidance_conv"]
        conv["bias"] = conv["bias"].replace(jnp.zeros(GUIDANCE // 2))
    mask = jnp.asarray(MASKS[kind][:, : H // 2, : W // 2], jnp.float32)
    results = sum_and_gradients(graph, rest, parameters, features, guidance, mask)
    for result in jax.tree.leaves(results):
        assert np.isfinite(result).all()


@partial(jax.jit, static_argnums=0)
def sum_and_gradients(graph, rest, *arguments):
    def total(parameters, features, guidance, mask):
        guide, _ = gca.make_guide(mask, False)
        return nnx.merge(graph, parameters, rest)(features, guidance, guide)[0].sum()

    return jax.value_and_grad(total, argnums=(0, 1, 2, 3))(*arguments)


def test_scores_weigh_by_the_square_root_of_the_odds_within_bounds():
    mask = np.zeros((4, 8, 10), np.float32)
    mask[0, :2], mask[1], mask[2, 0, 0] = 1, 1, 1
    guide, scale = gca.make_guide(jnp.asarray(mask), False)
    third = np.sqrt(1 / 3)
    expected = [[third, 1 / third], [10, 0.1], [np.sqrt(1 / 79), np.sqrt(79)], [0.1, 10]]
    np.testing.assert_allclose(scale, expected, rtol=1e-6)
    near = np.asarray(guide.ban[0]).reshape(8, 10) > 0
    assert near[:3].all()  # a row more than is unknown
    assert not near[3:].any()
    shares = np.asarray(gca.make_guide(jnp.asarray(mask), True)[0].ban[2]).reshape(8, 10)
    np.testing.assert_allclose(shares[:3, :3], np.outer([1, 1, 0], [1, 1, 0]) * 1e4 / 9, rtol=1e-6)


@pytest.mark.parametrize("sides", [(1, 7), (32, 64), (33, 95), (150, 31)])
def test_pictures_of_any_size_are_padded_and_come_back(sides):
    image, trimap = np.random.default_rng(2).random((*sides, 3)), np.full(sides, 128, np.uint8)
    for preset in ("gca", "pp-gca"):
        rules = PRESETS[preset].preprocess
        prepared = rules.apply(image, trimap)
        for x in prepared.inputs:
            assert x.shape[1:3] == tuple(64 + -(-side // 32) * 32 for side in sides)
        assert rules.undo(prepared.inputs[0][0, ..., 0], prepared).shape == sides


def test_paddles_attention_takes_the_foreground_for_the_unknown(network, monkeypatch):
    marks = []
    monkeypatch.setattr(gca, "make_guide", lambda *given: marks.append(given))
    trimap = np.kron([[0, 128], [255, 128]], np.ones((16, 16)))[None, ..., None]
    classes = np.float32(trimap == [0, 128, 255])
    for config, given in (
        (PRESETS["pp-gca"].config, trimap),
        (gca.GCAConfig(one_hot=False), trimap),
        (gca.GCAConfig(), classes),
    ):
        monkeypatch.setattr(network, "config", config)
        with pytest.raises(TypeError):  # `make_guide` returns nothing
            network(jnp.zeros((1, 32, 32, 3)), jnp.asarray(given, jnp.float32))
    foreground, unknown = [[0, 0], [1, 0]], [[0, 1], [0, 1]]
    found = [(mask[0].astype(int).tolist(), by_share) for mask, by_share in marks]
    assert found == [(foreground, True), (unknown, False), (unknown, False)]
