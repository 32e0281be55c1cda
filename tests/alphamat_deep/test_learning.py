"""What every published network must do in training, fresh or filled."""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.layers import SpectralVector
from tests.alphamat_deep.networks import jit, network
from tests.alphamat_deep.oracles import each_costly


@lru_cache(maxsize=2)
def learner(oracle):
    """Return a network in training, the smaller one where there is one.

    It drops no features: in float64 it would drop others.
    """
    if oracle.smaller:
        config = {**oracle.smaller, **oracle.training}
        model = alphamat_deep.build(oracle.preset, rngs=nnx.Rngs(7), **config)
    else:
        model = nnx.clone(network(oracle, oracle.stored[0], **oracle.training))
    model.train()
    for _, layer in nnx.iter_modules(model):
        if isinstance(layer, nnx.Dropout):
            layer.rate = 0.0
    return model


@lru_cache(maxsize=2)
def lesson(oracle):
    """Return a compiled step, and the parameters and the rest of the network that it takes.

    (parameters, rest) -> loss, gradient, and the rest after it.
    """
    loss, parameters, rest = task(oracle)
    step, inputs = jit(jax.value_and_grad(loss, has_aux=True)), arrays(oracle)

    def run(parameters, rest):
        (total, after), gradient = step(parameters, rest, inputs)
        return float(total), gradient, after

    return run, parameters, rest


def task(oracle):
    """Return a loss, and the parameters and the rest of the network that it takes.

    (parameters, rest, inputs) -> loss, and the rest after it.
    """
    graph, parameters, rest = nnx.split(learner(oracle), nnx.Param, ...)

    def loss(parameters, rest, inputs):
        model = nnx.merge(graph, parameters, rest, copy=True)
        outputs = jax.tree.leaves(model(*inputs, *[nnx.Rngs(3)] * oracle.drops))
        smooth = [x for x in outputs if jnp.issubdtype(x.dtype, jnp.floating)]
        return sum(jnp.square(x).mean() for x in smooth), nnx.split(model, nnx.Param, ...)[2]

    return loss, parameters, rest


@lru_cache(maxsize=2)
def first(oracle):
    """Return what the first step does: loss, gradient, and the rest of the network."""
    run, *state = lesson(oracle)
    return run(*state)


def arrays(oracle):
    """Return two small pictures of the oracle's kind, as the network takes them."""
    height, width = oracle.sides
    frames = [x.reshape(-1, *x.shape[-3:]) for x in oracle.stored[0].inputs()]
    small = [jnp.asarray(x)[:1, :height, :width] for x in frames]
    return [jnp.concatenate([x, x[:, ::-1]]) for x in small]


@each_costly
def test_a_gradient_reaches_every_parameter(oracle):
    _, gradients, _ = first(oracle)
    for path, gradient in nnx.to_flat_state(gradients):
        values = np.asarray(gradient[...])
        assert np.isfinite(values).all(), path
        assert values.any(), path


@each_costly
def test_gradients_are_finite_differences(oracle):
    if oracle.jumps:
        pytest.skip("its outputs jump, so differences are no derivatives")
    _, parameters, rest = lesson(oracle)
    loss, gradients, _ = first(oracle)
    direction = along(gradients, parameters, rest)
    both = zip(*map(jax.tree.leaves, (direction, gradients)), strict=True)
    slope = sum(np.vdot(np.float64(d), g) for d, g in both)
    step = 1e-7 * loss / slope  # few kinks of rectifiers lie so near
    ahead, behind = (loss_in_float64(oracle, h, direction) for h in (step, -step))
    np.testing.assert_allclose((ahead - behind) / (2 * step), slope, rtol=0.03)


def loss_in_float64(oracle, step, direction):
    """Return the loss that far along a direction."""
    _, parameters, rest = task(oracle)
    with jax.enable_x64(True):
        wide = jax.tree.map(widened, (parameters, rest, arrays(oracle), direction))
        parameters, rest, inputs, direction = wide
        ahead = jax.tree.map(lambda x, d: x + step * d, parameters, direction)
        return float(compiled_in_float64(oracle)(ahead, rest, inputs))


@lru_cache(maxsize=1)
def compiled_in_float64(oracle):
    return jit(lambda *state: task(oracle)[0](*state)[0])


def widened(x):
    return np.float64(x) if jnp.issubdtype(x.dtype, jnp.floating) else x


def along(gradients, parameters, rest):
    """Return gradients for a random half of the tensors, scaled so that all move as far.

    Kernels with singular vectors stay: power iteration moves these, and gradients do not know it.
    """
    values = dict(nnx.to_flat_state(parameters))
    spectral = {path[:-1] for path, x in nnx.to_flat_state(rest) if isinstance(x, SpectralVector)}
    rng = np.random.default_rng(29)

    def scaled(path, gradient):
        x, slope = values[path][...], np.asarray(gradient[...])
        size = np.linalg.norm(x) + 0.1 * np.sqrt(x.size)
        moves = rng.integers(2) * (path[:-1] not in spectral)
        return gradient.replace(np.float32(moves * size / np.linalg.norm(slope)) * slope)

    return nnx.map_state(scaled, gradients)


@each_costly
def test_statistics_move_towards_those_of_the_batch(oracle):
    run, parameters, rest = lesson(oracle)
    loss, _, once = first(oracle)
    # Singular vectors would turn on, and the batch behind them be another.
    once = nnx.merge_state(once, nnx.filter_state(rest, SpectralVector))
    again, _, twice = run(parameters, once)
    assert again == loss  # in training statistics do not count
    layers = dict(nnx.iter_modules(learner(oracle)))
    states = [dict(nnx.to_flat_state(nnx.filter_state(x, nnx.BatchStat))) for x in (once, twice)]
    for path, before in nnx.to_flat_state(nnx.filter_state(rest, nnx.BatchStat)):
        start, then, last = (np.asarray(x[...]) for x in (before, *(y[path] for y in states)))
        assert not np.array_equal(start, then), path
        # From (1 - m) batch + m before, it is m times as far again.
        kept = layers[path[:-1]].momentum
        atol = 1e-5 * max(1, np.abs(start).max())
        np.testing.assert_allclose(last - then, kept * (then - start), rtol=1e-3, atol=atol)


@each_costly
def test_singular_vectors_turn_and_keep_their_length(oracle):
    _, _, rest = lesson(oracle)
    after = dict(nnx.to_flat_state(first(oracle)[2]))
    for path, before in nnx.to_flat_state(nnx.filter_state(rest, SpectralVector)):
        vector = np.asarray(after[path][...])
        assert not np.array_equal(vector, before[...]), path
        np.testing.assert_allclose(np.linalg.norm(vector), 1, rtol=1e-5)


@each_costly
def test_fresh_networks_have_the_same_shapes_and_the_spread_that_he_et_al_derive(oracle):
    fresh = nnx.state(alphamat_deep.build(oracle.preset, rngs=nnx.Rngs(5)))
    filled = nnx.state(network(oracle, oracle.stored[0]))
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, filled)
    for path, variable in nnx.to_flat_state(fresh):
        values = np.asarray(variable[...])
        if isinstance(variable, SpectralVector):
            np.testing.assert_allclose(np.linalg.norm(values), 1, rtol=1e-5)
        elif path[-1] == "kernel" and "box_filter" not in path:
            spread = np.sqrt(2 / np.prod(values.shape[:-1]))  # equation 10
            uncertain = spread / np.sqrt(values.size)
            assert abs(values.mean()) < 5 * uncertain, path
            assert abs(values.std() - spread) < 5 * uncertain / np.sqrt(2), path
        else:
            assert np.isfinite(values).all()
            assert np.ptp(values) == 0, path
