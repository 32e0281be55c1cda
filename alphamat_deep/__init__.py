"""Matting in JAX: the published networks, and alpha as a differentiable layer.

Importing this starts no device and compiles nothing.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

# A program may have a file of the same name, which Python finds first.
if os.path.dirname(_found := getattr(find_spec("alphamat"), "origin", None) or "nowhere") != (
    os.path.join(os.path.dirname(os.path.dirname(__file__)), "alphamat")
):
    raise ImportError(
        f"`alphamat` is imported from {_found}, which is not the package that `alphamat_deep` "
        "needs. Rename that file or folder, or run Python elsewhere."
    )
if find_spec("jax") is None:
    raise ImportError(
        '`alphamat_deep` needs JAX, which is not installed. In a clone: pip install -e ".[deep]". '
        'From an index: pip install "alphamat[deep]".'
    )

if TYPE_CHECKING:
    from alphamat_deep import differentiable as differentiable
    from alphamat_deep.catalogue import PRESETS as PRESETS
    from alphamat_deep.checking import self_test as self_test
    from alphamat_deep.compiling import pure as pure
    from alphamat_deep.export import export_onnx as export_onnx
    from alphamat_deep.export import export_stablehlo as export_stablehlo
    from alphamat_deep.matting import Matting as Matting
    from alphamat_deep.zoo import build as build
    from alphamat_deep.zoo import convert as convert
    from alphamat_deep.zoo import from_state_dict as from_state_dict
    from alphamat_deep.zoo import load as load
    from alphamat_deep.zoo import save as save
    from alphamat_deep.zoo import state_dict as state_dict

__all__ = [
    "PRESETS",
    "Matting",
    "build",
    "convert",
    "differentiable",
    "export_onnx",
    "export_stablehlo",
    "from_state_dict",
    "load",
    "pure",
    "save",
    "self_test",
    "state_dict",
]


_HOMES = {
    "PRESETS": "catalogue",
    "Matting": "matting",
    **dict.fromkeys(("export_onnx", "export_stablehlo"), "export"),
    "pure": "compiling",
    "self_test": "checking",
    **dict.fromkeys(("build", "convert", "from_state_dict", "load", "save", "state_dict"), "zoo"),
}


def __getattr__(name: str) -> Any:
    """Import what is used when it is first used: processes that compose pictures need no JAX."""
    if name == "differentiable":
        return import_module(f"alphamat_deep.{name}")
    if name in _HOMES:
        return getattr(import_module(f"alphamat_deep.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'alphamat_deep' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
