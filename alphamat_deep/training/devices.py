"""The devices of a run: each holds the whole state, and computes an equal part of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from alphamat_deep.training.state import State, Step


class Places(NamedTuple):
    """Where arrays lie."""

    whole: NamedSharding
    """All of an array on each device."""
    parts: NamedSharding
    """An equal part of its first axis on each device."""


def places(devices: Sequence[Any]) -> Places:
    mesh = Mesh(np.array(devices), ("data",))
    return Places(NamedSharding(mesh, PartitionSpec()), NamedSharding(mesh, PartitionSpec("data")))


def compiled(step: Step, where: Places):
    """Return (state, batch, flags) -> (state, scalars, largest flag), for all devices together.

    Statistics over a batch are over all of it. The state that is given is overwritten. All
    processes read the same largest flag, so that all stop after the same step.
    """

    def advance(state: State, batch: Mapping[str, Array], flags: Array):
        return *step(state, batch), flags.max()

    return jax.jit(
        advance,
        in_shardings=(where.whole, where.parts, where.parts),
        out_shardings=where.whole,
        donate_argnums=0,
    )


def put_whole(where: Places, array: np.ndarray) -> Array:
    """Return an array that lies on every device; all processes have to give the same."""
    return jax.make_array_from_process_local_data(where.whole, array)


def put_parts(batch: Any, where: Places) -> Any:
    """Return arrays of all processes' samples, from the samples of this process."""
    return jax.make_array_from_process_local_data(where.parts, batch)


def same_everywhere(values: Any) -> Any:
    """Return the NumPy arrays of the first process in every process."""
    if jax.process_count() == 1:
        return values
    from jax.experimental import multihost_utils

    return multihost_utils.broadcast_one_to_all(values)
