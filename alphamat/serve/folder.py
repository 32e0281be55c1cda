"""The private folder of a server, in which all pictures lie."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None

PREFIX = "alphamat-serve-"
YOUNG = 10.0  # seconds, in which another server may not have locked its folder yet


@contextmanager
def private_folder(place: Path | None) -> Iterator[Path]:
    """Give a folder that nobody else may read, and remove it at the end.

    Folders that killed servers have left are removed, too, where the system can lock folders.
    """
    with (
        tempfile.TemporaryDirectory(prefix=PREFIX, dir=place, ignore_cleanup_errors=True) as made,
        _locked(folder := Path(made)),
    ):
        for other in folder.parent.glob(f"{PREFIX}*"):
            with suppress(OSError):  # another server uses it, or another user's
                if other != folder and time.time() - other.lstat().st_mtime > YOUNG:
                    with _locked(other):
                        shutil.rmtree(other)
        yield folder


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder until this process ends at the latest.

    Raises
    ------
    OSError
        If another process has locked it, or if this is no folder of ours.
    """
    if fcntl is None:
        yield
        return
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(lock)
