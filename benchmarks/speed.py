"""Every method from arrays to result: time, memory and accuracy, beside PyMatting.

`python -m benchmarks.speed [--contest NAME …] [--case NAME …] [--full]`. All get the same float64
arrays in one process, warm (each has run on a tiny picture before), in turns; times are medians.
Who has had 30 s is not asked again, and PyMatting sits out what takes it many minutes without
--full. Memory is that of `benchmarks.memory`. The error is the mean and largest |α - α*| over the
unknown pixels, α* being the same method solved to a residual of 1e-11; with --full also for
PyMatting, beside its own method solved to that residual.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, sleep
from typing import NamedTuple

import numpy as np

from alphamat.method import system_of
from benchmarks.cases import CASES, Picture, load
from benchmarks.contests import CONTESTS, MOST_FOR_PEER, PEER, tiny
from benchmarks.memory import peak
from benchmarks.report import Table, choose

ROUNDS = 3
PATIENCE = 30  # seconds that an entry may take before it is not asked again
REST = 0.2  # seconds before each run, in which the threads of the one before it stop spinning
TIGHT = 1e-11


class Run(NamedTuple):
    seconds: float
    """Median."""
    result: object


def main() -> None:
    options = choose(__doc__)
    table = Table(
        "method                 ", "picture       ", "   MP", "unknown", "ours, s", "PyMatting, s",
        " ratio", "ours, MB", "PyMatting, MB", " share", "iterations", "mean, max error  ",
        "PyMatting's errors",
    )  # fmt: skip
    for name in options.contest:
        for case in options.case:
            compare(name, case, options.full, table)


def compare(name: str, case: str, full: bool, table: Table) -> None:
    """Run one contest on one picture, and add a row for each method of ours."""
    contest, picture = CONTESTS[name], load(CASES[case])
    entries, inputs = contest.entries(), contest.inputs(picture)
    if picture.unknown.sum() > MOST_FOR_PEER and not full:
        entries.pop(PEER, None)
    runs = race(entries, inputs)
    memory = {entry: peak(name, entry, inputs) for entry in entries}
    theirs, their_memory = runs.get(PEER, Run(np.nan, None)), memory.get(PEER, np.nan)
    peers_errors = "–"
    if full and PEER in entries and solves_for_alpha(entries[PEER]):
        tight = entries[PEER](*inputs, cg_kwargs={"rtol": TIGHT, "maxiter": 100_000})
        peers_errors = errors(theirs.result, tight, picture)
    for entry, method in contest.ours.items():
        seconds = runs[entry].seconds
        table.add(
            entry,
            case,
            f"{picture.trimap.size / 1e6:.2f}",
            f"{picture.unknown.mean():.0%}",
            f"{seconds:.2f}",
            f"{theirs.seconds:.2f}",
            f"{theirs.seconds / seconds:.1f}×",
            f"{memory[entry]:.0f}",
            f"{their_memory:.0f}",
            f"1/{their_memory / memory[entry]:.1f}",
            *solving(method, runs[entry].result, inputs, picture),
            peers_errors,
        )


def race(entries: dict[str, Callable], inputs) -> dict[str, Run]:
    """Run the entries in turns, and drop one from the race when it has used up our patience."""
    times = {name: [] for name in entries}
    results = {}
    for method in entries.values():
        method(*tiny())
    for _ in range(ROUNDS):
        for name, method in entries.items():
            if sum(times[name]) > PATIENCE:
                continue
            sleep(REST)
            start = perf_counter()
            results[name] = method(*inputs)
            times[name].append(perf_counter() - start)
    return {name: Run(median(times[name]), results[name]) for name in entries}


def solves_for_alpha(peer: Callable) -> bool:
    return "laplacian_kwargs" in inspect.signature(peer).parameters


def solving(method: Callable, result, inputs, picture: Picture) -> tuple[str, str]:
    """Return how many iterations a method took, and its errors: dashes where it solves nothing."""
    make = system_of(method)
    if make is None:
        return "–", "–"
    system = make(*inputs)
    iterations = system.solve().solution.iterations
    with warnings.catch_warnings():  # rounding may keep it from so small a residual
        warnings.simplefilter("ignore", UserWarning)
        tight = system.solve(partial(system.solver, rtol=TIGHT)).alpha
    return str(iterations), errors(result, tight, picture)


def errors(alpha: np.ndarray, exact: np.ndarray, picture: Picture) -> str:
    difference = np.abs(alpha - exact)[picture.unknown]
    return f"{difference.mean():.1e}, {difference.max():.1e}"


if __name__ == "__main__":
    main()
