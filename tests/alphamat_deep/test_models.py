"""What every published network must do: compute what its authors' does, in every form."""

from dataclasses import replace
from math import prod

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from alphamat_deep.compiling import without_values
from alphamat_deep.fill import matches, our_name, shapes_of
from alphamat_deep.layers import count_parameters
from tests.alphamat_deep import reference_networks as reference
from tests.alphamat_deep.networks import cases, compiled, everything, network, pictures, theirs
from tests.alphamat_deep.oracles import (
    ORACLES,
    by_preset,
    each_architecture,
    each_costly,
    each_slow_stored,
    each_stored,
    each_stored_picture,
)


def published():
    return {name: row for name, row in alphamat_deep.PRESETS.items() if not row.bundled}


def test_every_preset_has_an_oracle():
    rows = published()
    kin = {name for oracle in ORACLES for name in oracle.kin}
    assert {oracle.preset for oracle in ORACLES} | kin == set(rows)
    for oracle in ORACLES:
        assert oracle.stored or oracle.preset in kin
        for other, same in oracle.kin.items():
            for field in same:
                assert getattr(rows[other], field) == getattr(rows[oracle.preset], field)


def test_no_architecture_is_left_out():
    rows = published()
    tested = {rows[oracle.preset].model for oracle in ORACLES if oracle.bfloat16 is not None}
    assert tested == {row.model for row in rows.values()}


@each_stored_picture
def test_outputs_equal_the_authors(oracle, stored):
    info, expected = reference.manifest(stored.name)["info"], reference.outputs(stored.name)
    outs = [key for key in expected if "/out/" in key]
    compared = [key for key in outs if key.split("/")[-1] not in oracle.only_theirs]
    named = {key.removeprefix("main/out/") for key in compared}
    assert "alpha" in {oracle.fields.get(field, field) for field in named}
    for key in compared:
        case, _, field = key.split("/")
        outputs, _ = everything(oracle, stored, case)
        result = theirs(getattr(outputs, oracle.fields.get(field, field)))[:1]
        noise = info[key].get("f32_f64_maxdiff", stored.noise.get(field, 0))
        assert result.shape == expected[key].shape
        off = ~np.isclose(result, expected[key], rtol=0, atol=max(2e-5, 10 * noise))
        assert off.mean() <= (oracle.flips if field == "alpha" else 0), key


@each_stored_picture
def test_what_modules_return_equals_the_authors(oracle, stored):
    info, expected = reference.manifest(stored.name)["info"], reference.outputs(stored.name)
    for case in cases(stored):
        _, seen = everything(oracle, stored, case)
        for path, result in seen.items():
            facts = info[f"{case}/mid/{path}"]
            count, *rest = facts["full_shape"]
            forms = [x[:count] for y in jax.tree.leaves(result) for x in layouts(y)]
            whole = next(x for x in forms if list(x.shape) == [count, *rest])
            part = whole[tuple(slice(*bounds) for bounds in facts["slice"])]
            noise = 10 * stored.noise.get(path, max(stored.noise.values(), default=0))
            atol = max(1e-4 * max(1, facts["std"]), noise)
            np.testing.assert_allclose(part, expected[f"{case}/mid/{path}"], rtol=0, atol=atol)


def layouts(array):
    """Return an array as authors have it: some transformers' are channels last, or tokens."""
    last = np.asarray(array)
    return theirs(array), last, last.reshape(len(last), -1, last.shape[-1])


@each_stored
def test_parameters_are_as_many_as_the_authors(oracle, stored):
    model, made = network(oracle, stored, **oracle.training), reference.manifest(stored.name)
    ours = count_parameters(model)
    if "Paddle" in made["meta"]["src"]:  # counts statistics, not singular vectors
        state = nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat))
        ours = sum(leaf.size for leaf in jax.tree.leaves(state))
    unused = alphamat_deep.PRESETS[oracle.preset].names.ignore
    ours += sum(prod(shape) for name, shape, *_ in made["params"] if matches(unused, name))
    assert ours == made["param_count"]


@each_stored
def test_tensors_are_given_back_as_the_authors_have_them(oracle, stored):
    model, tensors = network(oracle, stored, **oracle.training), reference.weights(stored.name)
    names = alphamat_deep.PRESETS[oracle.preset].names
    ours = alphamat_deep.state_dict(oracle.preset, model)
    theirs = alphamat_deep.state_dict(oracle.preset, model, like=tensors)
    assert {our_name(name, names) for name in theirs} == set(ours)
    for name, tensor in theirs.items():
        assert np.array_equal(tensor, tensors[name].astype(np.float32))
    # `fill` takes names that are all ours as they are. So they must mean the same in the file.
    same = all(our_name(name, names) == name for name in tensors)
    assert same or not set(tensors) <= set(ours)


@each_slow_stored
def test_names_and_shapes_are_the_authors(oracle, stored):
    row = alphamat_deep.PRESETS[oracle.preset]
    config = replace(row.config, **stored.settings, **oracle.training)
    made = {name: tuple(shape) for name, shape, *_ in reference.manifest(stored.name)["params"]}
    theirs = {our_name(name, row.names): linear(shape) for name, shape in made.items()}
    theirs.pop(None, None)
    ours = shapes_of(without_values(replace(row, config=config)))
    assert {name: linear(shape) for name, shape in ours.items()} == theirs


def linear(shape):
    """Return a convolution's shape as a linear layer's, if it is of one pixel."""
    return shape[:2] if shape[2:] == (1, 1) else shape


@each_architecture
def test_a_batch_is_its_pictures_one_by_one(oracle):
    shared = oracle, oracle.stored[0], cases(oracle.stored[0])[0]
    inputs, together = pictures(*shared[1:]), everything(*shared)[0].alpha
    assert together.shape == (2, *inputs[0].shape[1:3], 1)
    assert together.dtype == jnp.float32
    for at in (0, 1):
        twice = [jnp.stack([x[at], x[at]]) for x in inputs]
        outputs, _ = compiled(*shared)(network(*shared[:2]), *twice)
        np.testing.assert_allclose(together[at], outputs.alpha[at], atol=2e-5)


@each_costly
def test_in_bfloat16_alpha_moves_as_far_as_it_did_when_measured(oracle):
    shared = oracle, oracle.stored[0], cases(oracle.stored[0])[0]
    graph, state = nnx.split(network(*shared[:2]))
    half = nnx.merge(graph, jax.tree.map(lambda x: x.astype(jnp.bfloat16), state))
    inputs = [x.astype(jnp.bfloat16) for x in pictures(*shared[1:])]
    alpha = compiled(*shared)(half, *inputs)[0].alpha
    assert alpha.dtype == jnp.bfloat16
    moved = np.abs(np.float32(alpha) - everything(*shared)[0].alpha).mean()
    assert oracle.bfloat16 / 2 < moved < 2 * oracle.bfloat16


@pytest.mark.parametrize("preset", ["dim-skip", "gca", "modnet"])
@pytest.mark.parametrize("sides", [(33, 64), (64, 48)])
def test_sides_that_a_network_cannot_halve_are_refused(preset, sides):
    oracle = by_preset(preset)
    case = cases(oracle.stored[0])[0]
    inputs = [x[:, : sides[0], : sides[1]] for x in pictures(oracle.stored[0], case)]
    with pytest.raises(ValueError, match=f"{sides[0]} × {sides[1]}.*multiples of 32"):
        network(oracle, oracle.stored[0])(*inputs)
