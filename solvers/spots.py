"""Spots where a preconditioner leaves errors, found by what it leaves of noise, and solved exactly.

A few pixels of nearly equal colours may have functions of their own that a matrix nearly
annihilates. Coarse functions do not know them, and conjugate gradients need an iteration or more
for each. There are few such spots, they are small, and the preconditioner itself shows them: it is
given A x = 0 to solve, from noise, and where the noise is slow to go, there they are. Their
unknowns are then eliminated: after each step they are solved for exactly, given all others.

Brezina et al., "Adaptive Smoothed Aggregation", SIAM J. Sci. Comput. 25, 2004, for the search;
Tang, Nabben, Vuik & Erlangga, "Comparison of Two-Level Preconditioners Derived from Deflation,
Domain Decomposition and Multigrid Methods", J. Sci. Comput. 39, 2009 (A-DEF2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from solvers.envelope import envelope
from solvers.operators import Operator

Apply = Callable[[np.ndarray], np.ndarray]

LEFT = 0.03  # of noise of size 1: more of it is left in a spot
MOST = 0.05  # of all unknowns may lie in spots, before they are widened
EVERYWHERE = 0.1  # mean of the noise that is left, above which there is more to mend than spots
LARGE = 16  # entries of factors for each unknown of A, at most
AROUND = 2  # cells by which spots are widened: their functions fade out there


@runtime_checkable
class Grid(Operator, Protocol):
    """A matrix that knows which unknowns lie near others, and has rows."""

    def rows(self, some: np.ndarray) -> Any: ...
    def around(self, some: np.ndarray, cells: int) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Spots:
    """A preconditioner, followed by the exact solution in some spots.

    Where the residual vanishes in the spots it is symmetric, and conjugate gradients that start
    there stay there.
    """

    apply: Apply
    some: np.ndarray  # numbers of the unknowns in spots
    rows: Any  # of A
    solve: Apply  # by the square part of these rows

    @classmethod
    def of(cls, A: Grid, apply: Apply, left: np.ndarray) -> Spots | None:
        """Return the preconditioner with spots where noise is left, or None if there are none."""
        size, share = np.abs(left), MOST
        if size.mean() > EVERYWHERE:
            return None
        while share * size.size >= 1:
            mask = A.around(size > max(LEFT, float(np.quantile(size, 1 - share))), AROUND)
            some = np.flatnonzero(mask)
            if not some.size:
                return None
            rows = A.rows(mask)
            solve = envelope(rows[:, some], most=LARGE * size.size)
            if solve is not None:
                return cls(apply, some, rows, solve)
            share /= 2
        return None

    def __call__(self, r: np.ndarray) -> np.ndarray:
        z = self.apply(r)
        z[self.some] += self.solve(r[self.some] - self.rows @ z)
        return z

    def correct(self, r: np.ndarray) -> np.ndarray:
        """Return by what to change x, so that its residual r vanishes in the spots."""
        step = np.zeros_like(r)
        step[self.some] = self.solve(r[self.some])
        return step
