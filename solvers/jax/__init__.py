"""Conjugate gradients as loops that XLA compiles, for GPUs, TPUs and for JAX programs.

Two functions, because they keep two promises. `cg` takes NumPy's arrays and keeps that of
`solvers.cg`: a device iterates, and the host asks for corrections until the residual, in float64,
meets its tolerance. `differentiable_cg` takes JAX's arrays and is a pure function for `jax.jit`,
`jax.vmap` and `jax.grad`, in the precision of its arguments.
"""

try:
    import jax  # noqa: F401
except ModuleNotFoundError as error:
    raise ImportError(
        '`solvers.jax` needs JAX, which is not installed. In a clone: pip install -e ".[deep]". '
        'From an index: pip install "alphamat[deep]".'
    ) from error

from solvers.cg import jacobi as jacobi
from solvers.jax.cg import cg as cg
from solvers.jax.cg import differentiable_cg as differentiable_cg
from solvers.jax.multigrid import multigrid as multigrid
from solvers.jax.stencil import Stencil as Stencil

__all__ = ["Stencil", "cg", "differentiable_cg", "jacobi", "multigrid"]
