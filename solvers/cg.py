"""Preconditioned conjugate gradients.

Hestenes & Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", 1952;
Saad, "Iterative Methods for Sparse Linear Systems", 2nd ed. 2003, algorithm 9.1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import NamedTuple

import numpy as np

from solvers import _kernels
from solvers.ichol import ichol
from solvers.loops import over_range
from solvers.operators import Operator, Preconditioner, Solution
from solvers.parameters import as_count, as_number, as_vector
from solvers.parts import Parts, parts_of
from solvers.spots import Grid, Spots

FAINT = 1e-6  # hold of a part: beside it there may be others, which only small residuals show
RTOL_OF_FAINT = 1e-11
RTOL_OF_OTHERS = 3e-15  # where there may be parts that were not found; a little above rounding
PATIENCE = 40  # iterations before spots are looked for that the preconditioner leaves
NOISE = 15  # iterations that show them
FARTHEST = 1e290  # of one step, as a multiple of its direction: what is more may overflow


def jacobi(A: Operator) -> Callable[[np.ndarray], np.ndarray]:
    """Return the preconditioner r -> r / diag(A).

    Examples
    --------
    >>> import numpy as np
    >>> import solvers
    >>> from scipy.sparse import diags_array
    >>> A = diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(50, 50)).tocsr()
    >>> bool(np.allclose(solvers.jacobi(A)(np.ones(50)), 0.4))
    True
    """
    inverse = 1 / A.diagonal()
    return lambda r: inverse * r


def cg(
    A: Operator,
    b: np.ndarray,
    *,
    x0: np.ndarray | None = None,
    preconditioner: Preconditioner = jacobi,
    rtol: float = 1e-6,
    xtol: float = 5e-4,
    maxiter: int = 10_000,
    callback: Callable[[int, float], None] | None = None,
) -> Solution:
    """Solve A x = b for a symmetric positive definite A.

    Parameters
    ----------
    A : Operator, (n, n)
        Anything with `shape`, `@` and `diagonal()`. If it has `weak_parts` or `tocsr()`, parts that
        the rest holds weakly are corrected as wholes; see solvers.parts.
    b : (n,) array
        Right-hand side.
    x0 : (n,) array, optional
        Where to start; zero by default.
    preconditioner : callable
        `preconditioner(A)` returns a function r -> z close to A⁻¹ r, symmetric and positive
        definite. `jacobi`, `ichol`, `multigrid`, or your own.
    rtol : float
        Stop once ``||b - A x|| ≤ rtol ||b||``, and
    xtol : float
        the estimated error of every entry of x is at most ``xtol max |x|``; 1 asks nothing. The
        first does not imply the second, nor the second the first.
    maxiter : int
        Stop after so many iterations in any case.
    callback : callable, optional
        Called as `callback(iteration, residual)` after each iteration.

    Returns
    -------
    Solution
        The residual is recomputed, not recurred. Where rounding keeps it above `rtol`, or the error
        above `xtol`, the iteration restarts from the true residual as long as that at least halves
        one of them; after that `converged` is False.

    Notes
    -----
    With the preconditioner M⁻¹ and the residual r, the error is A⁻¹ r = (M⁻¹ A)⁻¹ M⁻¹ r. Its
    estimate is ``max |M⁻¹ r| / λ``, with the smallest eigenvalue λ of M⁻¹ A as the iteration has
    met it. On photographs it was 0.3 to 10 times the true error. If A is on a grid and many
    iterations were not enough, spots are searched where M leaves errors, by 15 more iterations on
    noise, and solved exactly from then on; see solvers.spots. Fewer iterations may leave such a
    spot unseen: in learning-based matting single pixels were off by 0.02 so; `rtol=1e-8` finds
    them. Where a picture has few colours, noise whose solution is known is solved for as well, and
    what is left of it is an estimate, too.

    Examples
    --------
    >>> import numpy as np
    >>> import solvers
    >>> from scipy.sparse import diags_array
    >>> A = diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(50, 50)).tocsr()
    >>> solution = solvers.cg(A, A @ np.arange(50.0), preconditioner=solvers.jacobi)
    >>> solution.converged, bool(np.allclose(solution.x, np.arange(50), atol=1e-2))
    (True, True)
    """
    b = as_vector(b, "b", size=A.shape[0])
    x = np.zeros_like(b) if x0 is None else as_vector(x0, "x0", size=b.size).copy()
    rtol = as_number(rtol, "rtol", "a tolerance ≥ 0, such as 1e-6", least=0)
    xtol = as_number(xtol, "xtol", "a tolerance ≥ 0, such as 5e-4", least=0)
    maxiter = as_count(maxiter, "maxiter", least=0)
    scale = math.sqrt(_dot(b, b))
    if scale == 0:
        return Solution(np.zeros_like(x), 0, 0.0, True, 0.0)
    parts = parts_of(A)
    goal = Goal.of(parts, rtol, xtol)
    made = cache(lambda: preconditioner(A))
    best = _descend(b, _Descent(A, x, scale, goal, maxiter, callback), made, parts)
    again = partial(cg, preconditioner=lambda A: made(), maxiter=maxiter)
    return tried_with_noise(goal.judged(best), A, goal, again)


class Correction(NamedTuple):
    """What is left to add to a nearly solved x."""

    x: np.ndarray
    error: float
    """Estimate of the largest error of an entry of x."""
    smallest: float
    """The smallest eigenvalue of M⁻¹ A that was met."""
    iterations: int


def correct(
    A: Operator,
    r: np.ndarray,
    apply: Callable[[np.ndarray], np.ndarray],
    *,
    atol: float,
    smallest: float = 1.0,
    maxiter: int = 10_000,
) -> Correction:
    """Solve A x = r until the estimated error of every entry is at most `atol`.

    Parameters
    ----------
    A : Operator, (n, n)
        Symmetric positive definite, at least on the subspace of `r` and what `apply` returns.
    r : (n,) float64 array
        A residual.
    apply : callable
        M⁻¹, from r to z.
    atol : float
        The error that is allowed.
    smallest : float
        An eigenvalue of M⁻¹ A that was met when similar systems were solved with it. A short
        iteration does not meet the small ones, and thinks too well of its error. Where unknowns are
        taken from A and M⁻¹ alike, the smallest eigenvalue does not fall.
    maxiter : int
        Stop after so many iterations in any case.

    Returns
    -------
    Correction

    Examples
    --------
    >>> import numpy as np
    >>> from solvers import correct, jacobi
    >>> A = np.diag([2.0, 4.0]) + 1
    >>> found = correct(A, np.array([1.0, 2.0]), jacobi(A), atol=1e-8)
    >>> bool(np.allclose(A @ found.x, [1, 2]))
    True
    """
    goal = Goal(np.inf, 0, np.inf, atol=atol)
    descent = _Descent(A, np.zeros_like(r), 1.0, goal, maxiter, None, smallest=smallest)
    descent.z = apply(r)
    if not descent.is_met():
        descent.run(apply, r.copy(), descent.z, maxiter)
    error = descent.error(descent.z)
    return Correction(descent.x, error, descent.smallest, descent.iterations)


def _descend(
    b: np.ndarray,
    descent: _Descent,
    preconditioner: Callable[[], Callable[[np.ndarray], np.ndarray]],
    parts: Parts | None,
) -> Solution:
    """Return the best solution; iterate from the true residual while that helps."""
    A, x, goal = descent.A, descent.x, descent.goal
    best, least, apply = Solution(x, 0, np.inf, False), np.inf, None
    grid = A if isinstance(A, Grid) and not (parts and parts.others) else None
    if descent.maxiter <= PATIENCE + NOISE:
        grid = None
    until, replaced = descent.maxiter if grid is None else PATIENCE, False
    while True:
        r = b - A @ x
        residual = math.sqrt(_dot(r, r)) / descent.scale
        if apply is None and residual > goal.wanted:
            apply = _with_parts(preconditioner(), parts)
        known = residual <= 2 * descent.residual
        z = descent.z if known else (apply or _with_parts(jacobi(A), parts))(r)
        error = descent.error(z)
        excess = goal.excess(residual, error, x)
        stalled = descent.iterations < until and not excess < least / 2
        if excess < least:
            best = Solution(x.copy(), descent.iterations, residual, excess <= 1, error)
            least = excess
        if best.converged or stalled or descent.iterations >= descent.maxiter:
            return best._replace(iterations=descent.iterations)
        if apply is None:
            apply, known = _with_parts(preconditioner(), parts), True
        if grid is not None and descent.iterations >= until:
            until = descent.maxiter
            spots = Spots.of(grid, apply, _left_of_noise(A, apply))
            grid, descent.iterations = None, descent.iterations + NOISE
            if spots is not None:
                x += spots.correct(r)
                apply, r, known = spots, b - A @ x, True
                descent.smallest, descent.blind = 1.0, descent.iterations + NOISE
        if known:  # z is that of another residual, or of another preconditioner
            z = apply(r)
        descent.run(apply, r, z, until)
        if descent.indefinite and not replaced:
            x[:], least, replaced = best.x, np.inf, True
            apply = _with_parts(_definite(A), parts)
            descent.smallest, descent.residual = 1.0, 0.0


def _definite(A: Operator) -> Callable[[np.ndarray], np.ndarray]:
    """Return a preconditioner that is positive definite if A is."""
    if hasattr(A, "tocsr"):
        with suppress(ValueError):  # A is not, or has no entries
            return ichol(A)
    return jacobi(A)


def _left_of_noise(A: Operator, apply: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return what some iterations leave of noise that solves A x = 0 but for itself."""
    x = np.random.default_rng(0).standard_normal(A.shape[0])
    r = -(A @ x)
    _Descent(A, x, 1.0, Goal(0, 0, 0), NOISE, None).run(apply, r, apply(r), NOISE)
    return x


def tried_with_noise(
    found: Solution, A: Operator, goal: Goal, solve: Callable[..., Solution]
) -> Solution:
    """Return the solution, judged also by what is left of noise when A x = A noise is solved.

    That shows a part that no residual shows, in whatever functions it moves.
    """
    if not (goal.doubted and found.converged):
        return found
    noise = np.random.default_rng(0).uniform(-1, 1, A.shape[0])
    left = noise - solve(A, A @ noise, rtol=RTOL_OF_OTHERS, xtol=1).x
    error = _largest(left) * _largest(found.x)
    return goal.judged(found._replace(error=max(found.error, error)))


@dataclass(frozen=True)
class Goal:
    """How small residual and error have to be, and are wanted."""

    rtol: float
    xtol: float
    wanted: float
    """What a residual is reduced to where that is possible: `rtol`, or less."""
    reachable: bool = True
    doubted: bool = False
    """Whether the error may be larger than is estimated from the residual."""
    atol: float = 0.0
    """What the error may be whatever the size of x."""

    @classmethod
    def of(cls, parts: Parts | None, rtol: float, xtol: float) -> Goal:
        """Return the goal for a matrix with these weakly held parts."""
        if parts is None:
            return cls(rtol, xtol, rtol)
        faint = RTOL_OF_FAINT if parts.hold.min(initial=1) < FAINT else rtol
        wanted = min(rtol, RTOL_OF_OTHERS if parts.others else faint)
        return cls(rtol, xtol, wanted, not parts.loose.any(), parts.others and xtol < 1)

    def excess(self, residual: float, error: float, x: np.ndarray) -> float:
        """Return how many times residual and error are what is wanted."""
        allowed = max(self.atol, self.xtol * max(_largest(x), error))
        return max(_ratio(residual, self.wanted), _ratio(error, allowed))

    def judged(self, best: Solution) -> Solution:
        """Return the best solution that was found, converged if it is what it has to be."""
        least = replace(self, wanted=self.rtol)
        converged = self.reachable and least.excess(best.residual, best.error, best.x) <= 1
        return best._replace(converged=converged)


@dataclass
class _Descent:
    """Iterations in place, and what they tell of the error."""

    A: Operator
    x: np.ndarray
    scale: float
    goal: Goal
    maxiter: int
    callback: Callable[[int, float], None] | None
    iterations: int = 0
    smallest: float = 1.0
    """The smallest eigenvalue of M⁻¹ A that was met."""
    blind: int = 0
    """Up to this iteration too little was met for an estimate of the error."""
    indefinite: bool = False
    """Whether the preconditioner was found not to be positive definite."""
    residual: float = 0.0
    """As recurred."""
    z: np.ndarray = field(default_factory=lambda: np.empty(0))
    """M⁻¹ r of this residual, or of the one before it."""

    def run(
        self, apply: Callable[[np.ndarray], np.ndarray], r: np.ndarray, z: np.ndarray, until: int
    ) -> None:
        """Iterate until the recurred residual meets both goals, or until this iteration."""
        x, p, ritz = self.x, z.astype(np.float64), SmallestRitz()
        rz, ratio = _dot(r, z), 0.0
        while self.iterations < min(until, self.maxiter):
            self.iterations += 1
            Ap = self.A @ p
            curvature = _dot(p, Ap)
            if not (curvature > 0 and rz > 0):  # rounding, or A or its preconditioner is indefinite
                self.indefinite = curvature > 0 > rz
                break
            length = rz / curvature
            if length > FARTHEST:  # A is singular here
                break
            step = over_range(_kernels.step, x.size, 5 * x.size, length, p, Ap, x, r)
            self.z, self.residual = z, math.sqrt(sum(step)) / self.scale
            self.smallest = min(self.smallest, ritz.add(length, ratio))
            if self.callback is not None:
                self.callback(self.iterations, self.residual)
            if self.is_met():
                break
            self.z = z = apply(r)
            if self.is_met():
                break
            rz, previous = _dot(r, z), rz
            ratio = rz / previous
            over_range(_kernels.turn, p.size, 3 * p.size, ratio, z, p)

    def error(self, z: np.ndarray) -> float:
        return _ratio(_largest(z), self.smallest)

    def is_met(self) -> bool:
        if self.residual > self.goal.wanted or self.iterations < self.blind:
            return False
        return self.goal.excess(self.residual, self.error(self.z), self.x) <= 1


class SmallestRitz:
    """The smallest eigenvalue that conjugate gradients have met, from their steps.

    With the steps' lengths γ and the ratios δ of successive rᵀz, Lanczos' matrix is RᵀR, where R is
    upper bidiagonal with 1/√γ_j and √(δ_j / γ_j-1). Its smallest eigenvalue is 1 / max ‖y‖², for
    Rᵀy = d and ‖d‖ = 1. One step adds one entry to y and d. Bischof, "Incremental Condition
    Estimation", SIAM J. Matrix Anal. Appl. 11, 1990; Meurant & Tichý, "Approximating the Extreme
    Ritz Values and Upper Bounds for the A-Norm of the Error in CG", Numer. Algorithms 82, 2019.
    """

    def __init__(self):
        self.squares, self.last, self.length = 0.0, 0.0, 1.0

    def add(self, length: float, ratio: float) -> float:
        """Take one more step, and return the estimate."""
        alpha = math.sqrt(ratio / self.length) * self.last
        corner, side = self.squares + alpha * alpha * length, -alpha * length
        angle = math.atan2(2 * side, corner - length) / 2
        cosine, sine = math.cos(angle), math.sin(angle)
        self.squares = corner * cosine**2 + 2 * side * cosine * sine + length * sine**2
        self.last, self.length = (sine - cosine * alpha) * math.sqrt(length), length
        return 1 / self.squares


def _with_parts(
    apply: Callable[[np.ndarray], np.ndarray], parts: Parts | None
) -> Callable[[np.ndarray], np.ndarray]:
    return apply if parts is None else parts.added_to(apply)


def _ratio(value: float, allowed: float) -> float:
    return value / max(allowed, 1e-300)


def _largest(x: np.ndarray) -> float:
    return float(max(x.max(initial=0), -x.min(initial=0)))


def _dot(a: np.ndarray, b: np.ndarray) -> float:
    return sum(over_range(_kernels.dot, a.size, a.size, a, b))
