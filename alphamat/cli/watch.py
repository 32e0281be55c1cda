"""Run a method, and watch its solver."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np

from alphamat.observe import observed


class Estimate(NamedTuple):
    """An alpha, and how it was come by."""

    alpha: np.ndarray
    solutions: list  # of solvers.Solution: none where the method solves no system
    warnings: list[str]


def estimate(method: Callable, image: np.ndarray, trimap: np.ndarray) -> Estimate:
    """Run a method; show how its solver gets on, and keep what it returns and warns of."""
    solutions: list = []
    with warnings.catch_warnings(record=True) as caught, _progress() as track:
        warnings.simplefilter("always", UserWarning)
        alpha = observed(method, solutions, track)(image, trimap)
    return Estimate(alpha, solutions, [str(warning.message) for warning in caught])


@contextmanager
def _progress() -> Iterator[Callable[[float], Callable[[int, float], None]]]:
    """Show a bar while stderr is a terminal; yield what makes callbacks for solvers."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task("preparing", total=None)

        def track(tolerance: float) -> Callable[[int, float], None]:
            def callback(iteration: int, residual: float) -> None:
                # Residuals fall about geometrically, so their logarithm goes steadily to its goal.
                done = math.log(min(max(residual, 1e-300), 1)) / math.log(tolerance)
                text = f"solving: iteration {iteration}, residual {residual:.0e}"
                bar.update(task, total=1, completed=min(done, 1), description=text)

            return callback

        yield track
