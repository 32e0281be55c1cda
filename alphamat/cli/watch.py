"""Run a method, show how it gets on, and keep what it returns and warns of."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
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
    with progress.bar("preparing") as bar, watching(bar.hear) as (solutions, warned):
        matte = run(method, image, trimap, plate)
    return Estimate(matte, solutions, warned)


@contextmanager
def watching(listener: progress.Listener) -> Iterator[tuple[list[Solution], list[str]]]:
    """Gather what is solved and warned of inside, in two lists; `listener` hears the steps."""
    solutions: list[Solution] = []
    warned: list[str] = []
    with (
        warnings.catch_warnings(record=True) as caught,
        progress.listening(listener),
        collecting(solutions),
    ):
        warnings.simplefilter("always", UserWarning)
        yield solutions, warned
    warned += [str(warning.message) for warning in caught]
