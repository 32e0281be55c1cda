"""Files of the network's parameters, in the .safetensors format: read strictly, executing nothing.

The length of a header, the header in JSON (dtype, shape and place of each tensor), the tensors.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from alphamat.door.parameters import shown
from alphamat.network.unet import shapes

BUNDLED = Path(__file__).parents[1] / "assets" / "learned.safetensors"
DTYPES = {"F16": np.dtype("<f2"), "F32": np.dtype("<f4")}
LONGEST_HEADER = 2**20  # bytes: a hundred times what the network's has
LARGEST_FILE = 2**25  # bytes: twice what it has in float32


def read_weights(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """Read the network's parameters as float32.

    Raises
    ------
    TypeError
        If `path` is none.
    ValueError
        If the file holds anything but all parameters of the network, in float16 or float32, each
        with its name and shape. The message says what is wrong.
    OSError
        If the file cannot be read.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"`weights` is {shown(path)}; expected the path of a .safetensors file, or None."
        )
    try:
        return _read(Path(path))
    except ValueError as fault:
        name = os.fspath(path)
        raise ValueError(f"{name} does not hold the network's weights: {fault}") from None


def _read(path: Path) -> dict[str, np.ndarray]:
    size = path.stat().st_size
    if not 8 <= size <= LARGEST_FILE:
        raise ValueError(f"it has {size:,} bytes, and float32 takes 14 million.")
    stored = path.read_bytes()
    start = 8 + int.from_bytes(stored[:8], "little")
    header = _header(stored[8:start])
    expected = shapes()
    for name in [*expected, *header]:
        if name not in header:
            raise ValueError(f"{name} is missing.")
        if name not in expected:
            raise ValueError(f"the network has no {shown(name)}.")
    tensors = memoryview(stored)[start:]
    return {name: _tensor(name, header[name], tensors, expected[name]) for name in expected}


def _header(text: bytes) -> dict[str, Any]:
    if len(text) > LONGEST_HEADER:
        raise ValueError("it is no .safetensors file.")
    try:
        header = json.loads(text)
    except (ValueError, RecursionError):
        header = None
    if not isinstance(header, dict):
        raise ValueError("it is no .safetensors file.")
    header.pop("__metadata__", None)
    return header


def _tensor(name: str, entry: Any, tensors: memoryview, shape: tuple[int, ...]) -> np.ndarray:
    """Return one tensor of the file as float32."""
    entry = entry if isinstance(entry, dict) else {}
    code, found, place = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
    dtype = DTYPES.get(code) if isinstance(code, str) else None
    if dtype is None or found != list(shape):
        raise ValueError(
            f"{name} is {shown(code)} of shape {shown(found)}; expected F16 or F32 of shape "
            f"{list(shape)}."
        )
    size = dtype.itemsize * math.prod(shape)
    start = place[0] if isinstance(place, list) and place and type(place[0]) is int else -1
    if not 0 <= start <= len(tensors) - size or place != [start, start + size]:
        raise ValueError(f"{name} lies at {shown(place)}; expected {size} bytes of the file.")
    tensor = np.frombuffer(tensors[start : start + size], dtype).reshape(shape)
    if not np.isfinite(tensor).all():
        raise ValueError(f"{name} has NaN or infinite values.")
    return tensor.astype(np.float32)
