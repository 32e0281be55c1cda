"""Conjugate gradients in JAX: as exact as those in NumPy, honest where float32 is not enough."""

import importlib
import sys
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import pytest
from scipy import sparse

import alphamat
from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.methods.fast import fast
from solvers import Pinned, StencilMatrix, cg
from solvers.cg import Goal
from solvers.grid import Region, offsets
from tests.reference import grid_laplacian

jax = pytest.importorskip("jax")
jnp = jax.numpy
jax.config.update("jax_disable_most_optimizations", True)  # compiles faster
sj = importlib.import_module("solvers.jax")
refine = importlib.import_module("solvers.jax.cg")._refine

H, W = 9, 12


@pytest.fixture
def float64():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def system(ground=0.01, seed=21):
    """Return a dense positive definite matrix on a grid, and a right-hand side."""
    rng = np.random.default_rng(seed)
    right, down = rng.uniform(size=(H, W - 1)), rng.uniform(size=(H - 1, W))
    A = grid_laplacian(right, down) + ground * np.eye(H * W)
    return A, rng.standard_normal(H * W)


def true_residual(A, b, x):
    return np.linalg.norm(b - A @ x) / np.linalg.norm(b)


@dataclass(frozen=True)
class Weights:
    values: np.ndarray
    power: int = field(metadata={"static": True})


@dataclass(frozen=True)
class Chain:
    """A tridiagonal matrix in array expressions, of dataclasses within a tuple."""

    parts: tuple
    size: int = field(metadata={"static": True})

    @property
    def shape(self):
        return (self.size, self.size)

    def __matmul__(self, x):
        xp = x.__array_namespace__()
        ends = xp.zeros_like(x[:1])
        y = self.diagonal() * x
        return y - xp.concat([x[1:], ends]) - xp.concat([ends, x[:-1]])

    def diagonal(self):
        return 2 + self.parts[0].values ** self.parts[0].power


def stencil(radius, shape=(H, W)):
    """Rows of a matting Laplacian for a region with a ragged edge, a hole and an outlier."""
    unknown = np.zeros(shape, bool)
    unknown[1:6, 3:9], unknown[2, 1], unknown[4, 5], unknown[7, 8] = True, True, False, True
    image = np.random.default_rng(3).random((*shape, 3))
    return colour_line_laplacian(image, unknown, epsilon=1e-3, radius=radius)


# ---- cg


def pinned():
    free = np.arange(H * W) % 5 != 2
    return Pinned.of(sparse.csr_array(system()[0])[free], free)


OPERATORS = {
    "SciPy": lambda: sparse.csr_array(system()[0]),
    "another SciPy": lambda: sparse.dia_array(system()[0]),
    "dense": lambda: system()[0],
    "Pinned": pinned,
    "stencil": lambda: stencil(1),
    "wide stencil": lambda: stencil(2),
    "dataclasses": lambda: Chain((Weights(np.linspace(0.1, 1, 30), 2),), 30),
}


@pytest.mark.parametrize("form", OPERATORS)
def test_solves_to_digits_that_float32_does_not_have(form):
    A = OPERATORS[form]()
    n = A.shape[0]
    dense = np.stack([A @ e for e in np.eye(n)])
    b = np.random.default_rng(8).standard_normal(n)
    solution = sj.cg(A, b, preconditioner=sj.jacobi, rtol=1e-11)
    assert solution.converged
    assert solution.residual == pytest.approx(true_residual(dense, b, solution.x), rel=1e-2)
    assert solution.x.dtype == np.float64
    np.testing.assert_allclose(solution.x, np.linalg.solve(dense, b), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("rtol", [1e-2, 1e-5, 1e-9])
def test_the_residual_meets_the_tolerance(rtol):
    A, b = system()
    solution = sj.cg(A, b, rtol=rtol)
    assert solution.converged
    assert solution.residual <= rtol
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x), rel=1e-6)


def test_starts_where_it_is_told():
    A, b = system()
    cold = sj.cg(A, b)
    start = cold.x.copy()
    warm = sj.cg(A, b, x0=start)
    assert (warm.iterations, warm.converged) == (0, True)
    near = sj.cg(A, b, x0=cold.x * 1.0001)
    assert near.converged
    assert 0 < near.iterations < cold.iterations
    np.testing.assert_array_equal(start, cold.x)


def test_zero_has_the_solution_zero():
    solution = sj.cg(system()[0], np.zeros(H * W), x0=np.ones(H * W))
    assert (solution.x == 0).all()
    assert solution[1:] == (0, 0, True, 0)


def test_says_when_the_iterations_ran_out():
    A, b = system()
    solution = sj.cg(A, b, maxiter=7)
    assert (solution.iterations, solution.converged) == (7, False)
    assert 0.3 < solution.residual < 0.8  # it is 0.50
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x), rel=1e-6)


def test_takes_a_preconditioner_of_ones_own():
    A, b = system(ground=1e-4)
    A += np.diag(np.logspace(0, 3, len(b)))

    def identity(A):
        return lambda r: r

    plain, scaled = sj.cg(A, b, preconditioner=identity), sj.cg(A, b)
    assert plain.converged
    assert scaled.converged
    for solution in (plain, scaled):
        np.testing.assert_allclose(solution.x, np.linalg.solve(A, b), rtol=0, atol=1e-5)
    assert plain.iterations > 4 * scaled.iterations


def nothing(A):
    return lambda r: r * jnp.nan


@pytest.mark.parametrize(
    "eigenvalues", [[-1, -1, -2], [1, -1, 2], [1, 1, 0], [1, 1e-9, 1e3]], ids=str
)
@pytest.mark.parametrize("preconditioner", [sj.jacobi, nothing])
def test_never_calls_a_wrong_answer_converged(eigenvalues, preconditioner):
    Q = np.linalg.qr(np.random.default_rng(4).standard_normal((3, 3)))[0]
    A, b = (Q * eigenvalues) @ Q.T, np.ones(3)
    solution = sj.cg(A, b, preconditioner=preconditioner)
    assert solution.residual <= 1  # that of the start
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x), rel=1e-6)
    assert solution.converged == (solution.residual <= 1e-7)


def flat_disc():
    """Two flat colours and next to nothing known: float32 cannot tell this from singular."""
    y, x = np.mgrid[:23, :31]
    disc = (y - 11.5) ** 2 + (x - 15.5) ** 2 < 60
    image = np.where(disc[..., None], [0.9, 0.5, 0.1], [0.1, 0.2, 0.6])
    unknown = np.ones(disc.shape, bool)
    unknown[2, 3] = unknown[-3, -4] = False
    foreground = np.zeros(disc.shape)
    foreground[2, 3] = 1
    A = colour_line_laplacian(image, unknown, epsilon=1e-7, radius=1)
    return A, -A.couple(foreground)


def test_goes_on_in_float64_where_float32_is_not_enough():
    A, b = flat_disc()
    solution = sj.cg(A, b, preconditioner=sj.jacobi)
    assert solution.converged
    assert true_residual(A.tocsr(), b, solution.x) <= 1e-7
    assert jnp.ones(1).dtype == jnp.float32
    goal = Goal(1e-7, 5e-4, wanted=1e-7)
    options = {"preconditioner": sj.jacobi, "goal": goal, "maxiter": 10_000}
    alone = refine(A, b, None, solution._replace(x=0 * b), **options)
    assert not alone.converged
    assert alone.residual == pytest.approx(true_residual(A.tocsr(), b, alone.x), rel=1e-6)


def test_starts_in_float64_where_jax_does(float64):
    A, b = system()
    assert sj.cg(A, b, rtol=1e-12).iterations == cg(A, b, rtol=1e-12).iterations


def test_refuses_what_jax_cannot_trace():
    class Opaque:
        shape = (2, 2)

        def __matmul__(self, x):
            return np.asarray(x)

    with pytest.raises(TypeError, match="`A` is a Opaque, whose `@` JAX cannot trace"):
        sj.cg(Opaque(), np.ones(2), x0=np.zeros(2))


@pytest.mark.parametrize("method", [alphamat.closed_form, fast])
def test_solves_for_alpha(method):
    image, trimap = np.random.default_rng(7).random((H, W, 3)), np.full((H, W), 0.5)
    trimap[:, :3], trimap[:, -2:] = 0, 1
    alpha = method(image, trimap, solver=sj.cg)
    np.testing.assert_allclose(alpha, method(image, trimap), rtol=0, atol=1e-5)


def test_without_jax_an_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jax", None)
    monkeypatch.delitem(sys.modules, "solvers.jax")
    with pytest.raises(ImportError, match=r'pip install "alphamat\[deep\]"'):
        importlib.import_module("solvers.jax")


# ---- Stencil


@pytest.mark.parametrize("reach", [1, 2])
def test_a_stencil_is_the_matrix_of_its_planes(reach):
    count = len(offsets(reach))
    planes = np.random.default_rng(5).standard_normal((count, H + 2 * reach, W + 2 * reach))
    region = Region.of(np.ones((H, W), bool), reach)
    expected = StencilMatrix(region, planes.reshape(count, -1)).tocsr().toarray()
    A = sj.Stencil(jnp.asarray(planes, jnp.float32))
    assert A.shape == (H * W, H * W)
    np.testing.assert_allclose(jax.vmap(A.__matmul__)(jnp.eye(H * W)), expected, atol=1e-6)
    np.testing.assert_allclose(A.diagonal(), np.diag(expected), atol=1e-6)


# ---- differentiable_cg

exactly = partial(sj.differentiable_cg, rtol=1e-12)


def test_is_a_function_that_jit_and_vmap_take(float64):
    matrices, sides = (np.stack(parts) for parts in zip(*map(system, (0.01, 1.0)), strict=True))
    expected = np.linalg.solve(matrices, sides[..., None])[..., 0]
    both = jax.jit(jax.vmap(exactly))(matrices, sides)
    assert both.converged.all()
    assert both.iterations[0] > 2 * both.iterations[1]
    np.testing.assert_allclose(both.x, expected, rtol=1e-8)
    many = jax.jit(jax.vmap(exactly, (None, 0)))(matrices[0], sides)
    np.testing.assert_allclose(many.x[0], expected[0], rtol=1e-8)


def test_gradients_are_those_of_the_solution(float64):
    A, b = system()
    g = np.random.default_rng(2).standard_normal(len(b))
    to_A, to_b = jax.jit(jax.grad(lambda A, b: g @ exactly(A, b).x, (0, 1)))(A, b)
    adjoint = np.linalg.solve(A, g)
    np.testing.assert_allclose(to_b, adjoint, rtol=1e-8)
    np.testing.assert_allclose(to_A, -np.outer(adjoint, np.linalg.solve(A, b)), rtol=1e-8)


def test_works_in_the_precision_it_is_given_and_says_how_far_that_goes():
    A, b = (jnp.asarray(part, jnp.float32) for part in system(ground=0.1))
    solution = sj.differentiable_cg(A, b)
    assert solution.x.dtype == jnp.float32
    assert solution.converged
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x), rel=0.1)
    beyond = sj.differentiable_cg(A, b, rtol=1e-9, maxiter=500)
    assert not beyond.converged
    assert beyond.residual > 1e-9


def test_jacobi_takes_over_from_an_indefinite_preconditioner():
    A = jnp.eye(30) * 2.1 - jnp.eye(30, k=1) - jnp.eye(30, k=-1)
    signs = jnp.ones(30).at[7].set(-30)
    x = np.random.default_rng(3).standard_normal(30)
    solution = sj.differentiable_cg(A, A @ x, preconditioner=lambda A: lambda r: signs * r)
    assert solution.converged
    np.testing.assert_allclose(solution.x, x, atol=1e-3)


def test_what_cannot_be_solved_is_not_converged():
    assert not sj.differentiable_cg(-jnp.eye(3), jnp.ones(3)).converged
    for broken in ((jnp.eye(3), jnp.array([1, jnp.nan, 2])), (jnp.nan * jnp.eye(3), jnp.ones(3))):
        solution = sj.differentiable_cg(*broken)
        assert not solution.converged
        assert jnp.isnan(solution.x).all()


def test_zero_is_solved_and_has_gradients(float64):
    A = jnp.eye(3)
    solution = sj.differentiable_cg(A, jnp.zeros(3))
    assert solution.converged
    assert solution.residual == 0
    gradient = jax.jit(jax.grad(lambda b: exactly(A, b).x.sum()))(jnp.zeros(3))
    np.testing.assert_allclose(gradient, 1)


def test_parts_that_hang_on_the_rest_weakly_are_right():
    right, down = np.ones((H, W - 1)), np.ones((H - 1, W))
    right[:, [2, 5, 8]] = 1e-8
    dense, b = grid_laplacian(right, down), np.zeros((H, W))
    ends = np.zeros((H, W))
    ends[:, [0, -1]] = 1
    dense += np.diag(ends.ravel())
    b[:, -1] = 1
    solution = sj.cg(sparse.csr_array(dense), b.ravel())
    assert solution.converged
    assert np.abs(solution.x - np.linalg.solve(dense, b.ravel())).max() < 5e-4
