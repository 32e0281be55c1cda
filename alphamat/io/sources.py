"""What is read: paths, pipes and open files, or a refusal that says what is wrong with a path."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

BUFFER = 2**18  # bytes: PNG files may have a chunk every 8192
Source = str | os.PathLike[str] | IO[bytes]


@contextmanager
def opened(source: Source) -> Iterator[tuple[Any, str]]:
    """Give a file that can be read at any place, from its start, and what errors call it.

    What comes through a pipe is read once, whole.
    """
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        yield _seekable(source), name if isinstance(name, str) else "the file given"
        return
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"`path` is a {type(source).__name__}; expected a path, or a file open for reading in "
            "binary mode."
        )
    refuse_unreadable(source)
    with _open(Path(source)) as file:
        yield _seekable(file), str(Path(source))


def refuse_unreadable(path: str | os.PathLike[str]) -> None:
    """Raise unless there is a file at `path`."""
    name, path = os.fspath(path), Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected an image file.")
    if path.exists():
        return
    if scheme := re.match(r"([a-z][a-z0-9+.-]+):/+", name, re.IGNORECASE):
        url = f"{scheme[1]}://{name[scheme.end() :]}"
        raise FileNotFoundError(f"{url} is a URL; download it first, and give the file.")
    if name == "-":
        raise FileNotFoundError("- is no file; standard input is /dev/stdin.")
    if path.is_symlink():
        raise FileNotFoundError(
            f"{path} is a link to {os.readlink(path)}, which does not exist or leads back to it."
        )
    raise FileNotFoundError(f"{path} does not exist; expected an image file.")


def _open(path: Path) -> IO[bytes]:
    try:
        return open(path, "rb", buffering=BUFFER)
    except OSError as fault:
        raise type(fault)(f"{path} cannot be read: {fault.strerror}.") from fault


def _seekable(file: Any) -> Any:
    """Return a file on disk at its start, or all that comes from another in memory."""
    if hasattr(file, "seekable") and file.seekable():
        file.seek(0)
        # Others may be unpacked as they are read, and Pillow would go to the file below them.
        if isinstance(getattr(file, "raw", None), io.FileIO):
            return file
    content = file.read()
    if not isinstance(content, bytes):
        raise TypeError("`path` is a file open in text mode; open it in binary mode, as 'rb'.")
    return io.BytesIO(content)
