"""Kernels divided by their largest singular value."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import convolution, filled, noise, spread


def test_spectral_convolution_in_evaluation_divides_by_the_value_of_its_vectors():
    layer = filled(layers.SpectralConv(3, 6, 3, padding=1, rngs=nnx.Rngs(0)))
    x, kernel = noise(1, 5, 7, 3), np.asarray(layer.kernel[...])
    W = kernel.reshape(-1, 6).T
    sigma = np.asarray(layer.u[...]) @ W @ np.asarray(layer.v[...]).ravel()
    expected = convolution(x, kernel / sigma, 1, 1, 1, 1)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("by_feature", [False, True])
def test_spectral_transposed_convolution_has_rows_by_framework(by_feature):
    rngs = nnx.Rngs(0)
    layer = filled(layers.SpectralConvTranspose(3, 6, by_feature=by_feature, rngs=rngs))
    x, kernel = noise(1, 5, 7, 3), np.asarray(layer.kernel[...])
    W = np.moveaxis(kernel, 3 if by_feature else 2, 0)
    sigma = np.asarray(layer.u[...]) @ W.reshape(len(W), -1) @ np.asarray(layer.v[...]).ravel()
    expected = spread(x, kernel[::-1, ::-1] / sigma)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda rngs: layers.SpectralConv(3, 6, 3, rngs=rngs),
        lambda rngs: layers.SpectralConvTranspose(3, 6, rngs=rngs),
        lambda rngs: layers.SpectralConvTranspose(3, 6, by_feature=True, rngs=rngs),
    ],
)
def test_training_finds_the_largest_singular_value(make):
    layer = make(nnx.Rngs(7))
    kernel = np.asarray(layer.kernel[...])
    axis = kernel.shape.index(len(layer.u[...]), 2)
    largest = np.linalg.norm(np.moveaxis(kernel, axis, 0).reshape(kernel.shape[axis], -1), 2)
    axes = {(3, False): "hwio,o,hwi", (3, True): "hwio,o,hwi", (2, False): "hwio,i,hwo"}
    text = axes[axis, getattr(layer, "by_feature", False)]
    for _ in range(300):
        found = layers.spectral_norm(layer, text)
    np.testing.assert_allclose(found, largest, rtol=1e-3)
    before = np.asarray(layer.u[...])
    layer.eval()
    layers.spectral_norm(layer, text)
    assert np.array_equal(layer.u[...], before)


def test_gradients_reach_the_kernel_and_not_the_vectors():
    layer = layers.SpectralConv(2, 3, 3, rngs=nnx.Rngs(1))
    layer.eval()
    x = noise(1, 5, 5, 2)
    gradient = nnx.grad(lambda layer: (layer(x) ** 2).sum())(layer)
    kernel, slope = layer.kernel[...], gradient.kernel[...]
    assert np.isfinite(slope).all()
    assert (slope != 0).any()
    # A kernel twice as large gives the same, so nothing pulls along it.
    lengths = jnp.linalg.norm(kernel) * jnp.linalg.norm(slope)
    assert abs((kernel * slope).sum()) < 1e-5 * lengths
    assert len(jax.tree.leaves(gradient)) == 1
