"""Parts of a system that hang together strongly, and on all the rest weakly.

The entries of x in such a part move together, and a residual hardly shows by how much they are
wrong: their error costs as little energy as the couplings that it stretches. Iterations that reduce
the residual leave it for last. So solvers correct these parts as wholes, by the small matrix
between them.

In matting such parts are areas of flat colour: only the regularisation ties them to others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from solvers import _parts_kernels as kernels
from solvers._parts_kernels import join_trees as join_trees

STRONG = 1e-3  # a coupling that joins two unknowns, as a share of √(a_ii a_jj)
WEAK = 1e-3  # what holds a part at most, as a share of its diagonal
# Where A annihilates constants only, preconditioners do better, and its rows are sums of weights.
WEAK_OF_CONSTANTS, LOOSE_OF_CONSTANTS = 1e-5, 1e-13
LOOSE = 1e-11  # below this share, rounding hides what holds a part
LARGE = 400  # unknowns; on larger parts that given values hold, coarse grids see the functions
FEW, SAMPLE = 128, 2000  # values of the functions, among so many unknowns
DEPENDENT = 1e-9  # share of the largest eigenvalue at which functions on a part coincide


@dataclass(frozen=True, eq=False)
class Parts:
    """The weakly held parts of a matrix A, of n unknowns."""

    functions: Any
    """P, (n, m) SciPy CSR array: functions that A nearly annihilates, each on one part."""
    energies: Any
    """Pᵀ A P, (m, m) CSC array."""
    hold: np.ndarray
    """What holds each part, as a share of its diagonal."""
    loose: np.ndarray
    """(n,) bool: the unknowns of parts that nothing holds but rounding."""
    others: bool
    """Whether there may be parts that were not found."""

    def correct(self, r: np.ndarray) -> np.ndarray:
        """Return P (Pᵀ A P)⁻¹ Pᵀ r, the correction that moves the parts as wholes."""
        if not self.functions.shape[1]:
            return np.zeros_like(r)
        return self.functions @ self._solve(self.functions.T @ r)

    def added_to(self, apply: Callable[[np.ndarray], np.ndarray]) -> Callable:
        """Return a preconditioner with this correction."""
        return lambda r: apply(r) + self.correct(r)

    @cached_property
    def _solve(self) -> Callable[[np.ndarray], np.ndarray]:
        from scipy.sparse.linalg import splu

        order, options = "MMD_AT_PLUS_A", {"SymmetricMode": True}
        try:
            factors = splu(self.energies, order, diag_pivot_thresh=0.0, options=options)
        except RuntimeError:  # nothing holds any of them, so there is no correction
            return np.zeros_like
        return factors.solve


def parts_of(A: Any) -> Parts | None:
    """Return the weakly held parts of an operator that can name them, or has entries; or None."""
    if hasattr(A, "weak_parts"):
        return A.weak_parts
    return parts_of_rows(A.tocsr()) if hasattr(A, "tocsr") else None


def parts_of_rows(A: Any) -> Parts | None:
    """Return the weakly held parts of a SciPy CSR array, or None."""
    leader = np.arange(A.shape[0], dtype=np.int32)
    kernels.join_rows(A.indptr, A.indices, A.data, A.diagonal(), STRONG, leader)
    return held_weakly(A, leader, lambda chosen: A[chosen][:, chosen])


def held_weakly(
    A: Any,
    leader: np.ndarray,
    among: Callable[[np.ndarray], Any],
    functions: np.ndarray | None = None,
) -> Parts | None:
    """Return those parts that are held weakly, or None.

    Parameters
    ----------
    A : Operator, (n, n)
    leader : (n,) int32 array
        A forest whose trees are the parts: the parent of each unknown, roots being their own.
    among : callable
        From an (n,) bool array to the entries of A among these unknowns, a CSR array.
    functions : (k, n) array, optional
        What A nearly annihilates; by default the constant.
    """
    weak, loose = (WEAK_OF_CONSTANTS, LOOSE_OF_CONSTANTS) if functions is None else (WEAK, LOOSE)
    others = functions is not None and _have_few_values(functions)
    part, held, weight = _held_by_given_values(A, leader)
    size = np.bincount(part)
    likely = (held < weak * weight) | (size > 1) & (size < LARGE)
    mask = likely[part]
    chosen = np.flatnonzero(mask)
    if not chosen.size:
        return _not_found(A.shape[0]) if others else None
    functions = np.ones((1, chosen.size)) if functions is None else functions[:, chosen]
    part = (np.cumsum(likely) - 1)[part[chosen]]
    P = _normalised(functions.astype(np.float64), part, A.diagonal()[mask])
    energies = (P.T @ among(mask) @ P).tocsr()
    least, independent = _least_eigenvalues(energies, len(functions))
    if not (least < weak).any():
        return _not_found(A.shape[0]) if others else None
    mask[chosen] = least[part] < loose
    kept = independent & np.repeat((least < weak) & (least >= loose), len(functions))
    rows = np.zeros(A.shape[0] + 1, np.int64)
    rows[chosen + 1] = np.diff(P.indptr)
    P = type(P)((P.data, P.indices, np.cumsum(rows)), (A.shape[0], P.shape[1]))
    return Parts(P[:, kept], energies[kept][:, kept].tocsc(), least[least < weak], mask, others)


def _have_few_values(functions: np.ndarray) -> bool:
    """Return whether few colours make a picture.

    Flat areas that meet in few windows need not be alike: each window relates the values of several
    areas, and many other functions than the given ones are nearly annihilated, too.
    """
    some = functions[:, :: max(1, functions.shape[1] // SAMPLE)].astype(np.float64)
    key = np.cos(1 + np.arange(len(some))) @ some
    return np.unique(key).size <= FEW


def in_doubt(A: Any, leader: np.ndarray, functions: np.ndarray) -> Parts | None:
    """Return that there may be weakly held parts, or None.

    That is for operators without entries: solvers then reduce the residual until it shows what
    these parts lack. For the parameters see `held_weakly`.
    """
    _, held, weight = _held_by_given_values(A, leader)
    others = (held < WEAK_OF_CONSTANTS * weight).any() or _have_few_values(functions)
    return _not_found(A.shape[0]) if others else None


def _not_found(n: int) -> Parts:
    from scipy.sparse import csc_array, csr_array

    return Parts(csr_array((n, 0)), csc_array((0, 0)), np.empty(0), np.zeros(n, bool), True)


def _held_by_given_values(A: Any, leader: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return each unknown's part; and of each part its couplings to given values, and diagonal."""
    part = np.empty_like(leader)
    count = kernels.number_parts(leader, part)
    held = np.bincount(part, A @ np.ones(A.shape[0]), count)
    return part, held, np.bincount(part, A.diagonal(), count)


def _least_eigenvalues(energies: Any, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the least eigenvalue of each part's own k × k block, and which columns are used."""
    entries = energies.tocoo()
    row, column = entries.coords
    own = row // k == column // k
    blocks = np.zeros((energies.shape[0] // k, k, k))
    blocks[row[own] // k, row[own] % k, column[own] % k] = entries.data[own]
    independent = energies.diagonal() != 0
    blocks[:, range(k), range(k)] += ~independent.reshape(-1, k)
    return np.linalg.eigvalsh(blocks)[:, 0], independent


def _normalised(functions: np.ndarray, part: np.ndarray, diagonal: np.ndarray) -> Any:
    """Return the functions, cut into parts, as columns that are orthonormal under the diagonal.

    A part has as many columns as there are functions; those that depend on others are zero.
    """
    from scipy.sparse import csr_array

    k, n = functions.shape
    gram = np.array(
        [[np.bincount(part, diagonal * f * g) for g in functions] for f in functions]
    ).transpose(2, 0, 1)
    square, turn = np.linalg.eigh(gram)
    square[square < DEPENDENT * square[:, -1:]] = np.inf
    values = np.einsum("fn,nfg->ng", functions, (turn / np.sqrt(square)[:, None])[part])
    columns = k * part[:, None] + np.arange(k)
    return csr_array((values.ravel(), columns.ravel(), k * np.arange(n + 1)))
