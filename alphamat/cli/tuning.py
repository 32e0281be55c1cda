"""Options of methods that the command line takes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer

from alphamat.door.parameters import parameters
from alphamat.method import takes
from solvers import cg

OPTIONS = ("epsilon", "radius", "rtol")

Epsilon = Annotated[
    float | None,
    typer.Option(help="Regularisation, where the method has one: more is smoother."),
]
Radius = Annotated[
    float | None,
    typer.Option(help="Radius of the method's windows in pixels, where it has them."),
]
Rtol = Annotated[
    float | None,
    typer.Option(help="Tolerance of the solver, where the method solves: less is more exact."),
]


def tuned(method: Callable, name: str, **options: float | None) -> Callable:
    """Return a method with its options bound; raise for one that it does not take.

    `rtol` is the tolerance of the method's own solver. None leaves an option as it is.
    """
    given = {option: value for option, value in options.items() if value is not None}
    known = taken_options(method)
    for option in given:
        if option not in known:
            others = " and ".join(f"--{other}" for other in known)
            only = f"only {others}" if known else "no such option"
            raise ValueError(f"--{option} is given, and {name} takes {only}.")
    bound: dict[str, Any] = dict(given)
    if (rtol := bound.pop("rtol", None)) is not None:
        if not 0 < rtol < 1:
            raise ValueError(f"--rtol is {rtol}; expected a number between 0 and 1, such as 1e-5.")
        bound["solver"] = partial(takes(method).solver or cg, rtol=rtol)
    if (radius := given.get("radius")) is not None and radius.is_integer():
        bound["radius"] = int(radius)  # most methods count whole pixels
    return partial(method, **bound) if bound else method


def taken_options(method: Callable) -> list[str]:
    """Return which options a method takes."""
    known, solver = parameters(method), takes(method).solver
    inside = {} if solver is None else parameters(solver)
    return [name for name in OPTIONS if name in (inside if name == "rtol" else known)]
