"""What `alphamat demo` and `alphamat matte` say when they are done."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from alphamat.cli.faults import in_words_of_the_command
from alphamat.cli.watch import Estimate


@contextmanager
def timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    """Note how many seconds a step takes."""
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start


def record(outputs: dict[str, Path], seconds: dict[str, float], estimate: Estimate) -> dict:
    height, width = estimate.matte.alpha.shape
    return {
        "outputs": {name: str(path) for name, path in outputs.items()},
        "size": {"height": height, "width": width},
        "seconds": {step: round(spent, 4) for step, spent in seconds.items()},
        **convergence(estimate.solutions),
        "warnings": [in_words_of_the_command(message) for message in estimate.warnings],
    }


def convergence(solutions: list) -> dict:
    if not solutions:
        return {"iterations": None, "residual": None, "converged": None}
    residual = float(max(solution.residual for solution in solutions))
    return {
        "iterations": sum(solution.iterations for solution in solutions),
        "residual": residual if math.isfinite(residual) else None,
        "converged": all(solution.converged for solution in solutions),
    }


def tell(outputs: dict[str, Path], seconds: dict[str, float], estimate: Estimate) -> None:
    for path in outputs.values():
        typer.echo(f"wrote {path}")
    if estimate.solutions:
        solve = convergence(estimate.solutions)
        verb = "converged" if solve["converged"] else "did not converge"
        residual = "not finite" if solve["residual"] is None else f"{solve['residual']:.1e}"
        typer.echo(f"the solver {verb}: {solve['iterations']} iterations, residual {residual}")
    typer.echo(", ".join(f"{step} {spent:.2f} s" for step, spent in seconds.items()))
    warn(estimate)


def warn(estimate: Estimate) -> None:
    for message in estimate.warnings:
        typer.echo(f"warning: {in_words_of_the_command(message)}", err=True)
