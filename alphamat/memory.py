"""Memory: what this machine has, what this process takes at its peak, and work that needs more."""

from __future__ import annotations

import ctypes
import math
import os


def physical() -> float:
    """Return the bytes of memory that this machine has; infinity where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def refuse_beyond(needed: float, what: str, advice: str) -> None:
    """Raise MemoryError if `what` needs more bytes than this machine has."""
    if needed > physical():
        raise MemoryError(
            f"{what} needs about {needed / 2**30:.1f} GiB, and this machine has "
            f"{physical() / 2**30:.1f} GiB of memory. {advice}"
        )


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
