"""What a step changes, and what it leaves: a small network, updates by their formulas."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from flax import nnx

from alphamat_deep import layers
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.state import begin, network
from tests.alphamat_deep.layers.reference import noise


class Small(nnx.Module):
    """Every kind of layer that has a state or a type of its own."""

    def __init__(self, *, rngs):
        self.first = layers.SpectralConv(3, 4, 3, padding=1, rngs=rngs)
        self.norm = layers.batch_norm(4, rngs=rngs)
        self.picture = layers.instance_norm(4, affine=True, rngs=rngs)
        self.up = layers.SpectralConvTranspose(4, 4, rngs=rngs)
        self.last = layers.Conv(4, 1, 3, padding=1, rngs=rngs)

    def __call__(self, x):
        return self.last(layers.average_pool(self.up(self.picture(self.norm(self.first(x))))))


class Plain(nnx.Module):
    def __init__(self, *, rngs):
        self.first = layers.Conv(3, 4, 1, rngs=rngs)
        self.last = layers.Conv(4, 1, 1, rngs=rngs)

    def __call__(self, x):
        return self.last(self.first(x))


def squares(model, batch, rngs):
    return {"total": jnp.square(model(batch["image"]) - batch["alpha"]).mean()}


RECIPE = Recipe(
    preset="none",
    losses=(squares,),
    optimiser=lambda steps: optax.sgd(0.1),
    compose=lambda sample, rng: sample,
    batch=4,
    steps=5,
)
BATCH = {"image": noise(4, 6, 8, 3), "alpha": noise(4, 6, 8, 1, seed=5)}


def plain():
    return Plain(rngs=nnx.Rngs(2))


def after(recipe, model, *, steps=1, batch=BATCH, **options):
    """Return the network and the scalars after some steps."""
    step, state = begin(recipe, model, **options)
    scalars = {}
    for _ in range(steps):
        state, scalars = step(state, batch)
    return network(recipe, model, state), scalars, state


def gradient(model, batch=BATCH):
    return nnx.grad(lambda model: squares(model, batch, None)["total"])(model)


def test_a_step_subtracts_the_rate_times_the_gradient():
    model = plain()
    moved, scalars, _ = after(RECIPE, model)
    slopes = gradient(model)
    for part in "first", "last":
        start, slope = getattr(model, part).kernel[...], slopes[part]["kernel"][...]
        np.testing.assert_allclose(getattr(moved, part).kernel[...], start - 0.1 * slope, atol=1e-6)
    assert float(scalars["gradient"]) == pytest.approx(float(optax.tree.norm(slopes)), rel=1e-5)
    assert float(scalars["total"]) == pytest.approx(float(squares(model, BATCH, None)["total"]))


def test_parts_of_a_batch_have_the_gradient_of_the_whole():
    whole, scalars, _ = after(RECIPE, plain(), steps=2)
    parts, likewise, _ = after(RECIPE, plain(), steps=2, parts=2)
    np.testing.assert_allclose(parts.first.kernel[...], whole.first.kernel[...], atol=1e-6)
    for name, value in scalars.items():
        assert float(likewise[name]) == pytest.approx(float(value), rel=1e-5)


def test_frozen_parameters_stay_and_have_no_moments():
    recipe = replace(
        RECIPE, frozen=(r"^first\.",), optimiser=lambda steps: optax.adamw(0.1, weight_decay=0.1)
    )
    model = plain()
    moved, _, state = after(recipe, model)
    np.testing.assert_array_equal(moved.first.kernel[...], model.first.kernel[...])
    assert not np.array_equal(moved.last.kernel[...], model.last.kernel[...])
    moments = [x.size for x in jax.tree.leaves(state.moments)]
    assert sum(moments) == 2 * (model.last.kernel.size + 1) + len(moments) - 4


@pytest.mark.parametrize("frozen", [False, True])
def test_statistics_move_unless_they_are_frozen(frozen):
    model = Small(rngs=nnx.Rngs(2))
    moved, *_ = after(replace(RECIPE, frozen_statistics=frozen), model)
    for name in "mean", "var":
        before, now = (getattr(x.norm, name)[...] for x in (model, moved))
        assert np.array_equal(before, now) == frozen


@pytest.mark.parametrize("biased", [False, True])
def test_running_variances_are_of_pytorch_or_of_paddle(biased):
    model = Small(rngs=nnx.Rngs(2))
    moved, *_ = after(replace(RECIPE, biased=biased), model)
    model.train()
    seen = model.first(BATCH["image"])
    expected = 0.9 + 0.1 * np.var(seen, axis=(0, 1, 2), ddof=1 - biased)
    np.testing.assert_allclose(moved.norm.var[...], expected, rtol=1e-5)


def test_bfloat16_computes_and_float32_stays():
    recipe = replace(RECIPE, frozen=(r"^last\.",), optimiser=lambda steps: optax.adam(1e-2))
    model = Small(rngs=nnx.Rngs(2))
    seen = []

    def loss(network, batch, rngs):
        seen.append(network.model.up.kernel.dtype)
        return squares(network, batch, rngs)

    _, exact, _ = after(recipe, model)
    moved, rounded, state = after(replace(recipe, losses=(loss,)), model, dtype=jnp.bfloat16)
    assert set(seen) == {jnp.dtype(jnp.bfloat16)}
    kept = jax.tree.leaves((state.parameters, state.rest, state.moments))
    assert {x.dtype for x in kept} == {jnp.dtype(jnp.float32), jnp.dtype(jnp.int32)}
    assert rounded["total"].dtype == jnp.float32
    assert float(rounded["total"]) == pytest.approx(float(exact["total"]), rel=0.05)
    np.testing.assert_array_equal(moved.last.kernel[...], model.last.kernel[...])


def test_each_loss_has_an_update_of_its_own():
    recipe = replace(RECIPE, losses=(squares, squares))
    twice, scalars, _ = after(recipe, plain())
    once, later, _ = after(RECIPE, plain(), steps=2)
    np.testing.assert_allclose(twice.first.kernel[...], once.first.kernel[...], atol=1e-6)
    assert float(scalars["total_2"]) == pytest.approx(float(later["total"]), rel=1e-5)


def test_the_average_follows_the_parameters():
    recipe = replace(RECIPE, average=0.75)
    model = plain()
    step, state = begin(recipe, model)
    state, _ = step(state, BATCH)
    averaged, last = (network(recipe, model, state, average=x) for x in (True, False))
    expected = 0.75 * model.first.kernel[...] + 0.25 * last.first.kernel[...]
    np.testing.assert_allclose(averaged.first.kernel[...], expected, atol=1e-6)


def test_the_decay_of_the_average_may_be_a_function_of_the_updates():
    recipe = replace(RECIPE, average=lambda updates: updates / 4)
    model = plain()
    averaged, _, state = after(recipe, model, steps=2)
    first, *_ = after(RECIPE, model)
    begun, last = model.first.kernel[...], network(recipe, model, state, average=False)
    once = 0.25 * begun + 0.75 * first.first.kernel[...]
    expected = 0.5 * once + 0.5 * last.first.kernel[...]
    np.testing.assert_allclose(averaged.first.kernel[...], expected, atol=1e-6)


def test_a_step_that_is_not_finite_changes_nothing_and_is_counted():
    recipe = replace(RECIPE, broken=3, optimiser=lambda steps: optax.adam(0.1))
    broken = BATCH | {"image": BATCH["image"].at[0, 0, 0].set(jnp.inf)}
    step, state = begin(recipe, plain())
    state, _ = step(state, BATCH)
    before = jax.tree.map(np.asarray, (state.parameters, state.rest, state.moments))
    counts = []
    for batch in broken, broken, BATCH:
        state, scalars = step(state, batch)
        counts.append(int(scalars["broken"]))
        if batch is broken:
            jax.tree.map(
                np.testing.assert_array_equal,
                before,
                (state.parameters, state.rest, state.moments),
            )
    assert counts == [1, 2, 0]
    assert int(state.step) == 4
    assert not np.array_equal(
        before[0]["first"]["kernel"][...], state.parameters["first"]["kernel"]
    )


def test_the_number_of_steps_may_be_found_out_while_a_run_goes_on():
    def falling(steps):
        return optax.sgd(lambda step: 0.1 * (1 - step / steps))

    step, state = begin(replace(RECIPE, optimiser=falling, steps=2**30), plain(), timed=True)
    state, _ = step(state, BATCH)
    state, _ = step(state._replace(steps=jnp.int32(4)), BATCH)
    known, state_ = begin(replace(RECIPE, optimiser=falling, steps=4), plain())
    for _ in range(2):
        state_, _ = known(state_, BATCH)
    ours, theirs = (x.parameters["first"]["kernel"][...] for x in (state, state_))
    np.testing.assert_allclose(ours, theirs, atol=1e-7)


def test_the_copy_is_the_network_of_some_steps_ago():
    def distance(model, batch, rngs, copy):
        old, now = copy(batch["image"]), model(batch["image"])
        return squares(model, batch, rngs) | {"distance": jnp.abs(old - now).max()}

    recipe = replace(RECIPE, losses=(distance,), copy=3)
    step, state = begin(recipe, plain())
    distances = []
    for _ in range(5):
        state, scalars = step(state, BATCH)
        distances.append(float(scalars["distance"]))
    assert [x == 0 for x in distances] == [True, False, False, True, False]
