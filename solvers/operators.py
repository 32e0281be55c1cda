"""What a linear system may look like to a solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from solvers import _kernels
from solvers.loops import over_range


@runtime_checkable
class Operator(Protocol):
    """A symmetric positive definite matrix, seen through what it does.

    SciPy's sparse arrays are operators as they are. Where it makes sense an operator also has
    `tocsr()`, which incomplete Cholesky and direct solvers need.
    """

    shape: tuple[int, int]

    def __matmul__(self, x):
        """Return A @ x for a flat vector x."""

    def diagonal(self):
        """Return the diagonal as a flat vector."""


@dataclass(frozen=True)
class Pinned:
    """The rows of a symmetric sparse matrix that belong to the unknowns, all else being given.

    `free` marks the unknowns among the columns, in the shape of what they are values of;
    `matrix` (n, n) couples unknowns, and `boundary` (n, N - n) couples them to what is given. Both
    are SciPy CSR arrays.
    """

    matrix: object
    boundary: object
    free: np.ndarray

    @classmethod
    def of(cls, rows, free: np.ndarray) -> Pinned:
        """Return the system of n rows, a CSR array (n, N), with `free` marking n of N."""
        return cls(rows[:, free.ravel()], rows[:, ~free.ravel()], free)

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape

    def __matmul__(self, x):
        A, x = self.matrix, np.asarray(x)
        y = np.empty(A.shape[0], np.result_type(A.dtype, x))
        over_range(_kernels.apply_rows, len(y), A.nnz, A.indptr, A.indices, A.data, x, y)
        return y

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Apply all rows, those columns included that are given, to values in the shape of free."""
        return self.matrix @ field[self.free] + self.boundary @ field[~self.free]

    def diagonal(self):
        return self.matrix.diagonal()

    def shifted(self, shift: np.ndarray) -> Pinned:
        """Return this matrix plus diag(shift)."""
        from scipy.sparse import diags_array

        diagonal = diags_array(np.asarray(shift, np.float64))
        return Pinned((self.matrix + diagonal).tocsr(), self.boundary, self.free)

    def tocsr(self):
        return self.matrix
