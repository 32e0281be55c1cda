import sys
from functools import partial

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import alphamat
from alphamat.methods.learning_based import (
    learning_based,
    learning_based_global,
    learning_based_system,
    local_learning_laplacian,
)
from alphamat.system import ConvergenceWarning
from solvers import cg, direct, ichol, jacobi, multigrid
from tests.reference import global_learning, pinned_solution
from tests.reference import local_learning_laplacian as definition

H, W = 19, 26


def noise(seed=11, shape=(H, W)):
    return np.random.default_rng(seed).random((*shape, 3))


def bands():
    """Background on the left, foreground on the right, and between a region with a ragged edge."""
    trimap = np.full((H, W), 0.5)
    trimap[:, :4], trimap[:, -5:] = 0, 1
    trimap[H // 2 :, :7] = 0
    return trimap


def all_but_one():
    trimap = np.full((H, W), 0.5)
    trimap[2, 3], trimap[-3, -4] = 1, 0
    return trimap


def unknown_at_the_border():
    trimap = np.ones((H, W))
    trimap[:, W // 2 :] = 0
    trimap[:5], trimap[:, -4:] = 0.5, 0.5
    return trimap


def disc(inside, outside):
    y, x = np.mgrid[:H, :W]
    within = np.hypot(y - H / 2, x - W / 2) < 6
    return np.where(within[..., None], inside, outside)


RAMP = np.repeat(np.linspace(0, 1, W)[None, :, None], H, axis=0).repeat(3, axis=2)
PICTURES = {
    "black": np.zeros((H, W, 3)),
    "constant": np.full((H, W, 3), 0.4),
    "two flat colours": disc([0.9, 0.5, 0.1], [0.1, 0.2, 0.6]),
    "two flat grays": disc([0.8] * 3, [0.2] * 3),
    "gray ramp": RAMP,
    "gray ramp in 8 bits": np.round(255 * RAMP) / 255,
    "noise of one level": (128 + np.random.default_rng(5).integers(0, 2, (H, W, 3))) / 255,
    "nearly gray noise": 0.9 * noise()[..., :1] + 3e-4 * noise(3),
    "noise": noise(),
}
every_picture = pytest.mark.parametrize("image", PICTURES.values(), ids=PICTURES)


# ---- the formula


@every_picture
@pytest.mark.parametrize(("epsilon", "radius"), [(1e-7, 1), (1e-3, 2)])
def test_rows_of_the_laplacian_are_the_papers_formula(image, epsilon, radius):
    unknown = bands() == 0.5
    L = definition(image, epsilon=epsilon, radius=radius)
    A = local_learning_laplacian(image, unknown, epsilon=epsilon, radius=radius)
    expected = L[np.ix_(unknown.ravel(), unknown.ravel())]
    np.testing.assert_allclose(A.tocsr().toarray(), expected, rtol=0, atol=1e-11)
    alpha = noise()[..., 0]
    rows = (L @ alpha.ravel())[unknown.ravel()]
    np.testing.assert_allclose(A.couple(alpha), rows, rtol=0, atol=1e-10)


@pytest.mark.parametrize("radius", [1, 2])
def test_alpha_is_the_minimum_of_the_papers_quadratic_form(radius):
    image, trimap = noise(), bands()
    L = definition(image, epsilon=1e-4, radius=radius)
    alpha = learning_based(image, trimap, epsilon=1e-4, radius=radius)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap), rtol=0, atol=1e-5)


def test_confidence_is_the_papers_c():
    image, trimap = noise(), bands()
    L = definition(image, epsilon=1e-3, radius=1)
    C = np.diag(800.0 * (trimap != 0.5).ravel())
    expected = np.linalg.solve(L + C, C @ trimap.ravel()).reshape(H, W)
    alpha = learning_based(image, trimap, epsilon=1e-3, confidence=800)
    np.testing.assert_allclose(alpha, np.clip(expected, 0, 1), rtol=0, atol=1e-5)


# ---- properties


@every_picture
def test_the_laplacian_is_positive_semidefinite_and_annihilates_constants(image):
    image, everything = np.ascontiguousarray(image[:11, :13]), np.ones((11, 13), bool)
    L = local_learning_laplacian(image, everything, epsilon=1e-7, radius=1).tocsr().toarray()
    assert np.linalg.eigvalsh(L)[0] > -1e-13
    np.testing.assert_allclose(L.sum(axis=1), 0, atol=1e-11)


@given(colours=st.lists(st.floats(-1, 1), min_size=4, max_size=4), seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_is_blind_to_alphas_affine_in_colour(colours, seed):
    image = noise(seed)
    L = local_learning_laplacian(image, np.ones((H, W), bool), epsilon=1e-9, radius=1)
    alpha = image @ colours[:3] + colours[3]
    np.testing.assert_allclose(L @ alpha.ravel(), 0, atol=1e-9)


@pytest.mark.parametrize("epsilon", [1e-7, 0.1])
def test_foreground_and_background_count_alike_however_strong_the_ridge(epsilon):
    image, trimap = noise(), bands()
    alpha = learning_based(image, trimap, epsilon=epsilon)
    inverse = learning_based(image, 1 - trimap, epsilon=epsilon)
    np.testing.assert_allclose(inverse, 1 - alpha, rtol=0, atol=1e-5)


def test_does_not_depend_on_the_brightness_of_the_whole_picture():
    image, trimap = 0.4 * noise(), bands()
    alpha = learning_based(image, trimap, epsilon=1e-3)
    brighter = learning_based(image + 0.6, trimap, epsilon=1e-3)
    np.testing.assert_allclose(brighter, alpha, rtol=0, atol=1e-6)


@pytest.mark.parametrize("mirror", [np.flipud, np.fliplr, lambda a: np.swapaxes(a, 0, 1)])
def test_mirroring_the_picture_mirrors_alpha(mirror):
    image, trimap = noise(), bands()
    mirrored = learning_based(mirror(image), mirror(trimap))
    expected = mirror(learning_based(image, trimap))
    np.testing.assert_allclose(mirrored, expected, rtol=0, atol=1e-4)


def test_recovers_an_alpha_that_is_affine_in_colour():
    truth = noise()[..., 0].round(3)
    truth[:, :4], truth[:, -5:] = 0, 1
    image = truth[..., None] * [0.9, 0.6, 0.2] + (1 - truth[..., None]) * [0.1, 0.3, 0.8]
    trimap = np.where((truth == 0) | (truth == 1), truth, 0.5)
    np.testing.assert_allclose(learning_based(image, trimap), truth, rtol=0, atol=1e-4)


def test_the_answer_does_not_depend_on_the_solver():
    image, trimap = 0.5 + 0.1 * noise(), bands()
    alpha = learning_based(image, trimap, epsilon=1e-3, solver=direct)
    for preconditioner in (jacobi, ichol, multigrid):
        solver = partial(cg, preconditioner=preconditioner, rtol=1e-10)
        other = learning_based(image, trimap, epsilon=1e-3, solver=solver)
        np.testing.assert_allclose(other, alpha, rtol=0, atol=1e-6)


@every_picture
@pytest.mark.parametrize("trimap", [bands, all_but_one, unknown_at_the_border])
def test_degenerate_pictures_get_the_right_alpha(image, trimap):
    alpha = learning_based(image, trimap(), epsilon=1e-4)
    expected = pinned_solution(definition(image, epsilon=1e-4, radius=1), trimap())
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=5e-4)


@pytest.mark.parametrize("picture", ["two flat colours", "two flat grays"])
def test_where_alpha_is_free_to_within_rounding_it_is_a_minimum_to_within_rounding(picture):
    L = definition(PICTURES[picture], epsilon=1e-7, radius=1)
    with pytest.warns(ConvergenceWarning, match="areas of few colours"):
        alpha = learning_based(PICTURES[picture], bands())
    best = pinned_solution(L, bands())
    energy, least = (a.ravel() @ L @ a.ravel() for a in (alpha, best))
    assert energy - least < 1e-12


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"epsilon": 0}, ValueError, "`epsilon` is 0"),
        ({"epsilon": "small"}, TypeError, "`epsilon` is 'small'"),
        ({"radius": 0}, ValueError, "`radius` is 0"),
        ({"radius": 10}, ValueError, "`image` is 19 × 26 .* smaller than one window of 21 × 21"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        learning_based(noise(), bands(), **arguments)


def test_refuses_a_system_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 50_000)
    with pytest.raises(MemoryError, match=r"\d+ unknown pixels .* needs about"):
        learning_based(noise(), bands())


def test_agrees_with_pymattings_matrix_at_its_small_ridge():
    pymatting = pytest.importorskip("pymatting")  # it penalises the constant too
    for seed in (1, 2):
        L = pymatting.lbdm_laplacian(noise(seed), epsilon=1e-7).toarray()
        alpha = learning_based(noise(seed), bands())
        np.testing.assert_allclose(alpha, pinned_solution(L, bands()), rtol=0, atol=1e-4)


def test_agrees_with_pymattings_converged_alpha_of_a_photograph(shared):
    pymatting = pytest.importorskip("pymatting")
    image, trimap = (
        np.asarray(Image.open(shared / "lemur" / f"{name}.png").convert(mode))[290:330, 490:536]
        for name, mode in (("lemur", "RGB"), ("lemur_trimap", "L"))
    )
    L = pymatting.lbdm_laplacian(image / 255, epsilon=1e-7).toarray()
    alpha = learning_based(image, trimap)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap / 255), rtol=0, atol=2e-3)


# ---- global learning


@pytest.mark.parametrize("samples", [1, 3, 1000])
def test_global_learning_is_the_papers_formula(samples, monkeypatch):
    monkeypatch.setattr("alphamat.methods.learning_based.PIECE", 100)
    options = {"samples": samples, "ridge": 0.2, "reach": 1.3, "fading": 0.4}
    trimap = np.full((H, W), 0.5)
    trimap[:, :4], trimap[:, -5:] = 0, 1  # no ties: which of several equally near it takes is open
    alpha = learning_based_global(noise(), trimap, **options)
    expected = global_learning(noise(), trimap, **options)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-9)


def test_global_learning_tells_colours_apart():
    truth = disc([1.0], [0.0])[..., 0]
    image = disc([0.9, 0.5, 0.1], [0.1, 0.2, 0.6])
    trimap = truth.copy()
    trimap[:8] = 0.5
    alpha = learning_based_global(image, trimap)
    np.testing.assert_allclose(alpha, truth, rtol=0, atol=0.01)


def test_global_learning_exchanges_foreground_and_background():
    alpha = learning_based_global(noise(), bands(), samples=20)
    inverse = learning_based_global(noise(), 1 - bands(), samples=20)
    np.testing.assert_allclose(inverse, 1 - alpha, rtol=0, atol=1e-12)


def test_global_learning_reaches_for_a_foreground_that_is_far_away():
    trimap = np.zeros((H, W))
    trimap[:, 10:15] = 0.5
    trimap[3, 24] = trimap[3, 25] = 1  # the nearer one alone is a sample
    image = np.zeros((H, W, 3))
    image[:, 12:] = 1
    alpha = learning_based_global(image, trimap)
    assert (alpha[:, 10:12] < 0.1).all()
    # The samples: a column of black background, one of white, and 10 pixels away the foreground.
    white, weights = np.repeat([0, 1, 1], [H, H, 1]), np.diag(np.r_[np.ones(2 * H), 10**-0.25])
    labels = np.r_[-np.ones(2 * H), 1]
    distance = 3 * (white[:, None] - white) ** 2
    K = np.exp(-distance / image[..., 0].var())
    learnt = weights @ np.linalg.solve(weights @ K @ weights + 0.1 * np.eye(39), weights @ labels)
    for columns, sample in ((slice(10, 12), 0), (slice(12, 15), -1)):
        np.testing.assert_allclose(alpha[:, columns], (1 + K[sample] @ learnt) / 2, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"samples": 0}, ValueError, "`samples` is 0"),
        ({"samples": 2.5}, TypeError, "`samples` is 2.5"),
        ({"ridge": -1}, ValueError, "`ridge` is -1"),
        ({"reach": np.inf}, ValueError, "`reach` is inf"),
        ({"fading": "slow"}, TypeError, "`fading` is 'slow'"),
    ],
)
def test_global_learning_refuses_with_a_message_that_names_the_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        learning_based_global(noise(), bands(), **arguments)


def test_spots_of_nearly_equal_colours_are_solved_apart(shared, monkeypatch):
    """Eight bits leave patches of a few colours, which other iterations come to last."""
    folder, twice = shared / "lemur", {"dsize": None, "fx": 2, "fy": 2}
    image = alphamat.read_image(folder / "lemur.png")[..., :3]
    image = cv2.resize(image, **twice, interpolation=cv2.INTER_CUBIC)
    trimap = alphamat.read_image(folder / "lemur_trimap.png")
    trimap = cv2.resize(trimap, **twice, interpolation=cv2.INTER_NEAREST)
    system = learning_based_system(image, trimap)
    iterative = partial(cg, preconditioner=multigrid)
    found = system.solve(iterative).solution
    monkeypatch.setattr(sys.modules["solvers.cg"], "PATIENCE", 10_000)
    tight = system.solve().solution
    np.testing.assert_allclose(found.x, tight.x, rtol=0, atol=1e-3)
    without = system.solve(iterative).solution.x
    assert abs(without - tight.x).max() > 5 * abs(found.x - tight.x).max()
