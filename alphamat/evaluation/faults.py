"""What is told of an exception: its kind, its message, and the line of the user's code."""

from __future__ import annotations

import sysconfig
import traceback
from functools import cache
from pathlib import Path

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
    lines = [
        (Path(frame.f_code.co_filename), line, frame.f_code.co_name)
        for frame, line in traceback.walk_tb(fault.__traceback__)
        if frame.f_globals.get("__name__", "").split(".")[0] not in OURS
    ]
    own = [line for line in lines if not any(map(line[0].is_relative_to, _libraries()))]
    if not own:
        return ""
    file, line, function = own[-1]
    return f" ({file.name}, line {line}, in {function})"


@cache
def _libraries() -> set[Path]:
    paths = sysconfig.get_paths()
    return {Path(paths[kind]) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
