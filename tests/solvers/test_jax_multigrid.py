"""Multigrid in JAX: the projections and the iterations of the compiled one."""

import importlib
from functools import partial

import numpy as np
import pytest

import solvers
from tests.solvers.test_multigrid import as_matrix, ragged, weighted

jax = pytest.importorskip("jax")
jnp = jax.numpy
jax.config.update("jax_disable_most_optimizations", True)  # compiles faster
sj = importlib.import_module("solvers.jax")
lay_out = importlib.import_module("solvers.jax.layout").lay_out
project = importlib.import_module("solvers.jax.multigrid").project
lattice = importlib.import_module("solvers.jax.lattice")


def system(shape=(19, 23), functions=2):
    rng = np.random.default_rng(3)
    chosen = ragged(shape)
    return weighted(chosen, [np.ones(shape), *rng.random((functions - 1, *shape))])


def assembled(blocks):
    """Return the dense matrix of a lattice's blocks."""
    _, _, functions, _, height, width = blocks.shape
    A = np.zeros((functions, height, width, functions, height, width))
    for j, i, y, x in np.ndindex(5, 5, height, width):
        v, u = y + j - 2, x + i - 2
        if 0 <= v < height and 0 <= u < width:
            A[:, y, x, :, v, u] = blocks[j, i, :, :, y, x]
    size = functions * height * width
    return A.reshape(size, size)


@pytest.fixture
def float64():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def coarse_functions(A, spacing):
    """Return P: hats on the lattice times the near-null functions, as columns."""
    _, height, width = A.near_null.shape
    hats = []
    for side in (height, width):
        at, nodes = np.arange(side) + 0.5, spacing * np.arange(-(-side // spacing) + 1)
        hats.append(np.maximum(0, 1 - abs(at[:, None] - nodes) / spacing))
    P = np.einsum("ayx,yv,xu->yxavu", A.near_null, *hats)
    return P.reshape(height * width, -1)


@pytest.mark.parametrize("spacing", [2, 5])
def test_blocks_are_galerkin_projections(float64, spacing):
    A, _ = lay_out(system(), np.float64)
    dense = np.asarray(jax.vmap(A.__matmul__)(jnp.eye(A.shape[0])))
    P = coarse_functions(A, spacing)
    blocks = np.asarray(jax.jit(lambda A: project(A, A.near_null, spacing))(A))
    np.testing.assert_allclose(assembled(blocks), P.T @ dense @ P, rtol=0, atol=1e-10)
    coarser = assembled(np.asarray(lattice._project(blocks)))
    shape = blocks.shape[2], blocks.shape[4] // 2 + 1, blocks.shape[5] // 2 + 1
    eye = jnp.eye(len(coarser)).reshape(-1, *shape)
    W = jax.vmap(lambda c: lattice._prolong(c, blocks.shape[4:]))(eye).reshape(len(coarser), -1)
    np.testing.assert_allclose(coarser, W @ P.T @ dense @ P @ W.T, rtol=0, atol=1e-10)
    r = jnp.arange(float(W.shape[1])).reshape(shape[0], *blocks.shape[4:])
    np.testing.assert_allclose(lattice._restrict(r).ravel(), W @ r.ravel(), rtol=1e-9)


def test_is_symmetric_positive_definite_and_as_good_as_the_compiled_one():
    A = system()
    b = np.random.default_rng(0).standard_normal(A.shape[0])
    S, place = lay_out(A, np.float32)
    cycle = jax.jit(partial(sj.multigrid, spacing=2, coarsest=60))(S)
    apply = jax.jit(lambda cycle, r: cycle(r))

    def on_device(r):
        whole = np.zeros(S.shape[0])
        whole[place] = r
        return np.asarray(apply(cycle, jnp.asarray(whole)), np.float64)[place]

    assert len(cycle.lattices.lattices) == 2
    M = as_matrix(on_device, A.shape[0])
    np.testing.assert_allclose(M, M.T, rtol=0, atol=1e-5 * M.max())
    assert np.linalg.eigvalsh((M + M.T) / 2)[0] > 0
    compiled = partial(solvers.multigrid, spacing=2, coarsest=60)
    expected = solvers.cg(A, b, preconditioner=compiled)
    found = solvers.cg(A, b, preconditioner=lambda A: on_device)
    assert found.converged
    assert abs(found.iterations - expected.iterations) <= 3
    np.testing.assert_allclose(found.x, expected.x, rtol=0, atol=1e-4 * abs(expected.x).max())


def test_functions_that_depend_on_earlier_ones_take_no_part():
    rng = np.random.default_rng(8)
    half = rng.standard_normal((3, 3, 2, 2))
    half[2] = 2 * half[0]
    own = jnp.asarray(np.einsum("acyx,bcyx->abyx", half, half), jnp.float32)
    factor, inverse = (np.asarray(part) for part in lattice._factorise(own))
    assert (inverse[2] == 0).all()
    np.testing.assert_allclose(np.einsum("acyx,bcyx->abyx", factor, factor), own, atol=1e-5)
    identity = np.einsum("acyx,cbyx->abyx", inverse, factor)[:2, :2]
    np.testing.assert_allclose(identity, np.eye(2)[..., None, None] + 0 * identity, atol=1e-5)


def test_refuses_a_matrix_without_a_grid():
    with pytest.raises(TypeError, match="needs a StencilMatrix or a Stencil"):
        sj.multigrid(jnp.eye(3))
