"""The checkpoints of a run: all that it needs to go on as if it had never stopped.

`checkpoints/000500.safetensors` has the state after 500 steps. A file takes its name once it is
complete, and carries a digest of its arrays, so that a damaged one is known.
"""

from __future__ import annotations

import hashlib
import json
import math
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from alphamat_deep.checkpoints import metadata, read, write_native

Arrays = dict[str, np.ndarray]


class Notes(NamedTuple):
    """What a checkpoint says beside its arrays."""

    step: int = 0
    best: int = 0
    """The step after which the network scored best so far; 0 before the first score."""
    score: float = math.inf
    """The score then; lower is better."""
    unscored: bool = False
    """Whether this step's network has still to be scored."""


class Checkpoints:
    """A folder of checkpoints, written in a thread. Of them the last ones and the best are kept."""

    def __init__(self, folder: Path, keep: int):
        self.folder, self.keep = folder, keep
        self.writer = ThreadPoolExecutor(1, "checkpoints")
        self.written: Future | None = None
        folder.mkdir(parents=True, exist_ok=True)
        for part in folder.glob(".*.part"):  # of a process that was killed
            part.unlink()

    def save(self, arrays: Arrays, notes: Notes, then: Callable[[], None]) -> None:
        """Begin to write a state, and to do something then.

        What went wrong with the one before is raised now.
        """
        self.wait()
        self.written = self.writer.submit(self._write, arrays, notes, then)

    def wait(self) -> None:
        """Wait until all is written."""
        written, self.written = self.written, None
        if written is not None:
            written.result()

    def close(self) -> None:
        self.writer.shutdown()

    def path(self, step: int) -> Path:
        return self.folder / f"{step:06d}.safetensors"

    def steps(self) -> list[int]:
        """Return the steps that have a checkpoint, in order."""
        files = self.folder.glob("*.safetensors")
        return sorted(int(file.stem) for file in files if file.stem.isdecimal())

    def newest(self, like: Arrays) -> tuple[Arrays, Notes] | None:
        """Read the newest checkpoint that is whole; None where there is none at all.

        A damaged one is set aside with a warning, and the one before it taken.

        Raises
        ------
        ValueError
            If all are damaged, or one has other arrays than `like`.
        """
        steps = self.steps()
        for step in reversed(steps):
            try:
                found = _read(self.path(step), like)
            except _Damaged as fault:
                aside = self.path(step).replace(self.path(step).with_suffix(".damaged"))
                warnings.warn(f"{fault} It is now {aside}.", stacklevel=4)
            else:
                return found
        if steps:
            raise ValueError(f"{self.folder} has no checkpoint that is whole.")
        return None

    def _write(self, arrays: Arrays, notes: Notes, then: Callable[[], None]) -> None:
        text = json.dumps(notes._asdict())
        told = {"notes": text, "digest": _digest(arrays, text)}
        write_native(self.path(notes.step), arrays, told)
        good = [step for step in self.steps() if step != notes.best]
        for step in good[: -self.keep]:
            self.path(step).unlink()
        then()


def arrays_of(state: Any) -> Arrays:
    """Copy a state from the devices, by the names of its places; wait until it is computed."""
    raw = jax.tree.map(lambda x: jax.random.key_data(x) if _is_key(x) else x, state)
    leaves = jax.tree_util.tree_flatten_with_path(jax.device_get(raw))[0]
    # On CPUs, what `device_get` returns is the array itself, which the next step overwrites.
    return {jax.tree_util.keystr(path): _storable(np.array(leaf)) for path, leaf in leaves}


def state_of(
    arrays: Mapping[str, np.ndarray],
    like: Any,
    *,
    put: Callable[[np.ndarray], Array] = jnp.array,
) -> Any:
    """Return the state, or a part of it, with these arrays; `like` has its structure and types.

    `put` brings an array to where it shall lie.
    """

    def restored(path, leaf):
        array = arrays[jax.tree_util.keystr(path)]
        if _is_key(leaf):
            return jax.random.wrap_key_data(put(array.view(np.uint32)))
        return put(array.view(leaf.dtype))

    return jax.tree_util.tree_map_with_path(restored, like)


def faults_of(arrays: Arrays) -> list[str]:
    """Return the places that hold NaN or infinity."""
    floats = {name: x for name, x in arrays.items() if jnp.issubdtype(x.dtype, jnp.floating)}
    return [name for name, x in floats.items() if not np.isfinite(x).all()]


class _Damaged(ValueError):
    """A checkpoint that is not what was written."""


def _read(path: Path, like: Arrays) -> tuple[Arrays, Notes]:
    room = sum(x.nbytes for x in like.values())
    try:
        told = metadata(path)
        arrays = read(path, limit=2 * room + 2**24)
    except ValueError as fault:
        raise _Damaged(str(fault)) from fault
    notes = told.get("notes", "")
    if _digest(arrays, notes) != told.get("digest"):
        raise _Damaged(f"{path} is damaged: it does not hold what was written.")
    shapes, expected = ({k: (v.shape, str(v.dtype)) for k, v in x.items()} for x in (arrays, like))
    for name in {**expected, **shapes}:
        if shapes.get(name) != expected.get(name):
            raise ValueError(
                f"{path} is not of this recipe: its {name} is {shapes.get(name)}, not "
                f"{expected.get(name)}."
            )
    return arrays, Notes(**json.loads(notes))


def _digest(arrays: Arrays, notes: str) -> str:
    seen = hashlib.blake2b(notes.encode(), digest_size=16)
    for name in sorted(arrays):
        seen.update(name.encode())
        seen.update(np.ascontiguousarray(arrays[name]).reshape(-1).view(np.uint8).data)
    return seen.hexdigest()


def _is_key(x: Any) -> bool:
    return jnp.issubdtype(x.dtype, jax.dtypes.prng_key)


def _storable(array: np.ndarray) -> np.ndarray:
    return array.view(np.int32) if array.dtype == np.uint32 else array
