"""Sparse direct solution: for small systems, as a fallback, and to test the others against.

Li, "An Overview of SuperLU", ACM TOMS 2005 (through SciPy); Chen, Davis, Hager & Rajamanickam,
"Algorithm 887: CHOLMOD", ACM TOMS 2008 (through scikit-sparse, where that is installed).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solvers.csr import as_csr
from solvers.operators import Operator, Solution
from solvers.parameters import as_count, as_number, as_vector


def direct(
    A: Operator,
    b: np.ndarray,
    *,
    rtol: float = 1e-9,
    xtol: float = 5e-4,
    refinements: int = 2,
) -> Solution:
    """Solve A x = b by factorising A.

    SciPy's SuperLU does it, or CHOLMOD if scikit-sparse is installed, which needs about half the
    memory. With either, time and memory grow faster than the number of unknowns.

    Parameters
    ----------
    A : (n, n) operator with `tocsr()`
        Symmetric.
    b : (n,) array
        Right-hand side.
    rtol : float
        The solution counts as converged where ``||b - A x|| ≤ rtol ||b||``, and
    xtol : float
        the correction of x by its residual moves no entry by more than ``xtol max |x|``.
    refinements : int
        At most so many corrections of x by its residual, each kept if it helps.

    Returns
    -------
    Solution
        With no iterations. If A is singular to working precision, x is the best one found,
        possibly zero, and `converged` is False.

    Raises
    ------
    TypeError
        If A has no `tocsr()`.
    ValueError
        If A is not square.

    Examples
    --------
    >>> import numpy as np
    >>> import solvers
    >>> from scipy.sparse import diags_array
    >>> A = diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(50, 50)).tocsr()
    >>> bool(np.allclose(solvers.direct(A, A @ np.arange(50.0)).x, np.arange(50)))
    True
    """
    matrix = as_csr(A, caller="direct")
    b = as_vector(b, "b", size=matrix.shape[0])
    xtol = as_number(xtol, "xtol", "a tolerance ≥ 0, such as 5e-4", least=0)
    rtol = as_number(rtol, "rtol", "a tolerance ≥ 0, such as 1e-9", least=0)
    refinements = as_count(refinements, "refinements", least=0)
    scale = float(np.linalg.norm(b))
    x, r = np.zeros_like(b), b
    if scale == 0:
        return Solution(x, 0, 0.0, True, 0.0)
    solve = _cholmod(matrix) or _superlu(matrix) or np.zeros_like
    step = solve(r)
    for _ in range(1 + refinements):
        better = x + step
        remainder = b - matrix @ better
        if not np.linalg.norm(remainder) < np.linalg.norm(r):  # NaN is no improvement either
            break
        x, r = better, remainder
        step = solve(r)
    residual = float(np.linalg.norm(r)) / scale
    error = float(np.abs(step).max())
    converged = residual <= rtol and error <= xtol * float(np.abs(x).max())
    return Solution(x, 0, residual, converged, error)


def _cholmod(matrix: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """Factorise by CHOLMOD if it is here and the matrix is positive definite."""
    try:
        from sksparse import cholmod  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    try:
        if hasattr(cholmod, "cho_factor"):  # scikit-sparse 0.5
            return cholmod.cho_factor(matrix.tocsc()).solve
        return cholmod.cholesky(matrix.tocsc())
    except cholmod.CholmodNotPositiveDefiniteError:
        return None


def _superlu(matrix: Any) -> Callable[[np.ndarray], np.ndarray] | None:
    """Factorise by SuperLU, symmetric in its ordering and pivots, unless the matrix is singular."""
    from scipy.sparse.linalg import splu

    try:
        return splu(
            matrix.tocsc(),
            permc_spec="MMD_AT_PLUS_A",
            diag_pivot_thresh=1e-3,
            options={"SymmetricMode": True},
        ).solve
    except RuntimeError:  # "Factor is exactly singular"
        return None
