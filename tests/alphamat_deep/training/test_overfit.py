"""A network learns a few painted compositions by heart; docs/training.md has longer runs."""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.compositions import batches, compose_square, painted
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.recipes import RECIPES
from alphamat_deep.training.state import begin, network

SAMPLES = 4


def unknown_error(net, preset, batch):
    """The mean square error of alpha on unknown pixels, in evaluation mode."""
    alpha = nnx.jit(lambda net, *inputs: net(*inputs).alpha)(
        net, *inputs_of(PRESETS[preset].preprocess, batch)
    )
    unknown = batch["trimap"] == 0.5
    return float(jnp.square(alpha - batch["alpha"])[unknown].mean())


@pytest.mark.slow
def test_a_network_learns_four_compositions_by_heart():
    name, size, rate, steps = "learned", 64, 2e-3, 60
    rates = optax.warmup_cosine_decay_schedule(0, rate, 20, steps, rate / 50)
    recipe = replace(RECIPES[name], optimiser=lambda steps: optax.adam(rates))
    model = alphamat_deep.build(recipe.preset, rngs=nnx.Rngs(0), **recipe.config)
    compose = partial(compose_square, size=size)
    source = painted(2 * size, 2 * size)
    with batches(source, None, compose, batch=SAMPLES, seed=3, workers=0) as feed:
        batch = jax.tree.map(jnp.asarray, dict(next(feed)))
    step, state = begin(recipe, model)
    before = unknown_error(network(recipe, model, state), recipe.preset, batch)
    for _ in range(steps):
        state, scalars = step(state, batch)
    after = unknown_error(network(recipe, model, state), recipe.preset, batch)
    assert np.isfinite(scalars["total"])
    assert after < 0.01 < before / 5
