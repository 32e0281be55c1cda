"""How the benchmarks begin and what they print."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from benchmarks.cases import CASES, available

PACKAGES = ("numpy", "scipy", "numba", "PyMatting", "scikit-sparse")
SLOW_FOR_PEERS = ("light-bulb", "lemur-12mp")  # PyMatting takes minutes and gigabytes


def choose(module_docstring: str) -> list[tuple[str, bool]]:
    """Read the command line, print the heading, and return (name of a case, with PyMatting?)."""
    parser = argparse.ArgumentParser(description=module_docstring.splitlines()[0])
    parser.add_argument("--case", action="append", choices=CASES, help="only these (repeatable)")
    parser.add_argument("--full", action="store_true", help="PyMatting on the largest, too")
    options = parser.parse_args()
    print(f"{module_docstring.strip()}\n\n{machine()}\n")
    here = [name for name in options.case or CASES if available(CASES[name])]
    for name in set(options.case or CASES) - set(here):
        print(f"{name}: its files are not here, skipped")
    peer = find_spec("pymatting") is not None
    return [(name, peer and (options.full or name not in SLOW_FOR_PEERS)) for name in here]


def machine() -> str:
    """Return the processor, its cores, how busy they are, and the versions of all that matters."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    load = f", load {os.getloadavg()[0]:.1f} before" if hasattr(os, "getloadavg") else ""
    versions = [f"Python {sys.version.split()[0]}"]
    for package in PACKAGES:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return f"{_processor()}, {cores} cores, {platform.system()}{load}\n{', '.join(versions)}"


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    for line in cpuinfo.read_text().splitlines() if cpuinfo.exists() else ():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


class Table:
    """A table whose rows are printed as they come, for measurements that take minutes."""

    def __init__(self, *headings: str):
        self.widths = [len(heading) for heading in headings]
        self.widths[0] = max(map(len, CASES))
        self.add(*headings)
        self.add(*("-" * width for width in self.widths))

    def add(self, first: str, *others: str) -> None:
        cells = [first.ljust(self.widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(others, self.widths[1:], strict=True)]
        print("  ".join(cells), flush=True)
