"""Recipes teach: eight compositions are learnt by heart."""

from dataclasses import replace
from functools import partial

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.training.compositions import compose_square, painted
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.recipes import RECIPES
from alphamat_deep.training.state import begin, network


def eight(size):
    """Return a batch of eight painted scenes."""
    source, rng = painted(size, size), np.random.default_rng(3)
    samples = [compose_square(source[at].read(), rng, size=size, largest=1) for at in range(8)]
    return {name: jnp.stack([sample[name] for sample in samples]) for name in samples[0]}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "size", "rate", "steps"),
    [
        ("dim-stage1", 64, 1e-4, 500),
        ("modnet", 64, 2e-3, 500),
        ("pp-mattingv2-512", 128, 1e-3, 500),
    ],
)
def test_eight_compositions_are_learnt_by_heart(name, size, rate, steps):
    rates = partial(optax.cosine_decay_schedule, rate)
    recipe = replace(RECIPES[name], optimiser=lambda n: optax.adam(rates(n)), steps=steps)
    model = alphamat_deep.build(recipe.preset, rngs=nnx.Rngs(4), **recipe.config)
    batch = eight(size)
    step, state = begin(recipe, model)
    for at in range(steps):
        state, scalars = step(state, batch)
        if at % 25 == 0:
            print(name, at, float(scalars["total"]), flush=True)
    rules = alphamat_deep.PRESETS[recipe.preset].preprocess
    alpha = network(recipe, model, state)(*inputs_of(rules, batch)).alpha
    unknown = batch["trimap"] == 0.5
    error = jnp.square(alpha - batch["alpha"]).mean(where=unknown)
    print(name, float(error))
    assert error < 1e-3
