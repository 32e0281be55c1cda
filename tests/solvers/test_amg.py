"""Multigrid by aggregation against its dense definition, and as a preconditioner."""

from importlib import import_module
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from solvers import amg, cg, direct, ichol, jacobi, loops
from solvers.amg import Couplings, Hierarchy, coarsen, project
from tests.reference import aggregation_cycle, grid_laplacian

module = import_module("solvers.amg")  # solvers.amg is the function


def laplacian(i, j, w, shift):
    """D - W of edges i, j with weights w, plus diag(shift)."""
    n = len(shift)
    W = sparse.coo_array((w, (i, j)), shape=(n, n))
    W = (W + W.T).tocsr()
    return (sparse.diags_array(W.sum(axis=1) + shift) - W).tocsr()


def grid(right, down, shift):
    """The Laplacian of a grid whose edges have these weights, shifted."""
    index = np.arange(shift.size).reshape(shift.shape)
    i = np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()])
    j = np.concatenate([index[:, 1:].ravel(), index[1:].ravel()])
    return laplacian(i, j, np.concatenate([right.ravel(), down.ravel()]), shift.ravel())


def noise(height, width, decades=0, seed=5):
    """Weights over so many decades, without any order; two edges of the grid are held at zero."""
    right, down = 10 ** -np.random.default_rng(seed).uniform(0, decades, (2, height, width))
    shift = np.zeros((height, width))
    shift[0], shift[:, -1] = 1, 1
    return grid(right[:, 1:], down[1:], shift)


def patches(height, width, seed=7):
    """Flat patches: weights of 1 within, 1e-10 to 1e-6 between; two edges are held at zero."""
    rng = np.random.default_rng(seed)
    patch = rng.integers(0, 3, (height // 4 + 1, width // 4 + 1)).repeat(4, 0).repeat(4, 1)
    patch = patch[:height, :width] + 3 * (rng.random((height, width)) < 0.05)
    right, down = 10 ** -rng.uniform(6, 10, (2, height, width))
    right[:, 1:][patch[:, 1:] == patch[:, :-1]] = 1
    down[1:][patch[1:] == patch[:-1]] = 1
    shift = np.zeros((height, width))
    shift[0], shift[-1] = 1e-3, 1e-9
    return grid(right[:, 1:], down[1:], shift)


def far_neighbours(n, k=20, seed=3):
    """A graph without any order: each unknown is tied to k others that are near in 3-space."""
    points = np.random.default_rng(seed).random((n, 3))
    distance = ((points[:, None] - points) ** 2).sum(axis=-1)
    j = np.argsort(distance, axis=1)[:, 1 : k + 1]
    return laplacian(
        np.repeat(np.arange(n), k), j.ravel(), np.ones(n * k), 1.0 * (points[:, 0] < 0.05)
    )


def mixed(n=120, seed=2):
    """Positive definite, with entries of both signs everywhere."""
    rng = np.random.default_rng(seed)
    F = np.where(rng.random((n, n)) < 0.05, rng.standard_normal((n, n)), 0)
    return sparse.csr_array(F @ F.T + 1e-3 * np.eye(n))


def as_matrix(preconditioner, n):
    return np.stack([preconditioner(column) for column in np.eye(n)], axis=1)


def groups_of(hierarchy):
    bounds = hierarchy.bounds
    whole = [hierarchy.group[a:b] for a, b in pairwise(bounds[:-1])]
    return [np.where(g < 0, -1, g - b) for g, b in zip(whole, bounds[1:-1], strict=True)]


SYSTEMS = {
    "even grid": noise(9, 13),
    "ten decades": noise(11, 14, decades=10),
    "patches": patches(13, 17),
    "far neighbours": far_neighbours(150),
    "mixed signs": mixed(),
}


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 7)


def test_coarse_matrices_are_galerkin_projections():
    A = SYSTEMS["ten decades"]
    group = np.random.default_rng(1).integers(-1, 40, A.shape[0], dtype=np.int32)
    P = (group[:, None] == np.arange(40)).astype(float)
    coarse = project(Couplings.of(A), group)
    columns, w = coarse.columns, -coarse.w
    actual = sparse.csr_array((w, columns, coarse.ptr), (40, 40)).toarray()
    actual += np.diag(coarse.diagonal())
    np.testing.assert_allclose(actual, P.T @ A @ P, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(coarse.excess, (P.T @ A @ P).sum(axis=1), atol=1e-14)


@pytest.mark.parametrize("block", [7, 10_000])
@pytest.mark.parametrize("system", ["even grid", "far neighbours", "mixed signs"])
def test_is_the_cycle_that_the_books_define(system, block, monkeypatch):
    monkeypatch.setattr(module, "BLOCK", block)
    A = SYSTEMS[system]
    M = amg(A, bound=7, overcorrection=1.3)
    expected = aggregation_cycle(A.toarray(), groups_of(M), list(M.visits), list(M.factors), block)
    np.testing.assert_allclose(
        as_matrix(M, A.shape[0]), expected, rtol=0, atol=1e-9 * expected.max()
    )


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("overcorrection", [1, 1.9])
@pytest.mark.parametrize("system", SYSTEMS)
def test_is_symmetric_and_positive_definite(system, overcorrection):
    A = SYSTEMS[system]
    B = as_matrix(amg(A, overcorrection=overcorrection), A.shape[0])
    # In the coordinates where B should be near the identity, rounding cannot hide a sign.
    C = np.linalg.cholesky(A.toarray())
    near = C.T @ B @ C
    np.testing.assert_allclose(near, near.T, rtol=0, atol=1e-4)
    eigenvalues = np.linalg.eigvalsh((near + near.T) / 2)
    assert eigenvalues[0] > (1e-4 if system == "mixed signs" else 0.1)
    assert eigenvalues[-1] < max(1, overcorrection) + 1e-4


def test_levels_that_shrink_slowly_are_visited_once_and_not_overcorrected():
    n = 160
    A = laplacian(np.arange(n - 1), np.arange(1, n), np.ones(n - 1), np.eye(n)[0])
    levels, groups = [Couplings.of(A)], []
    for together in (4, 2, 2, 2):
        groups.append((np.arange(levels[-1].size) // together).astype(np.int32))
        levels.append(project(levels[-1], groups[-1]))
    M = Hierarchy.of(levels, groups, 1.9)
    assert list(M.visits) == [2, 1, 1, 1, 0]
    assert list(M.factors) == [1.9, 1, 1, 1, 1]
    assert np.linalg.eigvalsh(as_matrix(M, n))[0] > 0


@pytest.mark.parametrize("decades", [0, 3])
def test_iterations_hardly_grow_with_the_grid(decades):
    counts = []
    for side in (16, 32, 64, 128):
        A = noise(side, side, decades)
        x = np.random.default_rng(4).random(A.shape[0])
        solution = cg(A, A @ x, preconditioner=amg)
        assert solution.converged
        counts.append(solution.iterations)
    assert counts[-1] <= counts[0] + 4
    assert max(counts) <= 16


def test_ten_decades_are_solved_to_the_last_patch():
    """The residual says nothing here: what binds the patches is 1e-10 of it. The error does."""
    A = patches(150, 170)
    b = np.zeros((150, 170))
    b[0, ::3], b[-1, :90] = 1e-3, 1e-9
    exact = direct(A, b.ravel(), rtol=0).x
    error = {
        p: abs(cg(A, b.ravel(), preconditioner=p, rtol=0, maxiter=14).x - exact).mean()
        for p in (amg, jacobi, ichol)
    }
    assert error[amg] < 1e-6
    assert min(error[jacobi], error[ichol]) > 0.01


def test_far_neighbours_take_few_iterations():
    A = far_neighbours(1500)
    b = A @ np.random.default_rng(0).random(1500)
    counts = [cg(A, b, preconditioner=p).iterations for p in (amg, jacobi)]
    assert counts[0] <= 10
    assert counts[1] >= 4 * counts[0]


def test_leaves_of_a_star_join_it():
    leaves = np.arange(1, 301)
    shift = np.zeros(301)
    shift[7] = 1e-6
    A = laplacian(np.zeros(300, int), leaves, np.linspace(0.1, 1, 300), shift)
    group, coarse = coarsen(Couplings.of(A), 5.0)
    assert coarse.size == 1
    assert (group == 0).all()


def test_what_holds_together_is_not_joined_to_what_is_merely_near():
    """Two unknowns that only 1e-10 binds to the rest are one unknown of the coarse matrix.

    Beside that coupling their own coarse diagonal is no larger, so that by it the pair of them
    would look well matched with any neighbour.
    """
    A = sparse.csr_array(grid_laplacian(np.ones((8, 7)), np.ones((7, 8)))).tolil()
    inside = [27, 28]
    for i in inside:
        for j in {i - 8, i + 8, i - 1, i + 1} - set(inside):
            A[i, j] = A[j, i] = -1e-10
    A.setdiag(0)
    A = sparse.csr_array(A)
    A -= sparse.diags_array(A.sum(axis=1))
    group, _ = coarsen(Couplings.of(A), 5.0)
    assert set(np.flatnonzero(group == group[27])) == set(inside)


def test_neighbours_that_are_given_leave_nothing_to_correct():
    shift = np.full(99, 1e-3)
    shift[40:60] = 50
    A = laplacian(np.arange(98), np.arange(1, 99), np.ones(98), shift)
    group, coarse = coarsen(Couplings.of(A), 5.0)
    assert (group[40:60] == -1).all()
    assert (group[:40] >= 0).all()
    # Their couplings to the others remain, as ties of these to zero.
    assert coarse.excess.sum() == pytest.approx(79e-3 + 2)


@pytest.mark.usefixtures("small_blocks")
def test_threads_change_nothing(monkeypatch):
    A = patches(31, 43)
    r = np.random.default_rng(6).standard_normal(A.shape[0])
    alone = amg(A)(r)
    monkeypatch.setattr(module, "FEW", 10)
    monkeypatch.setattr(loops, "GRAIN", 1)
    monkeypatch.setattr(loops, "_most_threads", lambda: 3)
    M = amg(A)
    assert (M.visits[:-1] == 1).any() or M.visits.size > 2
    np.testing.assert_array_equal(M(r), alone)


ODD = {
    "one unknown": np.array([[4.0]]),
    "diagonal": np.diag([1.0, 1e-9, 1e9]),
    "two components, one row alone": np.kron(np.diag([1, 1e-8]), noise(3, 4).toarray())
    + np.diag(np.eye(24)[5] * 1e6),
    "all couplings positive": np.full((30, 30), 0.3) + 0.7 * np.eye(30),
    "huge shifts": noise(6, 7).toarray() + np.diag(np.where(np.arange(42) % 3, 0, 1e12)),
}


@pytest.mark.parametrize("matrix", ODD)
def test_odd_matrices(matrix):
    A = sparse.csr_array(ODD[matrix])
    x = np.random.default_rng(0).random(len(ODD[matrix]))
    solution = cg(A, A @ x, preconditioner=amg, rtol=0, maxiter=40)
    np.testing.assert_allclose(solution.x, x, rtol=0, atol=1e-4)


@pytest.mark.parametrize("seed", range(4))
def test_a_component_that_nothing_determines_spoils_no_other(seed):
    right, down = np.random.default_rng(seed).random((2, 4, 5))
    loose = grid(right[:, 1:], down[1:], np.zeros((4, 5)))
    r = np.linspace(1, 2, 40)
    z = amg(sparse.block_diag([loose, noise(4, 5)], format="csr"))(r)
    assert abs(z[:20]).max() < 1e4
    np.testing.assert_allclose(z[20:], amg(noise(4, 5))(r[20:]), rtol=0.01)


def test_takes_entries_that_are_unsorted_repeated_or_integers():
    A = noise(5, 6)
    A.data = np.round(A.data)
    r = np.random.default_rng(1).standard_normal(30)
    expected = amg(A)(r)
    coo = A.astype(int).tocoo()
    order = np.random.default_rng(2).permutation(coo.nnz)
    rows, columns = (np.r_[part[order], part[order]] for part in coo.coords)
    twice = sparse.coo_array((np.r_[coo.data[order], coo.data[order]], (rows, columns)), A.shape)
    operator = SimpleNamespace(shape=A.shape, tocsr=twice.tocsr)
    np.testing.assert_allclose(amg(operator)(r), expected / 2)


def test_leaves_what_it_is_given_alone():
    A = noise(5, 6)
    before = A.copy()
    M = amg(A)
    r = np.ones(30, np.float32)
    z = M(r)
    assert (r == 1).all()
    assert z.dtype == np.float64
    np.testing.assert_array_equal(A.data, before.data)
    again = M(r)
    np.testing.assert_array_equal(z, again)
    assert not np.shares_memory(z, again)


def test_refuses_what_has_no_entries():
    with pytest.raises(TypeError, match="`amg` needs the entries of `A`, and ndarray has no"):
        amg(np.eye(3))


@pytest.mark.parametrize("shape", [(3, 4), (0, 0)])
def test_refuses_what_is_not_square(shape):
    with pytest.raises(ValueError, match=r"`A` has shape \(\d, \d\); `amg` expects"):
        amg(sparse.csr_array(shape))


@pytest.mark.parametrize("entry", [0.0, -1.0, np.nan])
def test_a_diagonal_that_is_not_positive_is_an_error(entry):
    with pytest.raises(ValueError, match="diagonal entry 1 is"):
        amg(sparse.diags_array([2.0, entry, 3.0]))


@pytest.mark.parametrize("overcorrection", [0.9, 2, np.nan])
def test_refuses_an_overcorrection_out_of_range(overcorrection):
    with pytest.raises(ValueError, match=r"`overcorrection` is .*; expected at least 1 and less"):
        amg(noise(3, 4), overcorrection=overcorrection)
