"""From a Laplacian and a trimap to alpha: the one place for λ, pinning, clipping and warnings."""

from __future__ import annotations

import inspect
import os
import warnings

import numpy as np

from alphamat.parameters import refuse_unless_positive, refuse_unless_solver
from alphamat.trimap import Trimap
from solvers import Solution, StencilMatrix


class ConvergenceWarning(UserWarning):
    """An iterative solver stopped before it reached its tolerance."""


def solve_alpha(
    laplacian: StencilMatrix, trimap: Trimap, *, confidence: float | None, solver
) -> np.ndarray:
    """Minimise αᵀ L α with alpha given on the known pixels.

    With `confidence` None the rows of `laplacian` are the unknown pixels, and known ones are held
    exactly: L_uu α_u = -L_uk α_k. Otherwise its rows are all pixels, and known ones are held by a
    penalty: (L + λ D) α = λ D α_k, with D the diagonal matrix that marks known pixels. It is solved
    for what α adds to α_k, since beside λ D α_k the solver would take any residual for a small one.
    """
    alpha = trimap.foreground.astype(np.float64)
    if confidence is None:
        unknown = trimap.unknown
        if not unknown.any():
            return alpha
        b = -laplacian.couple(laplacian.region.store(alpha))
        alpha[unknown] = _solve(solver, laplacian, b)
    else:
        refuse_unless_positive("confidence", confidence, "such as 100, or None for certainty")
        system = laplacian.shifted(confidence * trimap.known.ravel())
        alpha += _solve(solver, system, -(laplacian @ alpha.ravel())).reshape(alpha.shape)
    return np.clip(alpha, 0, 1, out=alpha)


def _solve(solver, A: StencilMatrix, b: np.ndarray) -> np.ndarray:
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
