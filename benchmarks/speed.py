"""Closed-form matting from arrays to alpha: time, memory and accuracy, beside PyMatting.

`python -m benchmarks.speed [--case NAME …] [--full]`. All get the same float64 arrays in one
process, warm (each has run on a tiny picture before), in turns; times are medians. Ours runs at
its default tolerance of 1e-7, and at 1e-6, where its errors are about PyMatting's at its default.
PyMatting repeats until it has had 30 s, and sits out the largest pictures without --full. Memory
is that of `benchmarks.memory`. Errors are |α - α*| over the unknown pixels, α* being our own system
solved to a residual of 1e-11; the last column is the largest difference of α* from a sparse direct
solution, where the unknown pixels are few enough for one.
"""

from __future__ import annotations

import inspect
import warnings
from functools import partial
from statistics import median
from time import perf_counter, sleep
from typing import NamedTuple

import numpy as np

import alphamat
import solvers
from benchmarks.cases import CASES, Picture, load
from benchmarks.memory import METHODS, peak
from benchmarks.report import Table, choose

ROUNDS = 5
PATIENCE = 30  # seconds that PyMatting may take before it is not asked again
REST = 0.2  # seconds before each run, in which the threads of the one before it stop spinning
MOST_FOR_DIRECT = 200_000  # unknown pixels

default_solver = inspect.signature(alphamat.closed_form).parameters["solver"].default
tight_solver = partial(solvers.cg, preconditioner=solvers.multigrid, rtol=1e-11)


class Run(NamedTuple):
    seconds: float
    """Median."""
    alpha: np.ndarray


def main() -> None:
    cases = choose(__doc__)
    table = Table(
        "picture", "   MP", "unknown", "ours, s", "at 1e-6", "PyMatting, s", "ratio", "at 1e-6",
        "ours, MB", "PyMatting, MB", "share", "iterations", "ours: mean, max error",
        "errors at 1e-6", "PyMatting's errors", "α* check",
    )  # fmt: skip
    for name, with_peer in cases:
        picture = load(CASES[name])
        methods = {
            "ours": alphamat.closed_form,
            "ours at 1e-6": partial(
                alphamat.closed_form, solver=partial(default_solver, rtol=1e-6)
            ),
        } | (_peer() if with_peer else {})
        runs = race(methods, picture)
        exact = reference(picture)
        memory = {method: peak(method, picture) for method in methods if method in METHODS}
        nothing = Run(np.nan, np.full_like(exact, np.nan))
        theirs = runs.get("PyMatting", nothing)
        table.add(
            name,
            f"{picture.trimap.size / 1e6:.2f}",
            f"{picture.unknown.mean():.0%}",
            f"{runs['ours'].seconds:.2f}",
            f"{runs['ours at 1e-6'].seconds:.2f}",
            f"{theirs.seconds:.2f}",
            f"{theirs.seconds / runs['ours'].seconds:.1f}×",
            f"{theirs.seconds / runs['ours at 1e-6'].seconds:.1f}×",
            f"{memory['ours']:.0f}",
            f"{memory.get('PyMatting', np.nan):.0f}",
            f"1/{memory.get('PyMatting', np.nan) / memory['ours']:.1f}",
            f"{iterations(picture)}",
            errors(runs["ours"].alpha, exact, picture),
            errors(runs["ours at 1e-6"].alpha, exact, picture),
            errors(theirs.alpha, exact, picture),
            check(exact, picture),
        )


def race(methods, picture: Picture) -> dict[str, Run]:
    """Run the methods in turns, and drop one from the race when it has used up our patience."""
    times = {name: [] for name in methods}
    alphas = {}
    for method in methods.values():
        method(*_tiny())
    for _ in range(ROUNDS):
        for name, method in methods.items():
            if sum(times[name]) > PATIENCE:
                continue
            sleep(REST)
            start = perf_counter()
            alphas[name] = method(*picture)
            times[name].append(perf_counter() - start)
    return {name: Run(median(times[name]), alphas[name]) for name in methods}


def reference(picture: Picture) -> np.ndarray:
    """Return α*, and say where rounding keeps it from 1e-11."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", alphamat.ConvergenceWarning)
        alpha, solution = watched(picture, tight_solver)
    if not solution.converged:
        print(f"(α* below has a residual of {solution.residual:.0e})")
    return alpha


def iterations(picture: Picture) -> int:
    return watched(picture, default_solver)[1].iterations


def watched(picture: Picture, solver) -> tuple[np.ndarray, solvers.Solution]:
    """Return alpha, and the solution that the solver returned on the way."""
    solutions = []

    def watch(A, b):
        solutions.append(solver(A, b))
        return solutions[-1]

    return alphamat.closed_form(*picture, solver=watch), solutions[-1]


def errors(alpha: np.ndarray, exact: np.ndarray, picture: Picture) -> str:
    difference = np.abs(alpha - exact)[picture.unknown]
    return f"{difference.mean():.1e}, {difference.max():.1e}"


def check(exact: np.ndarray, picture: Picture) -> str:
    if np.count_nonzero(picture.unknown) > MOST_FOR_DIRECT:
        return "–"
    direct = alphamat.closed_form(*picture, solver=solvers.direct)
    return f"{np.abs(direct - exact).max():.0e}"


def _peer():
    from pymatting import estimate_alpha_cf

    return {"PyMatting": estimate_alpha_cf}


def _tiny() -> Picture:
    image = np.random.default_rng(0).random((32, 32, 3))
    trimap = np.full((32, 32), 0.5)
    trimap[:, :8], trimap[:, -8:] = 0, 1
    return Picture(image, trimap)


if __name__ == "__main__":
    main()
