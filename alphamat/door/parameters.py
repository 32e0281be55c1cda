"""Refusals that the parameters of several functions share."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from numbers import Integral, Real


def refuse_unless_positive(name: str, value: float, advice: str = "such as 1e-5") -> None:
    """Raise unless a parameter is a positive, finite number."""
    if not isinstance(value, Real):
        raise TypeError(f"`{name}` is {value!r}; expected a positive number, {advice}.")
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"`{name}` is {value}; expected a positive number, {advice}.")


def refuse_unless_counting(name: str, value: int) -> None:
    """Raise unless a parameter is a whole number of at least 1."""
    if not isinstance(value, Integral):
        raise TypeError(f"`{name}` is {value!r}; expected a whole number of at least 1.")
    if value < 1:
        raise ValueError(f"`{name}` is {value}; expected a whole number of at least 1.")


def refuse_unless_solver(solver: Callable) -> None:
    """Raise unless a solver can be called."""
    if not callable(solver):
        raise TypeError(
            f"`solver` is {solver!r}; expected a function solver(A, b) -> solvers.Solution, such "
            "as solvers.cg."
        )


def parameters(function: Callable) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function by name; none where it does not tell."""
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # compiled functions may not tell
        return {}
