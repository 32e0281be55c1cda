"""What the authors' programs computed in two steps of training, and what ours compute of the same.

Both are in float64. `../shared/oracle_training` says how its numbers were made; without it the
tests skip.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.fill import renamed_like, tensors_of
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.state import begin, network
from tests.alphamat_deep import reference_networks as reference

FOLDER = Path(__file__).parents[4] / "shared" / "oracle_training"


@dataclass(frozen=True, eq=False)
class Case:
    """A stored run, and the recipe that makes it."""

    name: str
    recipe: Recipe
    batch: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]
    """From their inputs, channels last, to ours."""
    terms: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Our name and factor of each of their components."""
    tolerance: float = 1e-6
    """Of losses, relative; of gradients, relative to the largest entry."""
    second: float = 1e-5
    """After the first step, where rounding has been amplified."""
    changes: dict[str, Any] = field(default_factory=dict)
    """Attributes of modules."""


def theirs(name):
    if not (FOLDER / f"{name}.json").exists():
        pytest.skip(f"{name}.json is not here: ../shared/oracle_training is absent")
    return json.loads((FOLDER / f"{name}.json").read_text()), np.load(FOLDER / f"{name}.npz")


@cache
def maker():
    spec = importlib.util.spec_from_file_location("make_inputs", FOLDER / "make_inputs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def inputs(document):
    built = maker().build(document["seed"], document["inputs"]["main"])
    return {name: np.moveaxis(array, -3, -1).astype(float) for name, array in built.items()}


def remember():
    """Return a transformation that keeps the last gradient as its state, and changes nothing."""
    return optax.GradientTransformation(lambda p: p, lambda g, state, p=None: (g, g))


@dataclass
class Run:
    """Three steps of ours: their scalars, and arrays by the authors' names and in their layout."""

    scalars: list
    gradients: list
    after: list


def run(case):
    document, _ = theirs(case.name)
    weights = reference.weights(document["weights"])
    with jax.enable_x64(True):
        model = alphamat_deep.from_state_dict(case.recipe.preset, weights, **case.recipe.config)
        if case.changes:
            model.set_attributes(**case.changes)
        names = alphamat_deep.PRESETS[case.recipe.preset].names
        nnx.update(model, jax.tree.map(lambda x: x.astype(jnp.float64), nnx.state(model)))
        both = optax.chain(remember(), case.recipe.optimiser(1000))
        recipe = replace(case.recipe, optimiser=lambda steps: both)
        step, state = begin(recipe, model)
        batch = jax.tree.map(jnp.asarray, case.batch(inputs(document)))
        options = {"xla_backend_optimization_level": 0}
        step = step.lower(state, batch).compile(compiler_options=options)

        def named(parameters, state):
            whole = network(recipe, model, state._replace(parameters=parameters))
            return renamed_like(tensors_of(whole), weights, names)

        result = Run([], [], [])
        for _ in range(3):
            state, scalars = step(state, batch)
            result.scalars.append({name: float(value) for name, value in scalars.items()})
            result.gradients.append(named(state.moments[0], state))
            result.after.append(named(state.parameters, state))
    return result
