"""Conjugate gradients as loops that XLA compiles, for GPUs, TPUs and for JAX programs.

Two functions, because they keep two promises. `cg` takes NumPy's arrays and keeps that of
`solvers.cg`: a device iterates in float32, and the host asks for corrections until the residual,
in float64, meets its tolerance. `differentiable_cg` takes JAX's arrays and is a pure function for
`jax.jit`, `jax.vmap` and `jax.grad`, in the precision of its arguments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import Any

import numpy as np

from solvers.cg import Goal, jacobi, tried_with_noise
from solvers.grid import StencilMatrix, offsets
from solvers.operators import Operator, Preconditioner, Solution
from solvers.parameters import as_count, as_number, as_vector
from solvers.parts import Parts, parts_of

try:
    import jax
except ModuleNotFoundError as error:
    raise ImportError(
        '`solvers.jax` needs JAX, which is not installed. In a clone: pip install -e ".[deep]". '
        'From an index: pip install "alphamat[deep]".'
    ) from error
import jax.numpy as jnp
from jax import lax

MOST_FUNCTIONS = 2000  # of weakly held parts, whose dense inverse the device gets


def cg(
    A: Operator,
    b: np.ndarray,
    *,
    x0: np.ndarray | None = None,
    preconditioner: Preconditioner = jacobi,
    rtol: float = 1e-7,
    xtol: float = 5e-4,
    maxiter: int = 10_000,
) -> Solution:
    """Solve A x = b for a symmetric positive definite A on JAX's default device.

    Parameters
    ----------
    A : Operator, (n, n)
        A `StencilMatrix`; anything with `tocsr()`, such as SciPy's sparse arrays and `Pinned`; a
        NumPy array; or a frozen dataclass of arrays whose `@` and `diagonal()` are array
        expressions. That is registered as a pytree when first met. Its fields are data unless they
        carry `metadata={"static": True}`.
    b : (n,) array
        Right-hand side.
    x0 : (n,) array, optional
        Where to start; zero by default.
    preconditioner : callable
        `preconditioner(A)` returns a function r -> z close to A⁻¹ r, symmetric and positive
        definite. It is traced: A is what lies on the device, r and z are JAX arrays. A stencil's
        vectors cover the bounding box of its cells there.
    rtol : float
        Stop once ||b - A x|| ≤ rtol ||b||, and
    xtol : float
        the estimated error of every entry of x is at most xtol max |x|, as in `solvers.cg`.
    maxiter : int
        Stop after so many iterations in any case.

    Returns
    -------
    Solution
        x is a float64 NumPy array. The residual is that of A as given, computed in float64 on the
        host. Where rounding keeps it above `rtol`, or the error above `xtol`, `converged` is False.

    Raises
    ------
    TypeError
        If A is none of the above.

    Notes
    -----
    The device works in float32. Each descent there finds a correction from the residual on the
    host, to four digits. Once that no longer halves the residual, because float32 cannot tell A
    from a singular matrix, the device goes on in float64; under `jax_enable_x64` it does so from
    the start.

    On the device a stencil takes a number for each plane and each pixel of the bounding box.
    XLA compiles anew for each shape, which takes about half a second.
    """
    b = as_vector(b, "b", size=A.shape[0])
    x0 = np.zeros_like(b) if x0 is None else as_vector(x0, "x0", size=b.size).copy()
    rtol = as_number(rtol, "rtol", "a tolerance ≥ 0, such as 1e-7", least=0)
    xtol = as_number(xtol, "xtol", "a tolerance ≥ 0, such as 5e-4", least=0)
    maxiter = as_count(maxiter, "maxiter", least=0)
    best = Solution(x0, 0, np.inf, False)
    parts = parts_of(A)
    goal = Goal.of(parts, rtol, xtol)
    options = {"preconditioner": preconditioner, "goal": goal, "maxiter": maxiter}
    refine = partial(_refine, A, b, parts, **options)
    if jnp.result_type(float) != np.float64:
        best = refine(best)
    if not best.converged and best.iterations < maxiter:
        with jax.enable_x64(True):
            best = refine(best)
    again = partial(cg, preconditioner=preconditioner, maxiter=maxiter)
    return tried_with_noise(goal.judged(best), A, goal, again)


@partial(jax.jit, static_argnames="preconditioner")
def differentiable_cg(
    A: Any,
    b: jax.Array,
    *,
    preconditioner: Preconditioner = jacobi,
    rtol: float = 1e-5,
    maxiter: int = 10_000,
) -> Solution:
    """Solve A x = b inside JAX programs, for a symmetric positive definite A.

    Gradients are those of x = A⁻¹ b, by implicit differentiation: one more solve with A, to the
    same tolerance, whatever the number of iterations. They reach b and all that `A @ x` depends on.

    Parameters
    ----------
    A : (n, n)
        A pytree with `@` and `diagonal()` in JAX arrays: an array, a `Stencil`, or your own, such
        as a dataclass under `jax.tree_util.register_dataclass`.
    b : (n,) array
        Right-hand side.
    preconditioner : callable
        `preconditioner(A)` returns a function r -> z close to A⁻¹ r, symmetric and positive
        definite. Gradients do not pass through it.
    rtol : float
        The residual ||b - A x|| / ||b|| to reach. Below about 1e-5 float32 does not suffice for
        matting Laplacians; with `jax_enable_x64` and float64 arrays 1e-10 is no trouble.
    maxiter : int
        Stop after so many iterations in any case.

    Returns
    -------
    Solution
        Of JAX arrays. The residual is recomputed from x, in b's precision; where rounding keeps it
        above `rtol`, `converged` is False. The error is not estimated. x is NaN where A or b holds
        NaN. Nothing reports on the solves for gradients.
    """
    apply = preconditioner(A)

    def solve(multiply, b):
        return _descend(multiply, apply, b, rtol / 2, maxiter)[:2]  # the other half: rounding

    x, iterations = lax.custom_linear_solve(lambda x: A @ x, b, solve, symmetric=True, has_aux=True)
    scale, norm = (_norm(lax.stop_gradient(v)) for v in (b, b - A @ x))
    residual = norm / jnp.where(scale == 0, 1, scale)
    x = jnp.where(jnp.isfinite(residual), x, jnp.nan)
    traced: Any = x, iterations, residual, residual <= rtol
    return Solution(*traced)


def _refine(A, b, parts, best: Solution, *, preconditioner, goal, maxiter) -> Solution:
    """Go on from a solution, in JAX's precision of the moment, while that improves it."""
    dtype = np.dtype(jnp.result_type(float))
    trusted = 1000 * float(np.finfo(dtype).eps)  # what a single descent may reduce the residual to
    scale = _host_norm(b)
    if scale == 0:
        return Solution(np.zeros_like(b), 0, 0.0, True, 0.0)
    laid_out, x, iterations = None, best.x.copy(), best.iterations
    least, error, smallest = np.inf, None, np.inf
    while True:
        r = b - A @ x
        if parts is not None:
            step = parts.correct(r)
            x += step
            r = b - A @ x
            error = max(error or 0.0, float(np.abs(step).max()))
        norm = _host_norm(r)
        residual = norm / scale
        if error is None:
            error = float(np.abs(r / (A.diagonal() if hasattr(A, "diagonal") else 1)).max())
        excess = goal.excess(residual, error, x)
        stalled = not excess < least / 2
        if excess < least:
            best, least = Solution(x.copy(), iterations, residual, excess <= 1, error), excess
        if best.converged or stalled or iterations >= maxiter:
            return best._replace(iterations=iterations)
        operator, place, together = laid_out = laid_out or _lay_out_with_parts(A, parts, dtype)
        right = np.zeros(operator.shape[0], dtype)
        right[place] = r / norm
        reduction = max(min(goal.wanted / residual, 0.1), trusted)
        correction, count, left, met = _correct(
            operator, together, right, reduction, maxiter - iterations, preconditioner
        )
        x += norm * np.asarray(correction, np.float64)[place]
        iterations += int(count)
        smallest = min(smallest, float(met) if met > 0 else float(np.finfo(dtype).eps))
        error = norm * float(left) / smallest


@partial(jax.jit, static_argnames="preconditioner")
def _correct(A, parts, b, rtol, maxiter, preconditioner):
    """Return x, how often it iterated, max |M⁻¹ r| at the end, and the least Ritz value."""
    apply = preconditioner(A)

    def with_parts(r):
        return apply(r) if parts is None else apply(r) + parts.correct(r)

    return _descend(lambda x: A @ x, with_parts, b, rtol, maxiter)


def _descend(multiply, apply, b, rtol, maxiter):
    """Iterate from zero until the recurred residual meets the goal; return as `_correct` does."""
    goal = rtol * _norm(b)

    def unfinished(state):
        *_, norm, iterations, definite, _, _ = state
        return definite & (norm > goal) & (iterations < maxiter)

    def step(state):
        x, r, p, Ap, rz, _, iterations, _, _, ritz = state
        curvature = _dot(p, Ap)
        definite = (curvature > 0) & (rz > 0)  # else rounding, or A or its preconditioner is not
        length = rz / curvature
        x = jnp.where(definite, x + length * p, x)
        r = r - length * Ap
        z = apply(r)
        ritz = jax.tree.map(partial(jnp.where, definite), _met(ritz, length, rz), ritz)
        rz, previous = _dot(r, z), rz
        p = z + rz / previous * p
        # Ap is handed on, since XLA would compute it for each of its uses in one step.
        left = abs(z).max()
        return x, r, p, multiply(p), rz, _norm(r), iterations + 1, definite, left, ritz

    z, zero = apply(b), jnp.zeros((), b.dtype)
    ritz = zero, zero, zero + 1, zero + 1
    start = jnp.zeros_like(b), b, z, multiply(z), _dot(b, z), _norm(b), 0, True, abs(z).max(), ritz
    x, *_, iterations, _, left, (squares, *_) = lax.while_loop(unfinished, step, start)
    return x, iterations, left, 1 / jnp.maximum(squares, 1)


def _met(ritz, length, rz):
    """Take one more step into account; see `solvers.cg.SmallestRitz`, which has no JAX."""
    squares, last, previous_length, previous_rz = ritz
    alpha = jnp.sqrt(rz / previous_rz / previous_length) * last
    corner, side = squares + alpha * alpha * length, -alpha * length
    angle = jnp.arctan2(2 * side, corner - length) / 2
    cosine, sine = jnp.cos(angle), jnp.sin(angle)
    squares = corner * cosine**2 + 2 * side * cosine * sine + length * sine**2
    return squares, (sine - cosine * alpha) * jnp.sqrt(length), length, rz


def _dot(a, b):
    return (a * b).sum()  # a matrix unit's product would round its factors


def _norm(a):
    return jnp.sqrt(_dot(a, a))


def _host_norm(a: np.ndarray) -> float:
    return math.sqrt(np.square(a).sum())  # BLAS would leave its threads spinning against ours


def _lay_out(A: Any, dtype):
    """Return A as a pytree on the device, and where its unknowns are in the vectors there."""
    if isinstance(A, StencilMatrix):
        return _stencil(A, dtype)
    if hasattr(A, "tocsr"):
        return _Sparse.of(A.tocsr(), dtype), slice(None)
    if isinstance(A, np.ndarray):
        return jnp.asarray(A, dtype), slice(None)
    if not is_dataclass(A):
        raise TypeError(
            f"`A` is a {type(A).__name__}, whose `@` JAX cannot trace; expected a StencilMatrix, "
            "something with tocsr(), a NumPy array, or a frozen dataclass of arrays whose `@` is "
            "written in array expressions."
        )
    while strangers := {type(leaf) for leaf in jax.tree.leaves(A) if is_dataclass(leaf)}:
        for stranger in strangers:
            jax.tree_util.register_dataclass(stranger)
    return jax.tree.map(jnp.asarray, A), slice(None)


def _lay_out_with_parts(A: Any, parts: Parts | None, dtype):
    """Return also the parts on the device, if there are any that it can hold."""
    operator, place = _lay_out(A, dtype)
    together = None
    if parts is not None and 0 < parts.functions.shape[1] <= MOST_FUNCTIONS:
        entries = parts.functions.tocoo()
        rows, columns = entries.coords
        inverse = np.linalg.inv(parts.energies.toarray())
        at = np.arange(operator.shape[0])[place][rows]
        values, inverse = entries.data.astype(dtype), inverse.astype(dtype)
        together = _Parts(*map(jnp.asarray, (values, at, columns, inverse)))
    return operator, place, together


def _stencil(A: StencilMatrix, dtype) -> tuple[Stencil, np.ndarray]:
    """Lay planes out on the bounding box of the stored cells; the diagonal of others is one."""
    region, reach = A.region, A.region.reach
    box = tuple(slice(at.min(), at.max() + 1) for at in np.nonzero(region.stored))
    chosen, stored = region.chosen[box], region.stored[box]
    planes = np.zeros((len(A.planes), *stored.shape), dtype)
    for k, (dy, dx) in enumerate(offsets(reach)):
        planes[k, stored] = A.planes[k]
        planes[k, ~(chosen & np.roll(chosen, (-dy, -dx), (0, 1)))] = 0  # leads into the halo
    planes[0][~chosen] = 1
    return Stencil(jnp.asarray(planes)), chosen[reach:-reach, reach:-reach].ravel()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Stencil:
    """A symmetric matrix over all cells of an (H, W) grid, in JAX arrays.

    `planes[k]` holds at each cell the entry that couples it to the cell `offsets(reach)[k]` further
    on, for a margin of `reach` cells around the grid as well: (H + 2 reach, W + 2 reach). Entries
    there, or that lead there, do not count. Vectors are flat, in reading order.
    """

    planes: jax.Array

    @property
    def reach(self) -> int:
        return (math.isqrt(2 * len(self.planes) - 1) - 1) // 2

    @property
    def grid(self) -> tuple[int, int]:
        _, height, width = self.planes.shape
        return (height - 2 * self.reach, width - 2 * self.reach)

    @property
    def shape(self) -> tuple[int, int]:
        return (math.prod(self.grid), math.prod(self.grid))

    def __matmul__(self, x: jax.Array) -> jax.Array:
        x = jnp.pad(x.reshape(self.grid), self.reach)
        y = self._at(0, 0, self.planes[0] * x)
        for plane, (dy, dx) in list(zip(self.planes, offsets(self.reach), strict=True))[1:]:
            y += self._at(0, 0, plane) * self._at(dy, dx, x)
            y += self._at(-dy, -dx, plane) * self._at(-dy, -dx, x)
        return y.ravel()

    def _at(self, dy: int, dx: int, field):
        """Return, for each cell of the grid, what a field with margin holds (dy, dx) further on."""
        (height, width), reach = self.grid, self.reach
        return field[reach + dy : reach + dy + height, reach + dx : reach + dx + width]

    def diagonal(self) -> jax.Array:
        return self._at(0, 0, self.planes[0]).ravel()


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Parts:
    """`solvers.parts.Parts`: the entries of P, and (Pᵀ A P)⁻¹."""

    values: jax.Array
    rows: jax.Array
    columns: jax.Array
    inverse: jax.Array

    def correct(self, r):
        total = jax.ops.segment_sum(self.values * r[self.rows], self.columns, len(self.inverse))
        y = (self.inverse * total).sum(1)
        return jax.ops.segment_sum(self.values * y[self.columns], self.rows, r.size)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class _Sparse:
    """A sparse matrix as its entries, row by row."""

    values: jax.Array
    rows: jax.Array
    columns: jax.Array
    entries: jax.Array

    @classmethod
    def of(cls, csr, dtype) -> _Sparse:
        rows = np.repeat(np.arange(csr.shape[0]), np.diff(csr.indptr))
        values, diagonal = (jnp.asarray(part, dtype) for part in (csr.data, csr.diagonal()))
        return cls(values, jnp.asarray(rows), jnp.asarray(csr.indices), diagonal)

    @property
    def shape(self) -> tuple[int, int]:
        return (self.entries.size, self.entries.size)

    def __matmul__(self, x):
        terms = self.values * x[self.columns]
        return jax.ops.segment_sum(terms, self.rows, x.size, indices_are_sorted=True)

    def diagonal(self):
        return self.entries
