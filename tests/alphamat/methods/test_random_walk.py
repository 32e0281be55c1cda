import math
from functools import partial

import numpy as np
import pytest

import alphamat
from alphamat.methods.random_walk import (
    locality_preserving_metric,
    random_walk,
    random_walk_laplacian,
    random_walk_system,
)
from solvers import cg, direct, ichol, jacobi
from tests.reference import (
    locality_preserving_projections,
    pinned_solution,
    random_walk_affinities,
)

H, W = 13, 17


def noise(seed=7, shape=(H, W), grain=0.3):
    return 0.5 + grain * (np.random.default_rng(seed).random((*shape, 3)) - 0.5)


def bands(shape=(H, W)):
    """Background on the left, foreground on the right, and between a region with a ragged edge."""
    trimap = np.full(shape, 0.5)
    trimap[:, :3], trimap[:, -4:] = 0, 1
    trimap[shape[0] // 2 :, :6] = 0
    return trimap


def laplacian_of(affinities):
    return np.diag(affinities.sum(axis=1)) - affinities


# ---- the formula


@pytest.mark.parametrize("radius", [1, 1.5, 2, 2.5])
@pytest.mark.parametrize("floor", [1e-5, 0.3])
def test_rows_of_the_laplacian_are_the_papers_formula(radius, floor):
    image, unknown = noise(), bands() == 0.5
    unknown[0], unknown[:, -1] = True, True
    metric = np.array([[3, 1, 0], [1, 2, -0.5], [0, -0.5, 1]])
    L = laplacian_of(
        random_walk_affinities(image, beta=30, radius=radius, metric=metric, floor=floor)
    )
    A = random_walk_laplacian(image, unknown, beta=30, radius=radius, metric=metric, floor=floor)
    expected = L[unknown.ravel()]
    np.testing.assert_allclose(A.tocsr().toarray(), expected[:, unknown.ravel()], atol=1e-14)
    field = np.random.default_rng(4).random((H, W))
    np.testing.assert_allclose(A.couple(field), expected @ field.ravel(), atol=1e-13)


@pytest.mark.parametrize("radius", [1, 1.5])
def test_the_metric_is_that_of_all_locality_preserving_projections(radius):
    image = noise() * [0.9, 0.5, 0.4]
    Q = locality_preserving_projections(image, beta=40, radius=radius, ridge=1e-3)
    metric = locality_preserving_metric(image, beta=40, radius=radius)
    np.testing.assert_allclose(metric, Q.T @ Q, rtol=1e-9)


@pytest.mark.parametrize("metric", [None, np.eye(3)])
@pytest.mark.parametrize("radius", [1, 1.5])
def test_alpha_is_the_harmonic_function_between_the_known_pixels(metric, radius):
    image, trimap = noise(), bands()
    M = locality_preserving_metric(image, beta=900, radius=radius) if metric is None else metric
    L = laplacian_of(random_walk_affinities(image, beta=900, radius=radius, metric=M, floor=1e-5))
    alpha = random_walk(image, trimap, metric=metric, radius=radius)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap), rtol=0, atol=1e-4)


def test_confidence_is_a_penalty_on_known_pixels():
    image, trimap = noise(), bands()
    affinities = random_walk_affinities(image, beta=9, radius=1.5, metric=np.eye(3), floor=1e-5)
    D = np.diag(0.3 * (trimap != 0.5).ravel())
    expected = np.linalg.solve(laplacian_of(affinities) + D, D @ trimap.ravel()).reshape(H, W)
    alpha = random_walk(image, trimap, beta=9, metric=np.eye(3), confidence=0.3)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-5)


def test_on_a_line_alpha_divides_as_resistors_in_series_do():
    image = noise(3, (1, 12), grain=0.1)
    trimap = np.r_[0, np.full(10, 0.5), 1][None]
    resistance = np.exp(900 * (np.diff(image[0], axis=0) ** 2).sum(axis=1))
    expected = np.r_[0, np.cumsum(resistance)] / resistance.sum()
    alpha = random_walk(image, trimap, metric=np.eye(3), floor=1e-9)
    np.testing.assert_allclose(alpha[0], expected, rtol=0, atol=1e-5)


# ---- properties


def test_rows_are_symmetric_and_annihilate_constants():
    unknown = bands() == 0.5
    A = random_walk_laplacian(noise(), unknown, beta=900, radius=1.5, metric=np.eye(3), floor=1e-5)
    matrix = A.tocsr().toarray()
    assert np.array_equal(matrix, matrix.T)
    np.testing.assert_allclose(A.couple(np.full((H, W), 3.0)), 0, atol=1e-13)


def test_no_edge_leads_out_of_the_picture():
    everything = np.ones((H, W), bool)
    A = random_walk_laplacian(
        noise(), everything, beta=900, radius=1.5, metric=np.eye(3), floor=1e-5
    )
    edges = H * (W - 1) + (H - 1) * W + 2 * (H - 1) * (W - 1)
    assert np.count_nonzero(A.planes[1:]) == edges


def test_exchanging_foreground_and_background_inverts_alpha():
    image, trimap = noise(11), bands()
    inverse = random_walk(image, 1 - trimap)
    np.testing.assert_allclose(inverse, 1 - random_walk(image, trimap), rtol=0, atol=1e-5)


@pytest.mark.parametrize("radius", [1, 1.5])
@pytest.mark.parametrize("mirror", [np.flipud, np.fliplr, lambda a: np.swapaxes(a, 0, 1)])
def test_mirroring_the_picture_mirrors_alpha(mirror, radius):
    image, trimap = noise(), bands()
    mirrored = random_walk(mirror(image), mirror(trimap), radius=radius)
    alpha = random_walk(image, trimap, radius=radius)
    np.testing.assert_allclose(mirrored, mirror(alpha), rtol=0, atol=1e-5)


def test_the_metric_is_blind_to_the_brightness_of_the_picture():
    metric = locality_preserving_metric(noise(), beta=1e-3, radius=1.5)
    darker = locality_preserving_metric(0.4 * noise(), beta=1e-3, radius=1.5)
    np.testing.assert_allclose(darker, metric, rtol=1e-3)


def test_known_pixels_are_exactly_known_and_all_lies_in_the_unit_interval():
    trimap = bands()
    alpha = random_walk(noise(), trimap)
    assert alpha.shape == (H, W)
    assert alpha.dtype == np.float64
    assert np.array_equal(alpha[trimap != 0.5], trimap[trimap != 0.5])
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_a_trimap_without_unknown_pixels_is_its_own_alpha():
    trimap = np.zeros((H, W))
    trimap[5:9, 6:11] = 1
    assert np.array_equal(random_walk(noise(), trimap), trimap)


def test_accepts_8_bit_pictures_and_gray_ones():
    image, trimap = (255 * noise()).astype(np.uint8), (255 * bands()).astype(np.uint8)
    np.testing.assert_allclose(
        random_walk(image, trimap), random_walk(image / 255, trimap / 255), rtol=0, atol=1e-6
    )
    gray = image[..., 0]
    np.testing.assert_allclose(
        random_walk(gray, trimap), random_walk(np.dstack([gray] * 3), trimap), rtol=0, atol=1e-6
    )


def test_the_answer_does_not_depend_on_the_solver():
    image, trimap = noise(), bands()
    alpha = random_walk(image, trimap, solver=direct)
    for preconditioner in (jacobi, ichol):
        solver = partial(cg, preconditioner=preconditioner, rtol=1e-10)
        other = random_walk(image, trimap, solver=solver)
        np.testing.assert_allclose(other, alpha, rtol=0, atol=1e-6)


# ---- degenerate pictures


def lone_pixels():
    """Each unknown pixel unlike all others, so that every affinity is the floor."""
    y, x = np.mgrid[:H, :W]
    return np.stack([y % 2, x % 2, (x + y) % 3 / 2], axis=2).astype(float)


def island():
    """One colour within another, with both known colours outside."""
    image = np.full((H, W, 3), 0.1)
    image[4:9, 7:12] = [0.9, 0.7, 0.2]
    return image


PICTURES = {
    "constant": np.full((H, W, 3), 0.4),
    "black": np.zeros((H, W, 3)),
    "an island": island(),
    "lone pixels": lone_pixels(),
    "gray ramp": np.repeat(np.linspace(0, 1, W)[None, :, None], H, axis=0).repeat(3, axis=2),
    "noise of one level": (128 + np.random.default_rng(5).integers(0, 2, (H, W, 3))) / 255,
}


def one_of_each():
    trimap = np.full((H, W), 0.5)
    trimap[2, 3], trimap[-3, -4] = 1, 0
    return trimap


def one_unknown():
    trimap = np.zeros((H, W))
    trimap[:, W // 2 :] = 1
    trimap[H // 2, W // 2] = 0.5
    return trimap


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("trimap", [bands, one_of_each, one_unknown])
def test_degenerate_pictures_get_the_right_alpha(picture, trimap):
    """None of the 18 cases warns, and a warning would be an error."""
    image, trimap = PICTURES[picture], trimap()
    expected = random_walk(image, trimap, solver=direct)
    alpha = random_walk(image, trimap)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=5e-5)  # it is 1.1e-5


def test_a_pixel_unlike_all_its_neighbours_takes_their_mean():
    image, trimap = np.full((5, 7, 3), 0.5), np.zeros((5, 7))
    image[2, 3] = 1
    trimap[:, 4:], trimap[2, 3] = 1, 0.5
    assert random_walk(image, trimap)[2, 3] == pytest.approx(3 / 8)
    assert random_walk(image, trimap, radius=1)[2, 3] == pytest.approx(1 / 4)


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": 0}, "`beta` is 0"),
        ({"beta": np.inf}, "`beta` is inf"),
        ({"radius": 0.9}, "`radius` is 0.9; expected at least 1"),
        ({"radius": np.nan}, "`radius` is nan"),
        ({"floor": 0}, "`floor` is 0"),
        ({"floor": 1}, "`floor` is 1; expected less than 1"),
        ({"metric": np.eye(2)}, r"`metric` has shape \(2, 2\)"),
        ({"metric": np.diag([1, 1, 0])}, "`metric` is not a symmetric positive definite"),
        ({"metric": np.triu(np.ones((3, 3)))}, "`metric` is not a symmetric positive definite"),
        ({"metric": np.full((3, 3), np.nan)}, "`metric` is not a symmetric positive definite"),
        ({"confidence": 0}, "`confidence` is 0"),
        ({"trimap": np.zeros((H, W + 1))}, "`trimap` is 13 × 18 and the image is 13 × 17"),
        ({"trimap": np.full((H, W), 0.5)}, "`trimap` marks no foreground"),
        ({"image": np.full((H, W, 3), np.nan)}, "`image` contains NaN"),
        ({"image": np.zeros((1, 1, 3)), "trimap": np.zeros((1, 1))}, "marks no foreground"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(arguments, message):
    arguments = {"image": noise(), "trimap": bands()} | arguments
    with pytest.raises(ValueError, match=message):
        random_walk(arguments.pop("image"), arguments.pop("trimap"), **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"beta": "steep"}, "`beta` is 'steep'; expected a positive number, such as 900"),
        ({"radius": "wide"}, "`radius` is 'wide'; expected a positive number, at least 1"),
        ({"solver": "cg"}, "`solver` is 'cg'; expected a function"),
    ],
)
def test_refuses_parameters_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        random_walk(noise(), bands(), **arguments)


def test_refuses_a_system_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"\d+ unknown pixels at radius 1\.5 needs about"):
        random_walk(noise(), bands())


def test_an_unconverged_solve_returns_its_best_and_warns():
    solver = partial(cg, preconditioner=jacobi, maxiter=2)
    with pytest.warns(alphamat.ConvergenceWarning, match="after 2 iterations"):
        alpha = random_walk(noise(), bands(), solver=solver)
    # clipped; it is 0.74, and that of the start is 1
    assert 1e-7 < random_walk_system(noise(), bands()).residual(alpha) < 0.8


def test_a_radius_beyond_the_picture_is_the_picture():
    image, trimap = noise(), bands()
    everything = random_walk(image, trimap, radius=math.hypot(*trimap.shape))
    assert np.array_equal(random_walk(image, trimap, radius=1e9), everything)


@pytest.mark.parametrize(
    ("metric", "fault"),
    [([[1, 2], [3]], "NumPy cannot"), (np.eye(3) * 1j, "complex128"), ("RGB", "path 'RGB'")],
)
def test_a_metric_that_is_no_array_of_numbers_is_refused_by_name(metric, fault):
    with pytest.raises(TypeError, match=f"`metric` .*{fault}"):
        random_walk(noise(), bands(), metric=metric)
