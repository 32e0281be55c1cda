"""Preconditioned conjugate gradients.

Hestenes & Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", 1952;
Saad, "Iterative Methods for Sparse Linear Systems", 2nd ed. 2003, algorithm 9.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from solvers import _kernels
from solvers.loops import over_range
from solvers.operators import Operator, Preconditioner, Solution
from solvers.parameters import as_count, as_number, as_vector

FARTHEST = 1e290  # of one step, as a multiple of its direction: what is more may overflow


def jacobi(A: Operator) -> Callable[[np.ndarray], np.ndarray]:
    """Return the preconditioner r -> r / diag(A)."""
    inverse = 1 / A.diagonal()
    return lambda r: inverse * r


def cg(
    A: Operator,
    b: np.ndarray,
    *,
    x0: np.ndarray | None = None,
    preconditioner: Preconditioner = jacobi,
    rtol: float = 1e-7,
    maxiter: int = 10_000,
    callback: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve A x = b for a symmetric positive definite A.

    Parameters
    ----------
    A : Operator, (n, n)
        Anything with `shape`, `@` and `diagonal()`.
    b : (n,) array
        Right-hand side.
    x0 : (n,) array, optional
        Where to start; zero by default.
    preconditioner : callable
        `preconditioner(A)` returns a function r -> z close to A⁻¹ r, symmetric and positive
        definite. `jacobi`, `ichol`, `multigrid`, or your own.
    rtol : float
        Stop once ||b - A x|| ≤ rtol ||b||.
    maxiter : int
        Stop after so many iterations in any case.
    callback : callable, optional
        Called as `callback(iteration, residual)` after each iteration.

    Returns
    -------
    Solution
        The residual is recomputed, not recurred. Where rounding keeps it above `rtol`, the
        iteration restarts from the true residual as long as that at least halves it; after that
        `converged` is False.
    """
    b = as_vector(b, "b", size=A.shape[0])
    x = np.zeros_like(b) if x0 is None else as_vector(x0, "x0", size=b.size).copy()
    rtol = as_number(rtol, "rtol", "a tolerance ≥ 0, such as 1e-7", least=0)
    maxiter = as_count(maxiter, "maxiter", least=0)
    scale = math.sqrt(_dot(b, b))
    if scale == 0:
        return Solution(np.zeros_like(x), 0, 0.0, True)
    apply, best = None, Solution(x, 0, np.inf, False)
    iterations = 0
    while True:
        r = b - A @ x
        residual = math.sqrt(_dot(r, r)) / scale
        stalled = not residual < best.residual / 2
        if residual < best.residual:
            best = Solution(x.copy(), iterations, residual, residual <= rtol)
        if best.converged or stalled or iterations >= maxiter:
            return best._replace(iterations=iterations)
        apply = apply or preconditioner(A)
        iterations = _descend(A, apply, x, r, rtol * scale, scale, iterations, maxiter, callback)


def _descend(A, apply, x, r, goal, scale, iterations, maxiter, callback) -> int:
    """Iterate in place until the recurred residual meets the goal."""
    z = apply(r)
    p = z.astype(np.float64)
    rz = _dot(r, z)
    while iterations < maxiter:
        iterations += 1
        Ap = A @ p
        curvature = _dot(p, Ap)
        if not (curvature > 0 and rz > 0):  # rounding, or A or its preconditioner is not definite
            break
        length = rz / curvature
        if length > FARTHEST:  # A is singular here
            break
        norm = math.sqrt(sum(over_range(_kernels.step, x.size, 5 * x.size, length, p, Ap, x, r)))
        if callback is not None:
            callback(iterations, norm / scale)
        if norm <= goal:
            break
        z = apply(r)
        rz, previous = _dot(r, z), rz
        over_range(_kernels.turn, p.size, 3 * p.size, rz / previous, z, p)
    return iterations


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return sum(over_range(_kernels.dot, a.size, a.size, a, b))
