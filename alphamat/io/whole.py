"""Files written whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def replace_file(path: str | os.PathLike[str], content: Iterable[bytes]) -> None:
    """Put a complete file in the place of `path`; its content may come in pieces.

    The file takes its name once it is complete and on disk: what was there before stays until
    then, also if the process is killed. Where `path` is a link, the file that it leads to is
    replaced.

    Raises
    ------
    OSError
        If the file cannot be written; the error names it.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "notes.txt"
    ...     replace_file(path, [b"first, ", b"second"])
    ...     path.read_text()
    'first, second'
    """
    # Unlike Path.resolve, realpath leaves a link to itself as it is: it is replaced.
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")  # as long as any name may be
    try:
        with open(temporary, "xb") as file:
            file.writelines(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException as fault:
        temporary.unlink(missing_ok=True)
        if isinstance(fault, OSError) and fault.filename in (None, str(temporary)):
            reason = fault.strerror or fault
            raise type(fault)(f"{path} cannot be written: {reason}.") from fault
        raise


def refuse_unwritable(path: str | os.PathLike[str], *, endings: tuple[str, ...]) -> None:
    """Raise unless `path` has one of the endings, and a file can be written there."""
    path = Path(path)
    if path.suffix.lower() not in endings:
        raise ValueError(f"{path} cannot be written; expected a name in {', '.join(endings)}.")
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected the name of a file to write.")
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is a pipe or a device; expected the name of a file to write.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path} cannot be written: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK):
        raise PermissionError(f"{path} cannot be written: the folder {path.parent} is read-only.")
