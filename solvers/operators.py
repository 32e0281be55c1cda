"""What a linear system may look like to a solver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np


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
class Shifted:
    """`A + diag(shift)`: a Laplacian with a penalty on the pixels whose value is known."""

    A: Operator
    shift: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return self.A.shape

    def __matmul__(self, x):
        return self.A @ x + self.shift * x

    def diagonal(self):
        return self.A.diagonal() + self.shift

    def tocsr(self):
        from scipy.sparse import diags_array

        return (self.A.tocsr() + diags_array(self.shift)).tocsr()
