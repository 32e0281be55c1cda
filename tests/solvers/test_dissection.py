"""Cholesky's factors by nested dissection: what they solve, in which order, and when they pay."""

from importlib import import_module

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solvers import StencilMatrix, cg, dissection, multigrid, quickest
from solvers.dissection import Dissection
from solvers.grid import Region, offsets


def matrix_on(chosen, reach=2, seed=0):
    """Return a symmetric positive definite matrix of random windows on a mask."""
    region = Region.of(chosen, reach)
    random = np.random.default_rng(seed)
    planes = np.zeros((len(offsets(reach)), region.stored_size))
    planes[1:] = -(random.random(planes[1:].shape) ** 4)
    matrix = StencilMatrix(region, planes)
    csr = matrix.tocsr()
    held = 0.01 * random.random(region.size)
    planes[0] = region.expand(held - np.asarray(csr.sum(axis=1)).ravel())
    return StencilMatrix(region, planes)


def shapes():
    random = np.random.default_rng(1)
    y, x = np.mgrid[:90, :120]
    ring = np.abs(np.hypot(y - 45, x - 60) - 35) < 6
    yield "ring", ring
    yield "scattered", random.random((60, 70)) < 0.3
    yield "square", np.ones((41, 43), bool)
    yield "line", np.ones((1, 500), bool)
    yield "column", np.ones((700, 2), bool)
    yield "one cell", np.eye(1, dtype=bool)
    yield "two areas", (y % 50 < 20) & (x > 30)


@pytest.mark.parametrize("name", dict(shapes()))
@pytest.mark.parametrize("reach", [1, 2, 4])
def test_it_is_the_inverse(name, reach):
    A = matrix_on(dict(shapes())[name], reach)
    x = np.random.default_rng(2).standard_normal(A.shape[0])
    np.testing.assert_allclose(dissection(A)(A @ x), x, rtol=0, atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40), st.floats(0, 1))
def test_any_cells_are_solved_for(seed, height, width, share):
    chosen = np.random.default_rng(seed).random((height, width)) < share
    A = matrix_on(chosen, seed=seed)
    x = np.ones(A.shape[0])
    np.testing.assert_allclose(dissection(A)(A @ x), x, rtol=0, atol=1e-9)


def test_threads_share_the_work_and_change_nothing(monkeypatch):
    A = matrix_on(np.ones((150, 160), bool))
    b = np.random.default_rng(3).standard_normal(A.shape[0])
    monkeypatch.setattr("solvers.loops._most_threads", lambda: 1)
    alone = dissection(A)(b)
    monkeypatch.setattr("solvers.loops._most_threads", lambda: 5)
    monkeypatch.setattr("solvers.loops.GRAIN", 1000)
    together = dissection(A)
    np.testing.assert_allclose(together(b), alone, rtol=1e-9)


def test_every_cell_is_eliminated_once_and_before_those_above():
    found = Dissection.of(Region.of(np.ones((60, 50), bool), 2))
    tree = found.tree
    assert sorted(found.order) == list(range(3000))
    np.testing.assert_array_equal(tree.begin[1:], tree.end[:-1])
    for v in range(len(tree.begin)):
        border = tree.borders[tree.starts[v] : tree.starts[v + 1]]
        assert (np.diff(border) > 0).all()
        assert (border >= tree.end[v]).all()


def test_what_the_matrix_does_not_determine_gets_zero():
    A = matrix_on(np.ones((20, 30), bool))
    planes = A.planes.copy()
    planes[:, A.region.store(np.arange(600).reshape(20, 30)) == 317] = 0
    at = np.flatnonzero(A.chosen())[317]
    for plane, (dy, dx) in enumerate(offsets(2)):
        if plane:
            planes[plane, at - dy * 34 - dx] = 0
    z = dissection(StencilMatrix(A.region, planes))(np.ones(600))
    assert z[317] == 0
    assert np.isfinite(z).all()


def test_one_iteration_of_conjugate_gradients_is_enough():
    A = matrix_on(dict(shapes())["ring"])
    b = np.random.default_rng(4).standard_normal(A.shape[0])
    solution = cg(A, b, preconditioner=dissection)
    assert solution.converged
    assert solution.iterations == 1
    assert solution.residual < 1e-13


def test_bands_are_factorised_and_wide_areas_left_to_multigrid(monkeypatch):
    band, square = matrix_on(np.ones((12, 400), bool)), matrix_on(np.ones((70, 70), bool))
    r = np.random.default_rng(5).standard_normal(4900)
    np.testing.assert_array_equal(quickest(band)(r[:4800]), dissection(band)(r[:4800]))
    monkeypatch.setattr(import_module("solvers.dissection"), "WORTH", 2000)
    np.testing.assert_array_equal(quickest(band)(r[:4800]), dissection(band)(r[:4800]))
    np.testing.assert_array_equal(quickest(square)(r), multigrid(square)(r))


def test_factors_that_would_take_too_much_memory_are_left_to_multigrid():
    A = matrix_on(np.ones((12, 400), bool))
    r = np.random.default_rng(6).standard_normal(4800)
    np.testing.assert_array_equal(quickest(A, most=1e6)(r), multigrid(A)(r))
    with pytest.raises(ValueError, match=r"`most` is -1\.0; expected a number of bytes"):
        quickest(A, most=-1.0)


@pytest.mark.parametrize("make", [dissection, quickest])
def test_other_matrices_are_refused(make):
    with pytest.raises(TypeError, match="`A` is a ndarray; dissection needs a StencilMatrix"):
        make(np.eye(3))
