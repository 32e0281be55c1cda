"""Every method from arrays to result: time and iterations, beside PyMatting.

`python -m benchmarks.speed [--contest NAME …] [--case NAME …] [--full]`. Pictures have the 8 bits
and the size of their files, but for `lemur-1mp-float`. All methods get the same float64 arrays in
one process, warm (each has run on a tiny picture before), in turns; times are medians. Who has had
3 s is not asked again, and PyMatting sits out what takes it many minutes without --full. With
--full there are errors, too: the mean and largest |α - α*| over the unknown pixels, α* being the
same method solved to a residual of 1e-11, and for PyMatting its own method. At the end stand the
geometric mean and the least of all ratios. Memory is in `benchmarks.memory`.
"""

from __future__ import annotations

import inspect
import warnings
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from statistics import geometric_mean, median
from time import perf_counter, sleep
from typing import NamedTuple

import numpy as np

from alphamat.method import system_of
from benchmarks.cases import CASES, Picture, load
from benchmarks.contests import CONTESTS, MOST_FOR_PEER, PEER, tiny
from benchmarks.report import Table, choose

ROUNDS = 3
PATIENCE = 3  # seconds that an entry may take before it is not asked again
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
        " ratio", "iterations", "mean, max error  ", "PyMatting's errors",
    )  # fmt: skip
    ratios = defaultdict(list)
    for name in options.contest:
        for case in options.case:
            for entry, ratio in compare(name, case, options.full, table).items():
                ratios[entry].append(ratio)
    for entry, found in ratios.items():
        found = [ratio for ratio in found if np.isfinite(ratio)]
        if found:
            mean = geometric_mean(found)
            print(f"{entry}: {len(found)} pictures, mean {mean:.1f}×, least {min(found):.1f}×")


def compare(name: str, case: str, full: bool, table: Table) -> dict[str, float]:
    """Run one contest on one picture, and add a row for each method of ours; return its ratios."""
    contest, picture = CONTESTS[name], load(CASES[case])
    entries, inputs = contest.entries(), contest.inputs(picture)
    if picture.unknown.sum() > MOST_FOR_PEER and not full:
        entries.pop(PEER, None)
    runs = race(entries, inputs)
    theirs = runs.get(PEER, Run(np.nan, None))
    peers_errors, ratios = "–", {}
    if full and PEER in entries and solves_for_alpha(entries[PEER]):
        tight = entries[PEER](*inputs, cg_kwargs={"rtol": TIGHT, "maxiter": 100_000})
        peers_errors = errors(theirs.result, tight, picture)
    for entry, method in contest.ours.items():
        seconds = runs[entry].seconds
        ratios[entry] = theirs.seconds / seconds
        table.add(
            entry,
            case,
            f"{picture.trimap.size / 1e6:.2f}",
            f"{picture.unknown.mean():.0%}",
            f"{seconds:.3f}",
            f"{theirs.seconds:.2f}",
            f"{ratios[entry]:.1f}×",
            *solving(method, runs[entry].result if full else None, inputs, picture),
            peers_errors,
        )
    return ratios


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
    """Return how many iterations a method took, and a result's errors: dashes for what is not."""
    make = system_of(method)
    if make is None:
        return "–", "–"
    system = make(*inputs)
    iterations = str(system.solve().solution.iterations)
    if result is None:
        return iterations, "–"
    with warnings.catch_warnings():  # rounding may keep it from so small a residual
        warnings.simplefilter("ignore", UserWarning)
        tight = system.solve(partial(system.solver, rtol=TIGHT)).alpha
    return iterations, errors(result, tight, picture)


def errors(alpha: np.ndarray, exact: np.ndarray, picture: Picture) -> str:
    difference = np.abs(alpha - exact)[picture.unknown]
    return f"{difference.mean():.1e}, {difference.max():.1e}"


if __name__ == "__main__":
    main()
