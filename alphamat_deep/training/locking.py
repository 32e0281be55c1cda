"""One run at a time in a folder."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

TAKEN = errno.EACCES, errno.EAGAIN, errno.EDEADLK


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Keep a folder for this run; raise if another one has it.

    The system holds the lock, on an open file, so it ends with the process, however that ends.
    Where the system has no locks, as on some network disks, nothing is kept.
    """
    with ExitStack() as held:
        try:
            file = held.enter_context(open(out / ".lock", "ab"))
        except OSError:
            file = None
        if file and _is_taken(file):
            raise BlockingIOError(
                f"`out` is {out}, where another run goes on at this moment. Wait until it ends, or "
                "name another folder."
            )
        yield


def _is_taken(file: IO[bytes]) -> bool:
    """Lock a file if the system can; return whether somebody else has locked it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        return fault.errno in TAKEN
    return False
