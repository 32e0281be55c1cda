"""Matting as a layer: alpha with gradients to the image, to affinities and to what is known.

Pure functions of JAX arrays, for `jax.jit`, `jax.grad` and, over batches, `jax.vmap`. The forward
pass is that of `alphamat`; gradients are those of the exact solution, by one more solve.

Levin, Lischinski & Weiss, "A Closed-Form Solution to Natural Image Matting", TPAMI 30(2), 2008;
Shen, Tao, Gao, Zhou & Jia, "Deep Automatic Portrait Matting", ECCV 2016, put a solve for alpha at
the end of a network.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from alphamat import ConvergenceWarning
from solvers import Solution
from solvers.grid import offsets
from solvers.jax import Stencil, differentiable_cg


@partial(jax.jit, static_argnames=("radius", "solver"))
def closed_form(
    image: jax.Array,
    trimap: jax.Array,
    *,
    epsilon: float = 1e-5,
    radius: int = 1,
    known: jax.Array | None = None,
    confidence: float | jax.Array | None = None,
    solver: Callable[..., Solution] = differentiable_cg,
) -> jax.Array:
    """Estimate alpha, assuming that it is an affine function of colour in each small window.

    This is `alphamat.closed_form` at the same `epsilon`, before clipping.

    Parameters
    ----------
    image : (H, W, C) floating-point array
        Colours, or any other C features. H and W at least 2 `radius` + 1.
    trimap : (H, W) floating-point array
        Alpha where it is known. By default that is where it is 0 or 1.
    epsilon : float
        Weight of the regularisation on the slopes, > 0. On three photographs of 0.1 megapixels
        float32 came within 0.007 of the exact alpha at 1e-5, and within 0.023 at 1e-7, the default
        of `alphamat.closed_form`; float64 at `rtol` 1e-7 within 1e-4 at either.
    radius : int
        Windows are 2 `radius` + 1 pixels wide.
    known, confidence, solver
        See `propagate`.

    Returns
    -------
    (H, W) array, alpha. It is not clipped to [0, 1], which would stop the gradient of every pixel
    beyond; `jnp.clip` does it.

    Warns
    -----
    ConvergenceWarning
        If the solver stopped short of its tolerance, or alpha is NaN since the image or the trimap
        holds NaN. Compiled programs warn by a callback, which `jax.export` does not take:
        `propagate(colour_line_laplacian(image), trimap)` is the same without it, and returns the
        residual.
    """
    laplacian = colour_line_laplacian(image, epsilon=epsilon, radius=radius)
    if trimap.shape != image.shape[:2]:
        raise ValueError(
            f"`trimap` has shape {trimap.shape}; expected {image.shape[:2]}, as the image has."
        )
    found = propagate(laplacian, trimap, known=known, confidence=confidence, solver=solver)
    jax.debug.callback(_warn_unless_converged, found.iterations, found.residual, found.converged)
    return found.x


def _warn_unless_converged(iterations, residual, converged) -> None:
    if converged:
        return
    advice = "Give it more iterations or a looser tolerance, or compute in float64"
    if residual != residual:
        advice = "Look for NaN in the image and the trimap"
    warnings.warn(
        f"The solver of `differentiable.closed_form` stopped after {iterations} iterations with a "
        f"residual of {residual:.1e}, short of its tolerance; alpha is not reliable. {advice}.",
        ConvergenceWarning,
        stacklevel=1,
    )


def _refuse_unless_floating(name: str, array: jax.Array) -> None:
    if not jnp.issubdtype(array.dtype, jnp.floating):
        raise TypeError(f"`{name}` has dtype {array.dtype}; expected floating point in [0, 1].")


@partial(jax.jit, static_argnames="solver")
def propagate(
    laplacian: Any,
    trimap: jax.Array,
    *,
    known: jax.Array | None = None,
    confidence: float | jax.Array | None = None,
    solver: Callable[..., Solution] = differentiable_cg,
) -> Solution:
    """Minimise αᵀ L α with alpha given on the known pixels.

    Gradients reach the Laplacian's arrays, `trimap` where it is known, and `confidence`.

    Parameters
    ----------
    laplacian : operator, (H W, H W)
        Symmetric and positive semidefinite, with `shape`, `@` on flat vectors and `diagonal()`:
        `colour_line_laplacian`, `grid_laplacian`, `GraphLaplacian`, or your own pytree.
    trimap : (H, W) floating-point array
        Alpha where it is known. Each part of the picture that affinities hold together must have a
        known pixel; compiled programs cannot check it.
    known : (H, W) bool array, optional
        Where alpha is known; by default where `trimap` is 0 or 1.
    confidence : float or (H, W) array, optional
        λ, the weight with which known pixels are held to the trimap, > 0 there. None holds them
        exactly.
    solver : callable
        `solver(A, b) -> solvers.Solution`, differentiable. Make a `functools.partial` once: each
        new one is compiled anew.

    Returns
    -------
    Solution whose x is alpha, (H, W), unclipped. Its residual is relative to what the known pixels,
    continued by zero, leave to be solved for.
    """
    _refuse_unless_floating("trimap", trimap)
    if trimap.size != laplacian.shape[0]:
        raise ValueError(
            f"`trimap` has shape {trimap.shape}, and the Laplacian is one of {laplacian.shape[0]} "
            "pixels."
        )
    known = (trimap == 0) | (trimap == 1) if known is None else known
    given = jnp.where(known, trimap, 0).ravel()
    if confidence is None:
        free, shift = ~known.ravel(), jnp.zeros_like(given)
    else:
        free, shift = jnp.ones_like(known).ravel(), (confidence * known).ravel()
    # As in alphamat.system: what alpha adds to the given, beside which a residual would look small.
    if isinstance(laplacian, Stencil):
        A: Any = laplacian.pinned(*(part.reshape(laplacian.grid) for part in (free, shift)))
    else:
        A = _System(laplacian, free, shift)
    added = solver(A, jnp.where(free, -(laplacian @ given), 0))
    return added._replace(x=(given + added.x).reshape(trimap.shape))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _System:
    """L + diag(shift) among the free unknowns, and the identity among all others."""

    laplacian: Any
    free: jax.Array
    shift: jax.Array

    def __matmul__(self, x: jax.Array) -> jax.Array:
        free = jnp.where(self.free, x, 0)
        return jnp.where(self.free, self.laplacian @ free + self.shift * free, x)

    def diagonal(self) -> jax.Array:
        return jnp.where(self.free, self.laplacian.diagonal() + self.shift, 1)


def colour_line_laplacian(image: jax.Array, *, epsilon: float = 1e-5, radius: int = 1) -> Stencil:
    """Return the matting Laplacian of all pixels (eq. 12, TPAMI). See `closed_form`."""
    image = jnp.asarray(image)
    _refuse_unless_floating("image", image)
    if image.ndim != 3 or min(image.shape[:2]) < 2 * radius + 1:
        raise ValueError(
            f"`image` has shape {image.shape}; expected (H, W, channels), with H and W at least "
            f"{2 * radius + 1}. Batches are for jax.vmap."
        )
    features = _whitened(image, epsilon, radius)
    size, reach = 2 * radius + 1, 2 * radius
    entries = 0  # of each pixel, and of all (dy, dx) within reach of it
    for k in range(size * size):
        same = (jnp.arange(size * size) == k)[:, None, None]
        # Added up one by one: XLA of JAX 0.10.2 sums (F[:, k, None] * F).sum(0) wrongly on CPUs,
        # and a matrix unit's product would round its factors.
        coupled = same - sum(feature[k] * feature for feature in features)
        y, x = divmod(k, size)
        window = coupled.reshape(size, size, *coupled.shape[1:])
        entries += jnp.pad(window, [(reach - y, y), (reach - x, x), (y, reach - y), (x, reach - x)])
    planes = jnp.reshape(entries, (-1, *image.shape[:2]))[(4 * radius + 1) ** 2 // 2 :]
    colours = jnp.moveaxis(lax.stop_gradient(image), -1, 0) - 0.5
    functions = jnp.concatenate([jnp.ones_like(colours[:1]), colours])  # that windows fit to alpha
    return Stencil(jnp.pad(planes, [(0, 0), (reach, reach), (reach, reach)]), functions)


def _whitened(image, epsilon, radius):
    """Return features, (C + 1, cells of a window, windows), whose inner products are equation 12's.

    With the centred colours X (cells × C) of a window these are 1 / |w| + X (XᵀX + ε)⁻¹ Xᵀ, and
    X over √ε I, made orthonormal, has Q Qᵀ = X (XᵀX + ε)⁻¹ Xᵀ for its upper part Q: without a
    product XᵀX, float32 loses half as many digits.
    """
    size, channels = 2 * radius + 1, image.shape[2]
    height, width = (side - 2 * radius for side in image.shape[:2])
    cells = [divmod(k, size) for k in range(size * size)]
    colours = jnp.stack([image[y : y + height, x : x + width] for y, x in cells])
    ridge = jnp.sqrt(jnp.asarray(epsilon, image.dtype)) * jnp.eye(channels, dtype=image.dtype)
    ridge = jnp.broadcast_to(ridge[:, None, None], (channels, height, width, channels))
    rows = jnp.concatenate([colours - colours.mean(0), ridge])
    basis = []
    for c in range(channels):
        vector = rows[..., c]
        for axis in basis:
            vector -= (axis * vector).sum(0) * axis
        basis.append(vector / jnp.sqrt((vector * vector).sum(0)))
    constant = jnp.full_like(colours[..., 0], 1 / size)
    return jnp.stack([constant, *(axis[: size * size] for axis in basis)])


def grid_laplacian(right: jax.Array, down: jax.Array) -> Stencil:
    """Return D - W of a grid, from its edges' affinities.

    Parameters
    ----------
    right : (H, W - 1) array
        Affinities between horizontal neighbours, > 0.
    down : (H - 1, W) array
        Affinities between vertical neighbours, > 0.
    """
    right, down = jnp.pad(right, ((0, 0), (1, 1))), jnp.pad(down, ((1, 1), (0, 0)))
    degree = right[:, 1:] + right[:, :-1] + down[1:] + down[:-1]
    none = jnp.zeros_like(degree)
    planes = {(0, 0): degree, (0, 1): -right[:, 1:], (1, 0): -down[1:]}
    planes = jnp.stack([planes.get(offset, none) for offset in offsets(1)])
    return Stencil(jnp.pad(planes, ((0, 0), (1, 1), (1, 1))))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class GraphLaplacian:
    """D - W of a graph with one affinity for each edge.

    `first` and `second`, (edges,) whole numbers, are the pixels that each edge joins, in reading
    order; `size` is the number of all pixels.
    """

    affinity: jax.Array
    first: jax.Array
    second: jax.Array
    size: int = field(metadata={"static": True})

    def __matmul__(self, x: jax.Array) -> jax.Array:
        flow = self.affinity * (x[self.first] - x[self.second])
        return self._gather(flow, -flow)

    def diagonal(self) -> jax.Array:
        return self._gather(self.affinity, self.affinity)

    def _gather(self, at_first, at_second):
        gather = partial(jax.ops.segment_sum, num_segments=self.size)
        return gather(at_first, self.first) + gather(at_second, self.second)
