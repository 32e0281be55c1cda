"""Resizing as PyTorch and Paddle do it, against interpolation between pixel centres."""

from functools import partial

import cv2
import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep import layers
from tests.alphamat_deep.layers.reference import noise


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


@pytest.mark.parametrize("size", [(12, 10), (3, 5), (1, 9)])
def test_resizing_to_corners_keeps_what_is_in_the_corners(size):
    x = noise(2, 6, 5, 3)
    expected = np.asarray(x, float)
    for axis, count in ((1, size[0]), (2, size[1])):
        old = np.arange(x.shape[axis])
        along = partial(np.interp, np.linspace(0, old[-1], count), old)
        expected = np.apply_along_axis(along, axis, expected)
    np.testing.assert_allclose(layers.resize_to_corners(x, *size), expected, atol=2e-6)


def test_resizing_keeps_the_type_of_half_precision():
    x = jnp.asarray(noise(1, 4, 4, 2), jnp.bfloat16)
    assert layers.resize(x, 8, 8).dtype == layers.resize(x, 7, 9).dtype == jnp.bfloat16


@pytest.mark.parametrize(("count", "step"), [(23, None), (4, None), (3, 2.7), (5, 1.9), (1, None)])
def test_what_lies_between_pixels_is_interpolated(count, step):
    x = noise(2, 9, 3)
    middles = (np.arange(count) + 0.5) * (step or 9 / count) - 0.5
    along = partial(np.interp, middles, np.arange(9))
    expected = np.apply_along_axis(along, 1, np.asarray(x, np.float64))
    np.testing.assert_allclose(layers.resize_along(x, 1, count, step), expected, atol=2e-6)
    assert layers.resize_along(x.astype(jnp.bfloat16), 1, count, step).dtype == jnp.bfloat16


@pytest.mark.parametrize("size", [(13, 10), (6, 5), (1, 3)])
def test_cubics_are_those_of_opencv(size):
    x = noise(2, 6, 5, 3)
    expected = [cv2.resize(np.asarray(one), size[::-1], interpolation=cv2.INTER_CUBIC) for one in x]
    np.testing.assert_allclose(layers.resize_bicubic(x, *size), expected, atol=2e-5)
