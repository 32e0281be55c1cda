"""Rates, clipping and groups of parameters, against the authors' own schedulers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.compiling import without_values
from alphamat_deep.fill import our_name, tensors_of
from alphamat_deep.training.optimisers import (
    adamw,
    by_depth,
    by_name,
    clip_by_average,
    warm_up_and_cosine,
)
from alphamat_deep.training.recipes import (
    gca,
    modnet,
    paddleseg,
    pp_humanmatting,
    pp_mattingv2,
    vitmatte,
)
from tests.alphamat_deep.training.oracles import document

EPOCH = 7
SCHEDULES = {
    "gca": (gca.rates(200_000), 1),
    "modnet": (modnet.rates(40 * EPOCH), EPOCH),
    "ppmatting": (paddleseg.poly(200_000), 1),
    "ppmattingv2": (pp_mattingv2.rates(100_000), 1),
    "paddleseg_modnet": (modnet.paddle_rates(100_000), 1),
    "vitmatte_s": (vitmatte.rates(134_687), 1),
    "paddleseg_humanmatting": (pp_humanmatting.rates(50_000), 1),
}


def rows(name):
    return np.array(document("schedules")["schedules"][name]["rows"])


@pytest.mark.parametrize("name", SCHEDULES)
def test_rates_are_those_of_the_authors_schedulers(name):
    rates, stride = SCHEDULES[name]
    at, expected = rows(name).T
    with jax.enable_x64(True):
        ours = [float(rates(jnp.asarray(stride * int(step), float))) for step in at]
    np.testing.assert_allclose(ours, expected, rtol=1e-6, atol=1e-12)


def test_clipping_by_the_average_norm_is_gcas():
    clip = clip_by_average()
    state = clip.init({})
    with jax.enable_x64(True):
        state = jax.tree.map(lambda x: x.astype(float), state)
        for norm, _, clipped, average in rows("gca_clip"):
            gradient = {"a": jnp.array([0.6 * norm]), "b": jnp.array([-0.8 * norm])}
            gradient, state = clip.update(gradient, state)
            assert float(optax.tree.norm(gradient)) == pytest.approx(clipped, rel=1e-12)
            assert float(state.average) == pytest.approx(average, rel=1e-12)


def test_the_warm_up_starts_above_zero_and_the_cosine_ends_at_zero():
    rates = warm_up_and_cosine(0.4, 4, 20)
    found = [float(rates(step)) for step in (0, 1, 3, 11, 19)]
    np.testing.assert_allclose(found, [0.1, 0.2, 0.4, 0.2, 0.0], atol=1e-7)


def test_parameters_have_the_rate_of_the_first_pattern_in_their_name():
    optimiser = by_name({r"^slow\.": optax.sgd(1.0), "": optax.sgd(10.0)})
    parameters = {"slow": {"a": jnp.ones(2)}, "fast": {"slow": jnp.ones(3)}}
    updates, _ = optimiser.update(parameters, optimiser.init(parameters))
    assert updates["slow"]["a"].tolist() == [-1, -1]
    assert updates["fast"]["slow"].tolist() == [-10, -10, -10]


def test_early_layers_move_less_and_others_as_far_as_before():
    shorten = by_depth([r"^blocks\.0\.", r"^blocks\.1\."], 0.5)
    updates = {"blocks": {0: {"a": jnp.ones(2)}, 1: {"a": jnp.ones(2)}, 2: {"a": jnp.ones(2)}}}
    found, _ = shorten.update(updates, shorten.init(updates))
    assert [float(x["a"][0]) for x in found["blocks"].values()] == [0.25, 0.5, 1]


def test_decay_spares_what_it_is_told_to():
    optimiser = adamw(0.1, decay=0.5, undecayed=r"\.norm\.")
    parameters = {"a": {"norm": {"scale": jnp.ones(2)}, "kernel": jnp.ones(2)}}
    still = jax.tree.map(jnp.zeros_like, parameters)
    updates, _ = optimiser.update(still, optimiser.init(parameters), parameters)
    np.testing.assert_allclose(updates["a"]["kernel"], -0.05, rtol=1e-6)
    assert not updates["a"]["norm"]["scale"].any()


@pytest.mark.slow
def test_vitmattes_factors_and_decays_are_the_authors():
    row, groups = PRESETS["vitmatte-s"], document("step_vitmatte_s")["param_groups"]
    graph, state = nnx.split(without_values(row))
    ones = jax.tree.map(lambda x: np.ones((1,) * len(x.shape), np.float32), state)
    zeros = jax.tree.map(np.zeros_like, ones)
    optimiser = vitmatte.optimiser(1.0)

    @jax.jit
    def moved(gradient, parameters):
        return optimiser.update(gradient, optimiser.init(parameters), parameters)[0]

    factors, decays = (
        tensors_of(nnx.merge(graph, updates))
        for updates in (moved(ones, zeros), moved(zeros, ones))
    )
    for theirs, (factor, decay) in groups.items():
        name = our_name(theirs, row.names)
        np.testing.assert_allclose(factors[name], -factor, rtol=1e-5)
        np.testing.assert_allclose(decays[name], -factor * decay, rtol=1e-5)
