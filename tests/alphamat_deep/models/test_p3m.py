"""What P3M-Net does beside what every network must."""

import cv2
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from skimage.transform import resize

import alphamat_deep
from alphamat.rules import IMAGENET_MEAN, IMAGENET_STD
from alphamat_deep.backbones.vitae import Performer, draw_directions
from alphamat_deep.models.p3m import fuse_coarse
from tests.alphamat_deep.layers.reference import filled, noise
from tests.alphamat_deep.networks import jit, network, pictures
from tests.alphamat_deep.oracles import by_preset


@pytest.mark.parametrize(
    ("size", "limited", "halved"),
    [
        ((1500, 1301), (1245, 1080), (608, 512)),  # 622.5, 540
        ((700, 1080), (700, 1080), (320, 512)),
        ((3400, 200), (3400, 200), (1600, 96)),
        ((63, 90), (63, 90), (32, 32)),
    ],
)
def test_pictures_are_limited_then_halved_without_rounding(size, limited, halved):
    rules = alphamat_deep.PRESETS["p3m"].preprocess
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    small = image if size == limited else cv2.resize(image, limited[::-1])
    expected = resize(small, halved, order=1, anti_aliasing=False)
    prepared = rules.apply(image)
    found = prepared.inputs[0][0] * IMAGENET_STD + IMAGENET_MEAN
    np.testing.assert_allclose(found, expected, atol=1e-5)
    alpha = np.random.default_rng(4).random(halved, dtype=np.float32)
    expected = cv2.resize(cv2.resize(alpha, limited[::-1]), size[::-1])
    np.testing.assert_allclose(rules.undo(alpha, prepared), expected, atol=1e-6)


def in_full(scores, local):
    """Return alpha as the authors' HYBRID makes it of a small picture's parts and of `local`."""
    trimap = np.array([0, 128, 255])[scores.argmax(-1)]
    # Their scikit-image mixes black into the border; it is left out here.
    wide = resize(trimap.astype(float), local.shape, order=1, mode="edge", anti_aliasing=False)
    known = np.isclose(wide, 255, atol=1e-9) | (wide == 0)
    return np.where(known, wide / 255, local)


@pytest.mark.parametrize("sides", [(12, 18), (11, 17)])
def test_parts_of_a_small_picture_count_where_all_around_are_alike(sides):
    rng = np.random.default_rng(11)
    coarse = rng.random((3, 5, 3)).repeat(2, 0).repeat(2, 1)[:6, :9].astype(np.float32)
    local = rng.random(sides, dtype=np.float32)
    found = jit(fuse_coarse)(jnp.asarray(coarse)[None], jnp.asarray(local)[None, ..., None])
    np.testing.assert_allclose(found[0, ..., 0], in_full(coarse, local), atol=1e-6)
    assert {0.0, 1.0} < set(np.unique(found))


@pytest.mark.slow
def test_hybrid_takes_parts_from_half_the_size_and_alpha_from_the_full_size():
    oracle = by_preset("p3m")
    model = network(oracle, oracle.stored[0])
    (image,) = pictures(oracle.stored[0], "main")
    image, coarse = image[:1, :64], image[:1, :64:2, ::2]
    run = jit(lambda model, *inputs: model(*inputs))
    outputs = run(model, image, coarse)
    local, scores = run(model, image).local[0, ..., 0], run(model, coarse).scores[0]
    np.testing.assert_allclose(outputs.local[0, ..., 0], local, atol=1e-5)
    expected = in_full(np.asarray(scores), np.asarray(local))
    off = ~np.isclose(outputs.alpha[0, ..., 0], expected, atol=2e-5)
    assert off.mean() < 0.001


@pytest.mark.parametrize(
    ("size", "full", "half"),
    [((1500, 1301), (1216, 1056), (608, 512)), ((3400, 200), (1600, 192), (1600, 96))],
)
def test_hybrid_sees_a_picture_at_both_sizes(size, full, half):
    rules = alphamat_deep.PRESETS["p3m-hybrid"].preprocess
    image = np.random.default_rng(3).integers(0, 256, (*size, 3), dtype=np.uint8)
    whole, small = rules.apply(image).inputs
    assert (whole.shape[1:3], small.shape[1:3]) == (full, half)
    (alone,) = alphamat_deep.PRESETS["p3m"].preprocess.apply(image).inputs
    np.testing.assert_array_equal(small, alone)


def test_random_directions_are_orthogonal_and_always_the_same():
    for block in (0, 1):
        rows = draw_directions(block)
        np.testing.assert_allclose(rows @ rows.T, 32 * np.eye(32), atol=1e-12)
    np.testing.assert_allclose(draw_directions(1)[0, :2], [1.21531417, -0.51413372], atol=1e-8)


def test_a_performers_weights_are_products_of_random_features():
    layer = filled(Performer(64, 1, draw_directions, rngs=nnx.Rngs(0)))
    layer.kqv.kernel[...] /= 16  # so that weights are not all next to nothing
    layer.kqv.bias[...] /= 4
    x = np.asarray(noise(1, 2, 3, 64), float)
    w = draw_directions(1)
    kqv = x.reshape(6, 64) @ np.asarray(layer.kqv.kernel[0, 0], float) + np.asarray(layer.kqv.bias)
    keys, queries, values = np.split(kqv, 3, axis=1)
    key, query = (np.exp(y @ w.T - (y**2).sum(1)[:, None] / 2) for y in (keys, queries))
    weights = query @ key.T / 32  # a mean over directions
    means = weights / (weights.sum(1, keepdims=True) + 1e-8) @ values
    expected = means @ np.asarray(layer.proj.kernel[0, 0], float) + np.asarray(layer.proj.bias)
    found = jit(lambda f, x: f(x))(layer, jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(found.reshape(6, 64), expected, rtol=1e-3, atol=1e-3)
