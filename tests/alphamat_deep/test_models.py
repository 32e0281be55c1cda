"""What every published network must do: compute what its authors' does, in every form."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.layers import SpectralVector, count_parameters
from tests.alphamat_deep import reference_networks as reference

ORACLES = {
    "dim": "dim_vgg16_plain",
    "dim-skip": "dim_vgg16_skip",
    "dim-refine": "dim_vgg16_skip_refine",
    "pp-dim": "pdim_vgg16",
    "gca": "gca",
    "pp-gca": "pgca_resnet34",
}
PADDLE = {"pp-dim", "pp-gca"}  # counts statistics among the parameters, not singular vectors
TRAINED = ("dim-refine", "pp-dim", "gca")  # one of each architecture, since compiling takes long
SIDES = 96, 64
MOST_IN_BFLOAT16 = 0.1  # mean error; random weights, unlike trained ones, amplify what they get


@cache
def network(preset):
    return alphamat_deep.from_state_dict(preset, reference.weights(ORACLES[preset]))


@cache
def arrays(preset):
    """Return two small pictures of the oracle's kind, as the network takes them."""
    first = [jnp.asarray(x)[:, : SIDES[0], : SIDES[1]] for x in reference.inputs(ORACLES[preset])]
    return [jnp.concatenate([x, x[:, ::-1]]) for x in first]


@jax.jit
def compiled(model, *inputs):
    return model(*inputs).alpha


each = pytest.mark.parametrize("preset", ORACLES)


def test_every_preset_has_an_oracle():
    assert set(ORACLES) == set(alphamat_deep.PRESETS)


def test_every_architecture_is_trained():
    rows = alphamat_deep.PRESETS
    assert {rows[name].model for name in TRAINED} == {row.model for row in rows.values()}


@each
def test_outputs_equal_the_authors(preset):
    name = ORACLES[preset]
    info, stored = reference.manifest(name)["info"], reference.outputs(name)
    found = network(preset)(*map(jnp.asarray, reference.inputs(name)))._asdict()
    compared = [key for key in stored if key.startswith("main/out/")]
    assert "main/out/alpha" in compared
    for key in compared:
        expected = stored[key]
        if expected.ndim == 4:
            expected = np.moveaxis(expected, 1, -1)
        noise = info[key].get("f32_f64_maxdiff", 0)
        result = found[key.removeprefix("main/out/")]
        assert result.shape == expected.shape
        np.testing.assert_allclose(result, expected, rtol=0, atol=max(2e-5, 10 * noise))


@each
def test_parameters_are_as_many_as_the_authors(preset):
    ours = count_parameters(network(preset))
    if preset in PADDLE:
        state = nnx.state(network(preset), nnx.Any(nnx.Param, nnx.BatchStat))
        ours = sum(leaf.size for leaf in jax.tree.leaves(state))
    assert ours == reference.manifest(ORACLES[preset])["param_count"]


@each
def test_a_batch_is_its_pictures_one_by_one(preset):
    inputs = arrays(preset)
    together = compiled(network(preset), *inputs)
    assert together.shape == (2, *SIDES, 1)
    assert together.dtype == jnp.float32
    for at in (slice(0, 1), slice(1, 2)):
        alone = compiled(network(preset), *[x[at] for x in inputs])
        np.testing.assert_allclose(together[at], alone, atol=2e-5)


@pytest.mark.parametrize("preset", ["dim-skip", "gca"])
@pytest.mark.parametrize("sides", [(33, 64), (64, 48)])
def test_sides_that_a_network_cannot_halve_are_refused(preset, sides):
    model, (image, trimap) = network(preset), arrays(preset)
    with pytest.raises(ValueError, match=f"{sides[0]} × {sides[1]}.*multiples of 32"):
        model(image[:, : sides[0], : sides[1]], trimap[:, : sides[0], : sides[1]])


@each
def test_half_precision_stays_near(preset):
    inputs = arrays(preset)
    graph, state = nnx.split(network(preset))
    half = nnx.merge(graph, jax.tree.map(lambda x: x.astype(jnp.bfloat16), state))
    alpha = compiled(half, *[x.astype(jnp.bfloat16) for x in inputs])
    assert alpha.dtype == jnp.bfloat16
    error = np.abs(alpha - compiled(network(preset), *inputs))
    assert error.mean() < MOST_IN_BFLOAT16


@pytest.mark.parametrize("preset", TRAINED)
def test_training_reaches_every_parameter_and_statistic(preset):
    model = nnx.clone(network(preset))
    model.train()
    kept = nnx.Any(SpectralVector, nnx.BatchStat)
    before = jax.tree.leaves(nnx.state(model, kept))

    @nnx.jit
    def gradients(model, *inputs):
        return nnx.grad(lambda model: model(*inputs).alpha.mean())(model)

    for path, gradient in nnx.to_flat_state(gradients(model, *arrays(preset))):
        values = np.asarray(gradient[...])
        assert np.isfinite(values).all(), path
        assert values.any(), path
    for a, b in zip(before, jax.tree.leaves(nnx.state(model, kept)), strict=True):
        assert np.isfinite(b).all()
        assert not np.array_equal(a, b)


@each
def test_fresh_networks_have_the_same_shapes(preset):
    fresh = nnx.state(alphamat_deep.build(preset, rngs=nnx.Rngs(5)))
    shapes = jax.tree.map(jnp.shape, fresh)
    assert shapes == jax.tree.map(jnp.shape, nnx.state(network(preset)))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(fresh))
