"""From a checkpoint file to its tensors by name, whatever wrote it."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from alphamat.door import as_count
from alphamat_deep.checkpoints import archive, npz, paddle, safetensors, torch
from alphamat_deep.checkpoints.entries import choose
from alphamat_deep.checkpoints.tensors import Budget, Refusal, take

LIMIT = 4 * 2**30  # bytes


def read(
    path: str | os.PathLike[str], *, limit: int = LIMIT, entry: str | None = None
) -> dict[str, np.ndarray]:
    """Read the tensors of a checkpoint file; run nothing that it holds.

    Parameters
    ----------
    path : path of a file of PyTorch (zip, or the format before 1.6), Paddle (.pdparams), NumPy
        (.npz) or safetensors
        Known by its contents, whatever its name ends with.
    limit : int
        Bytes that may be allocated on the file's word: for its tensors, for what has to be
        decompressed to get at them, and for their names and nesting. The file itself is mapped
        into memory, and not counted.
    entry : str, optional
        Which dictionary of a nested checkpoint to read, such as "ema" or "model/generator". By
        default what the names in `entries.ENTRIES` lead to, and else the outermost.

    Returns
    -------
    dict of str to array
        As named in the file, in its order. float64, float32, float16, bfloat16, int8 to int64,
        uint8 or bool; in C order and the machine's byte order; nobody else's memory. What is not a
        tensor, such as the number of an epoch, is left out.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no file at `path`.
    ValueError
        If the file is none of these, is damaged or cut short, asks for anything but tensors and
        containers, needs more than `limit`, or leaves open which of its dictionaries is meant.
    """
    limit = as_count(limit, "limit", most=None)
    budget = Budget(limit)
    with _opened(Path(path)) as content:
        tensors = choose(_outermost(content, budget), entry, budget)
        return {name: take(name, tensor, budget) for name, tensor in tensors.items()}


def metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """Return what a .safetensors file says of itself, such as where its weights come from.

    Raises
    ------
    FileNotFoundError, IsADirectoryError
        If there is no file at `path`.
    ValueError
        If it is no such file, or is damaged.
    """
    with _opened(Path(path)) as content:
        if not safetensors.recognises(content):
            raise Refusal("is no safetensors file, and only these have metadata.")
        return safetensors.metadata(content, Budget(LIMIT))


@contextmanager
def _opened(path: Path) -> Iterator[memoryview]:
    """Map a file into memory, and name it in whatever is refused until the end."""
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder; expected a checkpoint file.")
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; expected a checkpoint file.")
    if not path.is_file() or path.stat().st_size == 0:
        raise ValueError(f"{path} is empty or no regular file; expected a checkpoint file.")
    try:
        with open(path, "rb") as file:
            # Unmapped once the last view of it is gone.
            yield memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except Refusal as refusal:
        raise ValueError(f"{path} {refusal}") from refusal.__cause__


def _outermost(content: memoryview, budget: Budget) -> object:
    """Return what a file holds, its tensors not yet read."""
    if archive.recognises(content):
        files = archive.opened(content, budget)
        if npz.recognises(files):
            return npz.load(files)
        return torch.load_zip(files, budget)
    if torch.recognises_old(content):
        return torch.load_old(content, budget)
    if paddle.recognises(content):
        return paddle.load(content, budget)
    if safetensors.recognises(content):
        return safetensors.load(content, budget)
    if bytes(content[257:262]) == b"ustar":
        raise Refusal(
            "is a tar archive, as only the first releases of PyTorch wrote; expected a newer "
            "format: unpack it if it holds one, or load it with an old PyTorch and save it anew."
        )
    raise Refusal(
        f"begins with {bytes(content[:8])!r}, which is no checkpoint that is read here; expected "
        "one of PyTorch, Paddle (.pdparams), NumPy (.npz) or safetensors."
    )
