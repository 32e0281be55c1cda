"""Kernels whose filters have a mean of 0 and a variance of 1."""

import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import convolution, filled, noise


@pytest.mark.parametrize("size", [1, 3])
def test_a_standardised_convolution_has_filters_of_mean_0_and_variance_1(size):
    layer = filled(layers.StandardisedConv(5, 6, size, padding=size // 2, rngs=nnx.Rngs(0)))
    kernel = 0.01 * np.asarray(layer.kernel[...], float) + 3  # where the 1e-5 counts
    layer.kernel[...] = kernel.astype(np.float32)
    filters = kernel.reshape(-1, 6)
    filters = (filters - filters.mean(0)) / np.sqrt(filters.var(0) + 1e-5)
    x = noise(2, 5, 7, 5)
    expected = convolution(x, filters.reshape(kernel.shape), 1, size // 2, 1, 1)
    np.testing.assert_allclose(layer(x), expected + layer.bias[...], rtol=1e-3, atol=1e-3)


def test_without_a_bias_only_the_direction_of_a_filter_counts():
    layer = filled(layers.StandardisedConv(4, 6, 3, bias=False, rngs=nnx.Rngs(0)))
    x = noise(1, 5, 7, 4)
    y = layer(x)
    layer.kernel[...] = 2 * layer.kernel[...] + 1
    np.testing.assert_allclose(layer(x), y, rtol=1e-3, atol=1e-4)
