"""Kernels compile when first called, say so once, and do without a cache where there is none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import solvers

NOTICE = "Compiling kernels for this machine"
PROBE = '''
from solvers.loops import jit

@jit
def total(a):
    """Sum an array."""
    s = 0.0
    for i in range(a.size):
        s += a[i]
    return s

@jit(fastmath=False)
def double(x):
    return 2 * x
'''
CALL = """
import numpy as np
from solvers.probe_kernels import double, total
print(double(total(np.arange(4.0))), double(3))
"""
COUNT_COMPILATIONS = """
from numba.core import event
compiled = []
class Count(event.Listener):
    def on_start(self, event): compiled.append(event)
    def on_end(self, event): pass
event.register("numba:compile", Count())
"""


@pytest.fixture
def installation(tmp_path):
    """A copy of the package with one more kernel file, and an environment with nowhere to cache.

    Root may write into read-only folders, so the folders that numba would use lie below a file.
    """
    target = tmp_path / "site" / "solvers"
    shutil.copytree(Path(solvers.__file__).parent, target, ignore=shutil.ignore_patterns("__pyc*"))
    (target / "probe_kernels.py").write_text(PROBE)
    (target / "__pycache__").write_text("a file where numba would put a folder")
    nowhere = str(tmp_path / "file" / "below")
    Path(nowhere).parent.write_text("")
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NUMBA_", "XDG_", "PYTHON", "COV_"))
    }
    environment |= {
        "PYTHONPATH": str(target.parent),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": nowhere,
        "XDG_CACHE_HOME": nowhere,
    }
    return environment


def run(environment, program, **changes):
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=environment | changes,
        cwd=environment["PYTHONPATH"],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result


@pytest.mark.parametrize("cache", ["unset", "unwritable"])
def test_kernels_work_where_nothing_can_be_cached(installation, cache):
    if cache == "unwritable":
        installation["NUMBA_CACHE_DIR"] = installation["HOME"]
    result = run(installation, CALL)
    assert result.stdout.split() == ["12.0", "6"]


def test_kernels_work_without_a_home(installation):
    del installation["HOME"]
    assert run(installation, CALL).stdout.split() == ["12.0", "6"]


def test_compiling_is_announced_once_and_not_with_a_warm_cache(installation, tmp_path):
    cache = str(tmp_path / "cache")
    first = run(installation, CALL, NUMBA_CACHE_DIR=cache)
    assert first.stderr.count(NOTICE) == 1
    assert NOTICE not in first.stdout
    second = run(installation, CALL, NUMBA_CACHE_DIR=cache)
    assert second.stderr == ""
    assert second.stdout == first.stdout


def test_importing_every_kernel_compiles_nothing(installation, tmp_path):
    program = COUNT_COMPILATIONS + (
        "import importlib, pkgutil, solvers\n"
        "names = [m.name for m in pkgutil.iter_modules(solvers.__path__) if 'kernels' in m.name]\n"
        "for name in names: importlib.import_module(f'solvers.{name}')\n"
        "print(len(names), len(compiled))\n"
        "from solvers.probe_kernels import double\n"
        "double(1)\n"
        "print(len(compiled))\n"
    )
    found, at_import, after_call = run(
        installation, program, NUMBA_CACHE_DIR=str(tmp_path / "cache")
    ).stdout.split()
    assert int(found) >= 2
    assert (at_import, after_call) == ("0", "1")


def test_a_kernel_keeps_its_name_and_docstring(installation, tmp_path):
    program = "from solvers.probe_kernels import total; print(total.__name__); print(total.__doc__)"
    cache = str(tmp_path / "cache")
    assert run(installation, program, NUMBA_CACHE_DIR=cache).stdout == "total\nSum an array.\n"
