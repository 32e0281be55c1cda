"""What solvers and preconditioners are, and what they take and give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from solvers import _kernels
from solvers.loops import over_range
from solvers.parts import Parts, parts_of_rows


@runtime_checkable
class Operator(Protocol):
    """A symmetric positive definite matrix, seen through what it does.

    SciPy's sparse arrays are operators as they are. Where it makes sense an operator also has
    `tocsr()`, which incomplete Cholesky and direct solvers need.
    """

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        ...

    def __matmul__(self, x: np.ndarray, /) -> np.ndarray:
        """Return A @ x for a flat vector x."""
        ...

    def diagonal(self) -> np.ndarray:
        """Return the diagonal as a flat vector."""
        ...


class Solution(NamedTuple):
    """What every solver returns, converged or not."""

    x: np.ndarray
    iterations: int
    residual: float
    """``||b - A x|| / ||b||``, computed from x in float64 when the solver stopped."""
    converged: bool
    error: float = math.nan
    """An estimate of ``max |x - A⁻¹ b|``, made when the solver stopped; NaN if it makes none."""


class Solver(Protocol):
    """A function that solves A x = b.

    It may take more, by keyword. `x0` always means the vector to start from. A solver need not
    take it: `direct`, for one, does not.
    """

    def __call__(self, A: Any, b: np.ndarray, /) -> Solution:
        """Solve for an operator A, (n, n), of a kind that this solver takes, and b, (n,)."""
        ...


class Preconditioner(Protocol):
    """A function that prepares an approximate inverse: it returns r -> z, with z close to A⁻¹ r.

    r -> z is linear, symmetric and positive definite.
    """

    def __call__(self, A: Any, /) -> Callable[[np.ndarray], np.ndarray]:
        """Return r -> z for an operator A of a kind that this preconditioner takes."""
        ...


@dataclass(frozen=True, eq=False)
class Pinned:
    """The rows of a symmetric sparse matrix that belong to the unknowns; other values are given."""

    matrix: Any
    """(n, n) SciPy CSR array: how unknowns are coupled to each other."""
    boundary: Any
    """(n, N - n) SciPy CSR array: how they are coupled to given values."""
    free: np.ndarray
    """Bool array of N values, in the shape of a field, that marks the n unknowns."""

    @classmethod
    def of(cls, rows: Any, free: np.ndarray) -> Pinned:
        """Return the system of n rows, a CSR array (n, N), with `free` marking n of N."""
        return cls(rows[:, free.ravel()], rows[:, ~free.ravel()], free)

    @property
    def shape(self) -> tuple[int, int]:
        return self.matrix.shape

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        return product(self.matrix, np.asarray(x))

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Apply the rows, with their entries at given values too, to a field in `free`'s shape."""
        return self.matrix @ field[self.free] + self.boundary @ field[~self.free]

    def diagonal(self) -> np.ndarray:
        return self.matrix.diagonal()

    @cached_property
    def weak_parts(self) -> Parts | None:
        """The parts that the rest holds weakly; see solvers.parts."""
        return parts_of_rows(self.matrix)

    def shifted(self, shift: np.ndarray) -> Pinned:
        """Return this matrix plus diag(shift)."""
        from scipy.sparse import diags_array

        diagonal = diags_array(np.asarray(shift, np.float64))
        return Pinned((self.matrix + diagonal).tocsr(), self.boundary, self.free)

    def tocsr(self) -> Any:
        return self.matrix


def product(A: Any, x: np.ndarray) -> np.ndarray:
    """Return A @ x for a SciPy CSR array A, computed by threads."""
    y = np.empty(A.shape[0], np.result_type(A.dtype, x))
    over_range(_kernels.apply_rows, len(y), A.nnz, A.indptr, A.indices, A.data, x, y)
    return y
