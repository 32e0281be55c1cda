"""Run a method, show how it gets on, and keep what it returns and warns of."""

from __future__ import annotations

import warnings
from typing import NamedTuple

from alphamat import progress
from alphamat.method import Matte, Method, run
from alphamat.system import collecting
from solvers import Solution


class Estimate(NamedTuple):
    """A matte, and how it was found."""

    matte: Matte
    solutions: list[Solution]
    """None where the method solves no system."""
    warnings: list[str]


def estimate(method: Method, image, trimap=None, plate=None) -> Estimate:
    """Run a method, with a bar on a terminal."""
    solutions: list[Solution] = []
    with (
        warnings.catch_warnings(record=True) as caught,
        progress.bar("preparing") as bar,
        progress.listening(bar.hear),
        collecting(solutions),
    ):
        warnings.simplefilter("always", UserWarning)
        matte = run(method, image, trimap, plate)
    return Estimate(matte, solutions, [str(warning.message) for warning in caught])
