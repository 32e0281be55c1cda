"""Parts that hang on the rest weakly: found, held together, and corrected as wholes."""

import numpy as np
import pytest
from scipy import sparse

from solvers import StencilMatrix, cg, direct, multigrid
from solvers.cg import SmallestRitz
from solvers.grid import Region, offsets
from solvers.parts import Parts, parts_of
from tests.reference import grid_laplacian

H, W = 11, 14


def two_islands(weak):
    """A grid whose columns 3 to 5 and 9 to 11 hang on the others by couplings of `weak`.

    The first and the last column hang on given values.
    """
    right, down = np.ones((H, W - 1)), np.ones((H - 1, W))
    right[:, [2, 5, 8, 11]] = weak
    A = grid_laplacian(right, down)
    ends = np.zeros((H, W))
    ends[:, [0, -1]] = 1
    return A + np.diag(ends.ravel())


def stencil(dense):
    """The same matrix as a stencil."""
    region = Region.of(np.ones((H, W), bool), 1)
    planes = np.zeros((len(offsets(1)), region.stored_size))
    cells = dense.reshape(H, W, H, W)
    for plane, (dy, dx) in zip(planes, offsets(1), strict=True):
        field = np.zeros((H, W))
        for y in range(H - dy):
            for x in range(max(0, -dx), W - max(0, dx)):
                field[y, x] = cells[y, x, y + dy, x + dx]
        plane[:] = region.store(field)
    return StencilMatrix(region, planes)


FORMS = {"rows": sparse.csr_array, "stencil": stencil}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_columns_that_hang_on_weak_couplings_are_parts(form):
    dense = two_islands(1e-8)
    parts = parts_of(form(dense))
    assert parts is not None
    P = parts.functions.toarray()
    assert (P != 0).sum(axis=0).tolist() == [3 * H] * 3  # and the middle
    where = P.reshape(H, W, 3).any(axis=(0, 2))
    assert np.flatnonzero(where).tolist() == list(range(3, 12))
    np.testing.assert_allclose(parts.energies.toarray(), P.T @ dense @ P, rtol=1e-6, atol=1e-20)
    assert not parts.loose.any()


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_grid_that_hangs_together_has_none(form):
    assert parts_of(form(two_islands(0.1))) is None


def test_the_correction_is_exact_on_what_moves_the_parts():
    A = sparse.csr_array(two_islands(1e-8))
    parts = parts_of(A)
    x = parts.functions @ np.array([1.0, -2.0, 3.0])
    np.testing.assert_allclose(parts.correct(A @ x), x, rtol=1e-6)


def test_what_holds_a_part_is_about_the_smallest_eigenvalue():
    dense = two_islands(1e-8)
    d = np.sqrt(np.diag(dense))
    smallest = np.linalg.eigvalsh(dense / np.outer(d, d))[0]
    assert 1 < parts_of(sparse.csr_array(dense)).hold.min() / smallest < 10


def test_parts_that_only_rounding_holds_are_loose_and_no_solver_claims_them():
    A = sparse.csr_array(two_islands(1e-15))
    loose = parts_of(A).loose.reshape(H, W)
    assert np.flatnonzero(loose.all(axis=0)).tolist() == list(range(3, 12))
    at_the_end = np.zeros((H, W))
    at_the_end[:, -1] = 1  # and nothing that would show the parts
    for b in (at_the_end.ravel(), np.random.default_rng(5).random(H * W)):
        assert not cg(A, b).converged
        assert not direct(A, b).converged


def test_the_correction_spares_iterations():
    class Products:
        """The matrix, without its entries."""

        def __init__(self, A):
            self.A, self.shape, self.diagonal = A, A.shape, A.diagonal

        def __matmul__(self, x):
            return self.A @ x

    A, b = sparse.csr_array(two_islands(1e-8)), np.eye(H * W)[3]
    assert cg(A, b).iterations < 0.6 * cg(Products(A), b, rtol=1e-11).iterations


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("preconditioner", [None, multigrid], ids=["jacobi", "multigrid"])
def test_weak_parts_are_right_though_the_residual_hardly_shows_them(form, preconditioner):
    if preconditioner is multigrid and form is not stencil:
        pytest.skip("multigrid takes stencils")
    dense = two_islands(1e-8)
    b = np.zeros((H, W))
    b[:, -1] = 1  # given values: 0 on the left, 1 on the right
    exact = np.linalg.solve(dense, b.ravel())
    options = {} if preconditioner is None else {"preconditioner": preconditioner}
    solution = cg(form(dense), b.ravel(), **options)
    assert solution.converged
    assert np.abs(solution.x - exact).max() < 5e-4
    moved = exact.reshape(H, W).copy()
    moved[:, 3:6] += 0.2
    hidden = np.linalg.norm(b.ravel() - dense @ moved.ravel()) / np.linalg.norm(b)
    assert hidden < 1e-7  # the residual alone would have been content with this


@pytest.mark.parametrize("seed", range(4))
def test_the_estimate_is_near_the_error(seed):
    rng = np.random.default_rng(seed)
    right, down = rng.uniform(size=(H, W - 1)), rng.uniform(size=(H - 1, W))
    dense = grid_laplacian(right, down) + 0.01 * np.eye(H * W)
    b = rng.standard_normal(H * W)
    exact = np.linalg.solve(dense, b)
    for rtol in (1e-2, 1e-4, 1e-6):
        solution = cg(sparse.csr_array(dense), b, rtol=rtol, xtol=1.0)
        error = np.abs(solution.x - exact).max()
        assert 0.1 < solution.error / error < 100
    solution = direct(sparse.csr_array(dense), b)
    assert solution.error < 1e-12


def test_a_tolerance_of_the_error_is_met_where_that_of_the_residual_says_nothing():
    A, b = sparse.csr_array(two_islands(1e-2)), np.random.default_rng(3).random(H * W)
    exact = np.linalg.solve(A.toarray(), b)
    solution = cg(A, b, rtol=0.9, xtol=1e-6)
    assert solution.converged
    assert np.abs(solution.x - exact).max() < 1e-5 * np.abs(exact).max()


def test_the_smallest_ritz_value_is_estimated_from_the_steps():
    rng = np.random.default_rng(11)
    lengths, ratios = rng.uniform(0.5, 2, 30), rng.uniform(0.1, 1, 30)
    ritz = SmallestRitz()
    for k, (length, ratio) in enumerate(zip(lengths, ratios, strict=True)):
        found = ritz.add(length, ratio if k else 0.0)
        R = np.diag(1 / np.sqrt(lengths[: k + 1]))
        R += np.diag(np.sqrt(ratios[1 : k + 1] / lengths[:k]), 1)
        exact = np.linalg.eigvalsh(R.T @ R)[0]
        assert exact * (1 - 1e-9) <= found < 3 * exact


def test_parts_that_hold_each_other_alone_are_no_crash():
    right, down = np.ones((H, W - 1)), np.ones((H - 1, W))
    right[:, 6] = 2.0**-40  # and nothing is given
    solution = cg(sparse.csr_array(grid_laplacian(right, down)), np.eye(H * W)[3], maxiter=200)
    assert not solution.converged


def test_what_rounding_allows_is_enough_where_more_was_wanted():
    A = sparse.csr_array(two_islands(1e-8))
    solution = cg(A, np.eye(H * W)[3])
    assert 1e-11 < solution.residual < 1e-7
    assert solution.converged


def with_functions(values):
    """A stencil that hangs together, with one function that it nearly annihilates."""
    A = stencil(two_islands(1.0))
    return StencilMatrix(A.region, A.planes, A.region.store(values)[None].astype(np.float32))


def test_few_values_of_the_functions_leave_other_parts_possible():
    many = np.arange(1.0, 1 + H * W).reshape(H, W)
    assert parts_of(with_functions(many)) is None
    few = parts_of(with_functions(many // 40))
    assert few is not None
    assert few.others
    assert not few.functions.shape[1]


@pytest.mark.parametrize("solver", ["solvers.cg", "solvers.jax"])
def test_a_part_that_no_residual_shows_is_found_by_noise(monkeypatch, solver):
    tiny = 1e-16  # what couples the islands to the rest: beside b's residual it is nothing
    A = stencil(two_islands(tiny))
    b = A @ np.ones(A.shape[0])
    unseen = Parts(sparse.csr_array((b.size, 0)), None, np.empty(0), np.zeros(b.size, bool), True)
    monkeypatch.setattr(type(A), "weak_parts", unseen)
    found = pytest.importorskip(solver, exc_type=ImportError).cg(A, b)
    assert not found.converged
    assert found.error > 0.1
