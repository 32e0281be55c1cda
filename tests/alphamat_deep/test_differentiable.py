"""Matting layers: alphamat's own alpha forward, finite differences backward."""

from functools import cache, partial

import numpy as np
import pytest

import alphamat
from tests.reference import grid_laplacian, matting_laplacian, pinned_solution

jax = pytest.importorskip("jax")
jnp = jax.numpy
jax.config.update("jax_disable_most_optimizations", True)  # compiles faster

from alphamat_deep import differentiable  # noqa: E402
from solvers.jax import differentiable_cg, jacobi  # noqa: E402

H, W = 9, 12
jacobi_cg = partial(differentiable_cg, preconditioner=jacobi)  # compiles faster than multigrid
exactly = partial(jacobi_cg, rtol=1e-12)


@pytest.fixture
def float64():
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


def noise(seed=7):
    return np.random.default_rng(seed).random((H, W, 3))


def bands():
    trimap = np.full((H, W), 0.5)
    trimap[:, :3], trimap[:, -2:] = 0, 1
    trimap[H // 2 :, :5] = 0
    return trimap


def affinities(seed=4):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 1, (H, W - 1)), rng.uniform(0.1, 1, (H - 1, W))


@jax.jit
def dense(laplacian):
    return jax.vmap(laplacian.__matmul__)(jnp.eye(H * W))


def closed_form(image, values, epsilon):
    known = bands() != 0.5
    return differentiable.closed_form(image, values, known=known, epsilon=epsilon, solver=exactly)


def propagate(right, down, values, confidence):
    return differentiable.propagate(
        differentiable.grid_laplacian(right, down),
        values,
        known=bands() != 0.5,
        confidence=confidence,
        solver=exactly,
    ).x


@cache
def weighted(function, arguments):
    """Return what computes the sum of weights times function(…), and its gradients."""
    return jax.jit(
        jax.value_and_grad(
            lambda weights, *rest: (weights * function(*rest)).sum(), tuple(range(1, arguments + 1))
        )
    )


def assert_is_the_derivative_of(function, *arguments, seed=9, step=1e-6):
    """Compare gradients with central differences along one random direction for each argument."""
    rng = np.random.default_rng(seed)
    weights = rng.standard_normal((H, W))
    compute = weighted(function, len(arguments))
    _, gradients = compute(weights, *arguments)
    for k, argument in enumerate(arguments):
        direction = rng.standard_normal(np.shape(argument))
        ahead, behind = (
            compute(weights, *arguments[:k], argument + h * direction, *arguments[k + 1 :])[0]
            for h in (step, -step)
        )
        expected = float(ahead - behind) / (2 * step)
        assert abs(expected) > 1e-4
        assert np.vdot(gradients[k], direction) == pytest.approx(expected, rel=1e-5)


# ---- Laplacians


@pytest.mark.parametrize("epsilon", [1e-7, 1e-3])
@pytest.mark.parametrize("radius", [1, 2])
def test_the_matting_laplacian_is_the_papers_formula(epsilon, radius):
    image = noise()
    laplacian = jax.jit(differentiable.colour_line_laplacian, static_argnames="radius")(
        jnp.asarray(image, jnp.float32), epsilon=epsilon, radius=radius
    )
    expected = matting_laplacian(image, epsilon=epsilon, radius=radius)
    np.testing.assert_allclose(dense(laplacian), expected, rtol=0, atol=2e-5)


def test_float32_tells_collinear_colours_from_a_plane_even_at_a_small_epsilon():
    ramp = np.linspace(0, 1, W)[None, :, None] * np.ones((H, 1, 3)) * [1, 0.5, 0.7]
    laplacian = jax.jit(differentiable.colour_line_laplacian)(jnp.asarray(ramp), epsilon=1e-7)
    expected = matting_laplacian(ramp, epsilon=1e-7, radius=1)
    np.testing.assert_allclose(dense(laplacian), expected, rtol=0, atol=2e-4)


def test_a_grid_and_its_graph_have_one_laplacian():
    right, down = affinities()
    grid = differentiable.grid_laplacian(right, down)
    index = np.arange(H * W).reshape(H, W)
    graph = differentiable.GraphLaplacian(
        np.concatenate([right.ravel(), down.ravel()]),
        np.concatenate([index[:, :-1].ravel(), index[:-1].ravel()]),
        np.concatenate([index[:, 1:].ravel(), index[1:].ravel()]),
        H * W,
    )
    expected = grid_laplacian(right, down)
    for laplacian in (grid, graph):
        np.testing.assert_allclose(dense(laplacian), expected, rtol=0, atol=1e-6)
        np.testing.assert_allclose(laplacian.diagonal(), np.diag(expected), rtol=1e-6)


# ---- forward


def test_is_alphamats_closed_form_once_clipped(float64):
    alpha = differentiable.closed_form(jnp.asarray(noise()), jnp.asarray(bands()), solver=exactly)
    expected = alphamat.closed_form(noise(), bands(), epsilon=1e-5)
    np.testing.assert_allclose(jnp.clip(alpha, 0, 1), expected, rtol=0, atol=1e-6)


def test_float32_costs_three_digits():
    image, trimap = (jnp.asarray(part, jnp.float32) for part in (noise(), bands()))
    alpha = differentiable.closed_form(image, trimap)
    assert alpha.dtype == jnp.float32
    expected = alphamat.closed_form(noise(), bands(), epsilon=1e-5)
    np.testing.assert_allclose(jnp.clip(alpha, 0, 1), expected, rtol=0, atol=1e-3)


def test_propagates_along_affinities_and_reports():
    laplacian = differentiable.grid_laplacian(*affinities())
    solution = differentiable.propagate(laplacian, jnp.asarray(bands()))
    expected = pinned_solution(grid_laplacian(*affinities()), bands())
    np.testing.assert_allclose(solution.x, expected, rtol=0, atol=1e-4)
    assert solution.converged
    assert solution.residual <= 1e-5
    assert 0 < solution.iterations < 200
    hasty = partial(jacobi_cg, maxiter=3)
    assert not differentiable.propagate(laplacian, jnp.asarray(bands()), solver=hasty).converged


def test_known_alpha_may_be_anything(float64):
    laplacian = differentiable.grid_laplacian(*affinities())
    known, values = bands() != 0.5, np.random.default_rng(1).normal(size=(H, W))
    alpha = differentiable.propagate(laplacian, jnp.asarray(values), known=known, solver=exactly).x
    np.testing.assert_array_equal(alpha[known], values[known])
    np.testing.assert_allclose((laplacian @ alpha.ravel())[~known.ravel()], 0, atol=1e-9)


def test_confidence_is_a_weight_for_each_pixel(float64):
    weights, values = np.random.default_rng(1).uniform(0.1, 2, (2, H, W))
    known = bands() != 0.5
    D = np.diag((weights * known).ravel())
    expected = np.linalg.solve(grid_laplacian(*affinities()) + D, D @ values.ravel())
    alpha = propagate(*affinities(), jnp.asarray(values), weights)
    np.testing.assert_allclose(alpha.ravel(), expected, rtol=0, atol=1e-9)


def test_a_batch_is_its_pictures_one_by_one(float64):
    images = jnp.stack([noise(), noise(8)])
    trimaps = jnp.stack([bands(), 1 - bands()[::-1]])
    layer = partial(differentiable.closed_form, solver=partial(differentiable_cg, rtol=1e-12))
    batch = jax.jit(jax.vmap(layer))(images, trimaps)
    for k in range(2):
        np.testing.assert_allclose(batch[k], layer(images[k], trimaps[k]), rtol=0, atol=1e-9)


@pytest.fixture
def optimised():
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", True)


@pytest.mark.usefixtures("optimised")
@pytest.mark.parametrize("sides", [(63, 70), (64, 64), (65, 130), (100, 91)])
def test_large_pictures_are_compiled_right(sides):
    rng = np.random.default_rng(21)
    image, trimap = rng.random((*sides, 3)), np.full(sides, 0.5)
    trimap[:, :20], trimap[:, -20:] = 0, 1
    single = [jnp.asarray(part, jnp.float32) for part in (image, trimap)]
    solver = differentiable_cg if sides == (63, 70) else jacobi_cg
    alpha = jnp.clip(differentiable.closed_form(*single, solver=solver), 0, 1)
    np.testing.assert_allclose(
        alpha, alphamat.closed_form(image, trimap, epsilon=1e-5), rtol=0, atol=1e-3
    )


def finish(function, *arguments):
    """Run a function and its callbacks."""
    jax.block_until_ready(function(*arguments))
    jax.effects_barrier()


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit, jax.grad])
def test_an_unconverged_solve_is_said_in_compiled_programs_too(transform):
    hasty = partial(jacobi_cg, maxiter=3)
    run = transform(lambda x: differentiable.closed_form(x, bands(), solver=hasty).sum())
    with pytest.warns(alphamat.ConvergenceWarning, match=r"after 3 iterations .* not reliable"):
        finish(run, jnp.asarray(noise(), jnp.float32))


def test_each_unconverged_picture_of_a_batch_is_said():
    hasty = partial(jacobi_cg, maxiter=4)
    layer = jax.jit(jax.vmap(lambda x: differentiable.closed_form(x, bands(), solver=hasty)))
    with pytest.warns(alphamat.ConvergenceWarning) as said:
        finish(layer, jnp.stack([noise(), noise(8)]))
    assert len(said) == 2


def test_nan_is_said():
    image = noise()
    image[4, 5] = np.nan
    with pytest.warns(alphamat.ConvergenceWarning, match="Look for NaN"):
        finish(differentiable.closed_form, jnp.asarray(image), jnp.asarray(bands()))


# ---- gradients


def test_gradients_of_closed_form_are_finite_differences(float64):
    assert_is_the_derivative_of(closed_form, noise(), bands(), 1e-2)


def test_gradients_to_affinities_and_confidence_are_finite_differences(float64):
    confidence = np.random.default_rng(6).uniform(0.5, 2, (H, W))
    assert_is_the_derivative_of(propagate, *affinities(), bands(), confidence)


def test_flat_colours_have_gradients(float64):
    compute = weighted(closed_form, 3)
    _, gradients = compute(np.ones((H, W)), np.full((H, W, 3), 0.5), bands(), 1e-7)
    image, values, epsilon = map(np.asarray, gradients)
    np.testing.assert_allclose(image, 0, atol=1e-9)  # the Laplacian sees products of differences
    assert (values[bands() == 0.5] == 0).all()
    assert (values[:, -2] > 0).all()
    assert np.isfinite(epsilon)


# ---- refusals


@pytest.mark.parametrize(
    ("image", "trimap", "error", "message"),
    [
        (np.zeros((H, W, 3), np.uint8), bands(), TypeError, "`image` has dtype uint8"),
        (noise(), np.uint8(255 * bands()), TypeError, "`trimap` has dtype uint8"),
        (np.zeros((H, W)), bands(), ValueError, r"`image` has shape \(9, 12\); expected \(H, W, c"),
        (np.zeros((2, W, 3)), bands(), ValueError, "H and W at least 3"),
        (np.zeros((4, H, W, 3)), bands(), ValueError, "Batches are for jax.vmap"),
        (noise(), bands().T, ValueError, r"`trimap` has shape \(12, 9\); expected \(9, 12\)"),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(image, trimap, error, message):
    with pytest.raises(error, match=message):
        differentiable.closed_form(image, trimap)


def test_refuses_a_trimap_of_another_size_than_the_laplacians():
    laplacian = differentiable.grid_laplacian(*affinities())
    with pytest.raises(ValueError, match=r"`trimap` has shape \(9, 11\), .* one of 108 pixels"):
        differentiable.propagate(laplacian, bands()[:, 1:])
