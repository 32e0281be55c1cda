"""PyTorch's rules of padding, each way to convolve against the definition."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import convolution, filled, noise, spread


@pytest.mark.parametrize(
    ("size", "options"),
    [
        (3, {"padding": 1}),
        (3, {"padding": 1, "stride": 2}),
        (3, {"padding": 2, "dilation": 2}),
        (5, {"padding": 2, "groups": 2}),
        (3, {"padding": 1, "groups": 4}),
        (1, {}),
        (1, {"stride": 2}),
        (1, {"padding": 1}),
        (4, {"padding": 1, "stride": 2, "bias": False}),
    ],
)
@pytest.mark.parametrize("sides", [(8, 11), (9, 6)])
def test_a_convolution_pads_alike_on_every_side(size, options, sides):
    layer = filled(layers.Conv(4, 8, size, rngs=nnx.Rngs(0), **options))
    x = noise(2, *sides, 4)
    rules = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1} | options
    bias = rules.pop("bias", True)
    expected = convolution(x, np.asarray(layer.kernel[...]), **rules)
    if bias:
        expected += np.asarray(layer.bias[...])
    np.testing.assert_allclose(layer(x), expected, atol=2e-5)


@pytest.mark.parametrize(("channels", "features", "size"), [(5, 3, 3), (6, 1, 5), (9, 4, 3)])
@pytest.mark.parametrize("sides", [(5, 12), (9, 7)])
def test_few_features_are_convolved_as_many_are(channels, features, size, sides):
    x, kernel = noise(2, *sides, channels), noise(size, size, channels, features, seed=7)
    rules = {"stride": 1, "padding": size // 2, "dilation": 1, "groups": 1}
    expected = convolution(x, np.asarray(kernel), **rules)
    run = jax.jit(partial(layers.convolve, padding=size // 2))
    np.testing.assert_allclose(run(x, kernel), expected, atol=2e-5)


@pytest.mark.parametrize("channels", [1536, 2048, 1540])
def test_thousands_of_channels_are_convolved_as_few_are(channels):
    x, kernel = noise(1, 3, 4, channels), noise(3, 3, channels, 5, seed=7)
    expected = convolution(x, np.asarray(kernel), 1, 1, 1, 1)
    run = jax.jit(partial(layers.convolve, padding=1))
    np.testing.assert_allclose(run(x, kernel), expected, atol=1e-3)


@pytest.mark.parametrize("sides", [(8, 12), (9, 7)])
def test_the_other_rule_of_stride_two_pads_even_sides_behind_only(sides):
    layer = filled(layers.Conv(4, 8, 3, stride=2, padding="SAME", bias=False, rngs=nnx.Rngs(0)))
    x = noise(2, *sides, 4)
    padded = jnp.pad(x, [(0, 0), *((side % 2, 1) for side in sides), (0, 0)])
    expected = convolution(padded, np.asarray(layer.kernel[...]), 2, 0, 1, 1)
    np.testing.assert_allclose(layer(x), expected, atol=2e-5)


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"dilation": 2, "padding": 3}])
@pytest.mark.parametrize("size", [3, 5])
def test_filtering_each_feature_by_itself_is_a_convolution_in_as_many_groups(size, options):
    rules = {"stride": 1, "padding": 1, "dilation": 1} | options
    x, kernel = noise(2, 11, 9, 6), noise(size, size, 1, 6)
    expected = convolution(x, np.asarray(kernel), **rules, groups=6)
    np.testing.assert_allclose(layers.convolve_depthwise(x, kernel, **rules), expected, atol=2e-5)
    np.testing.assert_allclose(layers.convolve(x, kernel, **rules, groups=6), expected, atol=2e-5)


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_of_either_way_to_filter_features_agree(stride):
    x, kernel = noise(2, 8, 11, 4), noise(3, 3, 1, 4)

    def energy(x, kernel, groups):
        return jnp.square(layers.convolve(x, kernel, stride, 1, groups=groups)).sum()

    whole = jnp.eye(4)[None, None] * kernel  # of one group, zero across features
    for at, expected in enumerate(jax.grad(energy, (0, 1))(x, whole, 1)):
        found = jax.grad(energy, at)(x, kernel, 4)
        if at == 1:
            expected = jnp.einsum("hwii->hwi", expected)[:, :, None]
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_only_a_cpu_filters_features_by_shifts():
    kernel = noise(3, 3, 1, 6)
    layer = jax.jit(lambda x: layers.convolve(x, kernel, padding=1, groups=6)).trace(
        noise(1, 8, 8, 6)
    )
    for platform, grouped in (("cpu", False), ("cuda", True), ("tpu", True)):
        text = layer.lower(lowering_platforms=(platform,)).as_text()
        assert ("feature_group_count = 6" in text) == grouped


@pytest.mark.parametrize("sides", [(5, 3), (1, 4)])
def test_a_transposed_convolution_doubles(sides):
    layer = filled(layers.ConvTranspose(3, 5, rngs=nnx.Rngs(0)))
    x = noise(2, *sides, 3)
    expected = spread(x, np.asarray(layer.kernel[...])[::-1, ::-1]) + np.asarray(layer.bias[...])
    np.testing.assert_allclose(layer(x), expected, atol=2e-5)


def test_a_transposed_convolution_is_the_adjoint_of_its_convolution():
    kernel, x, y = noise(4, 4, 3, 5), noise(1, 6, 4, 3), noise(1, 12, 8, 5)
    down = layers.convolve(y, kernel[::-1, ::-1].swapaxes(2, 3), stride=2, padding=1)
    np.testing.assert_allclose(
        (layers.convolve_transposed(x, kernel) * y).sum(), (x * down).sum(), rtol=1e-4
    )
