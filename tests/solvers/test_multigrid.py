from functools import partial

import numpy as np
import pytest
from scipy.sparse import csr_array

from solvers import StencilMatrix, cg, jacobi, multigrid
from solvers.grid import Region, offsets


def poisson(chosen):
    """The five-point Laplacian on the chosen cells, zero around them."""
    region = Region.of(chosen, 1)
    values = {(0, 0): 4.0, (0, 1): -1.0, (1, 0): -1.0}
    planes = [np.full(region.stored_size, values.get(offset, 0.0)) for offset in offsets(1)]
    return StencilMatrix(region, np.array(planes))


def weighted(chosen, functions, seed=5):
    """A matrix of 3 × 3 windows that annihilates the given functions but at the region's edge."""
    region = Region.of(chosen, 2)
    fields = [np.pad(f, 2)[region.stored] for f in functions]
    index = np.full(region.stored.shape, -1)
    index[region.stored] = np.arange(region.stored_size)
    planes = np.zeros((13, region.stored_size))
    for y, x in np.argwhere(index >= 0):
        window = index[y - 1 : y + 2, x - 1 : x + 2].ravel()
        if y < 1 or x < 1 or len(window) < 9 or window.min() < 0:
            continue
        F = np.stack([f[window] for f in fields], axis=1)
        block = np.eye(9) - F @ np.linalg.pinv(F)
        for i in range(9):
            for j in range(i, 9):
                dy, dx = j // 3 - i // 3, j % 3 - i % 3
                planes[dy * 5 + dx, window[i]] += block[i, j]
    inside = region.expand(np.ones(region.size))
    near_null = np.stack([f * inside for f in fields]).astype(np.float32)
    return StencilMatrix(region, planes, near_null)


def ragged(shape, seed=11):
    """A region with holes and a ragged outline."""
    noise = np.random.default_rng(seed).random(shape)
    chosen = noise < 0.95
    chosen[:3], chosen[:, -4:], chosen[5:9, 6:12] = False, False, False
    return chosen


def as_matrix(preconditioner, n):
    return np.stack([preconditioner(column) for column in np.eye(n)], axis=1)


@pytest.mark.parametrize("shape", [(41, 57), (9, 70)])
def test_is_a_symmetric_positive_definite_preconditioner(shape):
    A = poisson(ragged(shape))
    M = as_matrix(multigrid(A, spacing=2, coarsest=4), A.shape[0])
    np.testing.assert_allclose(M, M.T, rtol=0, atol=1e-5 * M.max())
    assert np.linalg.eigvalsh((M + M.T) / 2)[0] > 0


def test_iterations_hardly_grow_with_the_grid():
    solve = partial(cg, preconditioner=partial(multigrid, spacing=2))
    few, many = (
        solve(A, np.ones(A.shape[0])).iterations
        for A in (poisson(np.ones((side, side), bool)) for side in (40, 160))
    )
    assert many <= 1.5 * few
    A = poisson(np.ones((160, 160), bool))
    assert many < cg(A, np.ones(A.shape[0]), preconditioner=jacobi).iterations / 10


def test_near_null_functions_are_what_makes_it_fast():
    rng = np.random.default_rng(0)
    chosen = ragged((60, 75))
    functions = [np.ones(chosen.shape), rng.random(chosen.shape), rng.random(chosen.shape)]
    A = weighted(chosen, functions)
    b = rng.standard_normal(A.shape[0])
    with_them = cg(A, b, preconditioner=multigrid)
    blind = StencilMatrix(A.region, A.planes)
    without = cg(blind, b, preconditioner=multigrid)
    assert with_them.converged
    assert with_them.iterations < without.iterations / 2


def test_functions_that_depend_on_each_other_do_no_harm():
    rng = np.random.default_rng(0)
    chosen = ragged((40, 45))
    f = rng.random(chosen.shape)
    single = weighted(chosen, [np.ones(chosen.shape), f])
    doubled = np.stack([*single.near_null, 0.5 * single.near_null[1], single.near_null[0]])
    b = rng.standard_normal(single.shape[0])
    alone = cg(single, b, preconditioner=multigrid)
    repeated = cg(StencilMatrix(single.region, single.planes, doubled), b, preconditioner=multigrid)
    assert repeated.converged
    assert abs(repeated.iterations - alone.iterations) <= 2


def test_coarse_systems_are_galerkin_projections():
    """Without smoothing, and solved exactly on the first lattice, a coarse function is found."""
    A = poisson(np.ones((24, 31), bool))
    M = multigrid(A, spacing=4, coarsest=10_000, damping=1e-6)
    y, x = np.mgrid[:24, :31]
    # a hat on the lattice: nodes lie between cells 4j - 1 and 4j
    hat = np.maximum(0, 1 - abs(y + 0.5 - 12) / 4) * np.maximum(0, 1 - abs(x + 0.5 - 16) / 4)
    np.testing.assert_allclose(M(A @ hat.ravel()), hat.ravel(), rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 3), (40, 1)])
def test_small_grids(shape):
    A = poisson(np.ones(shape, bool))
    b = np.random.default_rng(0).standard_normal(A.shape[0])
    solution = cg(A, b, preconditioner=multigrid)
    assert solution.converged
    np.testing.assert_allclose(solution.x, np.linalg.solve(A.tocsr().toarray(), b), atol=1e-5)


def test_refuses_a_matrix_without_a_grid():
    with pytest.raises(TypeError, match=r"`A` is a csr_array; multigrid needs a StencilMatrix"):
        multigrid(csr_array(np.eye(3)))


def test_refuses_a_coarsest_lattice_that_cannot_be_reached():
    with pytest.raises(ValueError, match="`coarsest` is 3; expected a whole number of at least 4"):
        multigrid(poisson(np.ones((9, 9), bool)), coarsest=3)
