"""The .safetensors format, read and written: it is our own.

The length of a header, the header in JSON (dtype, shape and place of each tensor, and metadata),
the tensors. Parsed here, since the package's loader for NumPy knows no bfloat16 and no limit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import accumulate, chain, pairwise
from pathlib import Path

import numpy as np

from alphamat.io.whole import refuse_unwritable, replace_file
from alphamat_deep.checkpoints.tensors import (
    DTYPES,
    Budget,
    Dictionary,
    Refusal,
    Tensor,
    measured,
)

CODES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<bfloat16",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "|i1",
    "U8": "|u1",
    "BOOL": "|b1",
}
NAMES = {DTYPES[code]: name for name, code in CODES.items()}
METADATA = "__metadata__"

PARSED = 32  # bytes: more than parsing a byte of JSON leaves behind


def write_native(
    path: str | os.PathLike[str], tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]
) -> None:
    """Write tensors in our own format, whole or not at all.

    Parameters
    ----------
    path : path ending in .safetensors
        A file already there is replaced, once the new one is complete.
    tensors : dict of str to array
        float64, float32, float16, bfloat16, int8 to int64, uint8 or bool.
    metadata : dict of str to str
        What `checkpoints.metadata` tells later, such as where the weights come from.

    Raises
    ------
    ValueError, FileNotFoundError, IsADirectoryError, PermissionError
        If no such file can be written at `path`, or `tensors` or `metadata` are none of the above.
    """
    path = Path(path)
    refuse_unwritable(path, endings=(".safetensors",))
    if not _is_metadata(metadata):
        raise ValueError("`metadata` is not a dictionary of str to str.")
    arrays = {name: np.asarray(tensor) for name, tensor in tensors.items()}
    for name, array in arrays.items():
        if array.dtype not in NAMES or not isinstance(name, str) or name == METADATA:
            raise ValueError(
                f"`tensors` has {array.dtype} under the name {name!r}; expected text that is not "
                f"{METADATA!r}, and one of {', '.join(str(dtype) for dtype in NAMES)}."
            )
    # Wide ones first, so that each lies where its type may: readers may map the file.
    ordered = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    ends = list(accumulate((arrays[name].nbytes for name in ordered), initial=0))
    places = dict(zip(ordered, pairwise(ends), strict=True))
    header = {
        name: {"dtype": NAMES[array.dtype], "shape": array.shape, "data_offsets": places[name]}
        for name, array in arrays.items()
    }
    text = json.dumps({METADATA: dict(metadata), **header}).encode()
    text += b" " * (-len(text) % 8)
    bare = (arrays[name].tobytes() for name in ordered)
    replace_file(path, chain([len(text).to_bytes(8, "little"), text], bare))


def recognises(content: memoryview) -> bool:
    return content[8:9] == b"{"


def load(content: memoryview, budget: Budget) -> Dictionary:
    """Return the tensors of a file."""
    header, start = _header(content, budget)
    header.pop(METADATA, None)
    pairs, places = [], [(0, 0)]
    for name, told in header.items():
        tensor, place = _tensor(name, told, content[start:])
        pairs.append((name, tensor))
        places.append(place)
    places = [*sorted(places), (len(content) - start,)]
    if any(end != begin for (_, end), (begin, *_) in pairwise(places)):
        raise Refusal("is cut short or damaged: its tensors do not fill it one after another.")
    return Dictionary(pairs)


def metadata(content: memoryview, budget: Budget) -> dict[str, str]:
    """Return the metadata of a file."""
    header, _ = _header(content, budget)
    told = header.get(METADATA, {})
    if not _is_metadata(told):
        raise Refusal("is damaged: its metadata are no texts by name.")
    return told


def _header(content: memoryview, budget: Budget) -> tuple[dict, int]:
    """Return the header, and where it ends."""
    size = int.from_bytes(content[:8], "little")
    if size > len(content) - 8:
        raise Refusal(f"is cut short: its header alone should have {size:,} bytes.")
    budget.claim(PARSED * size, "its header")
    try:
        header = json.loads(str(content[8 : 8 + size], "utf-8"), object_pairs_hook=_unique)
    except Refusal:
        raise
    except (ValueError, RecursionError) as error:
        raise Refusal("is damaged: its header is no JSON.") from error
    return header, 8 + size


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Refusal("is damaged: something in its header has two values.")
    return found


def _tensor(name: str, told: object, content: memoryview) -> tuple[Tensor, tuple[int, int]]:
    """Return a tensor and its place."""
    called = f"its tensor {name[:100]!r}"
    match told:
        case {"dtype": str(code), "shape": [*sides], "data_offsets": [int(begin), int(end)]}:
            tensor = Tensor(lambda: content[begin:end], CODES.get(code, code), tuple(sides))
            if 0 <= begin <= end and measured(called, tensor)[2] == end - begin:
                return tensor, (begin, end)
    raise Refusal(f"is damaged: what its header says of {called} cannot be.")


def _is_metadata(told: object) -> bool:
    return isinstance(told, Mapping) and all(
        isinstance(text, str) for pair in told.items() for text in pair
    )
