"""The first updates of parameters by the authors' programs, and ours of the same, in float64.

Names and layouts of arrays are the authors'.
"""

from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.fill import renamed_like, tensors_of
from alphamat_deep.layers import convolve, resizing
from alphamat_deep.training.losses import modnet
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.state import begin, network
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.training.oracles import built, document, maker


@dataclass(frozen=True, eq=False)
class Case:
    """A stored run, and the recipe that makes it."""

    name: str
    recipe: Recipe
    batch: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
    """From their inputs to ours."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """Our names of their components."""
    noise: tuple[float, float] = (2e-7, 1e-5)
    """Relative differences at the first update, and after it, when errors have grown."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of modules, to change."""
    blur: str = ""
    """Name of the stored weights' kernel, which is random, in the place of MODNet's Gaussian."""
    precise: bool = False
    """Whether weights of interpolation are in double precision, too, as theirs in such a run."""


class Run(NamedTuple):
    """What is known of each step, by name."""

    scalars: list[dict[str, float]]
    gradients: list[dict[str, np.ndarray]]
    tensors: list[dict[str, np.ndarray]]


@lru_cache(maxsize=1)
def steps(case):
    """Make as many steps as there are losses to compare."""
    made, run = document(case.name), Run([], [], [])
    inputs = {name: array.astype(float) for name, array in built(made)["main"].items()}
    with jax.enable_x64(True), changed(case, made):
        model = in_float64(case, made)
        updates = optax.chain(remember(), case.recipe.optimiser(1000))
        step, state = begin(replace(case.recipe, optimiser=lambda _: updates), model)
        batch = jax.tree.map(jnp.asarray, case.batch(inputs))
        for _ in range(-(-len(made["loss"]) // len(case.recipe.losses))):
            state, scalars = step(state, batch)
            gradient = state._replace(parameters=state.moments[0])
            run.scalars.append({name: float(value) for name, value in scalars.items()})
            run.gradients.append(named(case, model, gradient))
            run.tensors.append(named(case, model, state))
    return run


def in_float64(case, made):
    recipe = case.recipe
    tensors = weights(made["weights"])
    model = alphamat_deep.from_state_dict(recipe.preset, tensors, **recipe.config)
    model.set_attributes(**case.attributes, raise_if_not_found=False)
    nnx.update(model, jax.tree.map(lambda x: x.astype(jnp.float64), nnx.state(model)))
    return model


@contextmanager
def changed(case, made):
    """Change MODNet's filter to a stored kernel, and the weights of interpolation, for the case."""
    with pytest.MonkeyPatch.context() as patch:
        if case.precise:
            patch.setattr(resizing, "find_neighbours", neighbours_in_double)
        if case.blur:
            kernel = jnp.asarray(weights(made["weights"])[case.blur].reshape(3, 3, 1, 1), float)

            def smooth(x):
                mirrored = jnp.pad(x, [(0, 0), (1, 1), (1, 1), (0, 0)], mode="reflect")
                return convolve(mirrored, kernel)

            patch.setattr(modnet, "smooth", smooth)
        yield


def neighbours_in_double(length, count, step=None):
    at = np.maximum((np.arange(count) + 0.5) * (step or length / count) - 0.5, 0)
    first = np.minimum(at.astype(int), length - 1)
    return first, np.minimum(first + 1, length - 1), at - first


def remember():
    """Return a transformation that changes nothing, and whose state is the last gradient."""
    return optax.GradientTransformation(lambda p: p, lambda g, state, p=None: (g, g))


def named(case, model, state):
    tensors = tensors_of(network(case.recipe, model, state))
    names = alphamat_deep.PRESETS[case.recipe.preset].names
    return renamed_like(tensors, weights(document(case.name)["weights"]), names)


@lru_cache(maxsize=1)
def weights(name):
    return reference.weights(name)


def sampled(name, array):
    """Return the entries of a tensor that are stored."""
    return array.reshape(-1)[maker().sample_index(name, array.size)]
