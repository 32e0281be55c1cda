"""A network while it is trained, and the step that improves it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from alphamat_deep.training.recipe import Recipe


class State(NamedTuple):
    """All that a step changes: a pytree of arrays."""

    step: Array
    """Steps that were made."""
    parameters: nnx.State
    """Those that are trained."""
    rest: nnx.State
    """What else the network holds: statistics, singular vectors, frozen parameters."""
    moments: optax.OptState
    average: nnx.State | None
    """The exponential average of the parameters."""
    key: Array
    """From which the random streams of each step are made."""


Step = Callable[[State, Mapping[str, Any]], tuple[State, dict[str, Array]]]
"""From a state and a batch to the next state, and the scalars of the losses before it."""


def begin(
    recipe: Recipe, model: nnx.Module, *, seed: int = 0, dtype: DTypeLike = jnp.float32
) -> tuple[Step, State]:
    """Return the step of a recipe, compiled when it is first called, and the state to start from.

    Parameters
    ----------
    recipe : Recipe
    model : nnx.Module
        Its network, fresh or filled. It is not changed.
    seed : int
        Decides what is random in the network, such as dropout.
    dtype : float32 or bfloat16
        Type of the network's computations. Parameters, statistics and losses stay as they are.
    """
    model = nnx.clone(model)
    model.train(**({"use_running_average": True} if recipe.frozen_statistics else {}))
    graph, *values = nnx.split(model, partial(_is_trained, recipe.frozen), ...)
    parameters, rest = jax.tree.map(jnp.copy, values)  # a step overwrites its state
    optimiser = recipe.optimiser(recipe.steps)
    state = State(
        step=jnp.zeros((), jnp.int32),
        parameters=parameters,
        rest=rest,
        moments=optimiser.init(parameters),
        average=jax.tree.map(jnp.copy, parameters) if recipe.average else None,
        key=jax.random.key(seed),
    )
    return jax.jit(partial(_step, graph, recipe, optimiser, dtype), donate_argnums=0), state


def network(recipe: Recipe, model: nnx.Module, state: State, *, average: bool = True) -> nnx.Module:
    """Return a network with the values of a state, in evaluation mode.

    `model` has the structure. Averaged parameters are taken where there are some, unless `average`
    is False.
    """
    graph, *_ = nnx.split(model, partial(_is_trained, recipe.frozen), ...)
    parameters = state.average if average and state.average is not None else state.parameters
    trained = nnx.merge(graph, parameters, state.rest, copy=True)
    trained.eval()
    return trained


def _step(
    graph: nnx.GraphDef,
    recipe: Recipe,
    optimiser: optax.GradientTransformation,
    dtype: DTypeLike,
    state: State,
    batch: Mapping[str, Array],
) -> tuple[State, dict[str, Array]]:
    scalars = {}
    for at, loss in enumerate(recipe.losses):
        rngs = nnx.Rngs(jax.random.fold_in(state.key, len(recipe.losses) * state.step + at))

        def objective(parameters, rest, loss=loss, rngs=rngs):
            model = nnx.merge(graph, _cast(parameters, dtype), rest, copy=True)
            parts = loss(model, _cast(batch, dtype), rngs)
            rest = nnx.split(model, partial(_is_trained, recipe.frozen), ...)[2]
            return parts["total"].astype(jnp.result_type(jnp.float32)), (parts, rest)

        gradient, (parts, rest) = jax.grad(objective, has_aux=True)(state.parameters, state.rest)
        updates, moments = optimiser.update(gradient, state.moments, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        state = state._replace(parameters=parameters, rest=rest, moments=moments)
        scalars |= parts | {"gradient": optax.tree.norm(gradient)}
    if state.average is not None:
        average = optax.incremental_update(state.parameters, state.average, 1 - recipe.average)
        state = state._replace(average=average)
    return state._replace(step=state.step + 1), scalars


def _cast(tree: Any, dtype: DTypeLike) -> Any:
    """Return a tree whose float32 arrays have another type."""
    return jax.tree.map(lambda x: x.astype(dtype) if x.dtype == jnp.float32 else x, tree)


def _is_trained(frozen: tuple[str, ...], path: tuple[Any, ...], value: Any) -> bool:
    name = ".".join(map(str, path))
    return isinstance(value, nnx.Param) and not any(re.search(p, name) for p in frozen)
