"""The diagonal of a matrix's inverse, and vectors whose covariance is a matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solvers.csr import as_csr
from solvers.envelope import envelope_diagonal

MOST = 250_000_000  # entries of the factors, and of the inverse: 4 GB


def inverse_diagonal(A: Any) -> np.ndarray:
    """Return the diagonal of A⁻¹, by Cholesky's factors in an envelope.

    Parameters
    ----------
    A : (n, n) operator with `tocsr()`
        Symmetric positive definite. Time grows with n w² and memory with n w, where w is how wide
        the grid of the unknowns is, in entries: thin bands along contours are cheap.

    Returns
    -------
    (n,) float64 array

    Raises
    ------
    TypeError
        If A has no `tocsr()`.
    ValueError
        If the factors are too large, or A is singular in double precision.

    Examples
    --------
    >>> from scipy.sparse import diags_array
    >>> inverse_diagonal(diags_array([4.0, 16.0])).tolist()
    [0.25, 0.0625]
    """
    diagonal = envelope_diagonal(as_csr(A, caller="inverse_diagonal"), most=MOST)
    if diagonal is None:
        raise ValueError(
            f"`A` is too large to be inverted exactly: its {A.shape[0]:,} rows have factors of "
            f"more than {MOST:,} entries."
        )
    if not diagonal.min() > 0:
        raise ValueError("`A` is not positive definite in double precision.")
    return diagonal


def graph_noise(A: Any) -> Callable[[np.random.Generator], np.ndarray]:
    """Return what draws (n,) vectors whose covariance is A, the Laplacian of a weighted graph.

    An edge of weight w adds √w z to one of its ends and subtracts it from the other, with a normal
    z of its own. What a row's diagonal holds beyond its edges is noise of that unknown alone.

    Parameters
    ----------
    A : (n, n) operator with `tocsr()`
        Symmetric, with no entry above zero beside the diagonal, and no row with a sum below it.

    Raises
    ------
    TypeError
        If A has no `tocsr()`.
    ValueError
        If A is the Laplacian of no graph.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> draw = graph_noise(csr_array([[3.0, -1], [-1, 1]]))
    >>> draw(np.random.default_rng(0)).shape
    (2,)
    """
    from scipy.sparse import triu

    matrix = as_csr(A, caller="graph_noise")
    edges = triu(matrix, 1, format="coo")
    rest, size = matrix.sum(axis=1), matrix.shape[0]
    if (edges.data > 0).any() or (rest < -1e-9 * matrix.diagonal()).any():
        raise ValueError(
            "`A` is the Laplacian of no graph: it has entries above zero beside the diagonal, or "
            "rows whose sum is below zero."
        )
    ends, along, alone = edges.coords, np.sqrt(-edges.data), np.sqrt(np.maximum(rest, 0))

    def draw(rng: np.random.Generator) -> np.ndarray:
        z = along * rng.standard_normal(along.size)
        ahead, behind = (np.bincount(end, z, size) for end in ends)
        return ahead - behind + alone * rng.standard_normal(size)

    return draw
