"""PyMatting's names on this engine: its conventions, its formulas, its modules, and itself."""

import inspect
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import scipy.sparse.linalg
from scipy.signal import correlate2d
from scipy.spatial.distance import cdist

import alphamat.compat.pymatting as pymatting
from alphamat import closed_form, examples
from tests import reference

ROOT = Path(__file__).parents[3]
METHODS = ["cf", "knn", "lbdm", "lkm", "rw"]
RADIUS = {"lkm": {"radius": 2}}


@pytest.fixture(scope="module")
def scene():
    """A picture of 14 × 17 pixels with an edge and some texture, and its trimap."""
    rng = np.random.default_rng(5)
    y, x = np.mgrid[:14, :17]
    edge = np.clip((x - 8 + y / 4) / 4 + 0.5, 0, 1)[..., None]
    image = edge * [0.8, 0.5, 0.2] + (1 - edge) * [0.1, 0.3, 0.7]
    image = np.clip(image + 0.03 * rng.standard_normal(image.shape), 0, 1)
    trimap = np.full((14, 17), 0.5)
    trimap[:, :4], trimap[:, -4:] = 0.05, 0.95
    return image, trimap


def estimate(name, scene, **options):
    kwargs = {"laplacian_kwargs": RADIUS.get(name, {}), **options}
    return getattr(pymatting, f"estimate_alpha_{name}")(*scene, **kwargs)


def matrix(name, image):
    """Return PyMatting's Laplacian of a picture, (n, n)."""
    found = getattr(pymatting, f"{name}_laplacian")(image, **RADIUS.get(name, {}))
    if name != "lkm":
        return found
    return np.stack([found[0](unit) for unit in np.eye(image[..., 0].size)], axis=1)


def test_closed_form_is_this_librarys(scene):
    image, trimap = scene
    alpha = estimate("cf", scene)
    levels = np.where(trimap == 0.05, 0, np.where(trimap == 0.95, 1, 0.5))
    unknown = trimap == 0.5
    np.testing.assert_allclose(alpha[unknown], closed_form(image, levels)[unknown], atol=1e-4)
    assert (alpha[~unknown] == trimap[~unknown]).all()


@pytest.mark.parametrize("name", METHODS)
def test_alpha_solves_the_equations_as_they_are_written(scene, name):
    image, trimap = scene
    A, b = pymatting.make_linear_system(scipy.sparse.csr_matrix(matrix(name, image)), trimap)
    exact = np.clip(scipy.sparse.linalg.spsolve(A, b), 0, 1).reshape(trimap.shape)
    alpha = estimate(name, scene)
    # The penalty of 100 gives way on known pixels, which are held exactly but in large kernels.
    tolerance = 1e-5 if name == "lkm" else 0.02
    np.testing.assert_allclose(alpha[trimap == 0.5], exact[trimap == 0.5], atol=tolerance)
    assert (alpha.shape, alpha.dtype) == (trimap.shape, np.float64)


@pytest.mark.parametrize("name", [name for name in METHODS if name != "rw"])  # not symmetric
def test_alpha_is_the_same_by_other_solvers(scene, name):
    exactly = {"atol": 1e-12, "rtol": 1e-12}  # `atol` is an option of the written loop
    alpha = estimate(name, scene, cg_kwargs=exactly)
    np.testing.assert_allclose(estimate(name, scene), alpha, atol=0.02)


def test_options_of_the_solver_are_honoured(scene):
    counter = pymatting.CounterCallback()
    alpha = estimate("cf", scene, preconditioner=pymatting.jacobi, cg_kwargs={"callback": counter})
    np.testing.assert_allclose(alpha, estimate("cf", scene), atol=1e-4)
    assert counter.n > 10
    with pytest.raises(ValueError, match="did not converge within 1 iterations"):
        estimate("lkm", scene, cg_kwargs={"maxiter": 1, "atol": 0})
    with (
        pytest.warns(UserWarning, match="stopped after 1 iterations"),
        pytest.raises(ValueError, match="did not converge within 1 iterations"),
    ):
        estimate("cf", scene, cg_kwargs={"maxiter": 1, "rtol": 1e-14})


@pytest.mark.parametrize("name", METHODS)
def test_options_of_laplacians_are_honoured_or_refused(scene, name):
    other = {"knn": {"n_neighbors": [5, 3]}, "rw": {"sigma": 0.2}}.get(name, {"epsilon": 1e-2})
    changed = estimate(name, scene, laplacian_kwargs={**RADIUS.get(name, {}), **other})
    assert np.abs(changed - estimate(name, scene)).max() > 1e-3
    with pytest.raises(TypeError, match=r"`laplacian_kwargs`: .*'epsilom'; expected some of: "):
        estimate(name, scene, laplacian_kwargs={"epsilom": 1e-5})


def test_the_matting_laplacian_is_the_papers(scene):
    image = scene[0]
    np.testing.assert_allclose(
        pymatting.cf_laplacian(image).toarray(),
        reference.matting_laplacian(image, epsilon=1e-7, radius=1),
        atol=1e-7,
    )


def test_rows_of_unknown_pixels_do_not_change_with_what_is_known(scene):
    image, trimap = scene
    known = (trimap != 0.5).ravel()
    rows = pymatting.cf_laplacian(image, is_known=known)[~known]
    difference = rows - pymatting.cf_laplacian(image)[~known]
    assert np.abs(difference).max() < 1e-12


@pytest.mark.parametrize("name", [*METHODS, "uniform"])
def test_constants_are_in_the_null_space(scene, name):
    L = matrix(name, scene[0])
    np.testing.assert_allclose(L @ np.ones(L.shape[1]), 0, atol=2e-8)


def test_the_diagonal_of_large_kernels_is_that_of_their_matrix(scene):
    image = scene[0]
    _, diagonal = pymatting.lkm_laplacian(image, radius=2)
    np.testing.assert_allclose(diagonal, np.diag(matrix("lkm", image)), atol=1e-10)
    closed = pymatting.cf_laplacian(image, radius=2).toarray()
    np.testing.assert_allclose(matrix("lkm", image), closed, atol=1e-6)


def test_neighbours_are_found_by_colour_and_place(scene):
    image = scene[0]
    height, width = image.shape[:2]
    y, x = np.mgrid[: 1 : height * 1j, : 1 : width * 1j]
    W = np.zeros((height * width,) * 2)
    for count, weight in ((6, 2.0), (4, 0.1)):
        points = np.dstack([image, weight * x, weight * y]).reshape(-1, 5)
        for i, row in enumerate(np.argsort(cdist(points, points), axis=1)[:, :count]):
            W[i, row] += 1
    W += W.T
    L = pymatting.knn_laplacian(image, n_neighbors=[6, 4], distance_weights=[2.0, 0.1])
    expected = np.eye(len(W)) - W / W.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(L.toarray(), expected, atol=1e-12)


def test_trimaps_without_both_parts_and_other_sizes_raise_value_errors(scene):
    image, trimap = scene
    for wrong, told in ((np.ones_like(trimap), "background"), (0 * trimap, "foreground")):
        with pytest.raises(ValueError, match=f"did not contain {told} values"):
            pymatting.estimate_alpha_cf(image, wrong)
    with pytest.raises(ValueError, match="same height and width"):
        pymatting.estimate_alpha_cf(image, trimap[1:])
    with (
        pytest.warns(UserWarning, match="Image|image") as told,
        pytest.raises(TypeError, match="`image` has dtype"),
    ):
        pymatting.estimate_alpha_cf((255 * image).astype(np.uint8), trimap)
    assert "image.max() is 2" in str(told[0].message)
    assert told[0].filename == __file__


def test_shared_sampling_takes_what_it_can(scene):
    alpha, foreground, background = pymatting.estimate_alpha_sm(
        np.float32(scene[0]), np.round(2 * scene[1]) / 2, return_foreground_background=True
    )
    assert {alpha.dtype, foreground.dtype, background.dtype} == {np.dtype(np.float32)}
    assert foreground.shape == background.shape == (14, 17, 3)
    with pytest.raises(ValueError, match="`local_smoothing_…` radii"):
        pymatting.estimate_alpha_sm(*scene, local_smoothing_radius2=3)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_foregrounds_have_the_pictures_channels(scene, channels):
    image = np.repeat(scene[0], 2, axis=2)[..., :channels]
    alpha = estimate("cf", scene)
    foreground, background = pymatting.estimate_foreground_ml(image, alpha, return_background=True)
    assert foreground.shape == background.shape == image.shape
    assert foreground.dtype == np.float32
    mixed = pymatting.blend(foreground, background, alpha)
    assert np.abs(mixed - image).mean() < 0.03


def test_the_foreground_that_minimises_the_cost_is_the_same_both_ways(scene):
    image, alpha = scene[0], estimate("cf", scene)
    by_multigrid = pymatting.estimate_foreground_cf(image, alpha)
    as_written = pymatting.estimate_foreground_cf(image, alpha, rtol=1e-9)
    seen = alpha[..., None] * np.abs(by_multigrid - as_written)
    assert seen.max() < 0.03


def test_conjugate_gradients_and_preconditioners_solve(scene):
    image, trimap = scene
    A, b, c = pymatting.make_linear_system(pymatting.cf_laplacian(image), trimap, return_c=True)
    assert (c[trimap.ravel() == 0.5] == 0).all()
    exact, counts = scipy.sparse.linalg.spsolve(A, b), {}
    for name in ("jacobi", "ichol", "vcycle", "none"):
        options = {"shape": trimap.shape} if name == "vcycle" else {}
        M = None if name == "none" else getattr(pymatting, name)(A, **options)
        for again in (False, True):
            counter = pymatting.CounterCallback()
            x = pymatting.cg(A, b, M=M, rtol=1e-10, callback=counter, reorthogonalize=again)
            np.testing.assert_allclose(x, exact, atol=1e-5)
        counts[name] = counter.n
    assert counts["ichol"] < counts["vcycle"] < counts["jacobi"] < counts["none"]
    with pytest.raises(ValueError, match="did not converge within 3 iterations"):
        pymatting.cg(A, b, maxiter=3)


def test_a_complete_factor_solves_exactly():
    rng = np.random.default_rng(4)
    A = rng.random((9, 9))
    A += A.T + 9 * np.eye(9)
    factor = pymatting.ichol(scipy.sparse.csc_matrix(A), discard_threshold=0)
    np.testing.assert_allclose((factor.L @ factor.L.T).toarray(), A, atol=1e-12)
    with pytest.raises(ValueError, match="csc_matrix"):
        pymatting.ichol(A)


@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_box_sums_are_correlations_with_ones(mode):
    image = np.random.default_rng(3).random((9, 11, 2))
    sums = pymatting.boxfilter(image, 2, mode)
    for channel in range(2):
        expected = correlate2d(image[..., channel], np.ones((5, 5)), mode)
        np.testing.assert_allclose(sums[..., channel], expected)


def test_points_find_their_neighbours():
    points = np.random.default_rng(2).random((30, 4), np.float32)
    distances, indices = pymatting.knn(points, points, 3)
    expected = np.sort(cdist(points, points), axis=1)[:, :3]
    np.testing.assert_allclose(distances, expected, atol=1e-6)
    assert (indices[:, 0] == np.arange(30)).all()
    with pytest.raises(ValueError, match="less than the number of neighbors"):
        pymatting.KDTree(points).query(points, 31)


def test_distances_are_to_the_nearest_zero():
    mask = np.ones((4, 5), int)
    assert np.isinf(pymatting.distance_transform(mask)).all()
    mask[1, 2] = 0
    assert pymatting.distance_transform(mask)[3, 4] == np.sqrt(8)


def test_files_keep_their_levels(tmp_path, scene):
    levels = np.round(255 * scene[0]) / 255
    pymatting.save_image(str(tmp_path / "new" / "a.png"), levels + 1e-6)
    np.testing.assert_allclose(pymatting.load_image(tmp_path / "new" / "a.png"), levels, atol=1e-9)
    gray = pymatting.load_image(tmp_path / "new" / "a.png", "gray", 0.5, "bilinear")
    assert gray.shape == (7, 8)


def test_a_picture_is_cut_out_from_files_to_a_file(tmp_path, scene):
    image, trimap, found = (str(tmp_path / f"{name}.png") for name in ("image", "trimap", "out"))
    pymatting.save_image(image, scene[0])
    pymatting.save_image(trimap, pymatting.fix_trimap(scene[1]))
    pymatting.cutout(image, trimap, found)
    alpha = pymatting.load_image(found)[..., 3]
    assert alpha.shape == (14, 17)
    assert alpha[:, :4].max() == 0
    assert alpha[:, -4:].min() == 1


def test_sheets_hold_pictures_of_all_kinds():
    gray, colour, clear = np.ones((2, 3)), np.full((3, 2, 3), 0.5), np.zeros((2, 2, 4))
    sheet = pymatting.make_grid([gray, colour, None, clear])
    assert sheet.shape == (6, 6, 4)
    assert sheet[1, 2].tolist() == [1, 1, 1, 1]
    assert sheet[2, 4].tolist() == [0.5, 0.5, 0.5, 1]
    assert not sheet[3:].any()


def test_two_colours_are_told_apart():
    red, blue = np.array([0.9, 0.1, 0.2]), np.array([0.1, 0.2, 0.9])
    alpha = np.linspace(0.1, 1, 12).reshape(3, 4)
    cut = pymatting.remove_background_bicolor(pymatting.blend(red, blue, alpha), red, blue)
    np.testing.assert_allclose(cut[..., 3], alpha)
    np.testing.assert_allclose(cut[..., :3], np.broadcast_to(red, (3, 4, 3)))


def test_vectors_and_matrices_multiply_along_the_last_axes():
    rng = np.random.default_rng(1)
    a, b, A = rng.random((7, 3)), rng.random((7, 3)), rng.random((7, 2, 3))
    np.testing.assert_allclose(pymatting.vec_vec_dot(a, b), np.einsum("ni,ni->n", a, b))
    np.testing.assert_allclose(pymatting.vec_vec_outer(a, b), np.einsum("ni,nj->nij", a, b))
    np.testing.assert_allclose(pymatting.mat_vec_dot(A, b), np.einsum("nij,nj->ni", A, b))


PROGRAM = """
import alphamat.compat.pymatting
alphamat.compat.pymatting.install()
import pymatting
import pymatting.laplacian.cf_laplacian
from pymatting import *
from pymatting.alpha.estimate_alpha_cf import estimate_alpha_cf as one
from pymatting.foreground.estimate_foreground_ml import estimate_foreground_ml
from pymatting.util.util import stack_images
from pymatting.cutout.cutout import cutout as two
from pymatting.solver.callback import CounterCallback
assert one is estimate_alpha_cf is pymatting.alpha.estimate_alpha_cf
assert two is cutout and pymatting.__version__ == "1.1.16"
alphamat.compat.pymatting.install()
"""


def run(program):
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)


def test_programs_that_import_its_modules_need_no_change():
    done = run(PROGRAM)
    assert done.returncode == 0, done.stderr


def test_another_pymatting_that_is_imported_is_not_replaced():
    program = PROGRAM.replace("\n", "\nimport sys; sys.modules['pymatting'] = sys\n", 1)
    assert "call install() before anything imports it" in run(program).stderr


@pytest.mark.slow
def test_every_name_and_argument_of_pymatting_is_here_and_gives_the_same():
    if find_spec("pymatting") is None:
        pytest.skip("PyMatting is not installed")
    import pymatting as theirs

    names = {n for n in dir(theirs) if callable(getattr(theirs, n)) and n[0] != "_"}
    assert not names - set(pymatting.__all__)
    for name in names:
        ours, other = (getattr(package, name) for package in (pymatting, theirs))
        if inspect.isfunction(other):
            assert [*inspect.signature(ours).parameters] == [*inspect.signature(other).parameters]
    image, trimap = (part / 255 for part in examples.astronaut())
    image, trimap = image[60:160, 120:240], trimap[60:160, 120:240]
    unknown = (trimap > 0.1) & (trimap < 0.9)
    for name, mean in (("cf", 1e-5), ("lbdm", 1e-3), ("knn", 1e-3), ("lkm", 1e-5)):
        found = [
            getattr(package, f"estimate_alpha_{name}")(image, trimap)
            for package in (pymatting, theirs)
        ]
        assert np.abs(found[0] - found[1])[unknown].mean() < mean, name
    alpha = theirs.estimate_alpha_cf(image, trimap)
    for name in ("ml", "cf"):
        layers = [
            getattr(package, f"estimate_foreground_{name}")(image, alpha, return_background=True)
            for package in (pymatting, theirs)
        ]
        seen = np.abs(layers[0][0] - layers[1][0]) * alpha[..., None]
        assert seen.mean() < 2e-3, name
