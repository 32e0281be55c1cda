"""How the benchmarks begin and what they print."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.cases import CASES, available
from benchmarks.contests import CONTESTS

PACKAGES = ("numpy", "scipy", "numba", "PyMatting", "scikit-sparse", "jax", "flax", "torch")


class Choice(argparse.Namespace):
    """What the command line asks for."""

    contest: list[str]
    case: list[str]
    full: bool


def choose(module_docstring: str) -> Choice:
    """Read the command line and print the heading."""
    parser = argparse.ArgumentParser(description=module_docstring.splitlines()[0])
    parser.add_argument("--contest", action="append", choices=CONTESTS, help="only these")
    parser.add_argument("--case", action="append", choices=CASES, help="only these pictures")
    parser.add_argument("--full", action="store_true", help="PyMatting wherever it is slow, too")
    options = parser.parse_args(namespace=Choice())
    print(f"{module_docstring.strip()}\n\n{machine()}\n")
    options.contest = options.contest or list(CONTESTS)
    here = [name for name in options.case or CASES if available(CASES[name])]
    for name in set(options.case or CASES) - set(here):
        print(f"{name}: its files are not here, skipped")
    options.case = here
    return options


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
        self.add(*headings)
        self.add(*("-" * width for width in self.widths))

    def add(self, *cells: str) -> None:
        first, *others = zip(cells, self.widths, strict=True)
        row = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        print("  ".join(row).rstrip(), flush=True)
