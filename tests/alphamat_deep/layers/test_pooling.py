"""Pooling by largest values, and back."""

import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import noise


def test_pooling_finds_the_first_of_equals_and_leaves_an_odd_edge_out():
    x = np.array([[1, 3, 2, 2, 9], [3, 0, 1, 2, 9], [9, 9, 9, 9, 9]], np.float32)
    top, place = layers.max_pool(jnp.asarray(x[None, ..., None]))
    assert np.array_equal(top[0, ..., 0], [[3, 2]])
    assert np.array_equal(place[0, ..., 0], [[1, 0]])


def test_pooling_of_all_pixels_keeps_an_odd_edge():
    x = np.array([[1, 3, -2], [3, 0, -1], [-9, 9, -8]], np.float32)
    assert np.array_equal(
        layers.max_pool_all(jnp.asarray(x[None, ..., None]))[0, ..., 0], [[3, -1], [9, -8]]
    )


def test_unpooling_puts_values_back_where_they_were_found():
    x = noise(2, 6, 8, 3)
    top, place = layers.max_pool(x)
    back = np.asarray(layers.max_unpool(top, place))
    blocks = back.reshape(2, 3, 2, 4, 2, 3)
    assert np.array_equal(blocks.sum(axis=(2, 4)), top)
    assert (np.count_nonzero(blocks, axis=(2, 4)) == 1).all()
    assert np.array_equal(back[back != 0], x[back != 0])


def crowded(*shape):
    """Return few levels, so that windows have equals and share their largest."""
    return jnp.round(noise(*shape))


def test_overlapping_windows_find_the_first_of_equals():
    x = crowded(2, 6, 10, 3)
    top, place = layers.max_pool_overlapping(x)
    around = np.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], constant_values=-np.inf)
    for b, i, j, c in np.ndindex(2, 3, 5, 3):
        window = around[b, 2 * i : 2 * i + 3, 2 * j : 2 * j + 3, c]
        assert top[b, i, j, c] == window.max()
        assert place[b, i, j, c] == window.argmax()


def test_of_overlapping_windows_the_last_puts_its_value_back():
    x = crowded(2, 6, 10, 3)
    _, place = layers.max_pool_overlapping(x)
    values = noise(*place.shape, seed=31)
    expected, put = np.zeros(x.shape, np.float32), 0
    for b, i, j, c in np.ndindex(place.shape):
        y, z = divmod(int(place[b, i, j, c]), 3)
        put += expected[b, 2 * i - 1 + y, 2 * j - 1 + z, c] != 0
        expected[b, 2 * i - 1 + y, 2 * j - 1 + z, c] = values[b, i, j, c]
    assert put > 10
    assert np.array_equal(layers.max_unpool_overlapping(values, place), expected)


def test_averaging_pairs_repeats_an_odd_edge():
    x = jnp.asarray([[1, 3, 2], [3, 1, 6], [5, 7, 8]], jnp.float32)[None, ..., None]
    assert np.array_equal(layers.average_pool(x)[0, ..., 0], [[2, 4], [6, 8]])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 5), (0, 2)])
def test_bins_of_adaptive_pooling_overlap_where_sides_do_not_divide(height, width):
    x = noise(2, 7, 11, 3)
    found = layers.adaptive_average_pool(x, height, width)
    assert found.shape == (2, height, width, 3)
    for i, j in np.ndindex(height, width):
        rows, columns = (
            slice(at * side // count, -(-(at + 1) * side // count))
            for at, side, count in ((i, 7, height), (j, 11, width))
        )
        expected = x[:, rows, columns].mean(axis=(1, 2))
        np.testing.assert_allclose(found[:, i, j], expected, atol=1e-6)
