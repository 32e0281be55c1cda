"""Rates, clipping and groups of parameters, against the authors' own schedulers."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from alphamat_deep.training.optimisers import by_name, clip_by_average, warm_up_and_cosine
from alphamat_deep.training.recipes import gca, modnet, paddleseg, pp_humanmatting, pp_mattingv2
from tests.alphamat_deep.training.oracles import document

EPOCH = 7
SCHEDULES = {
    "gca": (gca.rates(200_000), 1),
    "modnet": (modnet.rates(40 * EPOCH), EPOCH),
    "ppmatting": (paddleseg.poly(200_000), 1),
    "ppmattingv2": (pp_mattingv2.rates(100_000), 1),
    "paddleseg_modnet": (modnet.paddle_rates(100_000), 1),
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
