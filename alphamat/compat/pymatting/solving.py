"""PyMatting's conjugate gradients and preconditioners.

Hestenes & Stiefel, "Methods of Conjugate Gradients for Solving Linear Systems", 1952; Briggs,
Henson & McCormick, "A Multigrid Tutorial", 2nd ed. 2000.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse
from scipy.sparse.linalg import splu

import solvers
from solvers.ichol import CholeskyFactor


class CounterCallback:
    """Count the iterations of `cg` in `n`."""

    def __init__(self):
        self.n = 0

    def __call__(self, A: Any, x: Any, b: Any, norm_b: float, r: Any, norm_r: float) -> None:
        self.n += 1


class ProgressCallback(CounterCallback):
    """Count the iterations of `cg`, and print their residuals."""

    def __call__(self, A: Any, x: Any, b: Any, norm_b: float, r: Any, norm_r: float) -> None:
        super().__call__(A, x, b, norm_b, r, norm_r)
        print(f"iteration {self.n:7d} - {norm_r:e} ({norm_r:.20f})")


def cg(
    A: Any,
    b: np.ndarray,
    x0: np.ndarray | None = None,
    atol: float = 0.0,
    rtol: float = 1e-7,
    maxiter: int = 10000,
    callback: Callable | None = None,
    M: Any = None,
    reorthogonalize: bool = False,
) -> np.ndarray:
    """Solve A x = b by conjugate gradients.

    Parameters
    ----------
    A : (n, n) array or sparse matrix, or function x -> A x
        Symmetric and positive definite.
    b : (n,) array
    x0 : (n,) array, optional
        Where to start; zero by default.
    atol, rtol : float
        Stop where ‖r‖ is at most `atol`, or at most `rtol` ‖b‖.
    maxiter : int
        Most iterations.
    callback : callable, optional
        Called as `callback(A, x, b, norm_b, r, norm_r)` after each iteration.
    M : (n, n) array or sparse matrix, or function r -> z, optional
        Preconditioner.
    reorthogonalize : bool
        Whether directions are turned by Polak and Ribière's formula, which forgives a
        preconditioner that is not quite linear.

    Returns
    -------
    (n,) array

    Raises
    ------
    ValueError
        If `maxiter` iterations were not enough.

    Examples
    --------
    >>> A, b = np.array([[3.0, 1.0], [1.0, 2.0]]), np.array([4.0, 3.0])
    >>> cg(A, b, M=jacobi(A)).round(6).tolist()
    [1.0, 1.0]
    """
    apply, precondition = _function(A), (lambda r: r) if M is None else _function(M)
    x = np.zeros(b.shape, np.result_type(b, np.float64)) if x0 is None else x0.copy()
    r, norm_b, p, rz = b - apply(x), float(np.linalg.norm(b)), 0.0, 1.0
    goal = max(atol, rtol * norm_b)
    before = np.zeros_like(r)
    for iteration in range(maxiter + 1):
        norm_r = float(np.linalg.norm(r))
        if callback is not None and iteration:
            callback(A, x, b, norm_b, r, norm_r)
        if norm_r <= goal:
            return x
        if iteration == maxiter:
            break
        z = precondition(r)
        new = float(r @ z)
        turned = new - float(before @ z) if reorthogonalize else new
        p = z + (turned / rz * p if iteration else 0.0)
        Ap, rz = apply(p), new
        step = rz / float(p @ Ap)
        if reorthogonalize:
            before = r.copy()
        x += step * p
        r -= step * Ap
    raise ValueError(did_not_converge(maxiter))


def did_not_converge(maxiter: int) -> str:
    return f"Conjugate gradient descent did not converge within {maxiter} iterations"


def _function(A: Any) -> Callable[[np.ndarray], np.ndarray]:
    function: Any = A if callable(A) else A.dot
    return function


def jacobi(A: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return the preconditioner r -> r / diag(A).

    Examples
    --------
    >>> jacobi(np.array([[2.0, 3.0], [3.0, 5.0]]))(np.array([1.0, 2.0])).tolist()
    [0.5, 0.4]
    """
    inverse = 1.0 / A.diagonal()
    return lambda r: r * inverse


class CholeskyDecomposition:
    """A factor L in columns; calling it solves L Lᵀ x = b."""

    def __init__(self, Ltuple: tuple[np.ndarray, np.ndarray, np.ndarray]):
        self.Ltuple = Ltuple
        values, indices, indptr = Ltuple
        self._factor = CholeskyFactor(indptr, indices, values, 0.0)

    @property
    def L(self) -> Any:
        """The factor, an (n, n) SciPy CSC matrix."""
        n = len(self.Ltuple[2]) - 1
        return scipy.sparse.csc_matrix(self.Ltuple, (n, n))

    def __call__(self, b: np.ndarray) -> np.ndarray:
        return self._factor(b)


def ichol(
    A: Any,
    discard_threshold: float = 1e-4,
    shifts: Sequence[float] = (0.0, 1e-4, 1e-3, 1e-2, 0.1, 0.5, 1.0, 10.0, 100, 1e3, 1e4, 1e5),
    max_nnz: int = 250_000_000,
    relative_discard_threshold: float = 0.0,
    diag_keep_discarded: bool = True,
) -> CholeskyDecomposition:
    """Factorise A ≈ L Lᵀ without the small entries of L, as `solvers.ichol` does.

    Thresholds and shifts are shares of A's diagonal.

    Parameters
    ----------
    A : (n, n) SciPy CSC or CSR matrix
        Symmetric and positive definite.
    discard_threshold : float
        Entries whose square is at most the threshold's times A's diagonal are dropped.
    shifts : sequence of float
        What is added to the diagonal where the factorisation breaks down, one after another.
    max_nnz : int
        Most entries of L.
    relative_discard_threshold, diag_keep_discarded : float, bool
        Only the defaults are accepted.

    Raises
    ------
    ValueError
        If A is another kind of matrix, an option is not as above, or no shift helps.

    Examples
    --------
    >>> A = scipy.sparse.csc_matrix([[2.0, 3.0], [3.0, 5.0]])
    >>> ichol(A)(np.array([1.0, 2.0])).round(6).tolist()
    [-1.0, 1.0]
    """
    if relative_discard_threshold != 0 or not diag_keep_discarded:
        raise ValueError(
            f"`relative_discard_threshold` is {relative_discard_threshold} and "
            f"`diag_keep_discarded` is {diag_keep_discarded}; expected 0 and True, which is what "
            "solvers.ichol does."
        )
    if not (scipy.sparse.issparse(A) and A.format in ("csc", "csr")):
        raise ValueError("Matrix A must be a scipy.sparse.csc_matrix")
    options = {"discard_threshold": discard_threshold, "shifts": shifts, "max_nnz": max_nnz}
    factor = solvers.ichol(A, **options)
    return CholeskyDecomposition((factor.values, factor.indices, factor.indptr))


class Level(NamedTuple):
    """A matrix on a grid, how it is joined to the next coarser one, and its inverse if it is last.

    `restrict` is (n', n): full weighting, whose transpose interpolates bilinearly.
    """

    A: Any
    diagonal: np.ndarray
    restrict: Any
    solve: Callable[[np.ndarray], np.ndarray] | None


def vcycle(
    A: Any,
    shape: tuple[int, int],
    num_pre_iter: int = 1,
    num_post_iter: int = 1,
    omega: float = 0.8,
    direct_solve_size: int = 64,
    cache: dict | None = None,
) -> Callable[[np.ndarray], np.ndarray]:
    """Return one V-cycle of geometric multigrid, as a preconditioner r -> z.

    Parameters
    ----------
    A : (n, n) sparse matrix
        Its rows are the pixels of a picture in reading order.
    shape : (height, width)
        Of that picture.
    num_pre_iter, num_post_iter : int
        Jacobi steps before and after the correction of each lattice.
    omega : float
        Length of these steps, as a share of r / diag(A).
    direct_solve_size : int
        Lattices of so few pixels are solved exactly.
    cache : dict, optional
        Keeps the lattices by shape, for another preconditioner of the same matrix.
    """
    levels = {} if cache is None else cache
    key = shape[0], shape[1]
    if key not in levels:
        levels[key] = _lattices(scipy.sparse.csr_matrix(A), key, direct_solve_size)

    def descend(r: np.ndarray, at: int) -> np.ndarray:
        level = levels[key][at]
        if level.solve is not None:
            return level.solve(r)
        weights = omega / level.diagonal
        z = np.zeros_like(r)
        for _ in range(num_pre_iter):
            z += weights * (r - level.A.dot(z))
        coarse = descend(level.restrict.dot(r - level.A.dot(z)), at + 1)
        z += level.restrict.T.dot(coarse)
        for _ in range(num_post_iter):
            z += weights * (r - level.A.dot(z))
        return z

    return lambda r: descend(r, 0)


def _lattices(A: Any, shape: tuple[int, int], smallest: int) -> list[Level]:
    levels, (height, width) = [], shape
    while height * width > max(smallest, 1) and min(height, width) > 1:
        across, down = _weighting(width), _weighting(height)
        restrict = scipy.sparse.kron(down, across, format="csr")
        levels.append(Level(A, A.diagonal(), restrict, None))
        A = (restrict @ A @ restrict.T).tocsr()
        height, width = height // 2, width // 2
    return [*levels, Level(A, A.diagonal(), None, splu(A.tocsc()).solve)]


def _weighting(side: int) -> Any:
    """Return the matrix (side // 2, side) of weights ¼, ½, ¼ around each second cell."""
    coarse = np.arange(side // 2)
    columns = 2 * coarse[:, None] + np.array([-1, 0, 1])
    rows, weights = np.broadcast_arrays(coarse[:, None], np.array([0.25, 0.5, 0.25]))
    inside = (columns >= 0) & (columns < side)
    entries = weights[inside], (rows[inside], columns[inside])
    return scipy.sparse.csr_matrix(entries, shape=(side // 2, side))
