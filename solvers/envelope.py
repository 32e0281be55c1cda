"""Direct solution of many small systems in one sparse matrix: Cholesky's factors in an envelope.

Rows are put in an order in which entries lie near the diagonal, and parts that couple to no other
lie together. A row's factor then begins where the row begins: no other entries fill in. George &
Liu, "Computer Solution of Large Sparse Positive Definite Systems", 1981, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from solvers import _envelope_kernels as kernels
from solvers.loops import equal_parts, over_bounds


def envelope(A: Any, *, most: int) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return b -> A⁻¹ b for a symmetric positive definite SciPy CSR array.

    Unknowns that A does not determine get 0. None if the factors had more than `most` entries.
    """
    factors = _Factors.of(A, most)
    if factors is None:
        return None

    def solve(b: np.ndarray) -> np.ndarray:
        x = b[factors.order].astype(np.float64)
        factors.over_parts(kernels.solve, 2 * factors.entries.size, x)
        return x[factors.place]

    return solve


def envelope_diagonal(A: Any, *, most: int) -> np.ndarray | None:
    """Return the diagonal of A⁻¹ for a symmetric positive definite SciPy CSR array.

    None if the factors had more than `most` entries.
    """
    factors = _Factors.of(A, most)
    if factors is None:
        return None
    inverse = np.empty_like(factors.entries)
    factors.over_parts(kernels.invert, factors.work, inverse)
    return inverse[factors.ends[1:] - 1][factors.place]


class _Factors(NamedTuple):
    """Cholesky's factors of a matrix, whose row order[i] is their row i; see the kernels."""

    order: np.ndarray
    place: np.ndarray  # of each row among the factors'
    bounds: np.ndarray  # of parts that do not couple
    ends: np.ndarray  # of rows
    entries: np.ndarray

    @classmethod
    def of(cls, A: Any, most: int) -> _Factors | None:
        from scipy.sparse.csgraph import reverse_cuthill_mckee

        order = reverse_cuthill_mckee(A, symmetric_mode=True)
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        first = np.minimum.reduceat(place[A.indices], A.indptr[:-1])[order]
        ends = np.concatenate([[0], np.cumsum(np.arange(order.size) + 1 - first)])
        if ends[-1] > most:
            return None
        # a part begins where no later row begins before it
        begins = np.minimum.accumulate(first[::-1])[::-1] == np.arange(order.size)
        bounds = np.append(np.flatnonzero(begins), order.size)
        factors = cls(order, place, bounds, ends, np.zeros(ends[-1]))
        kernels.fill(A.indptr, A.indices, A.data, order, place, ends, factors.entries)
        factors.over_parts(kernels.factorise, factors.work)
        return factors

    @property
    def work(self) -> int:
        """Array elements that a factorisation touches, about."""
        return self.entries.size * int(np.diff(self.ends).max(initial=1)) // 4

    def over_parts(self, kernel: Callable, work: int, *arguments: Any) -> None:
        parts = equal_parts(np.diff(self.ends[self.bounds]))
        over_bounds(kernel, parts, work, self.bounds, self.ends, self.entries, *arguments)
