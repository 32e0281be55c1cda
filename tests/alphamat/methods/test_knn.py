import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import alphamat
from alphamat.methods.knn import hsv, knn, knn_system
from solvers import amg, cg, direct, ichol, jacobi
from tests.reference import knn_laplacian, pinned_solution

H, W = 17, 22
ROUNDS = [(5, 1.0), (2, 0.05)]
tight = partial(direct, rtol=1e-9)


def noise(seed=13, shape=(H, W)):
    return np.random.default_rng(seed).random((*shape, 3))


def bands(shape=(H, W)):
    """Background on the left, foreground on the right, and between a region with a ragged edge."""
    trimap = np.full(shape, 0.5)
    trimap[:, :4], trimap[:, -5:] = 0, 1
    trimap[shape[0] // 2 :, :7] = 0
    return trimap


# ---- the formula


@pytest.mark.parametrize("features", [None, hsv])
@pytest.mark.parametrize("rounds", [ROUNDS, [(3, 0.4)], [(1000, 1.0)]])
def test_alpha_is_the_minimum_of_the_papers_quadratic_form(features, rounds):
    image, trimap = noise(), bands()
    L = knn_laplacian(image if features is None else features(image), rounds)
    alpha = knn(image, trimap, rounds=rounds, features=features)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap), rtol=0, atol=1e-5)


def test_confidence_is_the_papers_lambda():
    image, trimap = noise(), bands()
    D = np.diag(100.0 * (trimap != 0.5).ravel())
    expected = np.linalg.solve(knn_laplacian(image, ROUNDS) + D, D @ trimap.ravel())
    alpha = knn(image, trimap, rounds=ROUNDS, confidence=100)
    np.testing.assert_allclose(alpha.ravel(), np.clip(expected, 0, 1), rtol=0, atol=1e-5)


def test_hue_is_a_point_on_the_circle():
    image = np.array([[[1, 0, 0], [0, 1, 0], [0, 0, 0.5], [0.25, 0.5, 0.5]]])
    half = np.sqrt(3) / 2
    expected = [[1, 0, 1, 1], [-0.5, half, 1, 1], [-0.5, -half, 1, 0.5], [-1, 0, 0.5, 0.5]]
    np.testing.assert_allclose(hsv(image)[0], expected, rtol=0, atol=1e-12)


# ---- properties


@given(seed=st.integers(0, 1000), levels=st.sampled_from([3, 255]))
@settings(max_examples=8, deadline=None)
def test_exchanging_foreground_and_background_inverts_alpha(seed, levels):
    image, trimap = np.round(levels * noise(seed)) / levels, bands()
    alpha, inverse = knn(image, trimap), knn(image, 1 - trimap)
    np.testing.assert_allclose(inverse, 1 - alpha, rtol=0, atol=1e-4)


@pytest.mark.parametrize("mirror", [np.flipud, np.fliplr, lambda a: np.swapaxes(a, 0, 1)])
def test_mirroring_the_picture_mirrors_alpha(mirror):
    image, trimap = noise(), bands()
    mirrored = knn(mirror(image), mirror(trimap), solver=tight)
    expected = mirror(knn(image, trimap, solver=tight))
    np.testing.assert_allclose(mirrored, expected, rtol=0, atol=1e-9)


def test_known_pixels_are_exactly_known_and_all_lies_in_the_unit_interval():
    trimap = bands()
    alpha = knn(noise(), trimap)
    assert alpha.shape == (H, W)
    assert alpha.dtype == np.float64
    assert np.array_equal(alpha[trimap != 0.5], trimap[trimap != 0.5])
    assert ((alpha >= 0) & (alpha <= 1)).all()


def test_a_trimap_without_unknown_pixels_is_its_own_alpha():
    trimap = np.zeros((H, W))
    trimap[5:9, 6:20] = 1
    assert np.array_equal(knn(noise(), trimap), trimap)


def test_the_answer_does_not_depend_on_the_solver():
    image, trimap = noise(), bands()
    expected = knn(image, trimap, solver=tight)
    for preconditioner in (jacobi, ichol, amg):
        solver = partial(cg, preconditioner=preconditioner, rtol=1e-9)
        np.testing.assert_allclose(knn(image, trimap, solver=solver), expected, rtol=0, atol=1e-7)


def test_the_same_picture_gets_the_same_alpha():
    image = np.round(3 * noise()) / 3
    assert np.array_equal(knn(image, bands()), knn(image, bands()))


def test_more_rounds_of_the_same_change_nothing():
    once = knn(noise(), bands(), rounds=[(4, 1.0)], solver=tight)
    twice = knn(noise(), bands(), rounds=[(4, 1.0), (4, 1.0)], solver=tight)
    np.testing.assert_allclose(twice, once, rtol=0, atol=1e-9)


def test_takes_features_of_ones_own():
    image, trimap = noise(), bands()
    red = knn(image, trimap, features=lambda image: image[..., :1])
    L = knn_laplacian(image[..., :1], [(19, 2.0), (9, 0.1)])
    np.testing.assert_allclose(red, pinned_solution(L, trimap), rtol=0, atol=1e-5)


# ---- pictures whose alpha is plain


def two_colours(shape=(H, W)):
    """A red disc on blue; the trimap knows a little of each."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    within = (y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2 < (min(shape) / 3) ** 2
    trimap = np.full(shape, 0.5)
    trimap[0], trimap[shape[0] // 2, shape[1] // 2] = 0, 1
    return np.where(within[..., None], [0.9, 0.2, 0.1], [0.1, 0.3, 0.8]), trimap, within


def test_two_flat_colours_get_an_alpha_of_their_own():
    image, trimap, within = two_colours()
    alpha = knn(image, trimap, rounds=[(9, 0.1)], solver=tight)
    np.testing.assert_allclose(alpha, within, rtol=0, atol=1e-9)


def test_a_colour_that_the_known_pixels_lack_takes_alpha_from_what_surrounds_it():
    image, _, within = two_colours()
    trimap = np.zeros((H, W))
    trimap[2:-2, 2:-2] = 0.5
    trimap[:, -1] = 1
    image[:, -6:] = [0.1, 0.9, 0.1]
    alpha = knn(image, trimap, rounds=[(5, 0.1)], solver=tight)
    np.testing.assert_allclose(alpha[within], 0, rtol=0, atol=1e-9)  # blue, which is background
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(knn(image, trimap, rounds=[(5, 0.1)]), alpha, rtol=0, atol=1e-4)


def test_a_row_of_three_pixels_is_the_mean_of_its_ends():
    image = np.full((1, 3, 3), 0.5)
    alpha = knn(image, [[0.0, 0.5, 1.0]], rounds=[(2, 1.0)])
    np.testing.assert_allclose(alpha, [[0, 0.5, 1]], rtol=0, atol=1e-12)


PICTURES = {
    "constant": np.full((H, W, 3), 0.4),
    "black": np.zeros((H, W, 3)),
    "noise of one level": (128 + np.random.default_rng(5).integers(0, 2, (H, W, 3))) / 255,
    "two colours": two_colours()[0],
}


@pytest.mark.parametrize("features", [None, hsv])
@pytest.mark.parametrize("picture", PICTURES)
def test_degenerate_pictures_get_the_exact_solution(picture, features):
    trimap = np.full((H, W), 0.5)
    trimap[2, 3], trimap[-3, -4] = 1, 0
    system = knn_system(PICTURES[picture], trimap, features=features)
    expected, exact = system.solve(tight)
    assert 0 < exact.x.min() < exact.x.max() < 1  # each alpha is a mean of its neighbours'
    assert exact.residual < 1e-12
    alpha = knn(PICTURES[picture], trimap, features=features)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-4)


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rounds": [(0, 1.0)]}, ValueError, "neighbours` is 0; expected a whole number"),
        ({"rounds": [(9, 0)]}, ValueError, "position` is 0; expected a positive number"),
        ({"rounds": [(9, np.nan)]}, ValueError, "position` is nan"),
        ({"rounds": [(9.5, 1.0)]}, TypeError, "neighbours` is 9.5"),
        ({"rounds": [(9, "near")]}, TypeError, "position` is 'near'"),
        ({"rounds": (9, 1.0)}, TypeError, r"`rounds` is \(9, 1.0\); expected pairs"),
        ({"rounds": []}, TypeError, "expected pairs"),
        ({"rounds": None}, TypeError, "expected pairs"),
        (
            {"features": lambda image: image[:-1]},
            ValueError,
            r"`features` returned .* \(16, 22, 3\)",
        ),
        ({"features": lambda image: image * np.nan}, ValueError, "`features` .* finite"),
        ({"features": lambda image: image[..., 0]}, ValueError, "`features` returned"),
        ({"features": "hsv"}, TypeError, "`features` is 'hsv'; expected a function"),
        ({"confidence": 0}, ValueError, "`confidence` is 0"),
        ({"solver": "cg"}, TypeError, "`solver` is 'cg'"),
        ({"trimap": np.full((H, W + 1), 0.5)}, ValueError, r"`trimap` is 17 × 23"),
        ({"trimap": np.full((H, W), 0.5)}, ValueError, "marks no foreground"),
        ({"image": np.full((H, W), np.nan)}, ValueError, "`image` contains NaN"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(arguments, error, message):
    arguments = {"image": noise(), "trimap": bands()} | arguments
    with pytest.raises(error, match=message):
        knn(arguments.pop("image"), arguments.pop("trimap"), **arguments)


def test_refuses_a_graph_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"\d+ pixels with 28 neighbours each needs about"):
        knn(noise(), bands())


def test_an_unconverged_solve_returns_its_best_and_warns_at_the_users_line():
    with pytest.warns(alphamat.ConvergenceWarning, match="after 2 iterations") as caught:
        alpha = knn(noise(), bands(), solver=partial(cg, preconditioner=jacobi, maxiter=2))
    assert caught[0].filename == __file__
    # clipped; it is 0.20, and that of the start is 1
    assert 1e-7 < knn_system(noise(), bands()).residual(alpha) < 0.3
