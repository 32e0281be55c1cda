"""Conjugate gradients as loops that XLA compiles; see `solvers.jax`."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from solvers.cg import Goal, jacobi, tried_with_noise
from solvers.grid import StencilMatrix
from solvers.jax.layout import lay_out_with_parts
from solvers.jax.multigrid import multigrid
from solvers.jax.stencil import Stencil
from solvers.operators import Operator, Preconditioner, Solution
from solvers.parameters import as_count, as_number, as_vector
from solvers.parts import parts_of

BROKEN = 0.01  # share of a residual that is still allowed where rounding did not end the descent


def cg(
    A: Operator,
    b: np.ndarray,
    *,
    x0: np.ndarray | None = None,
    preconditioner: Preconditioner | None = None,
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
    preconditioner : callable, optional
        `preconditioner(A)` returns a function r -> z close to A⁻¹ r, symmetric and positive
        definite. It is traced: A is what lies on the device, r and z are JAX arrays. A stencil's
        vectors cover the bounding box of its cells there. By default `multigrid` where A is a
        `StencilMatrix` with near-null functions, and `jacobi` elsewhere.
    rtol : float
        Stop once ``||b - A x|| ≤ rtol ||b||``, and
    xtol : float
        the estimated error of every entry of x is at most ``xtol max |x|``, as in `solvers.cg`.
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
    With `multigrid` the device works in float64, and in float32 inside the preconditioner. With
    others it works in float32. Each descent there finds a correction from the residual on the
    host, to four digits. Once that no longer halves the residual, because float32 cannot tell A
    from a singular matrix, the device goes on in float64; under `jax_enable_x64` it does so from
    the start.

    On the device a stencil takes a number for each plane and each pixel of the bounding box, whose
    sides are rounded up by an eighth at most. XLA compiles anew for each shape, which takes about
    half a second, and about twenty with `multigrid`.
    """
    b = as_vector(b, "b", size=A.shape[0])
    x0 = np.zeros_like(b) if x0 is None else as_vector(x0, "x0", size=b.size).copy()
    rtol = as_number(rtol, "rtol", "a tolerance ≥ 0, such as 1e-7", least=0)
    xtol = as_number(xtol, "xtol", "a tolerance ≥ 0, such as 5e-4", least=0)
    maxiter = as_count(maxiter, "maxiter", least=0)
    best = Solution(x0, 0, np.inf, False)
    preconditioner = preconditioner or _fitting(A)
    parts = parts_of(A)
    goal = Goal.of(parts, rtol, xtol)
    options = {"preconditioner": preconditioner, "goal": goal, "maxiter": maxiter}
    refine = partial(_refine, A, b, parts, **options)
    mixed = getattr(preconditioner, "func", preconditioner) is multigrid
    if jnp.result_type(float) != np.float64 and not mixed:
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
    preconditioner: Preconditioner | None = None,
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
    preconditioner : callable, optional
        `preconditioner(A)` returns a function r -> z close to A⁻¹ r, symmetric and positive
        definite. Gradients do not pass through it. By default `multigrid` where A is a `Stencil`
        with near-null functions, and `jacobi` elsewhere. If rounding makes it indefinite, `jacobi`
        takes over.
    rtol : float
        The residual ``||b - A x|| / ||b||`` to reach. Below about 1e-5 float32 does not suffice for
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
    apply, plain = (preconditioner or _fitting(A))(A), jacobi(A)

    def solve(multiply, b):
        # half of the tolerance is left to rounding
        x, iterations, *_, definite = _descend(multiply, apply, b, rtol / 2, maxiter)

        def finish():
            r = b - multiply(x)
            goal = rtol / 2 * _norm(b) / jnp.maximum(_norm(r), jnp.finfo(r.dtype).tiny)
            most = jnp.where(goal < BROKEN, maxiter - iterations, 0)
            more, further, *_ = _descend(multiply, plain, r, goal, most)
            return x + more, iterations + further

        return lax.cond(definite, lambda: (x, iterations), finish)

    x, iterations = lax.custom_linear_solve(lambda x: A @ x, b, solve, symmetric=True, has_aux=True)
    scale, norm = (_norm(lax.stop_gradient(v)) for v in (b, b - A @ x))
    residual = norm / jnp.where(scale == 0, 1, scale)
    x = jnp.where(jnp.isfinite(residual), x, jnp.nan)
    traced: Any = x, iterations, residual, residual <= rtol
    return Solution(*traced)


def _fitting(A: Any) -> Any:
    """Return what preconditions A best."""
    on_grid = isinstance(A, StencilMatrix | Stencil) and A.near_null is not None
    return multigrid if on_grid else jacobi


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
        operator, place, together = laid_out = laid_out or lay_out_with_parts(A, parts, dtype)
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

    return _descend(lambda x: A @ x, with_parts, b, rtol, maxiter)[:4]


def _descend(multiply, apply, b, rtol, maxiter):
    """Iterate from zero until the recurred residual meets the goal.

    Returns what `_correct` does, and whether A and the preconditioner stayed positive definite.
    """
    goal = rtol * _norm(b)

    def unfinished(state):
        *_, norm, iterations, definite, _, _ = state
        return definite & (norm > goal) & (iterations < maxiter) | (iterations < 0)

    def step(state):
        # The preconditioner stands here once, and so it is compiled once: the first step, of no
        # length, only finds a direction.
        x, r, p, Ap, rz, _, iterations, _, _, ritz = state
        first = iterations < 0
        curvature = _dot(p, Ap)
        definite = (curvature > 0) & (rz > 0)  # else rounding, or A or its preconditioner is not
        moved = definite & ~first
        length = jnp.where(first, 0, rz / curvature)
        x = jnp.where(moved, x + length * p, x)
        r = jnp.where(first, r, r - length * Ap)
        z = apply(r)
        ritz = jax.tree.map(partial(jnp.where, moved), _met(ritz, length, rz), ritz)
        rz, previous = _dot(r, z), rz
        p = jnp.where(first, z, z + rz / previous * p)
        # Ap is handed on, since XLA would compute it for each of its uses in one step.
        left = abs(z).max()
        return x, r, p, multiply(p), rz, _norm(r), iterations + 1, definite | first, left, ritz

    zero, none = jnp.zeros((), b.dtype), jnp.zeros_like(b)
    ritz = zero, zero, zero + 1, zero + 1
    start = none, b, none, none, zero + 1, _norm(b), -1, True, zero, ritz
    x, *_, iterations, definite, left, (squares, *_) = lax.while_loop(unfinished, step, start)
    return x, iterations, left, 1 / jnp.maximum(squares, 1), definite


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
