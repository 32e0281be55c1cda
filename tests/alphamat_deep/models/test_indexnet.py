"""What IndexNet does beside what every network must."""

import cv2
import numpy as np
from flax import nnx

import alphamat_deep
from alphamat.rules import IMAGENET_MEAN, IMAGENET_STD
from alphamat_deep.models.indexnet import Indices, spread
from tests.alphamat_deep.layers.reference import noise


def test_weights_of_the_encoder_add_up_to_1_over_each_four_pixels():
    module = Indices(3, rngs=nnx.Rngs(0))
    module.eval()
    weights, indices = module(noise(2, 6, 10, 3))
    four = np.asarray(weights).reshape(2, 3, 2, 5, 2, 3)
    np.testing.assert_allclose(four.sum(axis=(2, 4)), 1, rtol=1e-6)
    assert 0 < indices.min() < 0.5 < indices.max() < 1
    free = np.exp(np.asarray(indices)).reshape(four.shape)
    np.testing.assert_allclose(four, free / free.sum(axis=(2, 4), keepdims=True), rtol=1e-5)


def test_four_values_go_to_their_pixels_row_by_row():
    x = noise(2, 3, 5, 4, 3)
    y = spread(x)
    for at in range(4):
        assert np.array_equal(y[:, at // 2 :: 2, at % 2 :: 2], x[:, :, :, at])


def test_pictures_grow_by_cubics_without_rounding_and_alpha_shrinks_likewise():
    rules = alphamat_deep.PRESETS["indexnet"].preprocess
    rng = np.random.default_rng(3)
    image = rng.integers(0, 256, (33, 64, 3), dtype=np.uint8)
    trimap = rng.choice(np.array([0, 128, 255], np.uint8), (33, 64))
    prepared = rules.apply(image, trimap)
    colours, marks = (x[0] for x in prepared.inputs)
    expected = cv2.resize(image / 255, (64, 64), interpolation=cv2.INTER_CUBIC)
    np.testing.assert_allclose(colours * IMAGENET_STD + IMAGENET_MEAN, expected, atol=1e-6)
    nearest = cv2.resize(trimap, (64, 64), interpolation=cv2.INTER_NEAREST)
    np.testing.assert_allclose(marks[..., 0] * 255, nearest, rtol=1e-6)
    alpha = rng.normal(0.5, 0.5, (64, 64)).astype(np.float32)
    found = rules.undo(alpha, prepared)
    expected = np.clip(cv2.resize(alpha, (64, 33), interpolation=cv2.INTER_CUBIC), 0, 1)
    known = np.where(trimap == 128, expected, trimap / 255)
    np.testing.assert_allclose(found, known, atol=1e-6)
