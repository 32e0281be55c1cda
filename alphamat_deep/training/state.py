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
from jax import Array, lax
from jax.typing import DTypeLike

from alphamat_deep.training.recipe import Loss, Recipe


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
    copy: nnx.State | None
    """The parameters of some steps ago, which losses compare with."""
    key: Array
    """From which the random streams of each step are made."""
    broken: Array | None = None
    """Steps in a row, the last ones, that changed nothing."""
    steps: Array | None = None
    """Of the whole run, where that is found out while it goes on."""


Step = Callable[[State, Mapping[str, Any]], tuple[State, dict[str, Array]]]
"""From a state and a batch to the next state, and the scalars of the losses before it.

"gradient" is the norm of the gradient. Names of the second loss end in "_2", and so on."""


def begin(
    recipe: Recipe,
    model: nnx.Module,
    *,
    seed: int = 0,
    dtype: DTypeLike = jnp.float32,
    parts: int = 1,
    timed: bool = False,
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
    parts : int
        Parts of equal size in which a batch is differentiated, one after the other, to save memory.
        Gradients and scalars are their means, and each part has its own batch statistics. Losses
        that divide by a number of pixels divide by that of the part.
    timed : bool
        Whether the number of steps is a part of the state, so that it may be changed.
    """
    model = nnx.clone(model)
    model.train(unbiased=not recipe.biased)
    if recipe.frozen_statistics:
        model.set_attributes(use_running_average=True, raise_if_not_found=False)
    graph, *values = nnx.split(model, partial(_is_trained, recipe.frozen), ...)
    parameters, rest = jax.tree.map(jnp.copy, values)  # a step overwrites its state
    optimiser = recipe.optimiser(recipe.steps)
    state = State(
        step=jnp.zeros((), jnp.int32),
        parameters=parameters,
        rest=rest,
        moments=optimiser.init(parameters),
        average=jax.tree.map(jnp.copy, parameters) if recipe.average else None,
        copy=jax.tree.map(jnp.copy, parameters) if recipe.copy else None,
        key=jax.random.key(seed),
        broken=jnp.zeros((), jnp.int32) if recipe.broken else None,
        steps=jnp.asarray(recipe.steps, jnp.int32) if timed else None,
    )
    step = partial(_step, graph, recipe, dtype, parts)
    return jax.jit(step, donate_argnums=0), state


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
    dtype: DTypeLike,
    parts: int,
    state: State,
    batch: Mapping[str, Array],
) -> tuple[State, dict[str, Array]]:
    optimiser: Any = recipe.optimiser
    optimiser = optimiser(recipe.steps if state.steps is None else state.steps)
    if state.copy is not None:
        renewed = partial(jnp.where, state.step % recipe.copy == 0)
        state = state._replace(copy=jax.tree.map(renewed, state.parameters, state.copy))
    scalars = {}
    for at, loss in enumerate(recipe.losses):
        key = jax.random.fold_in(state.key, len(recipe.losses) * state.step + at)
        gradient, rest, found = _differentiate(graph, loss, dtype, parts, state, batch, key)
        updates, moments = optimiser.update(gradient, state.moments, state.parameters)
        parameters = optax.apply_updates(state.parameters, updates)
        found = found | {"gradient": optax.tree.norm(gradient)}
        new = state._replace(parameters=parameters, rest=rest, moments=moments)
        state = new if state.broken is None else _unless_broken(new, state, found)
        scalars |= {f"{name}_{at + 1}" if at else name: value for name, value in found.items()}
    if state.average is not None:
        kept = recipe.average(state.step + 1) if callable(recipe.average) else recipe.average
        average = optax.incremental_update(state.parameters, state.average, 1 - kept)
        state = state._replace(average=average)
    if state.broken is not None:
        scalars["broken"] = state.broken
    return state._replace(step=state.step + 1), scalars


def _unless_broken(new: State, old: State, scalars: Mapping[str, Array]) -> State:
    """Return the old values where a scalar is not finite."""
    assert old.broken is not None
    good = jnp.isfinite(jnp.stack([*scalars.values()])).all()
    names = "parameters", "rest", "moments"
    chosen = {
        name: jax.tree.map(partial(jnp.where, good), getattr(new, name), getattr(old, name))
        for name in names
    }
    return old._replace(**chosen, broken=jnp.where(good, 0, old.broken + 1))


def _differentiate(
    graph: nnx.GraphDef,
    loss: Loss,
    dtype: DTypeLike,
    parts: int,
    state: State,
    batch: Mapping[str, Array],
    key: Array,
) -> tuple[nnx.State, nnx.State, dict[str, Array]]:
    """Return the gradient of a loss, the rest of the network after it, and the loss's scalars."""

    def objective(parameters, rest, batch, key):
        model = _merge(graph, parameters, rest, dtype)
        copies = []
        if state.copy is not None:
            copy = _merge(graph, state.copy, rest, dtype)
            copy.eval()
            copies = [InType(copy, dtype)]
        scalars = loss(InType(model, dtype), batch, nnx.Rngs(key), *copies)
        _, _, others = nnx.split(model, nnx.Param, ...)
        rest = nnx.merge_state(nnx.filter_state(rest, nnx.Param), others)
        return scalars["total"], (rest, scalars)

    differentiate = jax.grad(objective, has_aux=True)
    if parts == 1:
        gradient, (rest, scalars) = differentiate(state.parameters, state.rest, batch, key)
        return gradient, rest, scalars

    def add(sums, part):
        gradient, rest = sums
        more, (rest, scalars) = differentiate(state.parameters, rest, *part)
        return (jax.tree.map(jnp.add, gradient, more), rest), scalars

    # Samples of a device stay there.
    cut = jax.tree.map(lambda x: x.reshape(-1, parts, *x.shape[1:]).swapaxes(0, 1), batch)
    none = jax.tree.map(jnp.zeros_like, state.parameters)
    keys = jax.random.split(key, parts)
    (gradient, rest), scalars = lax.scan(add, (none, state.rest), (cut, keys))
    gradient = jax.tree.map(lambda x: x / parts, gradient)
    return gradient, rest, {name: values.mean(0) for name, values in scalars.items()}


def _merge(
    graph: nnx.GraphDef, parameters: nnx.State, rest: nnx.State, dtype: DTypeLike
) -> nnx.Module:
    """Return a network whose parameters have a type of their own, unlike its statistics."""
    frozen, others = nnx.split_state(rest, nnx.Param, ...)
    return nnx.merge(graph, *_cast((parameters, frozen), jnp.float32, dtype), others, copy=True)


class InType:
    """A network that takes and gives float32, whatever the type of its parameters."""

    def __init__(self, model: nnx.Module, dtype: DTypeLike):
        self.model, self.dtype = model, dtype

    def __call__(self, *inputs, **named):
        inputs, named = _cast((inputs, named), jnp.float32, self.dtype)
        return _cast(self.model(*inputs, **named), self.dtype, jnp.float32)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)


def _cast(tree: Any, old: DTypeLike, new: DTypeLike) -> Any:
    """Return a tree in which arrays of one type have another."""

    def cast(x):
        return x.astype(new) if isinstance(x, Array) and x.dtype == old else x

    return jax.tree.map(cast, tree, is_leaf=lambda x: isinstance(x, nnx.Rngs))


def _is_trained(frozen: tuple[str, ...], path: tuple[Any, ...], value: Any) -> bool:
    name = ".".join(map(str, path))
    return isinstance(value, nnx.Param) and not any(re.search(p, name) for p in frozen)
