"""How fast batches for training are composed: 512 × 512, cut-outs and backgrounds from PNG files.

`python -m benchmarks.compositions [--workers N …] [--files N]`. Painted cut-outs of 640 × 800 and
backgrounds of 480 × 640 are written first. "first" is the time to the first batch of 4; "samples/s"
is for a consumer that only takes batches; "waits" is the share of time in which one waits that
works for 100 ms at each batch. Memory is of one process that composes.
"""

from __future__ import annotations

import argparse
from itertools import islice
from multiprocessing import active_children
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep

import numpy as np

import alphamat
from alphamat_deep.training import compositions
from benchmarks.report import Table, machine

BATCH, BATCHES, WORK = 4, 40, 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", action="append", type=int)
    parser.add_argument("--files", type=int, default=24)
    given = parser.parse_args()
    print(f"{__doc__.strip()}\n\n{machine()}\n")
    table = Table("workers", "first   ", "samples/s", "waits ", "memory  ")
    with TemporaryDirectory() as folder:
        write(Path(folder), given.files)
        for workers in given.workers or [0, 1, 2]:
            table.add(f"{workers}", *measured(Path(folder), workers))


def write(folder: Path, count: int) -> None:
    cut, behind = folder / "cut", folder / "behind"
    cut.mkdir()
    behind.mkdir()
    for entry in islice(compositions.painted(640, 800), count):
        layers = entry.read()
        pixels = np.concatenate([layers["foreground"], layers["alpha"]], axis=-1)
        alphamat.write_image(cut / f"{entry.name}.png", pixels)
    for entry in islice(compositions.backdrops(480, 640), count):
        alphamat.write_image(behind / f"{entry.name}.png", entry.read()["background"])


def measured(folder: Path, workers: int) -> tuple[str, ...]:
    source, behind = compositions.cutouts(folder / "cut"), folder / "behind"
    start = perf_counter()
    with compositions.batches(source, behind, batch=BATCH, workers=workers) as stream:
        next(stream)
        first = perf_counter() - start
        for _ in range(4):
            next(stream)
        start = perf_counter()
        for _ in range(BATCHES):
            next(stream)
        rate = BATCH * BATCHES / (perf_counter() - start)
        waited = 0.0
        start = perf_counter()
        for _ in range(BATCHES):
            sleep(WORK)
            began = perf_counter()
            next(stream)
            waited += perf_counter() - began
        share = waited / (perf_counter() - start)
        memory = max([resident(child.pid) for child in active_children()], default=0)
    return f"{first:.2f} s", f"{rate:.1f}", f"{100 * share:.1f} %", f"{memory / 2**20:.0f} MiB"


def resident(process: int | None) -> int:
    """Return the bytes that a process holds, on Linux; 0 elsewhere."""
    file = Path(f"/proc/{process}/status")
    lines = file.read_text().splitlines() if file.exists() else []
    return sum(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    main()
