import numpy as np
import pytest

from solvers import _blackbox_kernels as kernels
from solvers import cg, loops
from solvers.blackbox import coarse_correction, padded
from solvers.grid import Region, StencilMatrix, offsets
from tests import reference

SIZES = [(11, 14), (12, 9), (7, 7), (2, 9), (1, 30), (30, 1)]
INSIDE = np.s_[..., 2:-2, 2:-2]


def planes_of(height, width, *, patch=1, decades=4, held=1e-3, seed=811):
    """A grid's Laplacian with conductivities over many decades, and some cells held fast."""
    rng = np.random.default_rng(seed)
    conductivity = 10 ** -rng.uniform(0, decades, (height // patch + 1, width // patch + 1))
    conductivity = np.kron(conductivity, np.ones((patch, patch)))[:height, :width]
    planes = padded(5, height, width, dtype=np.float64)
    field = padded(height, width, dtype=np.float64)
    field[INSIDE] = conductivity
    for plane, step in zip(planes[1:], offsets(1)[1:], strict=True):
        there = np.roll(field, (-step[0], -step[1]), axis=(0, 1))
        plane[:] = -np.minimum(field, there)
        planes[0] -= plane + np.roll(plane, step, axis=(0, 1))
    planes[0][INSIDE] += held * rng.uniform(0, 1, (height, width)) ** 8
    return planes


def matrix_of(planes):
    """The stencil matrix of the same entries, which has a `@` and a `tocsr()` of its own."""
    region = Region.of(np.ones(planes[0][INSIDE].shape, bool), 1)
    return StencilMatrix(region, np.stack([region.store(plane) for plane in planes[INSIDE]]))


def coarse_functions(planes):
    """P by the kernels, as a dense matrix of cells × nodes."""
    height, width = planes[0][INSIDE].shape
    size = (height + 1) // 2, (width + 1) // 2
    P = padded(8, *size, dtype=np.float64)
    kernels.share_between_two(0, size[0], planes, P)
    kernels.share_among_four(0, size[0], planes, P)
    columns = []
    for node in np.ndindex(size):
        e, x = padded(*size, dtype=np.float64), padded(height, width, dtype=np.float64)
        e[INSIDE][node] = 1
        kernels.prolong(0, size[0], P, e, x)
        columns.append(x[INSIDE].ravel())
    return P, np.stack(columns, axis=1)


@pytest.mark.parametrize("size", SIZES)
def test_coarse_functions_are_the_papers(size):
    planes = planes_of(*size)
    _, P = coarse_functions(planes)
    A = matrix_of(planes).tocsr().toarray()
    expected = reference.black_box_interpolation(A, *size)
    np.testing.assert_allclose(P, expected, rtol=0, atol=1e-12)
    assert P.sum(axis=1).max() < 1 + 1e-12


@pytest.mark.parametrize("size", SIZES)
def test_the_coarse_matrix_is_galerkins(size):
    planes = planes_of(*size)
    shares, P = coarse_functions(planes)
    coarse = padded(5, *shares[0][INSIDE].shape, dtype=np.float64)
    kernels.project(0, len(coarse[0]) - 4, planes, shares, coarse)
    expected = P.T @ matrix_of(planes).tocsr() @ P
    np.testing.assert_allclose(matrix_of(coarse).tocsr().toarray(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("size", SIZES)
def test_restriction_is_the_transpose_of_prolongation(size):
    shares, P = coarse_functions(planes_of(*size))
    q, b = padded(*size, dtype=np.float64), padded(*shares[0][INSIDE].shape, dtype=np.float64)
    q[INSIDE] = np.random.default_rng(5).standard_normal(size)
    kernels.restrict(0, len(b) - 4, shares, q, b)
    np.testing.assert_allclose(b[INSIDE].ravel(), P.T @ q[INSIDE].ravel(), rtol=0, atol=1e-12)


def preconditioner(planes):
    """One V(1, 1)-cycle: the correction between two Jacobi steps."""
    A, correct = matrix_of(planes), coarse_correction(planes)
    step = 0.8 / A.diagonal()

    def cycle(r):
        x = step * r
        q, e = padded(2, *A.region.grid)
        q[INSIDE] = (r - A @ x).reshape(A.region.grid)
        correct(q, e)
        x = x + e[INSIDE].ravel()
        return x + step * (r - A @ x)

    return cycle


@pytest.mark.parametrize("size", [(11, 14), (25, 18), (1, 70)])
def test_the_cycle_is_symmetric_and_close_to_the_inverse(size):
    planes = planes_of(*size)
    A, M = matrix_of(planes), preconditioner(planes)
    inverse = np.stack([M(unit) for unit in np.eye(A.shape[0])])
    np.testing.assert_allclose(inverse, inverse.T, rtol=1e-4, atol=1e-5 * inverse.max())
    eigenvalues = np.linalg.eigvals(inverse @ A.tocsr().toarray()).real
    assert eigenvalues.min() > 0.1
    assert eigenvalues.max() < 1.01


@pytest.mark.parametrize("decades", [0, 6])
def test_neither_size_nor_jumps_ask_for_many_iterations(decades):
    counts = []
    for size in ((41, 54), (163, 210)):
        planes = planes_of(*size, patch=9, decades=decades)
        solution = solve(planes)
        assert solution.converged
        counts.append(solution.iterations)
    assert max(counts) < 20
    assert counts[1] <= counts[0] + 4


def solve(planes):
    A = matrix_of(planes)
    b = A @ np.random.default_rng(77).standard_normal(A.shape[0])
    return cg(A, b, preconditioner=lambda A: preconditioner(planes), xtol=1)


def test_a_singular_matrix_is_no_obstacle():
    solution = solve(planes_of(23, 30, patch=5, held=0))
    assert solution.residual <= 1e-7
    assert solution.iterations < 20


def test_threads_change_nothing(monkeypatch):
    planes = planes_of(37, 50)
    q = padded(37, 50)
    q[INSIDE] = np.random.default_rng(9).standard_normal((37, 50))
    results = []
    for count in (1, 4):
        monkeypatch.setattr(loops, "GRAIN", 1)
        monkeypatch.setattr(loops, "_most_threads", lambda count=count: count)
        results.append(padded(37, 50))
        coarse_correction(planes)(q, results[-1])
    np.testing.assert_array_equal(*results)
