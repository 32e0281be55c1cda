"""Normalisations with PyTorch's constants, against their definitions."""

import jax.numpy as jnp
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


@pytest.mark.parametrize("unbiased", [True, False])
def test_batch_normalisation_keeps_nine_tenths_of_its_statistics(unbiased):
    layer = layers.batch_norm(3, rngs=nnx.Rngs(0))
    layer.train(unbiased=unbiased)
    x = noise(4, 5, 6, 3) + 2
    layer(x)
    np.testing.assert_allclose(layer.mean[...], 0.1 * x.mean(axis=(0, 1, 2)), rtol=1e-4)
    variance = np.var(x, axis=(0, 1, 2), ddof=int(unbiased))
    np.testing.assert_allclose(layer.var[...], 0.9 + 0.1 * variance, rtol=1e-5)
    layer.eval()
    expected = (x - layer.mean[...]) / np.sqrt(layer.var[...] + 1e-5)
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)


def test_statistics_of_six_values_are_those_of_pytorch():
    layer = layers.batch_norm(1, rngs=nnx.Rngs(0))
    layer(jnp.arange(6.0).reshape(6, 1))
    assert float(layer.var[0]) == pytest.approx(0.9 + 0.1 * 3.5)
    layer.train(unbiased=False)
    layer.var[...] = jnp.ones(1)
    layer(jnp.arange(6.0).reshape(6, 1))
    assert float(layer.var[0]) == pytest.approx(0.9 + 0.1 * 35 / 12)


def test_batch_normalisation_counts_masked_elements_only():
    masked, plain = (layers.batch_norm(3, rngs=nnx.Rngs(0)) for _ in range(2))
    x, mask = noise(5, 4, 7, 3), np.array([True, False, True, True, False])
    y = masked(x, mask=jnp.asarray(mask.reshape(-1, 1, 1, 1)))
    np.testing.assert_allclose(y[mask], plain(x[mask]), atol=1e-6)
    for one, other in (masked.mean, plain.mean), (masked.var, plain.var):
        np.testing.assert_allclose(one[...], other[...], rtol=1e-6)


def test_batch_variance_keeps_its_digits_far_from_zero():
    x = noise(4, 5, 7, 3) + 1000  # differences of squares would have none
    y = layers.batch_norm(3, rngs=nnx.Rngs(0))(x)
    exact = np.asarray(x, float)
    exact -= exact.mean((0, 1, 2))
    np.testing.assert_allclose(y, exact / exact.std((0, 1, 2)), atol=1e-3)


def test_group_normalisation_takes_groups_of_neighbouring_features():
    layer = filled(layers.group_norm(64, rngs=nnx.Rngs(0)))
    x = noise(2, 5, 7, 64) + np.arange(64) + 1000
    groups = np.asarray(x, float).reshape(2, 35, 32, 2)
    groups -= groups.mean(axis=(1, 3), keepdims=True)
    groups /= np.sqrt(groups.var(axis=(1, 3), keepdims=True) + 1e-5)
    expected = groups.reshape(x.shape) * layer.scale[...] + layer.bias[...]
    np.testing.assert_allclose(layer(x), expected, atol=1e-3)


@pytest.mark.parametrize("training", [True, False])
def test_normalisations_return_the_type_of_their_input(training):
    batch = layers.batch_norm(3, rngs=nnx.Rngs(0))
    picture = layers.instance_norm(3, affine=False, rngs=nnx.Rngs(0))
    batch.train() if training else batch.eval()
    x = noise(2, 4, 5, 3).astype(jnp.bfloat16)
    assert batch(x).dtype == picture(x).dtype == jnp.bfloat16
    assert (
        layers.group_norm(32, rngs=nnx.Rngs(0))(noise(1, 2, 3, 32).astype(x.dtype)).dtype == x.dtype
    )
    assert batch.mean.dtype == batch.var.dtype == jnp.float32
