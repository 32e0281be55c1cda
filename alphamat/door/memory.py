"""Work that this machine cannot hold is refused before it is begun."""

from __future__ import annotations

import os


def physical() -> float:
    """Return the bytes of memory that this machine has; infinity where the system does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def refuse_beyond(needed: float, what: str, advice: str) -> None:
    """Raise MemoryError, naming what needs so many bytes, if this machine has fewer."""
    if needed > physical():
        raise MemoryError(
            f"{what} needs about {needed / 2**30:.1f} GiB, and this machine has "
            f"{physical() / 2**30:.1f} GiB of memory. {advice}"
        )
