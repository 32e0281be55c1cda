"""The authors' programs' first two updates of the parameters, and ours, in float64.

`../shared/oracle_training` says how its numbers were made; without it the tests skip. Names and
layouts of arrays are the authors'.
"""

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

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
    batch: Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
    """From their inputs, channels last, to ours."""
    terms: Mapping[str, str] = field(default_factory=dict)
    """Our names of their components."""
    noise: tuple[float, float] = (2e-7, 1e-5)
    """Relative differences at the first update, and after it, where errors have grown."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """Of modules, to change."""
    slow: bool = False


class Run(NamedTuple):
    """What is known of some steps, each as a dictionary by name."""

    scalars: list[dict[str, float]]
    gradients: list[dict[str, np.ndarray]]
    tensors: list[dict[str, np.ndarray]]


def described(case):
    """Return the description of a stored run, and its arrays."""
    if not (FOLDER / f"{case.name}.json").exists():
        pytest.skip(f"{case.name}.json is not here: ../shared/oracle_training is absent")
    return json.loads((FOLDER / f"{case.name}.json").read_text()), np.load(
        FOLDER / f"{case.name}.npz"
    )


@cache
def maker():
    spec = importlib.util.spec_from_file_location("make_inputs", FOLDER / "make_inputs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sampled(name, array):
    """Return the entries of a tensor that are stored."""
    return array.reshape(-1)[maker().sample_index(name, array.size)]


@lru_cache(maxsize=2)
def weights(name):
    return reference.weights(name)


@lru_cache(maxsize=1)
def steps(case):
    """Make as many steps as there are losses."""
    document, _ = described(case)
    with jax.enable_x64(True):
        model = _model(case, document)
        updates = optax.chain(_remember(), case.recipe.optimiser(1000))
        step, state = begin(replace(case.recipe, optimiser=lambda _: updates), model)
        built = maker().build(document["seed"], document["inputs"]["main"])
        wide = {name: np.moveaxis(x, -3, -1).astype(float) for name, x in built.items()}
        batch = jax.tree.map(jnp.asarray, case.batch(wide))
        run = Run([], [], [])
        for _ in range(-(-len(document["loss"]) // len(case.recipe.losses))):
            state, scalars = step(state, batch)
            run.scalars.append({name: float(value) for name, value in scalars.items()})
            gradient = state._replace(parameters=state.moments[0])
            run.gradients.append(_named(case, document, model, gradient))
            run.tensors.append(_named(case, document, model, state))
    return run


def _model(case, document):
    recipe = case.recipe
    model = alphamat_deep.from_state_dict(
        recipe.preset, weights(document["weights"]), **recipe.config
    )
    model.set_attributes(**case.attributes, raise_if_not_found=False)
    nnx.update(model, jax.tree.map(lambda x: x.astype(jnp.float64), nnx.state(model)))
    return model


def _remember():
    """Return a transformation that changes nothing, and whose state is the last gradient."""
    return optax.GradientTransformation(lambda p: p, lambda g, state, p=None: (g, g))


def _named(case, document, model, state):
    tensors = tensors_of(network(case.recipe, model, state))
    names = alphamat_deep.PRESETS[case.recipe.preset].names
    return renamed_like(tensors, weights(document["weights"]), names)
