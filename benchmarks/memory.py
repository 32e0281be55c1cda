"""Peak memory above the imports and the inputs.

`python -m benchmarks.memory [--contest NAME …] [--case NAME …] [--full]`. Each number is measured
in a process of its own, which imports the library, runs the method on a tiny picture so that
everything is compiled and loaded, reads the picture (float64), notes its memory, runs once, and
reports how far its peak lies above that (on Linux only). MB are 10⁶ bytes. PyMatting sits out what
takes it many minutes without --full.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from benchmarks.cases import CASES, load
from benchmarks.contests import CONTESTS, MOST_FOR_PEER, PEER, Contest
from benchmarks.report import Table, choose

CHILD = """
import sys, warnings, numpy as np
from alphamat import memory
from benchmarks.contests import CONTESTS, tiny

warnings.simplefilter("ignore")
contest, entry, *paths = sys.argv[1:]
method = CONTESTS[contest].entries()[entry]
image, hint = (np.load(path) for path in paths)
method(*tiny())
held = memory.forget_peak()
method(image, hint)
print(memory.peak() - held)
"""


def peak(contest: str, entry: str, inputs: tuple[np.ndarray, np.ndarray]) -> float:
    """Return the MB that an entry of a contest adds at its peak; NaN outside Linux."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "image.npy", Path(folder) / "hint.npy"]
        for path, array in zip(paths, inputs, strict=True):
            np.save(path, array)
        command = [sys.executable, "-c", CHILD, contest, entry, *map(str, paths)]
        root = Path(__file__).parents[1]
        child = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=root)
    return float(child.stdout.split()[-1]) / 1e6


def main() -> None:
    options = choose(__doc__)
    table = Table("method                 ", "picture       ", "ours, MB", "PyMatting, MB", "share")
    for name in options.contest:
        contest: Contest = CONTESTS[name]
        for case in options.case:
            picture = load(CASES[case])
            inputs = contest.inputs(picture)
            theirs = np.nan
            patient = options.full or picture.unknown.sum() <= MOST_FOR_PEER
            if PEER in contest.entries() and patient:
                theirs = peak(name, PEER, inputs)
            for entry in contest.ours:
                ours = peak(name, entry, inputs)
                table.add(entry, case, f"{ours:.0f}", f"{theirs:.0f}", f"1/{theirs / ours:.1f}")


if __name__ == "__main__":
    main()
