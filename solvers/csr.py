"""The entries of a matrix, for solvers that need more than products with it."""

from __future__ import annotations

from typing import Any


def as_csr(A: Any, *, caller: str) -> Any:
    """Return A as a float64 SciPy CSR array or matrix, or refuse.

    Parameters
    ----------
    A : (n, n) operator with `tocsr()`
        SciPy's sparse arrays and matrices have it.
    caller : str
        Name of the solver, for the message of an error.

    Raises
    ------
    TypeError
        If A has no `tocsr()`.
    ValueError
        If A is not square, or empty.
    """
    if not hasattr(A, "tocsr"):
        raise TypeError(
            f"`{caller}` needs the entries of `A`, and {type(A).__name__} has no `tocsr()`. Pass a "
            f"SciPy sparse array, such as scipy.sparse.csr_array(A), or use a solver that only "
            f"multiplies, such as `cg`."
        )
    if len(A.shape) != 2 or A.shape[0] != A.shape[1] or A.shape[0] == 0:
        raise ValueError(f"`A` has shape {A.shape}; `{caller}` expects (n, n).")
    return A.tocsr().astype("float64", copy=False)
