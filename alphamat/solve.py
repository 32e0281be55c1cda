"""From a Laplacian and a trimap to alpha: the one place for λ, pinning, clipping and warnings."""

from __future__ import annotations

import inspect
import os
import warnings
from typing import Protocol

import numpy as np

from alphamat.door.parameters import refuse_unless_positive, refuse_unless_solver
from alphamat.trimap import Trimap
from solvers import Operator, Solution


class ConvergenceWarning(UserWarning):
    """An iterative solver stopped before it reached its tolerance."""


class Laplacian(Operator, Protocol):
    """Rows of a matrix over pixels: `solvers.StencilMatrix`, `solvers.Pinned`, or their like."""

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Apply the rows, with their entries at all other pixels, to an (H, W) field."""

    def shifted(self, shift: np.ndarray) -> Operator:
        """Return the square part of the rows plus diag(shift)."""


def rows_to_solve(trimap: Trimap, confidence: float | None) -> np.ndarray:
    """Return which pixels (H, W) a Laplacian needs rows of: the unknown ones, or with λ all."""
    if confidence is None:
        return trimap.unknown
    refuse_unless_positive("confidence", confidence, "such as 100, or None for certainty")
    return np.ones(trimap.foreground.shape, bool)


def solve_alpha(
    laplacian: Laplacian, trimap: Trimap, *, confidence: float | None, solver
) -> np.ndarray:
    """Minimise αᵀ L α with alpha given on the known pixels; L has `rows_to_solve`.

    With `confidence` None known pixels are held exactly: L_uu α_u = -L_uk α_k. Otherwise a penalty
    holds them: (L + λ D) α = λ D α_k, with D the diagonal matrix that marks known pixels. It is
    solved for what α adds to α_k, since beside λ D α_k the solver would take any residual for a
    small one.
    """
    alpha = trimap.foreground.astype(np.float64)
    if confidence is None:
        unknown = trimap.unknown
        if not unknown.any():
            return alpha
        alpha[unknown] = _solve(solver, laplacian, -laplacian.couple(alpha))
    else:
        system = laplacian.shifted(confidence * trimap.known.ravel())
        alpha += _solve(solver, system, -laplacian.couple(alpha)).reshape(alpha.shape)
    return np.clip(alpha, 0, 1, out=alpha)


def _solve(solver, A: Operator, b: np.ndarray) -> np.ndarray:
    refuse_unless_solver(solver)
    solution = solver(A, b)
    warn_unless_converged(solution)
    return solution.x


def warn_unless_converged(solution: Solution) -> None:
    """Warn at the caller's line if a solver did not reach its tolerance."""
    if solution.converged:
        return
    warnings.warn(
        f"The solver stopped after {solution.iterations} iterations with a residual of "
        f"{solution.residual:.1e}, short of its tolerance; the result is its best. Give it more "
        "iterations or a looser tolerance, `solver=functools.partial(solvers.cg, "
        "preconditioner=…, maxiter=…, rtol=…)`. More known pixels and a stronger regularisation "
        "make the system easier.",
        ConvergenceWarning,
        stacklevel=_levels_to_user(),
    )


def _levels_to_user() -> int:
    """Return the stack level of the first frame outside this package."""
    package = os.path.dirname(__file__) + os.sep
    frame, level = inspect.currentframe(), 0
    while frame is not None and frame.f_code.co_filename.startswith(package):
        frame, level = frame.f_back, level + 1
    return level
