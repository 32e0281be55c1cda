import math
import os
import subprocess
import sys

import numpy as np
import pytest

from alphamat import memory


def test_memory_is_known_here_or_unlimited(monkeypatch):
    assert memory.physical() > 2**20
    monkeypatch.delattr(os, "sysconf", raising=False)
    assert memory.physical() == float("inf")


def test_refuses_only_what_exceeds_it(monkeypatch):
    monkeypatch.setattr(memory, "physical", lambda: 2.0**30)
    memory.refuse_beyond(2.0**30, "It", "Nothing to do.")
    with pytest.raises(MemoryError, match=r"It needs about 2\.0 GiB, .* 1\.0 GiB of memory\. Rest"):
        memory.refuse_beyond(2.0**31, "It", "Rest.")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_the_peak_is_of_what_was_held_since_it_was_forgotten():
    early = np.ones(5 * 10**6)
    del early
    held = memory.forget_peak()
    kept = np.ones(10**6)
    assert np.ones(2 * 10**6).sum() == 2 * kept.sum()
    assert 2.3e7 < memory.peak() - held < 3e7


def test_a_peak_that_nobody_tells_is_nan(monkeypatch):
    def nothing(*_):
        raise FileNotFoundError

    monkeypatch.setattr("builtins.open", nothing)
    assert math.isnan(memory.forget_peak())
    assert math.isnan(memory.peak())


GIB = 2**30
GROUPS = {
    "version 2": ("0::/user/job", {"user/job/memory.max": "max", "user/memory.max": 3 * GIB}),
    "version 2, its own namespace": ("0::/", {"memory.max": 3 * GIB}),
    "version 2, beside version 1": ("0::/job", {"unified/job/memory.max": f"{3 * GIB}\n"}),
    "version 1": (
        "9:pids:/\n4:cpu,memory:/job",
        {
            "memory/job/memory.limit_in_bytes": 3 * GIB,
            "memory/memory.limit_in_bytes": 9223372036854771712,
        },
    ),
    "a container of version 1": ("4:memory:/docker/f00", {"memory/memory.limit_in_bytes": 3 * GIB}),
    "a path that leads up": ("0::/../../job", {"job/memory.max": 3 * GIB}),
    "the least of several": (
        "4:memory:/a\n0::/a/b",
        {"memory/a/memory.limit_in_bytes": 5 * GIB, "a/memory.max": 3 * GIB, "memory.max": "max"},
    ),
}


def system(root, groups, files):
    """Lay out the files in which Linux tells of control groups."""
    files = {f"sys/fs/cgroup/{name}": text for name, text in files.items()}
    for name, text in {"proc/self/cgroup": groups, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(str(text))
    return root


@pytest.mark.parametrize("name", GROUPS)
def test_a_control_group_limits_with_all_that_it_is_in(tmp_path, name):
    assert memory.control_group(system(tmp_path, *GROUPS[name])) == 3 * GIB


@pytest.mark.parametrize("text", ["max", "", "-1", "0", "9" * 400, "3 GiB", "\0"])
def test_a_control_group_without_a_number_does_not_limit(tmp_path, text):
    assert memory.control_group(system(tmp_path, "0::/", {"memory.max": text})) == math.inf


@pytest.mark.parametrize("groups", ["", "0::/gone", "nonsense", "0:", "3:cpu:/"])
def test_missing_files_and_lines_that_nobody_knows_do_not_limit(tmp_path, groups):
    assert memory.control_group(system(tmp_path, groups, {})) == math.inf
    assert memory.control_group(tmp_path / "nowhere") == math.inf


USED = {
    "version 2": ("0::/job", "job/memory.max", "job/memory.current", "job/memory.stat", ""),
    "version 1": (
        "4:memory:/job",
        "memory/job/memory.limit_in_bytes",
        "memory/job/memory.usage_in_bytes",
        "memory/job/memory.stat",
        "total_",
    ),
}


@pytest.mark.parametrize("name", USED)
def test_what_a_control_group_holds_is_not_left_but_for_copies_of_files(tmp_path, name):
    groups, limit, used, held, prefix = USED[name]
    told = f"{prefix}active_file {GIB}\n{prefix}inactive_file {2 * GIB}\nactive_file_other 7\n"
    files = {limit: 8 * GIB, used: 5 * GIB, held: told}
    assert memory.control_group(system(tmp_path, groups, files)) == 6 * GIB
    assert memory.control_group(system(tmp_path, groups, files | {used: 13 * GIB})) == 0
    assert memory.control_group(system(tmp_path, groups, files | {used: 2 * GIB})) == 8 * GIB
    assert memory.control_group(system(tmp_path, groups, files | {held: "nonsense"})) == 3 * GIB


def test_the_group_that_leaves_the_least_decides(tmp_path):
    files = {"a/memory.max": 9 * GIB, "a/memory.current": 8 * GIB, "a/b/memory.max": 3 * GIB}
    assert memory.control_group(system(tmp_path, "0::/a/b", files)) == GIB


def test_says_whose_limit_it_is(monkeypatch):
    monkeypatch.setattr(memory, "physical", lambda: 8.0 * GIB)
    monkeypatch.setattr(memory, "control_group", lambda: 3.0 * GIB)
    monkeypatch.setattr(memory, "_status", lambda key: GIB / 2)
    with pytest.raises(MemoryError, match=r"control group of this process .* 3\.0 GiB of memory"):
        memory.refuse_beyond(4.0 * GIB, "It", "Rest.")
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2 * GIB, 2 * GIB))
    with pytest.raises(MemoryError, match=r"RLIMIT_AS \(ulimit -v\) .* 1\.5 GiB of memory\. Rest"):
        memory.refuse_beyond(1.6 * GIB, "It", "Rest.")
    memory.refuse_beyond(1.4 * GIB, "It", "Rest.")


HOLDING = """
import numpy as np
from alphamat import memory
held = np.ones(2**26)  # 0.5 GiB
memory.refuse_beyond(0.2 * 2**30, "A little", "")
try:
    memory.refuse_beyond(1.6 * 2**30, "Much", "Rest.")
except MemoryError as fault:
    print(fault)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a process holds")
@pytest.mark.parametrize("option", ["v", "d"])
def test_a_real_limit_leaves_what_is_not_held_yet(option):
    command = f"ulimit -{option} {2 * 2**20} && exec {sys.executable} -c '{HOLDING}'"
    result = subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    assert f"(ulimit -{option}) leaves this process" in result.stdout
