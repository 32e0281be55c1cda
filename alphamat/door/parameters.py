"""Parameters that several functions share, parsed or refused."""

from __future__ import annotations

import inspect
from collections.abc import Callable

from solvers.parameters import as_count as as_count
from solvers.parameters import as_flag as as_flag
from solvers.parameters import as_number as as_number
from solvers.parameters import as_numbers as as_numbers
from solvers.parameters import as_positive as as_positive
from solvers.parameters import shown as shown


def refuse_unless_solver(solver: Callable) -> None:
    """Raise unless a solver can be called."""
    if not callable(solver):
        raise TypeError(
            f"`solver` is {shown(solver)}; expected a function solver(A, b) -> solvers.Solution, "
            "such as solvers.cg."
        )


def parameters(function: Callable) -> dict[str, inspect.Parameter]:
    """Return the parameters of a function by name; none where it does not tell."""
    try:
        return dict(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # compiled functions may not tell
        return {}
