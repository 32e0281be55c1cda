"""Watch the solver that a method calls, whatever the method."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial


def observed(method: Callable, solutions: list, track: Callable | None = None) -> Callable:
    """Return `method` with its default solver watched; without one, or unreadable, as it is.

    Each `solvers.Solution` is appended to `solutions`. `track(rtol)` makes the callback
    `callback(iteration, residual)` of a solver that takes one.
    """
    solver = _options(method).get("solver")
    if solver is None or solver.default is solver.empty or not callable(solver.default):
        return method
    return partial(method, solver=_watched(solver.default, solutions, track))


def _watched(solver: Callable, solutions: list, track: Callable | None) -> Callable:
    options = _options(solver)

    def watched(A, b):
        watch = {}
        if track is not None and {"callback", "rtol"} <= set(options):
            watch["callback"] = track(options["rtol"].default)
        solutions.append(solver(A, b, **watch))
        return solutions[-1]

    return watched


def _options(function: Callable) -> dict[str, inspect.Parameter]:
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # compiled functions may not tell
        return {}
