"""Memory: what this process may still use, what it takes at its peak, and work that needs more."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Iterator
from pathlib import Path


def physical() -> float:
    """Return the bytes of memory that this machine has; infinity where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def refuse_beyond(needed: float, what: str, advice: str) -> None:
    """Raise MemoryError if `what` needs more bytes than this process may still use."""
    allowed, whose = min(limits())
    if needed > allowed:
        raise MemoryError(
            f"{what} needs about {needed / 2**30:,.1f} GiB, and {whose} {allowed / 2**30:.1f} GiB "
            f"of memory. {advice}"
        )


def limits() -> Iterator[tuple[float, str]]:
    """Yield the bytes that this process may still use, and the words before "3.0 GiB of memory"."""
    yield physical(), "this machine has"
    yield control_group(), "the control group of this process (a container's, say) leaves"
    for name, option, used in (("RLIMIT_AS", "-v", "VmSize"), ("RLIMIT_DATA", "-d", "VmData")):
        yield _left_by(name, used), f"{name} (ulimit {option}) leaves this process"


def control_group(root: str | os.PathLike[str] = "/") -> float:
    """Return the bytes that Linux's control groups leave this process; infinity without a limit.

    A group leaves its limit without what its processes hold; what it keeps of files, it gives up
    when memory is short. It may use no more than the groups that it is in. Both versions of control
    groups are read. In a container the root may be the group itself, and files of the path may be
    missing.
    """
    try:
        lines = Path(root, "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return math.inf
    found = [math.inf]
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            folders, files = ("", "unified"), VERSION_2
        elif "memory" in controllers.split(","):
            folders, files = ("memory",), VERSION_1
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        for folder in folders:
            for depth in range(len(parts) + 1):
                found.append(_left_in(Path(root, "sys/fs/cgroup", folder, *parts[:depth]), *files))
    return min(found)


# Of a control group: its limit, what it uses, and how much of that are copies of files.
VERSION_1 = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_"
VERSION_2 = "memory.max", "memory.current", ""


def _left_in(group: Path, limit: str, used: str, prefix: str) -> float:
    """Return the bytes that a control group leaves; infinity where it has no limit."""
    most = _bytes_in(group / limit) or math.inf
    if not math.isfinite(most):
        return math.inf
    held = _bytes_in(group / used)
    kinds = {f"{prefix}{kind}_file" for kind in ("active", "inactive")}
    copies = _sum_after(group / "memory.stat", kinds)
    return max(most - max(held - copies, 0), 0) if math.isfinite(held) else most


def _bytes_in(path: Path) -> float:
    """Return the number that a file holds; infinity where it is missing or says "max"."""
    try:
        number = float(path.read_text())
    except (OSError, ValueError):
        return math.inf
    return number if number >= 0 else math.inf


def _sum_after(path: Path, keys: set[str]) -> float:
    """Return the sum of the numbers that follow some keys in a file of lines; 0 for none."""
    try:
        pairs = (line.split(maxsplit=1) for line in path.read_text().splitlines())
        return sum(float(pair[1]) for pair in pairs if pair and pair[0] in keys)
    except (OSError, ValueError, IndexError):
        return 0.0


def _left_by(name: str, used: str) -> float:
    """Return the bytes that a limit of this process leaves it; infinity without one."""
    try:
        import resource

        soft, _ = resource.getrlimit(getattr(resource, name))
    except (ImportError, AttributeError, ValueError, OSError):  # Windows has none
        return math.inf
    if soft == resource.RLIM_INFINITY:
        return math.inf
    held = _status(used)
    return soft if math.isnan(held) else max(soft - held, 0)


def forget_peak() -> float:
    """Start to measure this process's peak anew, and return the bytes that it holds now.

    NaN where the system does not tell, that is everywhere but on Linux with glibc.

    Examples
    --------
    What a call takes beyond what was held before:

    >>> import numpy as np
    >>> held = forget_peak()
    >>> ones = np.ones(10**7)
    >>> taken = peak() - held  # about 8e7
    """
    try:
        # Freed memory that malloc keeps would be used again, and not be counted.
        ctypes.CDLL(None).malloc_trim(0)
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except (OSError, TypeError, AttributeError):
        return math.nan
    return _status("VmRSS")


def peak() -> float:
    """Return the most bytes that this process held since `forget_peak`; NaN as there."""
    return _status("VmHWM")


def _status(key: str) -> float:
    """Return the bytes that Linux tells of this process; NaN elsewhere."""
    try:
        with open("/proc/self/status") as lines:
            return next(1024 * int(line.split()[1]) for line in lines if line.startswith(key + ":"))
    except (OSError, StopIteration):
        return math.nan
