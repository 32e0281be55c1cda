"""Matting in JAX: the published networks, and alpha as a differentiable layer.

Importing this starts no device and compiles nothing.
"""

from importlib.util import find_spec

if find_spec("jax") is None:
    raise ImportError(
        '`alphamat_deep` needs JAX, which is not installed: pip install "alphamat[deep]".'
    )

from alphamat_deep import differentiable as differentiable
from alphamat_deep.catalogue import PRESETS as PRESETS
from alphamat_deep.checking import self_test as self_test
from alphamat_deep.compiling import pure as pure
from alphamat_deep.matting import Matting as Matting
from alphamat_deep.zoo import build as build
from alphamat_deep.zoo import convert as convert
from alphamat_deep.zoo import from_state_dict as from_state_dict
from alphamat_deep.zoo import load as load
from alphamat_deep.zoo import save as save
from alphamat_deep.zoo import state_dict as state_dict
