"""Kernels compile when first called, say so once, and do without a cache where there is none."""

import copy
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import solvers
from solvers import _amg_kernels, _kernels

ROOT = Path(__file__).parents[2]
PACKAGES = ["solvers", "alphamat", "alphamat_deep"]
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

@jit
def twice_the_total(a):
    return double(total(a))
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


@pytest.mark.parametrize("kept", [0, 0.5, None], ids=["empty", "half", "zeros inside"])
@pytest.mark.parametrize("pattern", ["*.nbi", "*.nbc"])
def test_damaged_files_are_compiled_anew_and_replaced(installation, tmp_path, pattern, kept):
    cache = str(tmp_path / "cache")
    first = run(installation, CALL, NUMBA_CACHE_DIR=cache)
    files = list(Path(cache).rglob(pattern))
    assert files
    for file in files:
        content = file.read_bytes()
        middle, end = len(content) // 2, len(content) - 20
        broken = content[:middle] + bytes(end - middle) + content[end:]
        file.write_bytes(broken if kept is None else content[: int(len(content) * kept)])
    second = run(installation, CALL, NUMBA_CACHE_DIR=cache)
    assert second.stdout == first.stdout
    assert second.stderr.count("are damaged") == 1
    assert cache in second.stderr
    assert run(installation, CALL, NUMBA_CACHE_DIR=cache).stderr == ""


@pytest.mark.skipif(sys.platform == "win32", reason="files have no limit of size there")
def test_no_room_for_a_cache_is_gone_on_without(installation, tmp_path):
    limit = (
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
    )
    result = run(installation, limit + CALL, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert result.stdout.split() == ["12.0", "6"]
    assert result.stderr.count("not kept for the next process") == 1
    again = run(installation, CALL, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert again.stdout == result.stdout
    assert "damaged" not in again.stderr


READ_ONLY = """
import errno, tempfile
def refuse(*arguments, **options): raise OSError(errno.EROFS, "Read-only file system")
tempfile.TemporaryFile = refuse
"""


def test_a_filled_folder_that_cannot_be_written_to_is_used(installation, tmp_path):
    cache = str(tmp_path / "cache")
    first = run(installation, CALL, NUMBA_CACHE_DIR=cache)
    second = run(installation, READ_ONLY + CALL, NUMBA_CACHE_DIR=cache)
    assert (second.stdout, second.stderr) == (first.stdout, "")
    other = "from solvers.probe_kernels import double\nprint(double(2.5j))"
    third = run(installation, READ_ONLY + other, NUMBA_CACHE_DIR=cache)
    assert third.stdout == "5j\n"
    assert "no folder for a cache can be written" in third.stderr


def test_constants_and_functions_of_other_files_are_noticed(installation, tmp_path):
    folder = Path(installation["PYTHONPATH"]) / "solvers"
    (folder / "probe_kernels.py").write_text(
        "from solvers.loops import jit\nfrom solvers.probe_helper import SCALE, add\n\n"
        "@jit\ndef scaled(x):\n    return add(SCALE * x)\n"
    )
    helper = "from solvers.loops import jit\nSCALE = {}\n\n@jit\ndef add(x):\n    return x + {}\n"
    program = COUNT_COMPILATIONS + (
        "from solvers.probe_kernels import scaled\nprint(scaled(5), len(compiled))\n"
    )
    seen = []
    for values in ((2, 1), (2, 1), (3, 1), (3, 7)):
        (folder / "probe_helper.py").write_text(helper.format(*values))
        done = run(installation, program, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
        seen.append(done.stdout.split())
    assert [result for result, _ in seen] == ["11", "11", "16", "22"]
    assert [count != "0" for _, count in seen] == [True, False, True, True]


def test_another_numba_keeps_its_own_cache(installation, tmp_path):
    lacking = "import numba.core.caching as c\ndel c.CompileResultCacheImpl\n"
    changed = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (run(installation, lacking + CALL, **changed) for _ in range(2))
    assert first.stdout.split() == ["12.0", "6"]
    assert second.stderr == ""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_waits_for_a_thread_that_compiles(installation, tmp_path):
    program = """
import os, threading, time, warnings
warnings.simplefilter("ignore")
from numba.core import event
import solvers.probe_kernels as probe, numpy as np
begun = threading.Event()
class Begin(event.Listener):
    def on_start(self, event): begun.set(); time.sleep(0.3)
    def on_end(self, event): pass
event.register("numba:compile", Begin())
other = threading.Thread(target=probe.total, args=(np.arange(4.0),))
other.start()
begun.wait()
child = os.fork()
if child == 0:
    print(probe.double(3), flush=True)
    os._exit(0)
other.join()
for _ in range(200):
    done, status = os.waitpid(child, os.WNOHANG)
    if done: break
    time.sleep(0.1)
else:
    os.kill(child, 9)
print(done == child and status == 0)
"""
    result = run(installation, program, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    assert result.stdout.split() == ["6", "True"]


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


def test_importing_every_kernel_imports_no_numba():
    program = (
        "import importlib, sys\n"
        f"for name in {kernel_modules()}: importlib.import_module(name)\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('numba', 'llvmlite')])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (result.stdout, result.stderr) == ("[]\n", "")


def kernel_modules():
    """Return the names of all modules of kernels, in all packages."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("_*kernels.py")]
    assert len(files) > 10
    return [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]


def test_a_kernel_may_call_other_kernels(installation, tmp_path):
    program = (
        "import numpy as np, solvers.probe_kernels as probe\n"
        "print(probe.twice_the_total(np.arange(4.0)))\n"
    )
    cache = str(tmp_path / "cache")
    for _ in ("compiled", "cached"):
        assert run(installation, program, NUMBA_CACHE_DIR=cache).stdout == "12.0\n"


def test_a_kernel_is_pickled_by_its_name():
    for kernel in (_kernels.dot, _amg_kernels.cycle):
        assert pickle.loads(pickle.dumps(kernel)) is kernel
        assert copy.deepcopy(kernel) is kernel


def test_a_kernel_goes_to_another_process_before_and_after_it_was_called(installation, tmp_path):
    program = (
        "import pickle, sys, solvers.probe_kernels as probe\n"
        "before = pickle.dumps(probe.double)\n"
        "probe.double(1)\n"
        "print(pickle.dumps(probe.double) == before, before.hex())\n"
    )
    cache = str(tmp_path / "cache")
    same, pickled = run(installation, program, NUMBA_CACHE_DIR=cache).stdout.split()
    assert same == "True"
    program = f"import pickle; print(pickle.loads(bytes.fromhex('{pickled}'))(3))"
    assert run(installation, program, NUMBA_CACHE_DIR=cache).stdout == "6\n"


def test_first_calls_at_the_same_time_compile_once(installation, tmp_path):
    program = (
        "import threading, numpy as np\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import solvers.probe_kernels as probe\n"
        "barrier = threading.Barrier(8)\n"
        "def call(kernel):\n"
        "    barrier.wait()\n"
        "    return kernel(np.arange(4.0))\n"
        "kernels = [probe.twice_the_total, probe.total] * 4\n"
        "with ThreadPoolExecutor(8) as pool: print(*pool.map(call, kernels))\n"
        "of = [probe.twice_the_total, probe.total, probe.double]\n"
        "print(*(sum(k.dispatcher().stats.cache_misses.values()) for k in of))\n"
    )
    result = run(installation, program, NUMBA_CACHE_DIR=str(tmp_path / "cache"))
    values, compilations = result.stdout.splitlines()
    assert values.split() == ["12.0", "6.0"] * 4
    assert compilations.split() == ["1", "1", "1"]
    assert result.stderr.count(NOTICE) == 1


def test_kernels_work_with_numba_turned_off(installation):
    program = (
        "import numpy as np, solvers.probe_kernels as probe\n"
        "print(probe.twice_the_total(np.arange(4.0)))\n"
    )
    assert run(installation, program, NUMBA_DISABLE_JIT="1").stdout == "12.0\n"


def test_a_kernel_keeps_its_name_and_docstring(installation, tmp_path):
    program = "from solvers.probe_kernels import total; print(total.__name__); print(total.__doc__)"
    cache = str(tmp_path / "cache")
    assert run(installation, program, NUMBA_CACHE_DIR=cache).stdout == "total\nSum an array.\n"
