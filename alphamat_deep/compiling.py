"""What JAX compiles of networks: pure functions; shapes without values; a cache on the disk."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from flax import nnx

from alphamat_deep.catalogue import Preset


def pure(model: nnx.Module) -> tuple[Callable[..., Any], nnx.State[Any, Any]]:
    """Return a network as a pure function of its arrays, and these arrays.

    This is what `jax.jit`, `jax.export` and all other transformations of JAX take.

    Parameters
    ----------
    model : nnx.Module
        In evaluation mode (`model.eval()`), as `from_state_dict` returns it. In training mode the
        function would drop the new statistics of normalisation.

    Returns
    -------
    f : callable
        `f(state, *inputs)` returns what `model(*inputs)` returns. Networks of the same
        configuration have the same `f`, so that `jax.jit` compiles it once for all of them.
    state : pytree of arrays
        The model's parameters and statistics.

    Examples
    --------
    >>> import jax
    >>> from flax import nnx
    >>> from alphamat_deep import pure
    >>> f, state = pure(nnx.Linear(3, 2, rngs=nnx.Rngs(0)))
    >>> jax.jit(f)(state, jax.numpy.ones((5, 3))).shape
    (5, 2)
    >>> sorted(x.shape for x in jax.tree.leaves(state))
    [(2,), (3, 2)]
    """
    graph, state = nnx.split(model)
    return _function(graph), state


@cache
def _function(graph: nnx.GraphDef) -> Callable:
    def f(state, *inputs):
        return nnx.merge(graph, state)(*inputs)

    return f


def without_values(preset: Preset) -> nnx.Module:
    """Return a preset's network in evaluation mode, with shapes in place of arrays."""
    model = nnx.eval_shape(lambda: preset.model(preset.config, rngs=untraced_rngs()))
    model.eval()
    return model


def untraced_rngs() -> nnx.Rngs:
    """Return random streams whose counter is not traced.

    With a traced counter, JAX looks up all earlier operations at every draw, which takes 15 seconds
    for a deep network.
    """
    rngs = nnx.Rngs(0)
    zero: Any = np.zeros((), np.uint32)
    rngs.default.count = nnx.RngCount(zero, tag="default")
    return rngs


def keep_compiled() -> None:
    """Keep compiled networks across processes, unless the user has chosen a folder or refused."""
    config: Any = jax.config  # it has its options as attributes
    if config.jax_compilation_cache_dir is None and config.jax_enable_compilation_cache:
        with suppress(OSError, RuntimeError):  # the home may be read-only, or there may be none
            home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
            folder = home / "alphamat" / "jax"
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                config.update("jax_compilation_cache_dir", str(folder))
