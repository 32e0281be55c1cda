import numpy as np
import pytest

from solvers import StencilMatrix, cg, jacobi, multigrid
from solvers.grid import Region, offsets
from solvers.spots import Spots


def blotched(side=60, spots=12, seed=2):
    """A Laplacian with squares of a few cells that hang together strongly."""
    rng = np.random.default_rng(seed)
    weight = np.ones((side, side))
    for y, x in rng.integers(4, side - 8, (spots, 2)):
        weight[y : y + 4, x : x + 4] = 1000
    region = Region.of(np.ones((side, side), bool), 1)
    planes = np.zeros((5, region.stored_size))
    stored = np.pad(weight, 1)[region.stored]
    index = np.full(region.stored.shape, -1)
    index[region.stored] = np.arange(region.stored_size)
    for plane, (dy, dx) in enumerate(offsets(1)):
        if plane == 0:
            continue
        here = index[1:-1, 1:-1].ravel()
        there = index[1 + dy : side + 1 + dy, 1 + dx : side + 1 + dx].ravel()
        coupling = np.minimum(stored[here], stored[there])
        planes[plane, here] = -coupling
        planes[0, here] += coupling
        np.add.at(planes[0], there, coupling)
    planes[0] += 1e-3
    return StencilMatrix(region, planes)


def test_rows_are_those_of_the_matrix():
    A = blotched(20, 3)
    some = np.random.default_rng(0).random(A.shape[0]) < 0.3
    np.testing.assert_array_equal(A.rows(some).toarray(), A.tocsr().toarray()[some])


@pytest.mark.parametrize("cells", [0, 1, 3])
def test_around_is_all_within_so_many_cells(cells):
    A, some = blotched(20, 3), np.zeros((20, 20), bool)
    some[0, 5] = some[10, 10] = True
    expected = np.zeros_like(some)
    for y, x in np.argwhere(some):
        expected[max(0, y - cells) : y + cells + 1, max(0, x - cells) : x + cells + 1] = True
    np.testing.assert_array_equal(A.around(some.ravel(), cells), expected.ravel())


def test_the_residual_goes_on_vanishing_in_spots_and_there_it_is_symmetric():
    A = blotched(24, 2)
    noise = np.zeros(A.shape[0])
    noise[[50, 300]] = 1
    spots = Spots.of(A, jacobi(A), noise)
    assert set(np.flatnonzero(A.around(noise > 0, 2))) == set(spots.some)
    outside = np.ones(A.shape[0], bool)
    outside[spots.some] = False
    M = np.stack([spots(column) for column in np.eye(A.shape[0])], axis=1)
    np.testing.assert_allclose((A.tocsr() @ M)[spots.some][:, outside], 0, atol=1e-9)
    np.testing.assert_allclose(M[outside][:, outside], M[outside][:, outside].T, atol=1e-12)


def test_none_where_nothing_is_left_or_much_everywhere():
    A = blotched(24, 2)
    assert Spots.of(A, jacobi(A), np.full(A.shape[0], 0.01)) is None
    assert Spots.of(A, jacobi(A), np.full(A.shape[0], 0.5)) is None


def test_a_correction_makes_the_residual_vanish_in_spots():
    A, noise = blotched(24, 2), np.zeros(576)
    noise[[50, 300]] = 1
    spots = Spots.of(A, jacobi(A), noise)
    r = np.random.default_rng(0).standard_normal(576)
    np.testing.assert_allclose((r - A @ spots.correct(r))[spots.some], 0, atol=1e-9)


@pytest.mark.parametrize("maxiter", [40, 41, 55, 56, 80])
def test_the_search_is_among_the_iterations(maxiter):
    A = blotched()
    b = np.random.default_rng(3).standard_normal(A.shape[0])
    found = cg(A, b, preconditioner=multigrid, rtol=0, xtol=0, maxiter=maxiter)
    assert found.iterations == maxiter
    assert not found.converged
