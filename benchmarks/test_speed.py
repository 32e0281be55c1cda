"""Regression suite on small pictures: `pytest benchmarks`, with `--benchmark-compare` and the like.

Closed-form matting and foreground estimation from arrays to result, and each solver on the system
of the middle size. The pictures are the built-in portrait made smaller, half of it unknown.
"""

from functools import partial

import numpy as np
import pytest

import alphamat
import solvers
from alphamat import examples

SIDES = [64, 128, 256]
SOLVERS = {
    "multigrid": partial(solvers.cg, preconditioner=solvers.multigrid),
    "ichol": partial(solvers.cg, preconditioner=solvers.ichol),
    "jacobi": partial(solvers.cg, preconditioner=solvers.jacobi),
    "direct": solvers.direct,
}


def picture(side):
    """Return the portrait in this size, and a trimap that asks for its middle half."""
    step = 512 // side
    trimap = np.full((side, side), 0.5)
    trimap[:, : side // 4], trimap[:, -side // 4 :] = 0, 1
    return examples.astronaut().image[::step, ::step] / 255, trimap


@pytest.fixture(scope="module")
def system():
    """The matrix and right-hand side that closed-form matting hands to its solver."""
    systems = []

    def keep(A, b):
        systems.append((A, b))
        return solvers.cg(A, b, preconditioner=solvers.multigrid)

    alphamat.closed_form(*picture(128), solver=keep)
    return systems[-1]


@pytest.mark.parametrize("side", SIDES)
def test_closed_form(benchmark, side):
    alpha = benchmark.pedantic(
        alphamat.closed_form, picture(side), rounds=3, warmup_rounds=1, iterations=1
    )
    assert alpha.shape == (side, side)


@pytest.mark.parametrize("side", SIDES)
def test_estimate_foreground(benchmark, side):
    image, trimap = picture(side)
    layers = benchmark.pedantic(
        alphamat.estimate_foreground, (image, trimap), rounds=3, warmup_rounds=1, iterations=1
    )
    assert layers.foreground.shape == image.shape


@pytest.mark.parametrize("name", SOLVERS)
def test_solver(benchmark, system, name):
    solution = benchmark.pedantic(SOLVERS[name], system, rounds=3, warmup_rounds=1, iterations=1)
    benchmark.extra_info.update(unknowns=len(system[1]), iterations=solution.iterations)
    assert solution.converged


def test_ichol_factorisation(benchmark, system):
    factor = benchmark.pedantic(solvers.ichol, system[:1], rounds=3, warmup_rounds=1, iterations=1)
    benchmark.extra_info.update(entries=factor.values.size)
