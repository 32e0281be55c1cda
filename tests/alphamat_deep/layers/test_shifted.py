"""Attention within shifted windows, against its definition, one query of one head at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from alphamat_deep.layers import shifted
from tests.alphamat_deep.layers.reference import filled, noise
from tests.alphamat_deep.networks import jit

WINDOW, HEADS, DEPTH = 3, 2, 2


def attend(layer, x):
    """Return what the layer computes: each token looks for the others of its part of a window."""
    B, H, W, C = x.shape
    height, width = (side + -side % WINDOW for side in (H, W))
    x = np.pad(x, [(0, 0), (0, height - H), (0, width - W), (0, 0)])
    qkv = linear(layer.qkv, x).reshape(B, height, width, 3, HEADS, DEPTH)
    table = np.asarray(layer.relative_position_bias_table[...], float)
    table = table.reshape(2 * WINDOW - 1, 2 * WINDOW - 1, HEADS)
    out = np.zeros((B, height, width, HEADS, DEPTH))
    y, x = np.indices((height, width))
    windows = [window(at, side, layer.shift) for at, side in ((y, height), (x, width))]
    for b, i, j, n in np.ndindex(B, height, width, HEADS):
        near = (windows[0] == windows[0][i, j]) & (windows[1] == windows[1][i, j])
        keys, values = qkv[b, near, 1, n], qkv[b, near, 2, n]
        apart = table[i - y[near] + WINDOW - 1, j - x[near] + WINDOW - 1, n]
        weights = np.exp(keys @ qkv[b, i, j, 0, n] / np.sqrt(DEPTH) + apart)
        out[b, i, j, n] = weights @ values / weights.sum()
    return linear(layer.proj, out.reshape(B, height, width, C))[:, :H, :W]


def window(at, side, shift):
    """Return the number of the window along an axis: what the shift brings together is apart."""
    return np.where(at < shift, -1, (at - shift) // WINDOW)


def linear(conv, x):
    return x @ np.asarray(conv.kernel[0, 0], float) + np.asarray(conv.bias[...], float)


def attention(shift):
    layer = layers.WindowAttention(HEADS * DEPTH, HEADS, WINDOW, shift=shift, rngs=nnx.Rngs(0))
    return filled(layer)


@pytest.mark.parametrize("shift", [0, 1])
@pytest.mark.parametrize("sides", [(6, 9), (7, 4), (2, 3)])
def test_each_token_gathers_values_from_its_part_of_a_window(shift, sides):
    layer, x = attention(shift), noise(2, *sides, HEADS * DEPTH)
    found = jit(lambda layer, x: layer(x))(layer, x)
    np.testing.assert_allclose(found, attend(layer, np.asarray(x, float)), atol=2e-5)


@pytest.mark.parametrize("most", [1, 5 * HEADS * WINDOW**4])
def test_some_windows_are_done_at_a_time(most, monkeypatch):
    layer, x = attention(1), noise(2, 6, 12, HEADS * DEPTH)
    whole = jit(lambda layer, x: layer(x))(layer, x)
    monkeypatch.setattr(shifted, "SCORES", most)
    np.testing.assert_allclose(jit(lambda layer, x: layer(x))(layer, x), whole, atol=1e-6)


def test_attention_in_windows_returns_the_type_of_its_input():
    graph, state = nnx.split(attention(1))
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), state)
    x = jnp.zeros((1, 5, 4, HEADS * DEPTH), jnp.bfloat16)
    y = jax.eval_shape(lambda state, x: nnx.merge(graph, state)(x), half, x)
    assert y.dtype == jnp.bfloat16
