"""What is told of an exception: its kind, its message, and the line of the user's code."""

from __future__ import annotations

import sysconfig
import traceback
from functools import cache
from pathlib import Path
from types import FrameType

OURS = ("alphamat", "alphamat_deep", "solvers")


def told(fault: BaseException) -> str:
    """Return an exception in one line."""
    try:
        message = str(fault)
    except Exception:
        message = "its message cannot be shown"
    return " ".join(f"{type(fault).__name__}: {message}".split())


def place(fault: BaseException) -> str:
    """Return the last line outside of installed libraries, in brackets; nothing if there is none.

    That is where a function of the user's failed, or called what failed.
    """
    own = [
        (file, line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(fault.__traceback__)
        if frame.f_globals.get("__name__", "").split(".")[0] not in OURS
        and not any(map((file := _file(frame)).is_relative_to, _libraries()))
    ]
    if not own:
        return ""
    file, line, function = own[-1]
    parts = [file.name, f"line {line}", f"in {function}"]
    return f" ({', '.join(filter(None, parts))})"


def _file(frame: FrameType) -> Path:
    """Return the file of a frame's code; an empty path for what was typed in, as in a notebook."""
    name = frame.f_code.co_filename
    # A function that was pickled whole remembers its file here alone.
    name = frame.f_globals.get("__file__", "") if name.startswith("<") else name
    return Path() if "ipykernel_" in name else Path(name)


@cache
def _libraries() -> set[Path]:
    paths = sysconfig.get_paths()
    return {Path(paths[kind]) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
