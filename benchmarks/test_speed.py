"""Regression suite on small pictures: `pytest benchmarks`, with `--benchmark-compare` and the like.

Every method from arrays to result, and each solver on systems of closed-form and of random-walk
matting, all at three sizes. The pictures are the built-in portrait made smaller, half unknown.
"""

from functools import cache, partial

import numpy as np
import pytest

import alphamat
import solvers
from alphamat import examples
from benchmarks.contests import CONTESTS

SIDES = [64, 128, 256]
METHODS = {name: method for contest in CONTESTS.values() for name, method in contest.ours.items()}
SOLVERS = {  # to one residual, whatever the error
    "multigrid": partial(solvers.cg, preconditioner=solvers.multigrid, xtol=1),
    "amg": partial(solvers.cg, preconditioner=solvers.amg, xtol=1),
    "ichol": partial(solvers.cg, preconditioner=solvers.ichol, xtol=1),
    "jacobi": partial(solvers.cg, preconditioner=solvers.jacobi, xtol=1),
    "direct": solvers.direct,
}
SYSTEMS = {
    "closed-form": alphamat.closed_form_system,
    "random-walk": alphamat.random_walk_system,
}


def picture(side):
    """Return the portrait in this size, and a trimap that asks for its middle half."""
    step = 512 // side
    trimap = np.full((side, side), 0.5)
    trimap[:, : side // 4], trimap[:, -side // 4 :] = 0, 1
    return examples.astronaut().image[::step, ::step] / 255, trimap


@cache
def system(name, side):
    """Return the matrix and right-hand side that a method hands to its solver."""
    made = SYSTEMS[name](*picture(side))
    return made.matrix, made.right_hand_side


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", METHODS)
def test_method(benchmark, name, side):
    # the trimap serves as an alpha for those that want one
    result = benchmark.pedantic(
        METHODS[name], picture(side), rounds=3, warmup_rounds=1, iterations=1
    )
    assert np.isfinite(result).all()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("of", SYSTEMS)
@pytest.mark.parametrize("name", SOLVERS)
def test_solver(benchmark, name, of, side):
    A, b = system(of, side)
    solution = benchmark.pedantic(SOLVERS[name], (A, b), rounds=3, warmup_rounds=1, iterations=1)
    benchmark.extra_info.update(unknowns=len(b), iterations=solution.iterations)
    assert solution.converged
