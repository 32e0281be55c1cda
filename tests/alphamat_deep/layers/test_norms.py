"""Normalisations with PyTorch's constants, against their definitions."""

import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import filled, noise


@pytest.mark.parametrize("affine", [False, True])
def test_instance_normalisation_takes_each_picture_and_feature_by_itself(affine):
    layer = filled(layers.instance_norm(3, affine=affine, rngs=nnx.Rngs(0)))
    x = noise(2, 5, 7, 3) + 1000  # far from 0, where the mean of squares would say nothing
    expected = np.asarray(x, float)
    expected -= expected.mean(axis=(1, 2), keepdims=True)
    expected /= np.sqrt(expected.var(axis=(1, 2), keepdims=True) + 1e-5)
    if affine:
        expected = expected * layer.scale[...] + layer.bias[...]
    np.testing.assert_allclose(layer(x), expected, atol=1e-3)


def test_batch_normalisation_keeps_nine_tenths_of_its_statistics():
    layer = layers.batch_norm(3, rngs=nnx.Rngs(0))
    x = noise(4, 5, 6, 3) + 2
    layer(x)
    np.testing.assert_allclose(layer.mean[...], 0.1 * x.mean(axis=(0, 1, 2)), rtol=1e-4)
    layer.eval()
    expected = (x - layer.mean[...]) / np.sqrt(layer.var[...] + 1e-5)
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)
