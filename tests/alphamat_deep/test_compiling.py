"""Networks as pure functions, and compiled programs that are kept."""

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import alphamat_deep
from tests.alphamat_deep.tiny import RULES, picture, tensors


@pytest.mark.parametrize("writable", [True, False])
def test_what_is_compiled_is_kept_where_there_is_a_place(weights, tmp_path, monkeypatch, writable):
    home = tmp_path if writable else weights  # a file
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        alphamat_deep.load("tiny", weights)
        folder = tmp_path / "alphamat" / "jax"
        kept = jax.config.jax_compilation_cache_dir
        assert kept == (str(folder) if writable else None)
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def test_a_user_without_a_home_keeps_nothing(weights, monkeypatch):
    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr("pathlib.Path.home", nobody)
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    try:
        alphamat_deep.load("tiny", weights)
        assert jax.config.jax_compilation_cache_dir is None
    finally:
        jax.config.update("jax_compilation_cache_dir", before)


def batch():
    return [jnp.asarray(x) for x in RULES.apply(*picture()).inputs]


@pytest.mark.usefixtures("weights")
def test_a_pure_network_is_its_model_and_state_is_all_that_it_knows():
    model = alphamat_deep.from_state_dict("tiny", tensors())
    f, state = alphamat_deep.pure(model)
    expected = model(*batch()).alpha
    assert np.array_equal(f(state, *batch()).alpha, expected)
    np.testing.assert_allclose(jax.jit(f)(state, *batch()).alpha, expected, atol=1e-6)
    assert {x.shape for x in jax.tree.leaves(state)} == {(3, 3, 4, 1), (1,)}
    nothing = jax.tree.map(jnp.zeros_like, state)
    assert (f(nothing, *batch()).alpha == 0.5).all()
    assert np.array_equal(model(*batch()).alpha, expected)


@pytest.mark.usefixtures("weights")
def test_gradients_reach_the_state_of_a_pure_network():
    f, state = alphamat_deep.pure(alphamat_deep.from_state_dict("tiny", tensors()))
    slopes = jax.grad(lambda state: f(state, *batch()).alpha.sum())(state)
    assert jax.tree.structure(slopes) == jax.tree.structure(state)
    assert all((x != 0).all() for x in jax.tree.leaves(slopes))


def test_networks_of_one_configuration_are_one_function(weights):
    method = alphamat_deep.load("tiny", weights)
    others = alphamat_deep.load("tiny", weights), pickle.loads(pickle.dumps(method))
    f, _ = alphamat_deep.pure(method.model)
    assert all(alphamat_deep.pure(other.model)[0] is f for other in others)
    wide = alphamat_deep.build("tiny", rngs=nnx.Rngs(0), size=5)
    assert alphamat_deep.pure(wide)[0] is not f
