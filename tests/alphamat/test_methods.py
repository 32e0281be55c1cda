"""Properties that every method has, whatever its paper."""

import inspect
import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import alphamat
from solvers import Solution, cg, jacobi

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


@every_method
def test_finds_the_alpha_of_an_easy_picture(method):
    image, trimap, truth = scene()
    alpha = method(image, trimap)
    assert np.abs(alpha - truth)[trimap == 0.5].mean() < 0.15  # a half everywhere: 0.25


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


@every_method
@pytest.mark.parametrize("colour", [0.0, 0.4])
def test_a_picture_of_one_colour_has_some_alpha(method, colour):
    _, trimap, _ = scene()
    alpha = method(np.full((H, W, 3), colour), trimap)
    assert np.isfinite(alpha).all()


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
def test_refuses_what_cannot_be_meant(method, image, trimap, error, message):
    with pytest.raises(error, match=message):
        method(image, trimap)


@every_method
@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 2), (1, 7), (3, 3)])
def test_tiny_pictures_are_matted_or_refused_with_a_reason(method, shape):
    trimap = np.full(shape, 0.5)
    trimap.flat[0] = 0
    trimap.flat[-1] = 1  # of one pixel, this leaves no background
    result = alpha_or_refusal(method, np.full((*shape, 3), 0.3), trimap)
    if isinstance(result, str):
        assert "`image`" in result or "`trimap`" in result
    else:
        assert np.isfinite(result).all()
        assert (result.flat[0], result.flat[-1]) == (0, 1)


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
def test_refuses_an_argument_that_cannot_be_meant(method, argument, value, error, message):
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
    with pytest.warns(alphamat.ConvergenceWarning, match="after 1 iteration") as caught:
        alpha = method(noise(), trimap, solver=solver)
    assert caught[0].filename == __file__
    assert np.isfinite(alpha).all()


@every_solving_method
def test_the_solver_is_the_users_choice(method):
    image, trimap, _ = scene()
    alpha = method(image, trimap, solver=lambda A, b: Solution(np.full_like(b, 0.25), 0, 0.0, True))
    np.testing.assert_array_equal(alpha[trimap == 0.5], 0.25)
