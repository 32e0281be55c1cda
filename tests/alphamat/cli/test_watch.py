"""Methods whose solver is watched."""

from functools import partial

import numpy as np

from alphamat.cli.watch import estimate
from solvers import Solution, cg


def test_solver_is_watched_through_its_callback():
    seen = []

    def solver(A, b, *, rtol=1e-3, callback=None):
        callback(1, 0.1)
        callback(2, 1e-4)
        seen.append(callback)
        return Solution(b, 2, 1e-4, True)

    loose = partial(solver, rtol=1e-2)

    def method(image, trimap, *, solver=loose):
        return solver(None, trimap).x

    found = estimate(method, np.zeros((11, 14, 3)), np.ones((11, 14)))
    assert len(seen) == 1
    assert [(s.iterations, s.residual, s.converged) for s in found.solutions] == [(2, 1e-4, True)]
    np.testing.assert_array_equal(found.alpha, np.ones((11, 14)))


def test_watching_leaves_the_solution_as_it_is():
    rng = np.random.default_rng(7)
    A = np.diag(rng.uniform(1, 2, 12))

    tight = partial(cg, rtol=1e-9)

    def method(image, trimap, *, solver=tight):
        return solver(A, trimap.ravel()).x

    trimap = rng.uniform(size=(3, 4))
    found = estimate(method, trimap, trimap)
    np.testing.assert_array_equal(found.alpha, method(trimap, trimap))
