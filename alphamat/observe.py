"""What a method takes, and what the solver does that it calls, whatever the method."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial


def parameters(function: Callable) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function by name; none where it does not tell."""
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # compiled functions may not tell
        return {}


def refuse_plate_unless_taken(method: Callable) -> None:
    known = parameters(method)
    if "plate" not in known and not any(x.kind is x.VAR_KEYWORD for x in known.values()):
        name = getattr(method, "__name__", "the method")
        raise ValueError(f"`plate` is given, and {name} takes none.")


def observed(method: Callable, solutions: list, track: Callable | None = None) -> Callable:
    """Return `method` with its default solver watched; without one, or unreadable, as it is.

    Each `solvers.Solution` is appended to `solutions`. `track(rtol)` makes the callback
    `callback(iteration, residual)` of a solver that takes one.
    """
    solver = parameters(method).get("solver")
    if solver is None or solver.default is solver.empty or not callable(solver.default):
        return method
    return partial(method, solver=_watched(solver.default, solutions, track))


def _watched(solver: Callable, solutions: list, track: Callable | None) -> Callable:
    options = parameters(solver)

    def watched(A, b):
        watch = {}
        if track is not None and {"callback", "rtol"} <= set(options):
            watch["callback"] = track(options["rtol"].default)
        solutions.append(solver(A, b, **watch))
        return solutions[-1]

    return watched
