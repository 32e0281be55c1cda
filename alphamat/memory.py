"""Memory: what this process may use, what it takes at its peak, and work that needs more."""

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
    """Raise MemoryError if `what` needs more bytes than this process may use."""
    allowed, whose = min(limits())
    if needed > allowed:
        raise MemoryError(
            f"{what} needs about {needed / 2**30:,.1f} GiB, and {whose} {allowed / 2**30:.1f} GiB "
            f"of memory. {advice}"
        )


def limits() -> Iterator[tuple[float, str]]:
    """Yield the bytes that this process may use, and the words before "3.0 GiB of memory"."""
    yield physical(), "this machine has"
    yield control_group(), "the control group of this process (a container's, say) allows it"
    for name, option in (("RLIMIT_AS", "-v"), ("RLIMIT_DATA", "-d")):
        yield _resource_limit(name), f"{name} (ulimit {option}) allows this process"


def control_group(root: str | os.PathLike[str] = "/") -> float:
    """Return the bytes that Linux's control groups allow this process; infinity without a limit.

    A group may use no more than the groups that it is in. Both versions of control groups are read.
    In a container the root may be the group itself, and files of the path may be missing.
    """
    try:
        lines = Path(root, "proc/self/cgroup").read_text().splitlines()
    except (OSError, ValueError):
        return math.inf
    found = [math.inf]
    for line in lines:
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if not controllers:
            folders, name = ("", "unified"), "memory.max"
        elif "memory" in controllers.split(","):
            folders, name = ("memory",), "memory.limit_in_bytes"
        else:
            continue
        parts = [part for part in path.split("/") if part not in ("", ".", "..")]
        for folder in folders:
            for depth in range(len(parts) + 1):
                place = Path(root, "sys/fs/cgroup", folder, *parts[:depth], name)
                found.append(_bytes_in(place))
    return min(found)


def _bytes_in(path: Path) -> float:
    """Return the number that a file holds; infinity where it is missing or says "max"."""
    try:
        number = float(path.read_text())
    except (OSError, ValueError):
        return math.inf
    return number if number > 0 else math.inf


def _resource_limit(name: str) -> float:
    try:
        import resource

        soft, _ = resource.getrlimit(getattr(resource, name))
    except (ImportError, AttributeError, ValueError, OSError):  # Windows has none
        return math.inf
    return math.inf if soft == resource.RLIM_INFINITY else soft


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
