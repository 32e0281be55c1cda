"""What a linear system may look like to a solver."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


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
