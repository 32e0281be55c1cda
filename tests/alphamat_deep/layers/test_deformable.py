"""Deformable convolution, against its definition, one pixel and one entry at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from alphamat_deep.layers import deformable
from tests.alphamat_deep.layers.reference import convolution, filled, noise
from tests.alphamat_deep.networks import jit

convolve = jit(layers.convolve_deformed)


def definition(x, offsets, counts, kernel):
    """Sum over all pixels, each by its tent: 1 at itself, 0 from one pixel away on."""
    B, H, W, _ = x.shape
    size, out = kernel.shape[0], np.zeros((B, H, W, kernel.shape[3]))
    rows, columns = np.arange(H), np.arange(W)
    for b, i, j, ky, kx in np.ndindex(B, H, W, size, size):
        dy, dx = offsets[b, i, j, ky * size + kx]
        by_row = np.maximum(0, 1 - np.abs(rows - (i + ky - size // 2 + dy)))
        by_column = np.maximum(0, 1 - np.abs(columns - (j + kx - size // 2 + dx)))
        seen = np.einsum("h,w,hwc->c", by_row, by_column, x[b])
        out[b, i, j] += counts[b, i, j, ky * size + kx] * (seen @ kernel[ky, kx])
    return out


def arguments(size):
    """Return pictures of two, offsets that lead up to three pixels beyond them, counts, kernel."""
    x, offsets = noise(2, 5, 4, 3), 3 * noise(2, 5, 4, size**2, 2, seed=5)
    return x, offsets, noise(2, 5, 4, size**2, seed=6), noise(size, size, 3, 2, seed=7)


@pytest.mark.parametrize("size", [1, 3])
def test_each_entry_looks_where_its_offset_leads_it(size, monkeypatch):
    monkeypatch.setattr(deformable, "SAMPLES", 13 * size**2 * 3)  # so that 40 pixels take 4 steps
    given = arguments(size)
    expected = definition(*(np.asarray(x, float) for x in given))
    np.testing.assert_allclose(jit(layers.convolve_deformed)(*given), expected, atol=2e-5)


def test_without_offsets_it_is_a_convolution():
    x, _, _, kernel = arguments(3)
    found = convolve(x, jnp.zeros((2, 5, 4, 9, 2)), jnp.ones((2, 5, 4, 9)), kernel)
    expected = convolution(np.asarray(x), np.asarray(kernel), 1, 1, 1, 1)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_gradients_are_those_of_the_definition():
    given = arguments(3)
    slopes = jit(jax.grad(lambda *given: layers.convolve_deformed(*given).sum(), (0, 1, 2, 3)))
    wide = [np.asarray(x, float) for x in given]
    for at, slope in enumerate(slopes(*given)):
        direction = np.asarray(noise(*slope.shape, seed=9), float)
        ahead, behind = (
            definition(*[x + h * direction if n == at else x for n, x in enumerate(wide)]).sum()
            for h in (1e-6, -1e-6)
        )
        np.testing.assert_allclose(np.vdot(slope, direction), (ahead - behind) / 2e-6, rtol=1e-4)


def test_two_convolutions_find_offsets_and_counts():
    layer, x = filled(layers.DeformableConv(3, 2, 3, rngs=nnx.Rngs(0))), noise(1, 5, 4, 3)
    offsets = np.asarray(layer.offset_conv(x), float).reshape(1, 5, 4, 9, 2)
    counts = 2 / (1 + np.exp(-np.asarray(layer.modulator_conv(x), float)))
    kernel = np.asarray(layer.regular_conv.kernel[...], float)
    expected = definition(np.asarray(x, float), offsets, counts, kernel)
    np.testing.assert_allclose(jit(lambda layer, x: layer(x))(layer, x), expected, atol=1e-4)


def test_places_are_exact_in_half_precision():
    x, one = noise(1, 3, 300, 1).astype(jnp.bfloat16), jnp.bfloat16(1)
    offsets, counts = jnp.zeros((1, 3, 300, 1, 2), x.dtype), jnp.full((1, 3, 300, 1), one)
    found = convolve(x, offsets, counts, jnp.full((1, 1, 1, 1), one))
    assert found.dtype == x.dtype
    assert (found == x).all()
