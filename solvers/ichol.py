"""Incomplete Cholesky factorisation with a drop threshold, as a preconditioner.

Jones & Plassmann, "An Improved Incomplete Cholesky Factorization", ACM TOMS 1995 (columns by
linked lists); Lin & Moré, "Incomplete Cholesky Factorizations with Limited Memory", SISC 1999
(scaling by the diagonal); Manteuffel, "An Incomplete Factorization Technique for Positive Definite
Linear Systems", Math. Comp. 1980 (the shift); Saad, "Iterative Methods for Sparse Linear Systems",
2nd ed. 2003, chapter 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solvers import _ichol_kernels as kernels
from solvers.csr import as_csr
from solvers.operators import Operator
from solvers.parameters import as_count, as_number, as_numbers


@dataclass(frozen=True, eq=False)
class CholeskyFactor:
    """A lower triangular L with L Lᵀ ≈ A, by columns, the diagonal entry first in each.

    Calling it solves L Lᵀ z = r.
    """

    indptr: np.ndarray
    indices: np.ndarray
    values: np.ndarray
    shift: float
    """The share of A's diagonal that had to be added to it."""

    def __call__(self, r: np.ndarray) -> np.ndarray:
        z = np.array(r, dtype=np.float64)
        kernels.substitute(self.indptr, self.indices, self.values, z)
        return z


def ichol(
    A: Operator,
    *,
    discard_threshold: float = 1e-4,
    shifts: Sequence[float] = (0.0, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, 10.0, 100.0),
    max_nnz: int = 250_000_000,
) -> CholeskyFactor:
    """Factorise A ≈ L Lᵀ without the small entries of L.

    An entry L[i, j] is dropped where its square is at most ``discard_threshold² A[i, i]``; as the
    squares of a row of the exact factor sum to A[i, i], the rule does not depend on A's scale.

    Parameters
    ----------
    A : (n, n) operator with `tocsr()`
        Symmetric and positive definite. Only its upper triangle is read.
    discard_threshold : float
        Smaller is more accurate, slower and larger; 0 gives the exact Cholesky factor.
    shifts : sequence of float
        Dropping can make a positive definite matrix break down. A + shift·diag(A) is then tried
        with the next of these.
    max_nnz : int
        Give up when L has more entries than this; an entry takes 12 bytes.

    Returns
    -------
    CholeskyFactor
        A preconditioner r -> z.

    Raises
    ------
    TypeError
        If A has no `tocsr()`.
    ValueError
        If A is not square, has a diagonal entry that is not positive, breaks down with every
        shift, or if L outgrows `max_nnz`.

    Examples
    --------
    >>> from functools import partial
    >>> import numpy as np
    >>> import solvers
    >>> from scipy.sparse import diags_array
    >>> A = diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(50, 50)).tocsr()
    >>> solver = partial(solvers.cg, preconditioner=solvers.ichol)
    >>> solver(A, np.ones(50)).converged
    True
    """
    expected = "a threshold ≥ 0, such as 1e-4"
    discard_threshold = as_number(discard_threshold, "discard_threshold", expected, least=0)
    shifts = as_numbers(shifts, "shifts", "a share of the diagonal ≥ 0", least=0)
    max_nnz = as_count(max_nnz, "max_nnz")
    matrix = as_csr(A, caller="ichol")
    diagonal = matrix.diagonal()
    if not (diagonal > 0).all():
        i = int(np.argmin(diagonal > 0))
        raise ValueError(
            f"`A` is not positive definite: its diagonal entry {i} is {diagonal[i]:g}."
        )
    for shift in shifts:
        outcome, indptr, indices, values = kernels.factorise(
            matrix.indptr, matrix.indices, matrix.data, diagonal, discard_threshold, shift, max_nnz
        )
        if outcome == kernels.FULL:
            raise ValueError(
                f"`ichol` would keep more than `max_nnz` = {max_nnz} entries; raise "
                f"`discard_threshold` (now {discard_threshold:g}) or `max_nnz`."
            )
        if outcome == kernels.DONE:
            return CholeskyFactor(indptr, indices, values, shift)
    raise ValueError(
        f"`ichol` broke down with every shift of the diagonal up to {max(shifts, default=0.0):g}: "
        f"`A` is far from positive definite, or `discard_threshold` = {discard_threshold:g} is "
        f"too large."
    )
