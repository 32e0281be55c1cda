"""The rules of PyTorch and Paddle, each against its definition."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers


def noise(*shape, seed=83):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def filled(layer, seed=29):
    """Set every array of a layer to noise, in evaluation mode."""
    for at, (_, variable) in enumerate(nnx.iter_graph(layer)):
        if isinstance(variable, nnx.Variable):
            variable[...] = noise(*variable.shape, seed=seed + at)
    layer.eval()
    return layer


def convolution(x, kernel, stride, padding, dilation, groups):
    """Sum over each window, one output at a time."""
    (B, H, W, _), (h, w, part, F) = x.shape, kernel.shape
    x = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    rows = (H + 2 * padding - dilation * (h - 1) - 1) // stride + 1
    columns = (W + 2 * padding - dilation * (w - 1) - 1) // stride + 1
    out = np.zeros((B, rows, columns, F))
    for i, j, f in np.ndindex(rows, columns, F):
        group = f // (F // groups)
        window = x[
            :,
            i * stride : i * stride + dilation * (h - 1) + 1 : dilation,
            j * stride : j * stride + dilation * (w - 1) + 1 : dilation,
            group * part : (group + 1) * part,
        ]
        out[:, i, j, f] = (window * kernel[..., f]).sum(axis=(1, 2, 3))
    return out


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


@pytest.mark.parametrize("sides", [(8, 12), (9, 7)])
def test_the_other_rule_of_stride_two_pads_even_sides_behind_only(sides):
    layer = filled(layers.Conv(4, 8, 3, stride=2, padding="SAME", bias=False, rngs=nnx.Rngs(0)))
    x = noise(2, *sides, 4)
    padded = jnp.pad(x, [(0, 0), *((side % 2, 1) for side in sides), (0, 0)])
    expected = convolution(padded, np.asarray(layer.kernel[...]), 2, 0, 1, 1)
    np.testing.assert_allclose(layer(x), expected, atol=2e-5)


def test_rectifying_takes_what_is_negative_away_and_hides_no_failure():
    x = jnp.float32([-2, -0.0, 0, 3, jnp.nan, jnp.inf])
    np.testing.assert_array_equal(layers.rectify(x), jax.nn.relu(x))
    slopes = jax.vmap(jax.grad(layers.rectify))(x[:4])
    np.testing.assert_array_equal(slopes, [0, 0, 0, 1])


def test_what_ends_a_residual_block_is_computed_once():
    def chain(x, kernel, *, end):
        for _ in range(5):
            x = end(x + layers.convolve(x, kernel, padding=1))
        return x

    def ends(end, name):
        compiled = jax.jit(partial(chain, end=end)).lower(noise(1, 8, 8, 4), noise(3, 3, 4, 4))
        return compiled.compile().as_text().count(f" {name}(")

    assert ends(layers.rectify, "select") == 5
    if jax.default_backend() == "cpu":
        assert ends(jax.nn.relu, "maximum") > 5  # else `rectify` has become needless


@pytest.mark.parametrize("options", [{}, {"stride": 2}, {"dilation": 2, "padding": 3}])
@pytest.mark.parametrize("size", [3, 5])
def test_filtering_each_feature_by_itself_is_a_convolution_in_as_many_groups(size, options):
    rules = {"stride": 1, "padding": 1, "dilation": 1} | options
    x, kernel = noise(2, 11, 9, 6), noise(size, size, 1, 6)
    expected = convolution(x, np.asarray(kernel), **rules, groups=6)
    np.testing.assert_allclose(layers.depthwise(x, kernel, **rules), expected, atol=2e-5)
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


def spread(x, kernel):
    """Let every input paint its kernel, of stride 2, and cut a border of 1 off."""
    B, H, W, _ = x.shape
    out = np.zeros((B, 2 * H + 2, 2 * W + 2, kernel.shape[3]))
    for i, j in np.ndindex(H, W):
        out[:, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4] += np.einsum(
            "bc,hwcf->bhwf", x[:, i, j], kernel
        )
    return out[:, 1:-1, 1:-1]


@pytest.mark.parametrize("sides", [(5, 3), (1, 4)])
def test_a_transposed_convolution_doubles(sides):
    layer = filled(layers.ConvTranspose(3, 5, rngs=nnx.Rngs(0)))
    x = noise(2, *sides, 3)
    expected = spread(x, np.asarray(layer.kernel[...])[::-1, ::-1]) + np.asarray(layer.bias[...])
    np.testing.assert_allclose(layer(x), expected, atol=2e-5)


def test_a_transposed_convolution_is_the_adjoint_of_its_convolution():
    kernel, x, y = noise(4, 4, 3, 5), noise(1, 6, 4, 3), noise(1, 12, 8, 5)
    down = layers.convolve(y, kernel[::-1, ::-1].swapaxes(2, 3), stride=2, padding=1)
    np.testing.assert_allclose((layers.double(x, kernel) * y).sum(), (x * down).sum(), rtol=1e-4)


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


def test_batch_normalisation_keeps_nine_tenths_of_its_statistics():
    layer = layers.batch_norm(3, rngs=nnx.Rngs(0))
    x = noise(4, 5, 6, 3) + 2
    layer(x)
    np.testing.assert_allclose(layer.mean[...], 0.1 * x.mean(axis=(0, 1, 2)), rtol=1e-4)
    layer.eval()
    expected = (x - layer.mean[...]) / np.sqrt(layer.var[...] + 1e-5)
    np.testing.assert_allclose(layer(x), expected, atol=1e-4)


def test_pooling_finds_the_first_of_equals_and_leaves_an_odd_edge_out():
    x = np.array([[1, 3, 2, 2, 9], [3, 0, 1, 2, 9], [9, 9, 9, 9, 9]], np.float32)
    top, place = layers.pool(jnp.asarray(x[None, ..., None]))
    assert np.array_equal(top[0, ..., 0], [[3, 2]])
    assert np.array_equal(place[0, ..., 0], [[1, 0]])


def test_unpooling_puts_values_back_where_they_were_found():
    x = noise(2, 6, 8, 3)
    top, place = layers.pool(x)
    back = np.asarray(layers.unpool(top, place))
    blocks = back.reshape(2, 3, 2, 4, 2, 3)
    assert np.array_equal(blocks.sum(axis=(2, 4)), top)
    assert (np.count_nonzero(blocks, axis=(2, 4)) == 1).all()
    assert np.array_equal(back[back != 0], x[back != 0])


def bilinear(x, height, width):
    """Interpolate between pixel centres, one axis after the other, constant beyond the last."""
    for axis, count in ((1, height), (2, width)):
        n = x.shape[axis]
        at = np.clip((np.arange(count) + 0.5) * n / count - 0.5, 0, n - 1)
        low = np.minimum(at.astype(int), max(n - 2, 0))
        share = (at - low).reshape([-1 if a == axis else 1 for a in range(4)])
        high = np.minimum(low + 1, n - 1)
        x = x.take(low, axis) * (1 - share) + x.take(high, axis) * share
    return x


@pytest.mark.parametrize("size", [(12, 10), (6, 5), (13, 7), (3, 2), (24, 5), (1, 1)])
@pytest.mark.parametrize("sides", [(6, 5), (1, 3)])
def test_resizing_is_bilinear_and_never_antialiased(sides, size):
    x = noise(2, *sides, 3)
    np.testing.assert_allclose(layers.resize(x, *size), bilinear(np.asarray(x), *size), atol=2e-6)


def test_resizing_keeps_the_type_of_half_precision():
    x = jnp.asarray(noise(1, 4, 4, 2), jnp.bfloat16)
    assert layers.resize(x, 8, 8).dtype == layers.resize(x, 7, 9).dtype == jnp.bfloat16


@pytest.mark.parametrize(("count", "step"), [(23, None), (4, None), (3, 2.7), (5, 1.9), (1, None)])
def test_what_lies_between_pixels_is_interpolated(count, step):
    x = noise(2, 9, 3)
    middles = (np.arange(count) + 0.5) * (step or 9 / count) - 0.5
    along = partial(np.interp, middles, np.arange(9))
    expected = np.apply_along_axis(along, 1, np.asarray(x, np.float64))
    np.testing.assert_allclose(layers.between(x, 1, count, step), expected, atol=2e-6)
    assert layers.between(x.astype(jnp.bfloat16), 1, count, step).dtype == jnp.bfloat16


def test_parameters_are_counted_with_singular_vectors_and_without_statistics():
    class Two(nnx.Module):
        def __init__(self, rngs):
            self.conv = layers.SpectralConv(2, 3, 3, rngs=rngs)
            self.norm = layers.batch_norm(3, rngs=rngs)

    assert layers.count_parameters(Two(nnx.Rngs(0))) == 2 * 3 * 9 + 3 + 2 * 9 + 2 * 3


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
