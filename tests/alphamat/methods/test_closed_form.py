from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import alphamat
from alphamat.laplacians.colour_line import colour_line_laplacian
from solvers import cg, direct, ichol, jacobi, multigrid
from tests.reference import matting_laplacian, pinned_solution

H, W = 23, 31


def noise(seed=7, shape=(H, W)):
    return np.random.default_rng(seed).random((*shape, 3))


def bands(shape=(H, W)):
    """Background on the left, foreground on the right, and between a region with a ragged edge."""
    trimap = np.full(shape, 0.5)
    trimap[:, :4], trimap[:, -5:] = 0, 1
    trimap[shape[0] // 2 :, :7] = 0
    return trimap


def disc(inside, outside, shape=(H, W)):
    y, x = np.mgrid[: shape[0], : shape[1]]
    within = (y - shape[0] / 2) ** 2 + (x - shape[1] / 2) ** 2 < (min(shape) / 3) ** 2
    return np.where(within[..., None], inside, outside)


# ---- the formula


@pytest.mark.parametrize("radius", [1, 2])
@pytest.mark.parametrize("epsilon", [1e-7, 1e-3])
def test_rows_of_the_laplacian_are_the_papers_formula(radius, epsilon):
    image, unknown = noise(), bands() == 0.5
    L = matting_laplacian(image, epsilon=epsilon, radius=radius)
    A = colour_line_laplacian(image, unknown, epsilon=epsilon, radius=radius)
    expected = L[np.ix_(unknown.ravel(), unknown.ravel())]
    np.testing.assert_allclose(A.tocsr().toarray(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("radius", [1, 2])
def test_alpha_is_the_minimum_of_the_papers_quadratic_form(radius):
    image, trimap = noise(), bands()
    L = matting_laplacian(image, epsilon=1e-5, radius=radius)
    alpha = alphamat.closed_form(image, trimap, epsilon=1e-5, radius=radius)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap), rtol=0, atol=1e-5)


def test_confidence_is_the_papers_lambda():
    image, trimap = noise(), bands()
    L = matting_laplacian(image, epsilon=1e-4, radius=1)
    D = np.diag(100.0 * (trimap != 0.5).ravel())
    expected = np.linalg.solve(L + D, D @ trimap.ravel()).reshape(H, W)
    alpha = alphamat.closed_form(image, trimap, epsilon=1e-4, confidence=100)
    np.testing.assert_allclose(alpha, np.clip(expected, 0, 1), rtol=0, atol=1e-5)


@given(
    colours=st.lists(st.floats(-1, 1), min_size=4, max_size=4),
    seed=st.integers(0, 1000),
    grain=st.sampled_from([1.0, 0.1]),
)
@settings(max_examples=15, deadline=None)
def test_is_blind_to_alphas_affine_in_colour(colours, seed, grain):
    image = 0.5 + grain * (noise(seed) - 0.5)
    everything = np.ones((H, W), bool)
    L = colour_line_laplacian(image, everything, epsilon=1e-9, radius=1)
    alpha = image @ colours[:3] + colours[3]
    # ε / |w| stands beside the colours' variance, which is about grain² / 12
    np.testing.assert_allclose(L @ alpha.ravel(), 0, atol=1e-5)


# ---- properties


@given(seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_exchanging_foreground_and_background_inverts_alpha(seed):
    image, trimap = noise(seed), bands()
    alpha = alphamat.closed_form(image, trimap)
    inverse = alphamat.closed_form(image, 1 - trimap)
    np.testing.assert_allclose(inverse, 1 - alpha, rtol=0, atol=1e-4)


@pytest.mark.parametrize("mirror", [np.flipud, np.fliplr, lambda a: np.swapaxes(a, 0, 1)])
def test_mirroring_the_picture_mirrors_alpha(mirror):
    image, trimap = noise(), bands()
    mirrored = alphamat.closed_form(mirror(image), mirror(trimap))
    np.testing.assert_allclose(
        mirrored, mirror(alphamat.closed_form(image, trimap)), rtol=0, atol=1e-4
    )


def test_recovers_an_alpha_that_is_affine_in_colour():
    truth = np.random.default_rng(3).random((H, W)).round(3)
    truth[:, :4], truth[:, -5:] = 0, 1
    image = truth[..., None] * [0.9, 0.6, 0.2] + (1 - truth[..., None]) * [0.1, 0.3, 0.8]
    trimap = np.where((truth == 0) | (truth == 1), truth, 0.5)
    np.testing.assert_allclose(alphamat.closed_form(image, trimap), truth, rtol=0, atol=1e-4)


def test_the_answer_does_not_depend_on_the_solver():
    image, trimap = 0.5 + 0.1 * noise(), bands()
    alpha = alphamat.closed_form(image, trimap, epsilon=1e-4, solver=direct)
    for preconditioner in (jacobi, ichol, multigrid):
        solver = partial(cg, preconditioner=preconditioner, rtol=1e-9)
        other = alphamat.closed_form(image, trimap, epsilon=1e-4, solver=solver)
        np.testing.assert_allclose(other, alpha, rtol=0, atol=1e-6)


# ---- degenerate pictures


def all_but_one(shape):
    trimap = np.full(shape, 0.5)
    trimap[2, 3], trimap[-3, -4] = 1, 0
    return trimap


def one_unknown(shape):
    trimap = np.zeros(shape)
    trimap[:, shape[1] // 2 :] = 1
    trimap[shape[0] // 2, shape[1] // 2] = 0.5
    return trimap


def one_foreground(shape):
    trimap = np.full(shape, 0.5)
    trimap[:2], trimap[shape[0] // 2, shape[1] // 2] = 0, 1
    return trimap


def unknown_at_the_border(shape):
    trimap = np.ones(shape)
    trimap[:, shape[1] // 2 :] = 0
    trimap[:5], trimap[:, -4:] = 0.5, 0.5
    return trimap


RAMP = np.repeat(np.linspace(0, 1, W)[None, :, None], H, axis=0).repeat(3, axis=2)
PICTURES = {
    "constant": np.full((H, W, 3), 0.4),
    "black": np.zeros((H, W, 3)),
    "two flat colours": disc([0.9, 0.5, 0.1], [0.1, 0.2, 0.6]),
    "two flat grays": disc([0.8] * 3, [0.2] * 3),
    "gray ramp": RAMP,
    "gray ramp in 8 bits": np.round(255 * RAMP) / 255,
    "noise of one level": (128 + np.random.default_rng(5).integers(0, 2, (H, W, 3))) / 255,
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    "trimap", [bands, all_but_one, one_unknown, one_foreground, unknown_at_the_border]
)
def test_degenerate_pictures_get_the_right_alpha(picture, trimap):
    """None of the 35 cases warns, and a warning would be an error."""
    image, trimap = PICTURES[picture], trimap((H, W))
    expected = alphamat.closed_form(image, trimap, solver=direct)
    alpha = alphamat.closed_form(image, trimap)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=3e-5)


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": np.zeros((1, 50, 3))}, r"`image` is 1 × 50 .* smaller than one window of 3 × 3"),
        ({"image": np.zeros((H, 2, 3))}, r"`image` is 23 × 2"),
        ({"epsilon": 0}, "`epsilon` is 0"),
        ({"epsilon": np.nan}, "`epsilon` is nan"),
        ({"radius": 0}, "`radius` is 0"),
        ({"radius": 12}, "smaller than one window of 25 × 25"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(arguments, message):
    image = arguments.pop("image", noise())
    trimap = np.full(image.shape[:2], 0.5)
    trimap[0, 0], trimap[-1, -1] = 0, 1
    with pytest.raises(ValueError, match=message):
        alphamat.closed_form(image, trimap, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": "small"}, "`epsilon` is 'small'; expected a positive number"),
        ({"radius": 1.5}, "`radius` is 1.5; expected a whole number"),
    ],
)
def test_refuses_parameters_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        alphamat.closed_form(noise(), bands(), **arguments)


def test_refuses_a_system_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 100_000)
    with pytest.raises(MemoryError, match=r"\d+ unknown pixels .* needs about"):
        alphamat.closed_form(noise(), bands())


# ---- the authors' own results


def levin(folder, name):
    """The picture, its scribbles as a trimap, and the authors' alpha."""
    image, scribbled, alpha = (
        np.asarray(Image.open(folder / f"{name}{end}.bmp")) / 255
        for end in ("", "_m", "_res_alpha")
    )
    known = np.abs(image - scribbled).sum(axis=2) > 0.001
    return image, np.where(known, scribbled[..., 0], 0.5), alpha


@pytest.mark.parametrize("name", ["dandelion_clipped", "kid1", "teddy_ear"])
@pytest.mark.parametrize(("confidence", "tolerance"), [(100, 0.003), (None, 0.006)])
def test_agrees_with_the_authors_matlab(shared, name, confidence, tolerance):
    image, trimap, expected = levin(shared / "closed_form_matlab" / "levin_exact", name)
    alpha = alphamat.closed_form(image, trimap, confidence=confidence)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=tolerance)


def test_agrees_with_the_matlab_alpha_of_the_dandelion(shared):
    folder = shared / "closed_form_matlab" / "marco_dandelion"
    image, trimap, expected = (
        np.asarray(Image.open(folder / f"{name}.png")) / 255
        for name in ("source", "trimap", "matlab_alpha")
    )
    alpha = alphamat.closed_form(image, trimap, confidence=100)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=0.003)


def test_agrees_with_pymatting(shared):
    pymatting = pytest.importorskip("pymatting")
    image = np.asarray(Image.open(shared / "lemur" / "lemur.png").convert("RGB")) / 255
    trimap = np.asarray(Image.open(shared / "lemur" / "lemur_trimap.png").convert("L")) / 255
    expected = pymatting.estimate_alpha_cf(image, trimap, cg_kwargs={"rtol": 1e-9})
    np.testing.assert_allclose(alphamat.closed_form(image, trimap), expected, rtol=0, atol=2e-4)


def test_refuses_the_halo_of_one_unknown_pixel_if_no_memory_holds_it(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 2.0**30)
    trimap = np.zeros((141, 143))
    trimap[70:] = 1
    trimap[70, 70] = 0.5
    image = np.zeros((141, 143, 3))
    with pytest.raises(MemoryError, match=r"1 unknown pixels at radius 60 needs about"):
        alphamat.closed_form(image, trimap, radius=60)
