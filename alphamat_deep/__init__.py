"""Matting in JAX: alpha as a differentiable layer.

Importing this starts no device and compiles nothing.
"""

from importlib.util import find_spec

if find_spec("jax") is None:
    raise ImportError(
        '`alphamat_deep` needs JAX, which is not installed: pip install "alphamat[deep]".'
    )

from alphamat_deep import differentiable as differentiable
