"""Attention, against its definition with all scores at once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

from alphamat_deep import layers
from alphamat_deep.layers import attention
from tests.alphamat_deep.layers.reference import filled, noise
from tests.alphamat_deep.networks import jit


def attend(layer, x):
    """Return what a layer of attention computes, one query of one head after the other."""
    B, H, W, C = x.shape
    depth = C // layer.heads
    q, k, v = np.moveaxis(linear(layer.qkv, x).reshape(B, H, W, 3, layer.heads, depth), 3, 0)
    out = np.zeros((B, H, W, layer.heads, depth))
    tables = (np.asarray(table[...], float) for table in (layer.rel_pos_h, layer.rel_pos_w))
    apart = [distances(table, n) for table, n in zip(tables, (H, W), strict=True)]
    for b, i, j, n in np.ndindex(B, H, W, layer.heads):
        query = q[b, i, j, n]
        by_row, by_column = apart[0][i] @ query, apart[1][j] @ query
        scores = k[b, :, :, n] @ query / np.sqrt(depth) + by_row[:, None] + by_column
        weights = np.exp(scores - scores.max())
        out[b, i, j, n] = np.einsum("hw,hwd->d", weights / weights.sum(), v[b, :, :, n])
    return linear(layer.proj, out.reshape(x.shape))


def linear(conv, x):
    return x @ np.asarray(conv.kernel[0, 0], float) + np.asarray(conv.bias[...], float)


def distances(table, count):
    """Return a vector for each query and key; the table's are for -(count - 1) … count - 1."""
    ahead = np.arange(count)[:, None] - np.arange(count)
    middles = (ahead + count - 0.5) * len(table) / (2 * count - 1) - 0.5
    between = [np.interp(middles, np.arange(len(table)), column) for column in table.T]
    return np.stack(between, axis=-1)


@pytest.fixture
def layer():
    made = filled(layers.RelativeAttention(6, 2, 4, rngs=nnx.Rngs(0)))
    made.qkv.kernel[...] /= 2  # so that many scores count
    return made


@pytest.mark.parametrize(("sides", "scores"), [((4, 5), 2**22), ((6, 3), 3 * 2 * 3 * 18)])
def test_each_query_gathers_values_by_scores_and_distances(layer, sides, scores, monkeypatch):
    monkeypatch.setattr(attention, "SCORES", scores)
    x = noise(1, *sides, 6)
    found = jit(lambda layer, x: layer(x))(layer, x)
    np.testing.assert_allclose(found, attend(layer, np.asarray(x, float)), atol=2e-5)


@pytest.mark.parametrize(("most", "steps"), [(1, 6), (2 * 2 * 3 * 18, 6), (5 * 2 * 2 * 54, 2)])
def test_scores_of_some_rows_are_held_at_a_time(layer, most, steps, monkeypatch):
    monkeypatch.setattr(attention, "SCORES", most)
    graph, state = nnx.split(layer)
    program = jax.make_jaxpr(lambda state, x: nnx.merge(graph, state)(x))(state, noise(2, 6, 3, 6))
    loops = [equation for equation in program.eqns if equation.primitive.name == "scan"]
    assert [loop.params["length"] for loop in loops] == [steps]
    held = [v.aval.size for e in loops[0].params["jaxpr"].eqns for v in e.outvars]
    assert max(held) == 2 * 2 * 18 * 18 // steps


def test_attention_returns_the_type_of_its_input(layer):
    graph, state = nnx.split(layer)
    half = jax.tree.map(lambda x: x.astype(jnp.bfloat16), state)
    x = jnp.zeros((1, 5, 4, 6), jnp.bfloat16)
    y = jax.eval_shape(lambda state, x: nnx.merge(graph, state)(x), half, x)
    assert y.dtype == jnp.bfloat16


@pytest.mark.parametrize("sides", [(6, 9), (7, 1)])
def test_windows_are_filled_up_with_zeros_that_their_layer_sees(sides):
    def mean_added(windows):
        assert windows.shape[1:] == (3, 3, 2)
        return windows + windows.mean((1, 2), keepdims=True)

    x = noise(2, *sides, 2)
    found = np.asarray(jit(lambda x: layers.over_windows(mean_added, x, 3))(x))
    assert found.shape == x.shape
    for i, j in np.ndindex(-(-sides[0] // 3), -(-sides[1] // 3)):
        window = np.asarray(x)[:, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
        expected = window + window.sum((1, 2), keepdims=True) / 9
        part = found[:, 3 * i : 3 * i + 3, 3 * j : 3 * j + 3]
        np.testing.assert_allclose(part, expected, atol=1e-6)


def test_positions_are_a_grid_behind_one_vector():
    layer = filled(layers.PositionEmbedding(3, 4))
    grid = jnp.asarray(np.asarray(layer.weight[...])[:, 1:].reshape(1, 4, 4, 3))
    for sides in (4, 4), (6, 9):
        np.testing.assert_allclose(layer(*sides), layers.resize_bicubic(grid, *sides), atol=1e-6)


def gathered(queries, keys, values):
    """Return means of values (K, d) for queries (Q, d), by softmax of products with keys."""
    scores = queries @ keys.T / np.sqrt(queries.shape[1])
    weights = np.exp(scores - scores.max(1, keepdims=True))
    return weights / weights.sum(1, keepdims=True) @ values


@pytest.mark.parametrize("scores", [2**22, 2 * 3 * 5 * 2, 1])
def test_queries_gather_values_by_products_with_keys(scores, monkeypatch):
    monkeypatch.setattr(attention, "SCORES", scores)
    queries, keys, values = noise(2, 3, 6, 4), noise(2, 3, 5, 4, seed=1), noise(2, 3, 5, 4, seed=2)
    found = jit(layers.dot_product_attention)(queries, keys, values)
    for at in np.ndindex(2, 3):
        parts = (np.asarray(x[at], float) for x in (queries, keys, values))
        np.testing.assert_allclose(found[at], gathered(*parts), atol=1e-5)


def test_all_tokens_of_a_grid_attend_to_each_other():
    layer, x = filled(layers.SelfAttention(6, 2, rngs=nnx.Rngs(0))), noise(2, 3, 4, 6)
    qkv = linear(layer.qkv, np.asarray(x, float)).reshape(2, 12, 3, 2, 3)
    heads = [[gathered(*qkv[b, :, :, n].swapaxes(0, 1)) for n in (0, 1)] for b in (0, 1)]
    expected = linear(layer.proj, np.moveaxis(heads, 1, 2).reshape(x.shape))
    np.testing.assert_allclose(jit(lambda f, x: f(x))(layer, x), expected, atol=5e-5)


def test_cross_attention_projects_queries_keys_and_values_in_this_order():
    layer = filled(layers.CrossAttention(4, rngs=nnx.Rngs(0)))
    given = noise(2, 3, 4), noise(2, 5, 4, seed=1), noise(2, 5, 4, seed=2)
    kernel, bias = (np.asarray(x, float) for x in (layer.in_proj.kernel[0, 0], layer.in_proj.bias))
    found = jit(lambda f, *x: f(*x))(layer, *given)
    for b in (0, 1):
        thirds = (slice(at, at + 4) for at in (0, 4, 8))
        parts = (
            np.asarray(x[b], float) @ kernel[:, of] + bias[of]
            for x, of in zip(given, thirds, strict=True)
        )
        expected = linear(layer.out_proj, gathered(*parts))
        np.testing.assert_allclose(found[b], expected, atol=5e-5)
