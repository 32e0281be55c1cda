from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from alphamat.foreground import closed_form_foreground, estimate_foreground, multigrid
from alphamat.foreground.closed_form import TwoLayers
from alphamat.foreground.compositing import composite
from alphamat.system import ConvergenceWarning
from solvers import cg, loops
from solvers.direct import direct
from tests import reference

METHODS = [estimate_foreground, closed_form_foreground]
both = pytest.mark.parametrize("method", METHODS)


def soft_disc(height, width):
    """Alpha of a disc with a soft edge, opaque inside and empty outside."""
    y, x = np.mgrid[:height, :width]
    distance = np.hypot(y - 0.45 * height, x - 0.55 * width)
    return np.clip((0.45 * min(height, width) - distance) / 4, 0, 1)


def smooth_layers(height, width):
    y, x = np.mgrid[:height, :width] / max(height, width)
    foreground = np.stack([0.7 + 0.2 * x, 0.3 + 0.1 * y, 0.5 - 0.2 * x * y], axis=2)
    background = np.stack([0.2 - 0.1 * y, 0.6 + 0.2 * x, 0.8 - 0.3 * y], axis=2)
    return foreground, background


@pytest.fixture
def noise():
    """An image and an alpha with values of every kind, colours far from the ends."""
    rng = np.random.default_rng(271)
    alpha = np.clip(rng.uniform(-0.3, 1.3, (7, 10)), 0, 1)
    return 0.4 + 0.2 * rng.random((7, 10, 3)), alpha


def test_many_sweeps_reach_the_minimum_of_the_papers_cost(noise):
    image, alpha = noise
    A, b = reference.multilevel_system(image, alpha, 0.05, 0.7)
    expected = np.linalg.solve(A, b).reshape(2, *image.shape)
    layers = estimate_foreground(
        image, alpha, regularization=0.05, gradient_weight=0.7, small_iterations=2000
    )
    np.testing.assert_allclose(np.stack(layers), expected, rtol=0, atol=1e-5)  # float32


def test_closed_form_is_the_minimum_of_equation_19(noise):
    image, alpha = noise
    layers = closed_form_foreground(image, alpha, regularization=1e-3, solver=direct)
    expected = reference.closed_form_layers(image, alpha, 1e-3)
    np.testing.assert_allclose(np.stack(layers), np.clip(expected, 0, 1), rtol=0, atol=1e-9)


def test_the_default_solver_agrees_with_a_direct_one():
    alpha = soft_disc(61, 84)
    image = np.random.default_rng(314).random((61, 84, 3))
    layers = closed_form_foreground(image, alpha)
    exact = closed_form_foreground(image, alpha, solver=direct)
    for layer, best, opacity in zip(layers, exact, (alpha, 1 - alpha), strict=True):
        difference = opacity[..., None] * np.abs(layer - best)
        assert difference.mean() < 1e-5
        assert difference.max() < 3e-3


def every_kind_of_alpha(height, width):
    rng = np.random.default_rng(1618)
    alpha = np.clip(rng.uniform(-0.5, 1.5, (height, width)), 0, 1)
    alpha[: height // 2, : width // 2] = soft_disc(height // 2, width // 2)
    return alpha


@pytest.mark.parametrize("size", [(13, 18), (1, 9), (9, 1), (2, 2)])
def test_the_matrix_in_seen_and_hidden_colours_is_its_sparse_form(size):
    A = TwoLayers.of(every_kind_of_alpha(*size), 1e-3)
    dense = A.tocsr().toarray()
    np.testing.assert_allclose(np.stack([A @ unit for unit in np.eye(A.shape[0])]), dense,
                               rtol=0, atol=1e-14)  # fmt: skip
    np.testing.assert_allclose(A.diagonal(), np.diag(dense), rtol=0, atol=1e-14)


def test_multigrid_is_symmetric_and_close_to_the_inverse():
    A = TwoLayers.of(every_kind_of_alpha(17, 22), 1e-4)
    M = multigrid(A)
    inverse = np.stack([M(unit).copy() for unit in np.eye(A.shape[0])])
    np.testing.assert_allclose(inverse, inverse.T, rtol=1e-4, atol=1e-5 * inverse.max())
    eigenvalues = np.linalg.eigvals(inverse @ A.tocsr().toarray()).real
    assert eigenvalues.min() > 0.1
    assert eigenvalues.max() < 1.01


@pytest.mark.parametrize("regularization", [1e-12, 1e-5, 1e3])
@pytest.mark.parametrize("size", [(40, 53), (161, 212)])
def test_multigrid_converges_within_few_iterations(size, regularization):
    A = TwoLayers.of(soft_disc(*size), regularization)
    b = A @ np.random.default_rng(577).standard_normal(A.shape[0])
    solution = cg(A, b, preconditioner=multigrid, rtol=1e-4, xtol=1)
    assert solution.converged
    assert solution.iterations < 16


def insert(alpha, layers):
    return layers[0], alpha, layers[1]


@both
def test_recovers_two_flat_colours(method):
    alpha = soft_disc(27, 34)
    foreground, background = np.array([0.9, 0.4, 0.1]), np.array([0.1, 0.5, 0.8])
    image = composite(np.broadcast_to(foreground, (27, 34, 3)), alpha, background)
    layers = method(image, alpha)
    np.testing.assert_allclose(layers.foreground - foreground, 0, atol=2e-5)
    np.testing.assert_allclose(layers.background - background, 0, atol=2e-5)


@both
def test_recovers_smooth_layers_where_they_are_seen(method):
    alpha = soft_disc(37, 50)
    truth = smooth_layers(37, 50)
    layers = method(composite(*insert(alpha, truth)), alpha)
    for layer, true, opacity in zip(layers, truth, (alpha, 1 - alpha), strict=True):
        assert (opacity[..., None] * np.abs(layer - true)).max() < 0.02


@both
def test_layers_make_up_the_image_again(method):
    alpha = soft_disc(37, 50)
    image = composite(*insert(alpha, smooth_layers(37, 50)))
    again = composite(*insert(alpha, method(image, alpha)))
    np.testing.assert_allclose(again, image, rtol=0, atol=0.02)


@both
def test_the_only_layer_in_sight_is_the_image(method):
    image = np.random.default_rng(57).random((9, 14, 3))
    foreground, background = method(image, np.ones((9, 14)))
    np.testing.assert_allclose(foreground, image, rtol=0, atol=1e-4)
    assert np.ptp(background, axis=(0, 1)).max() < 1e-5
    foreground, background = method(image, np.zeros((9, 14)))
    np.testing.assert_allclose(background, image, rtol=0, atol=1e-4)
    assert np.ptp(foreground, axis=(0, 1)).max() < 1e-5


def test_closed_form_holds_colours_that_are_seen_alone(noise):
    image, alpha = noise
    foreground, background = closed_form_foreground(image, alpha)
    np.testing.assert_array_equal(foreground[alpha == 1], image[alpha == 1])
    np.testing.assert_array_equal(background[alpha == 0], image[alpha == 0])


@both
@settings(max_examples=10, deadline=None)
@given(height=st.integers(1, 12), width=st.integers(1, 12), seed=st.integers(0, 2**31))
def test_exchanging_the_layers_exchanges_the_result(method, height, width, seed):
    rng = np.random.default_rng(seed)
    image = rng.random((height, width, 3))
    alpha = np.round(rng.random((height, width)) * 8) / 8  # so that 1 - alpha is exact
    one = method(image, alpha, regularization=1e-2)
    other = method(image, 1 - alpha, regularization=1e-2)
    for layer in (*one, *other):
        assert layer.shape == image.shape
        assert layer.dtype == np.float64
        assert 0 <= layer.min() <= layer.max() <= 1
    tolerance = 1e-5 if method is estimate_foreground else 1e-2
    np.testing.assert_allclose(one.foreground, other.background, rtol=0, atol=tolerance)
    np.testing.assert_allclose(one.background, other.foreground, rtol=0, atol=tolerance)


@both
def test_threads_change_nothing(method, monkeypatch):
    image, alpha = np.random.default_rng(42).random((37, 50, 3)), every_kind_of_alpha(37, 50)
    monkeypatch.setattr(loops, "GRAIN", 1)
    results = []
    for count in (1, 3):
        monkeypatch.setattr(loops, "_most_threads", lambda count=count: count)
        results.append(np.stack(method(image, alpha)))
    np.testing.assert_allclose(*results, rtol=0, atol=1e-6)  # sums of colours, products of vectors


@both
def test_a_single_pixel_is_both_layers(method):
    for opacity in (0, 0.3, 1):
        layers = np.stack(method(np.full((1, 1, 3), 0.3), np.full((1, 1), opacity, float)))
        assert layers.dtype == np.float64
        np.testing.assert_allclose(layers, 0.3, rtol=0, atol=1e-7)


@both
@pytest.mark.parametrize("size", [(1, 2), (2, 2), (1, 9), (23, 30)])
def test_a_flat_alpha_leaves_the_image_to_be_divided(method, size):
    """F + c and B - c cost the same at alpha 1/2, so that the system is singular.

    Nothing fixes the constant c, which the first guess leaves at 0. Beside it F = B = I is best.
    """
    image = np.random.default_rng(65).random((*size, 3))
    foreground, background = method(image, np.full(size, 0.5))
    np.testing.assert_allclose((foreground + background) / 2, image, rtol=0, atol=1e-3)
    np.testing.assert_allclose(np.ptp(foreground - background, axis=(0, 1)), 0, atol=1e-3)
    np.testing.assert_allclose(foreground, image, rtol=0, atol=1e-3)


@both
def test_a_mask_leaves_what_it_shows_and_continues_it(method):
    alpha = np.tile(np.arange(30) > 12, (23, 1)).astype(float)
    image = np.where(alpha[..., None] == 1, [0.9, 0.4, 0.1], [0.2, 0.5, 0.7])
    layers = method(image, alpha)
    np.testing.assert_allclose(layers.foreground - [0.9, 0.4, 0.1], 0, atol=1e-3)
    np.testing.assert_allclose(layers.background - [0.2, 0.5, 0.7], 0, atol=1e-3)


@both
@pytest.mark.parametrize("regularization", [1e-40, 1e20])
def test_extreme_weights_do_not_overflow(method, noise, regularization):
    limit = min(regularization, 1e6)  # beyond, the dense solution has no digits left
    if method is estimate_foreground:
        method = partial(method, small_iterations=2000)
        A, b = reference.multilevel_system(*noise, limit, 1.0)
        expected = np.linalg.solve(A, b).reshape(2, *noise[0].shape)
        tolerance = 1e-5 if regularization < 1 else 0.01  # smooth layers need still more sweeps
    else:
        expected, tolerance = reference.closed_form_layers(*noise, limit), 1e-4
    layers = np.stack(method(*noise, regularization=regularization))
    np.testing.assert_allclose(layers, np.clip(expected, 0, 1), rtol=0, atol=tolerance)


@both
def test_does_not_change_its_arguments(method, noise):
    image, alpha = noise
    before = image.copy(), alpha.copy()
    method(image, alpha)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(alpha, before[1])


@both
def test_refuses_what_does_not_fit(method, noise):
    image, alpha = noise
    with pytest.raises(ValueError, match=r"`alpha` is 7 × 9 and the image is 7 × 10"):
        method(image, alpha[:, 1:])
    with pytest.raises(ValueError, match="`alpha` has values from"):
        method(image, 255 * alpha)
    with pytest.raises(ValueError, match="`regularization` is 0; expected a positive number"):
        method(image, alpha, regularization=0)
    with pytest.raises(ValueError, match="`image` contains NaN"):
        method(np.full_like(image, np.nan), alpha)


def test_refuses_a_negative_gradient_weight(noise):
    with pytest.raises(ValueError, match=r"`gradient_weight` is -1\.0; expected a number ≥ 0"):
        estimate_foreground(*noise, gradient_weight=-1.0)


def test_warns_once_where_the_solver_does_not_converge(noise):
    with pytest.warns(ConvergenceWarning, match="2 iterations") as record:
        closed_form_foreground(*noise, solver=partial(cg, rtol=1e-12, maxiter=2))
    assert len(record) == 1
    assert record[0].filename == __file__


def load(path, mode="RGB"):
    return np.asarray(Image.open(path).convert(mode))


def test_closed_form_resembles_the_authors_matlab(shared):
    folder = shared / "closed_form_matlab" / "marco_dandelion"
    image, alpha = load(folder / "source.png"), load(folder / "matlab_alpha.png", "L")
    layers = closed_form_foreground(image, alpha)
    weights = alpha / 255, 1 - alpha / 255
    for name, layer, weight in zip(("foreground", "background"), layers, weights, strict=True):
        matlab = load(folder / f"matlab_{name}.png") / 255
        difference = (weight[..., None] * np.abs(layer - matlab))[(alpha > 0) & (alpha < 255)]
        # Their code weighs edges by (√|α_x| + 0.003 (1-α))², adds diagonals, and holds α > 0.98.
        assert difference.mean() < 0.006  # it is 0.004; of the multilevel method, 0.009


@pytest.mark.parametrize("sweeps", [11, 20, 25])
def test_sweeps_may_be_cut(sweeps, monkeypatch):
    rng = np.random.default_rng(67)
    image, alpha = rng.random((31, 45, 3)), rng.random((31, 45))
    options = {"small_iterations": sweeps, "big_iterations": sweeps, "small_size": 20}
    cut = estimate_foreground(image, alpha, **options)
    monkeypatch.setattr("alphamat.foreground.multilevel.SWEEPS", 100)
    whole = estimate_foreground(image, alpha, **options)
    assert all(np.array_equal(*layers) for layers in zip(cut, whole, strict=True))
