"""Text that tells functions, options and samples apart when work is continued."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from functools import partial
from hashlib import blake2b
from pathlib import Path, PurePath

import numpy as np


def describe(value) -> str:
    """Return text that is equal for equal functions, options and samples, in any process.

    Of an object of another kind it tells the type only.
    """
    if isinstance(value, partial):
        options = [describe(argument) for argument in value.args]
        options += [f"{key}={describe(value.keywords[key])}" for key in sorted(value.keywords)]
        return f"{describe(value.func)}({', '.join(options)})"
    if value is None or isinstance(value, bool | int | float | complex | str | np.generic):
        return repr(value)
    if isinstance(value, PurePath):
        return str(Path(value).resolve())
    if isinstance(value, np.ndarray):
        digest = blake2b(np.ascontiguousarray(value).data, digest_size=8).hexdigest()
        return f"{value.dtype} {value.shape} {digest}"
    if is_dataclass(value) and not isinstance(value, type):
        parts = [getattr(value, field.name) for field in fields(value)]
        return f"{type(value).__qualname__}{describe(parts)}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(describe, value))}]"
    kind = value if hasattr(value, "__qualname__") else type(value)
    return f"{kind.__module__}.{kind.__qualname__}"
