import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from solvers.box import box_sum, spread

H, W = 17, 26


def noise(*shape, seed=11):
    return np.random.default_rng(seed).standard_normal(shape)


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 5, 8])
def test_a_box_sum_adds_up_each_window_inside(radius):
    field = noise(3, H, W)
    width = 2 * radius + 1
    expected = sliding_window_view(field, (width, width), axis=(1, 2)).sum(axis=(3, 4))
    np.testing.assert_allclose(box_sum(field, radius), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("radius", [0, 1, 2, 3, 5, 8])
def test_spread_is_the_adjoint_of_box_sum(radius):
    field, sums = noise(H, W), noise(H - 2 * radius, W - 2 * radius, seed=12)
    assert spread(sums, radius).shape == field.shape
    left, right = np.vdot(box_sum(field, radius), sums), np.vdot(field, spread(sums, radius))
    np.testing.assert_allclose(left, right, rtol=1e-12)


def test_float32_keeps_its_digits_on_a_large_grid():
    field = 0.5 + 0.5 * np.abs(np.sin(np.arange(700.0 * 900))).reshape(700, 900)
    exact = box_sum(field, 1)
    single = box_sum(field.astype(np.float32), 1)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, exact, rtol=5e-7)


def test_jax_reads_the_same_definitions():
    jax = pytest.importorskip("jax")
    field, sums = noise(2, H, W), noise(2, H - 6, W - 6)
    for function, argument in ((box_sum, field), (spread, sums)):
        compiled = jax.jit(function, static_argnums=1)(argument, 3)
        np.testing.assert_allclose(compiled, function(argument, 3), rtol=0, atol=1e-4)
