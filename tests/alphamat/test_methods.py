"""Properties that every method has, whatever its paper."""

import inspect
import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import alphamat
from alphamat.method import SYSTEMS
from alphamat.system import collecting
from solvers import Solution, cg, jacobi
from tests.reference import pinned_solution

H, W = 23, 31
PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
ENTRIES = PROJECT["entry-points"]["alphamat.methods"]
METHODS = {name: getattr(alphamat, entry.partition(":")[2]) for name, entry in ENTRIES.items()}
SOLVING = {
    name: method
    for name, method in METHODS.items()
    if "confidence" in inspect.signature(method).parameters
}
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
every_solving_method = pytest.mark.parametrize("method", SOLVING.values(), ids=SOLVING)


def noise(seed=4):
    return np.random.default_rng(seed).random((H, W, 3))


def scene():
    """A soft-edged disc before a darker background, both with a little grain."""
    y, x = np.mgrid[:H, :W]
    truth = np.clip((10 - np.hypot(y - H / 2, x - W / 2)) / 6, 0, 1)[..., None]
    grain = 0.02 * noise()
    image = truth * [0.8, 0.6, 0.3] + (1 - truth) * [0.1, 0.3, 0.6] + grain
    return image, np.where((truth == 0) | (truth == 1), truth, 0.5)[..., 0], truth[..., 0]


EASY = {  # mean errors; what is measured is a tenth to a third less
    "closed-form": 0.009,
    "fast": 0.009,
    "information-flow": 0.009,
    "knn": 0.09,
    "learned": 0.05,
    "learning-based": 0.009,
    "learning-based-global": 0.14,
    "random-walk": 0.1,
    "shared-sampling": 0.03,
}


@pytest.mark.parametrize("name", METHODS)
def test_finds_the_alpha_of_an_easy_picture(name):
    image, trimap, truth = scene()
    alpha = METHODS[name](image, trimap)
    assert np.abs(alpha - truth)[trimap == 0.5].mean() < EASY[name]  # a half everywhere: 0.25


@every_method
def test_known_pixels_are_exactly_known_and_all_lies_in_the_unit_interval(method):
    _, trimap, _ = scene()
    alpha = method(noise(), trimap)
    assert alpha.shape == (H, W)
    assert alpha.dtype == np.float64
    assert alpha.flags.c_contiguous
    assert np.array_equal(alpha[trimap != 0.5], trimap[trimap != 0.5])
    assert alpha.min() >= 0
    assert alpha.max() <= 1


@every_solving_method
def test_exchanging_foreground_and_background_inverts_alpha(method):
    image, trimap, _ = scene()
    np.testing.assert_allclose(
        method(image, 1 - trimap), 1 - method(image, trimap), rtol=0, atol=1e-3
    )


@every_method
def test_leaves_its_arguments_alone_and_says_the_same_twice(method):
    image, trimap, _ = scene()
    image.flags.writeable = trimap.flags.writeable = False
    np.testing.assert_array_equal(method(image, trimap), method(image, trimap))


@every_method
def test_a_trimap_without_unknown_pixels_is_its_own_alpha(method):
    trimap = np.zeros((H, W))
    trimap[5:9, 6:20] = 1
    assert np.array_equal(method(noise(), trimap), trimap)


@every_method
def test_accepts_what_people_have(method):
    image, trimap, _ = scene()
    image, trimap = (255 * image).astype(np.uint8), (255 * trimap).astype(np.uint8)
    alpha = method(image, trimap)
    for same_image in (image / 255, image.astype(np.uint16) * 257, Image.fromarray(image)):
        for same_trimap in (trimap / 255, Image.fromarray(trimap), np.dstack([trimap] * 3)):
            other = method(same_image, same_trimap)
            np.testing.assert_allclose(other, alpha, rtol=0, atol=1e-4)


BETWEEN = np.r_[np.zeros(4), np.full(W - 8, 0.5), np.ones(4)]  # a row of a trimap


def along_a_row(*ties):
    """Alpha of a row in which a pixel is tied this strongly to those 1, 2, … pixels away."""
    L = -sum(tie * (np.eye(W, k=k) + np.eye(W, k=-k)) for k, tie in enumerate(ties, 1))
    return pinned_solution(L - np.diag(L.sum(axis=1)), BETWEEN)


# Where a window has one colour, it predicts the mean of its alphas: each three pixels of a row are
# drawn to their mean. To subtract a mean twice is to subtract it once, so that the squared
# Laplacian of learning-based matting is the same.
MEANS_OF_THREE = along_a_row(2, 1)
EXPANDED = np.repeat([0, 0.5, 1], [14, 3, 14])  # by 10 pixels, and alpha 1/2 between
ONE_COLOUR = {  # what alpha is along each row, and how far from it a pixel is on average
    "closed-form": (MEANS_OF_THREE, 1e-6),
    "fast": (MEANS_OF_THREE, 1e-6),
    "information-flow": (MEANS_OF_THREE, 2e-3),  # and of pixels nearby, which differ by row
    "knn": (MEANS_OF_THREE, 0.01),  # of neighbours, which of several equally near is open
    "learned": (MEANS_OF_THREE, 0.1),  # an edge somewhere, which closed form flattens
    "learning-based": (MEANS_OF_THREE, 1e-6),
    "learning-based-global": (BETWEEN, 1e-6),  # as many samples of either layer
    "random-walk": (along_a_row(1), 1e-6),  # a line
    "shared-sampling": (EXPANDED, 0.01),  # rounding spoils eight pixels
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("colour", [0.0, 0.4])
def test_a_picture_of_one_colour_is_filled_in_from_the_known_pixels(name, colour):
    expected, tolerance = ONE_COLOUR[name]
    alpha = METHODS[name](np.full((H, W, 3), colour), np.tile(BETWEEN, (H, 1)))
    assert np.abs(alpha - expected).mean() < tolerance


@every_solving_method
def test_one_colour_around_a_disc_has_the_alpha_of_a_direct_solution(method):
    _, trimap, _ = scene()
    system = SYSTEMS[method](np.full((H, W, 3), 0.4), trimap)
    A = np.stack([system.matrix @ unit for unit in np.eye(system.matrix.shape[0])], axis=1)
    alpha = system.solve().alpha
    expected = np.linalg.solve(A, system.right_hand_side)
    np.testing.assert_allclose(alpha[trimap == 0.5], expected, rtol=0, atol=1e-5)
    assert 0 < expected.min() < expected.max() < 1  # each alpha is a mean of others


@every_method
@pytest.mark.parametrize(
    ("image", "trimap", "error", "message"),
    [
        (noise(), np.zeros((H, W + 1)), ValueError, "`trimap` is 23 × 32 and the image is 23 × 31"),
        (noise(), np.full((H, W), 0.5), ValueError, "`trimap` marks no foreground"),
        (noise(), np.zeros((H, W), bool), TypeError, "`trimap` is a bool mask"),
        (noise()[..., :2], np.zeros((H, W)), ValueError, "`image` has shape"),
        (np.full((H, W), np.nan), np.zeros((H, W)), ValueError, "`image` contains NaN"),
        (255 * noise(), np.zeros((H, W)), ValueError, "`image` has values from"),
        (np.zeros((0, 5, 3)), np.zeros((0, 5)), ValueError, "`image` is empty"),
        ("photo.png", np.zeros((H, W)), TypeError, "`image` is the path"),
    ],
)
def test_refuses_an_image_or_a_trimap_that_does_not_fit(method, image, trimap, error, message):
    with pytest.raises(error, match=message):
        method(image, trimap)


@every_method
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (1, 7), (3, 3)])
def test_tiny_pictures_are_matted_or_refused_with_a_reason(method, shape):
    trimap = np.full(shape, 0.5)
    trimap.flat[0] = 0
    trimap.flat[-1] = 1  # of one pixel, this leaves no background
    result = alpha_or_refusal(method, np.full((*shape, 3), 0.3), trimap)
    if shape == (1, 1):
        assert "`trimap` marks no background" in result
    elif isinstance(result, str):
        assert "smaller than one window of 3 × 3" in result
        assert min(shape) < 3
    else:
        assert (result.flat[0], result.flat[-1]) == (0, 1)
        if method is alphamat.learned:
            return  # the network may see an edge anywhere
        y, x = np.indices(shape)
        nearer = np.hypot(y, x) - np.hypot(shape[0] - 1 - y, shape[1] - 1 - x)
        alpha = result.ravel()[np.argsort(nearer, axis=None)]
        assert (np.diff(alpha) > -1e-6).all()  # the nearer to foreground, the greater
        assert (result[nearer < 0] <= 0.5 + 1e-6).all()
        assert (result[nearer > 0] >= 0.5 - 1e-6).all()


TINY = {
    "closed-form": {(3, 3): [0, *[0.5] * 7, 1]},  # one window, which draws all to their mean
    "random-walk": {
        (2, 2): [0, 0.5, 0.5, 1],
        (1, 7): np.arange(7) / 6,
        (3, 3): [0, 0.4, 0.5, 0.4, 0.5, 0.6, 0.5, 0.6, 1],  # 5a = 0 + a + 1/2 + 1/2 + (1 - a)
    },
    "learning-based-global": {(2, 2): [0, 0.5, 0.5, 1], (1, 7): [0, *[0.5] * 5, 1]},
    "shared-sampling": {(1, 7): [0, 0, 0, 0, 1, 1, 1]},  # as the nearest
}
TINY |= dict.fromkeys(("fast", "learning-based", "information-flow"), TINY["closed-form"])


@pytest.mark.parametrize(
    ("name", "shape"), [(name, shape) for name, shapes in TINY.items() for shape in shapes]
)
def test_tiny_pictures_of_one_colour_are_solved_by_hand(name, shape):
    trimap = np.full(shape, 0.5)
    trimap.flat[0], trimap.flat[-1] = 0, 1
    alpha = METHODS[name](np.full((*shape, 3), 0.3), trimap)
    np.testing.assert_allclose(alpha.ravel(), TINY[name][shape], rtol=0, atol=1e-6)


def alpha_or_refusal(method, image, trimap):
    try:
        return method(image, trimap)
    except ValueError as refusal:
        return str(refusal)


@every_solving_method
@pytest.mark.parametrize(
    ("argument", "value", "error", "message"),
    [
        ("confidence", 0, ValueError, "`confidence` is 0; expected a positive number"),
        ("confidence", np.inf, ValueError, "`confidence` is inf"),
        ("confidence", "high", TypeError, "`confidence` is 'high'; expected a positive number"),
        ("solver", "cg", TypeError, "`solver` is 'cg'; expected a function"),
    ],
)
def test_refuses_a_confidence_or_a_solver_of_another_kind(method, argument, value, error, message):
    image, trimap, _ = scene()
    with pytest.raises(error, match=message):
        method(image, trimap, **{argument: value})


@every_solving_method
def test_great_confidence_holds_known_pixels_as_certainty_does(method):
    image, trimap, _ = scene()
    tight = partial(cg, rtol=1e-10)
    certain = method(image, trimap, solver=tight)
    confident = method(image, trimap, confidence=1e7, solver=tight)
    np.testing.assert_allclose(confident, certain, rtol=0, atol=1e-3)


@every_solving_method
def test_an_unconverged_solve_returns_its_best_and_warns_at_the_users_line(method):
    _, trimap, _ = scene()
    solver = partial(cg, preconditioner=jacobi, maxiter=1)
    with (
        collecting(solutions := []),
        pytest.warns(alphamat.ConvergenceWarning, match="after 1 iteration") as caught,
    ):
        alpha = method(noise(), trimap, solver=solver)
    assert caught[0].filename == __file__
    (solution,) = solutions
    assert not solution.converged
    system, x = SYSTEMS[method](noise(), trimap), solution.x
    assert solution.residual < 0.7  # it is 0.61 at most; of the start, 1
    assert solution.residual == pytest.approx(
        np.linalg.norm(system.right_hand_side - system.matrix @ x)
        / np.linalg.norm(system.right_hand_side)
    )
    np.testing.assert_array_equal(alpha[trimap == 0.5], np.clip(x, 0, 1))


@every_solving_method
def test_the_solver_is_the_users_choice(method):
    image, trimap, _ = scene()
    alpha = method(image, trimap, solver=lambda A, b: Solution(np.full_like(b, 0.25), 0, 0.0, True))
    np.testing.assert_array_equal(alpha[trimap == 0.5], 0.25)


@pytest.mark.parametrize("confidence", [1e5, 3e5, 1e6, 1e12, 1e30])
@pytest.mark.parametrize("unknown", [0, 1])
@pytest.mark.parametrize("name", SOLVING)
def test_a_great_confidence_gives_the_trimap(name, unknown, confidence):
    trimap = np.zeros((H, W))
    trimap[5:9, 6:20] = 1
    trimap.flat[:unknown] = 0.5
    alpha = SOLVING[name](noise(), trimap, confidence=confidence)
    np.testing.assert_allclose(alpha[trimap != 0.5], trimap[trimap != 0.5], rtol=0, atol=1e-3)
