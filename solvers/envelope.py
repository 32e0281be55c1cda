"""Direct solution of many small systems in one sparse matrix: Cholesky's factors in an envelope.

Rows are put in an order in which entries lie near the diagonal, and parts that couple to no other
lie together. A row's factor then begins where the row begins: no other entries fill in. George &
Liu, "Computer Solution of Large Sparse Positive Definite Systems", 1981, chapter 4.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from solvers import _envelope_kernels as kernels
from solvers.loops import equal_parts, over_bounds


def envelope(A: Any, *, most: int) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return b -> A⁻¹ b for a symmetric positive definite SciPy CSR array.

    Unknowns that A does not determine get 0. None if the factors had more than `most` entries.
    """
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
    entries = np.zeros(ends[-1])
    kernels.fill(A.indptr, A.indices, A.data, order, place, ends, entries)
    widest = int(np.diff(ends).max(initial=1))
    parts, factors = equal_parts(np.diff(ends[bounds])), (bounds, ends, entries)
    over_bounds(kernels.factorise, parts, entries.size * widest // 4, *factors)

    def solve(b: np.ndarray) -> np.ndarray:
        x = b[order].astype(np.float64)
        over_bounds(kernels.solve, parts, 2 * entries.size, *factors, x)
        return x[place]

    return solve
