from functools import partial

import numpy as np
import pytest

import alphamat
from alphamat.laplacians.boxes import ColourLineBoxes
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.laplacians.lattice import Lattice, colour_lattice
from alphamat.methods.fast import (
    adaptive_radii,
    fast,
    fast_system,
    kd_tree_leaves,
    uniform_radii,
)
from alphamat.trimap import as_trimap
from solvers import cg, jacobi
from tests.reference import matting_laplacian, matting_laplacian_of_sizes, pinned_solution

H, W = 23, 31


def noise(seed=7, shape=(H, W)):
    return np.random.default_rng(seed).random((*shape, 3))


def bands(shape=(H, W)):
    """Background on the left, foreground on the right, and between a region with a ragged edge."""
    trimap = np.full(shape, 0.5)
    trimap[:, :4], trimap[:, -5:] = 0, 1
    trimap[shape[0] // 2 :, :7] = 0
    return trimap


def scattered(shape=(H, W), share=0.4):
    unknown = np.random.default_rng(19).random(shape) < share
    unknown[:3] = False
    return unknown


def operator(image, unknown, radius, epsilon=1e-4):
    return ColourLineBoxes.of(image, unknown, uniform_radii(unknown.shape, radius), epsilon=epsilon)


def mixed_radii(shape=(H, W)):
    """Radii 1, 2 and 4 side by side, each as large as the border allows, with a gap."""
    y, x = (np.minimum(np.arange(n), np.arange(n)[::-1]) for n in shape)
    room = np.minimum(y[:, None], x)
    wanted = np.repeat([4, 1, 2], [shape[1] // 3, 4, shape[1] - shape[1] // 3 - 4])
    radii = np.where(room >= wanted, wanted, np.minimum(room, 1))
    radii[4, 5:9] = 0
    return radii


def dense(A):
    return np.stack([A @ column for column in np.eye(A.shape[0])], axis=1)


# ---- the formula


@pytest.mark.parametrize("epsilon", [1e-7, 1e-3])
@pytest.mark.parametrize("unknown", [bands() == 0.5, scattered()])
def test_at_radius_1_it_is_the_matrix_of_closed_form_matting(unknown, epsilon):
    image = noise()
    A = operator(image, unknown, 1, epsilon)
    L = colour_line_laplacian(image, unknown, epsilon=epsilon, radius=1)
    x, field = np.random.default_rng(2).standard_normal(A.shape[0]), noise()[..., 0]
    np.testing.assert_allclose(A @ x, L @ x, rtol=0, atol=1e-10)
    np.testing.assert_allclose(A.couple(field), L.couple(field), rtol=0, atol=1e-10)
    np.testing.assert_allclose(A.diagonal(), L.diagonal(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("radius", [1, 2, 5, 11])
def test_rows_are_the_papers_formula(radius):
    image, unknown = noise(), scattered()
    L = matting_laplacian(image, epsilon=1e-5, radius=radius)[unknown.ravel()]
    A = operator(image, unknown, radius, 1e-5)
    field = noise(8)[..., 0]
    np.testing.assert_allclose(dense(A), L[:, unknown.ravel()], rtol=0, atol=1e-10)
    np.testing.assert_allclose(A.diagonal(), np.diag(dense(A)), rtol=0, atol=1e-10)
    np.testing.assert_allclose(A.couple(field), L @ field.ravel(), rtol=0, atol=1e-10)


def test_windows_of_several_sizes_make_up_one_laplacian():
    image, unknown, radii = noise(), scattered(), mixed_radii()
    L = matting_laplacian_of_sizes(image, radii, epsilon=1e-5)[unknown.ravel()]
    A = ColourLineBoxes.of(image, unknown, radii, epsilon=1e-5)
    assert len(A.boxes) == 3
    field = noise(8)[..., 0]
    np.testing.assert_allclose(dense(A), L[:, unknown.ravel()], rtol=0, atol=1e-10)
    np.testing.assert_allclose(A.diagonal(), np.diag(dense(A)), rtol=0, atol=1e-10)
    np.testing.assert_allclose(A.couple(field), L @ field.ravel(), rtol=0, atol=1e-10)


def test_threads_share_the_rows(monkeypatch):
    image = noise(shape=(90, 300))
    unknown = scattered((90, 300), 0.6)
    whole = operator(image, unknown, 3)
    x = np.random.default_rng(2).standard_normal(whole.shape[0])
    expected = whole @ x
    monkeypatch.setattr("solvers.loops.threads", lambda work: 3)
    shared = operator(image, unknown, 3)
    np.testing.assert_allclose(shared @ x, expected, rtol=0, atol=1e-10)
    np.testing.assert_allclose(shared.diagonal(), whole.diagonal(), rtol=0, atol=1e-10)


@pytest.mark.parametrize("radii", [uniform_radii((H, W), 3), mixed_radii()])
def test_array_expressions_and_compiled_loops_agree(radii):
    A = ColourLineBoxes.of(noise(), scattered(), radii, epsilon=1e-5)
    x = np.random.default_rng(2).standard_normal(A.shape[0])
    np.testing.assert_allclose(A.by_expressions(x), A @ x, rtol=0, atol=1e-10)


def test_jax_compiles_it_and_single_precision_is_safe():
    jax = pytest.importorskip("jax")
    A = ColourLineBoxes.of(noise(), scattered(), mixed_radii(), epsilon=1e-4)
    x = np.random.default_rng(2).standard_normal(A.shape[0])
    fields = list(A.__dataclass_fields__)
    jax.tree_util.register_dataclass(ColourLineBoxes, data_fields=fields, meta_fields=[])
    compiled = jax.jit(lambda A, x: A @ x)
    expected = A @ x
    result = compiled(jax.tree.map(jax.numpy.asarray, A), jax.numpy.asarray(x))
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=0, atol=2e-4 * np.abs(expected).max())


def test_jax_solves_it():
    pytest.importorskip("jax")
    from solvers import jax

    image, trimap = noise(), bands()
    alpha = fast(image, trimap, epsilon=1e-3, radius=4)
    other = fast(image, trimap, epsilon=1e-3, radius=4, solver=jax.cg)
    np.testing.assert_allclose(other, alpha, rtol=0, atol=1e-5)


@pytest.mark.parametrize("radius", [2, 6])
def test_alpha_is_the_minimum_of_the_papers_quadratic_form(radius):
    image, trimap = noise(), bands()
    L = matting_laplacian(image, epsilon=1e-5, radius=radius)
    alpha = fast(image, trimap, epsilon=1e-5, radius=radius)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap), rtol=0, atol=1e-5)


def test_adaptive_alpha_is_the_minimum_of_its_quadratic_form():
    image, trimap = noise(shape=(20, 90)), bands((20, 90))
    radii = adaptive_radii(as_trimap(trimap))
    assert radii.max() == 2
    L = matting_laplacian_of_sizes(image, radii, epsilon=1e-4)
    alpha = fast(image, trimap, epsilon=1e-4)
    np.testing.assert_allclose(alpha, pinned_solution(L, trimap), rtol=0, atol=1e-5)


def test_confidence_is_lambda():
    image, trimap = noise(), bands()
    L = matting_laplacian(image, epsilon=1e-4, radius=4)
    D = np.diag(100.0 * (trimap != 0.5).ravel())
    expected = np.linalg.solve(L + D, D @ trimap.ravel()).reshape(H, W)
    alpha = fast(image, trimap, epsilon=1e-4, radius=4, confidence=100)
    np.testing.assert_allclose(alpha, np.clip(expected, 0, 1), rtol=0, atol=1e-5)


def test_shifted_adds_to_the_diagonal():
    A = operator(noise(), scattered(), 4)
    x, shift = np.random.default_rng(2).random((2, A.shape[0]))
    shifted = A.shifted(shift)
    np.testing.assert_allclose(shifted @ x, A @ x + shift * x, rtol=0, atol=1e-12)
    np.testing.assert_allclose(shifted.diagonal(), A.diagonal() + shift, rtol=0, atol=1e-12)


# ---- properties


@pytest.mark.parametrize("radii", [uniform_radii((13, 16), 4), mixed_radii((13, 16))])
def test_is_symmetric_and_blind_to_constants(radii):
    everything = np.ones(radii.shape, bool)
    A = ColourLineBoxes.of(noise(shape=radii.shape), everything, radii, epsilon=1e-5)
    matrix = dense(A)
    np.testing.assert_allclose(matrix, matrix.T, rtol=0, atol=1e-10)
    np.testing.assert_allclose(A @ np.ones(radii.size), 0, atol=1e-10)
    assert np.linalg.eigvalsh(matrix).min() > -1e-10


def test_is_blind_to_alphas_affine_in_colour():
    image = noise()
    A = operator(image, np.ones((H, W), bool), 5, epsilon=1e-9)
    alpha = image @ [0.3, -0.8, 0.5] + 0.2
    np.testing.assert_allclose(A @ alpha.ravel(), 0, atol=1e-6)


@pytest.mark.parametrize("flat", [0.0, 0.3, 1.0])
def test_flat_colours_are_averaged(flat):
    """Where a window has one colour, what it fits is the mean."""
    image = np.full((H, W, 3), flat)
    A = operator(image, np.ones((H, W), bool), 3, epsilon=1e-7)
    x = np.random.default_rng(2).standard_normal(H * W)
    means = np.lib.stride_tricks.sliding_window_view(x.reshape(H, W), (7, 7)).mean(axis=(2, 3))
    fits = np.pad(means, 6)
    fits = np.lib.stride_tricks.sliding_window_view(fits, (7, 7)).sum(axis=(2, 3))
    np.testing.assert_allclose(A @ x, A.degree * x - fits.ravel(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("radius", [None, 4])
def test_exchanging_foreground_and_background_inverts_alpha(radius):
    image, trimap = noise(), bands()
    alpha = fast(image, trimap, radius=radius)
    np.testing.assert_allclose(fast(image, 1 - trimap, radius=radius), 1 - alpha, rtol=0, atol=1e-4)


@pytest.mark.parametrize("mirror", [np.flipud, np.fliplr, lambda a: np.swapaxes(a, 0, 1)])
def test_mirroring_the_picture_mirrors_alpha(mirror):
    image, trimap = noise(), bands()
    alpha = fast(image, trimap, radius=4)
    mirrored = fast(mirror(image), mirror(trimap), radius=4)
    np.testing.assert_allclose(mirrored, mirror(alpha), rtol=0, atol=1e-4)


@pytest.mark.parametrize("radius", [None, 1, 7])
def test_recovers_an_alpha_that_is_affine_in_colour(radius):
    truth = np.random.default_rng(3).random((H, W)).round(3)
    truth[:, :4], truth[:, -5:] = 0, 1
    image = truth[..., None] * [0.9, 0.6, 0.2] + (1 - truth[..., None]) * [0.1, 0.3, 0.8]
    trimap = np.where((truth == 0) | (truth == 1), truth, 0.5)
    np.testing.assert_allclose(fast(image, trimap, radius=radius), truth, rtol=0, atol=1e-4)


@pytest.mark.parametrize("radius", [None, 5])
def test_known_pixels_are_exactly_known_and_all_lies_in_the_unit_interval(radius):
    trimap = bands()
    alpha = fast(noise(), trimap, radius=radius)
    assert alpha.dtype == np.float64
    assert np.array_equal(alpha[trimap != 0.5], trimap[trimap != 0.5])
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_a_trimap_without_unknown_pixels_is_its_own_alpha():
    trimap = np.zeros((H, W))
    trimap[5:9, 6:20] = 1
    assert np.array_equal(fast(noise(), trimap), trimap)
    assert np.array_equal(fast(noise(), trimap, radius=3), trimap)


# ---- degenerate pictures


def all_but_two(shape):
    trimap = np.full(shape, 0.5)
    trimap[2, 3], trimap[-3, -4] = 1, 0
    return trimap


def one_unknown(shape):
    trimap = np.zeros(shape)
    trimap[:, shape[1] // 2 :] = 1
    trimap[0, 0] = 0.5
    return trimap


def disc(inside, outside):
    y, x = np.mgrid[:H, :W]
    within = (y - H / 2) ** 2 + (x - W / 2) ** 2 < (H / 3) ** 2
    return np.where(within[..., None], inside, outside)


PICTURES = {
    "constant": np.full((H, W, 3), 0.4),
    "black": np.zeros((H, W, 3)),
    "middle gray": np.full((H, W, 3), 0.5),
    "two flat colours": disc([0.9, 0.5, 0.1], [0.1, 0.2, 0.6]),
    "two flat grays": disc([0.8] * 3, [0.2] * 3),
    "gray ramp": np.linspace(0, 1, W)[None, :, None] * np.ones((H, 1, 3)),
}


@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize("trimap", [bands, all_but_two, one_unknown])
@pytest.mark.parametrize("radius", [None, 3])
def test_degenerate_pictures_get_the_right_alpha(picture, trimap, radius):
    image, trimap = PICTURES[picture], trimap((H, W))
    radii = uniform_radii((H, W), 3) if radius else adaptive_radii(as_trimap(trimap))
    expected = pinned_solution(matting_laplacian_of_sizes(image, radii, epsilon=1e-6), trimap)
    alpha = fast(image, trimap, radius=radius, epsilon=1e-6)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-4)


# ---- the lattice


def functions(A, lattice):
    """The lattice's functions, one in each column."""
    unit = np.eye(4 * np.count_nonzero(lattice.used))
    return np.stack([lattice.prolong(lattice.placed(e)) for e in unit], axis=1)


@pytest.mark.parametrize("spacing", [6, 9])
def test_the_lattice_is_projected_by_galerkin(spacing):
    image, unknown = noise(shape=(41, 53)), scattered((41, 53))
    A = operator(image, unknown, 3)
    lattice = Lattice.of(A, spacing)
    P, x = functions(A, lattice), np.random.default_rng(2).random(A.shape[0])
    np.testing.assert_allclose(lattice.restrict(x)[lattice.used].ravel(), P.T @ x, atol=1e-12)
    expected = P.T @ np.stack([A @ column for column in P.T], axis=1)
    np.testing.assert_allclose(lattice.galerkin(A).toarray(), expected, rtol=0, atol=1e-10)


def test_the_lattice_holds_functions_affine_in_place_and_colour():
    image, unknown = noise(), scattered()
    lattice = Lattice.of(operator(image, unknown, 3), 7)
    rows, columns = lattice.used.shape
    nodes = np.zeros((rows, columns, 4))
    nodes[..., 0], nodes[..., 2] = 0.3, 7 * np.arange(columns)
    nodes[..., 3] = 7 * np.arange(rows)[:, None]
    y, x = np.nonzero(unknown)
    green, blue = image[unknown][:, 1] - 0.5, image[unknown][:, 2] - 0.5
    np.testing.assert_allclose(lattice.prolong(nodes), 0.3 + x * green + y * blue, atol=1e-12)


@pytest.mark.parametrize("radius", [None, 4])
@pytest.mark.parametrize("confidence", [None, 100])
def test_the_answer_does_not_depend_on_the_preconditioner(radius, confidence):
    image, trimap = 0.5 + 0.1 * noise(), bands()
    solve = partial(fast, image, trimap, radius=radius, epsilon=1e-3, confidence=confidence)
    alpha = solve()
    for preconditioner in (jacobi, partial(colour_lattice, spacing=11)):
        other = solve(solver=partial(cg, preconditioner=preconditioner, rtol=1e-10))
        np.testing.assert_allclose(other, alpha, rtol=0, atol=1e-5)


def test_the_lattice_saves_iterations():
    A = operator(0.5 + 0.1 * noise(shape=(60, 200)), bands((60, 200)) == 0.5, 3, 1e-6)
    b = -A.couple(bands((60, 200)) == 1)
    assert 5 * cg(A, b, preconditioner=colour_lattice).iterations < cg(A, b).iterations


def test_the_lattice_refuses_what_it_cannot_project():
    A = operator(noise(), scattered(), 5)
    with pytest.raises(ValueError, match="`spacing` is 9; expected at least 10"):
        colour_lattice(A, spacing=9)
    with pytest.raises(TypeError, match="`A` is a ndarray; colour_lattice needs ColourLineBoxes"):
        colour_lattice(np.eye(3))


# ---- the KD-tree


def blob(shape=(150, 190)):
    """A disc of foreground off the centre, with an unknown ring that is wider on one side."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    trimap = np.where((y - 70) ** 2 + (x - 80) ** 2 < 55**2, 0.5, 0.0)
    trimap[(y - 70) ** 2 + (x - 60) ** 2 < 25**2] = 1
    return as_trimap(trimap)


def test_leaves_hold_every_unknown_pixel_once():
    trimap, times = blob(), np.zeros((150, 190), int)
    for leaf in kd_tree_leaves(trimap, 30):
        times[leaf] += 1
        assert trimap.unknown[leaf].any()
    assert times.max() == 1
    assert times[trimap.unknown].all()


def test_areas_are_cut_at_the_mean_place_of_their_unknown_pixels():
    trimap = np.zeros((60, 100))
    trimap[:, 10:81], trimap[30] = 0.5, 1
    leaves = list(kd_tree_leaves(as_trimap(trimap), 60))
    assert leaves == [(slice(0, 60), slice(0, 45)), (slice(0, 60), slice(45, 100))]


def test_an_area_is_not_cut_into_halves_of_one_kind_each():
    trimap = np.full((70, 200), 0.5)
    trimap[:, :60], trimap[:, -60:] = 0, 1
    assert list(kd_tree_leaves(as_trimap(trimap), 30)) == [(slice(0, 70), slice(0, 200))]
    trimap[0, :60] = 1
    assert len(list(kd_tree_leaves(as_trimap(trimap), 30))) > 1


def test_windows_are_wider_where_the_unknown_region_is():
    y, x = np.mgrid[:160, :400]
    width = np.where(x < 200, 10, 60)
    trimap = np.select([y < 80 - width, y > 80 + width], [0.0, 1.0], 0.5)
    radii = adaptive_radii(as_trimap(trimap), smallest=30)
    assert radii[80, 30] == 1
    assert radii[80, 350] == 4


@pytest.mark.parametrize("shape", [(3, 3), (3, 40), (150, 190)])
def test_each_pixel_lies_in_a_window_and_each_window_in_the_picture(shape):
    trimap = np.full(shape, 0.5)
    trimap[0, 0], trimap[-1, -1] = 0, 1
    radii = adaptive_radii(as_trimap(trimap), share=0.5)
    covered = np.zeros(shape, bool)
    for (y, x), r in np.ndenumerate(radii):
        if r:
            assert min(y, x, shape[0] - 1 - y, shape[1] - 1 - x) >= r
            covered[y - r : y + r + 1, x - r : x + r + 1] = True
    assert covered.all()


# ---- refusals


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image": np.zeros((1, 50, 3))}, r"`image` is 1 × 50 .* smaller than one window of 3 × 3"),
        ({"image": np.zeros((H, 2, 3))}, r"`image` is 23 × 2"),
        ({"epsilon": 0}, "`epsilon` is 0"),
        ({"radius": 0}, "`radius` is 0"),
        ({"radius": 12}, "smaller than one window of 25 × 25"),
        ({"confidence": 0}, "`confidence` is 0"),
        ({"trimap": np.zeros((H, W + 1))}, r"`trimap` is 23 × 32 and the image is 23 × 31"),
        ({"image": np.full((H, W, 3), np.nan)}, "`image` contains NaN"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(arguments, message):
    image = arguments.pop("image", noise())
    trimap = arguments.pop("trimap", None)
    if trimap is None:
        trimap = np.full(image.shape[:2], 0.5)
        trimap[0, 0], trimap[-1, -1] = 0, 1
    with pytest.raises(ValueError, match=message):
        fast(image, trimap, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"epsilon": "small"}, "`epsilon` is 'small'; expected a positive number"),
        ({"radius": 1.5}, "`radius` is 1.5; expected a whole number"),
        ({"solver": "cg"}, "`solver` is 'cg'; expected a function"),
    ],
)
def test_refuses_parameters_of_another_type(arguments, message):
    with pytest.raises(TypeError, match=message):
        fast(noise(), bands(), **arguments)


def test_refuses_a_system_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"\d+ unknown pixels .* needs about"):
        fast(noise(), bands())


def test_an_unconverged_solve_returns_its_best_and_warns_at_the_users_line():
    solver = partial(cg, preconditioner=jacobi, maxiter=2)
    with pytest.warns(alphamat.ConvergenceWarning, match="after 2 iterations") as caught:
        alpha = fast(noise(), bands(), solver=solver)
    assert caught[0].filename == __file__
    # clipped; it is 0.34, and that of the start is 1
    assert 1e-7 < fast_system(noise(), bands()).residual(alpha) < 0.5


def test_agrees_with_pymatting():
    pymatting = pytest.importorskip("pymatting")
    image, trimap = noise(), bands()
    expected = pymatting.estimate_alpha_lkm(
        image, trimap, laplacian_kwargs={"radius": 5, "epsilon": 1e-4}, cg_kwargs={"rtol": 1e-10}
    )
    alpha = fast(image, trimap, radius=5, epsilon=1e-4, confidence=100)
    np.testing.assert_allclose(alpha, expected, rtol=0, atol=1e-6)
