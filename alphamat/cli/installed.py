"""The methods and networks that are installed.

Methods are found by the entry point group `alphamat.methods`. `alphamat.models` names modules
with `PRESETS`, the networks by name, and `load(name, weights)`, which makes one a method. So a
package installed later brings its own without being known here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import typer


def installed_methods() -> dict:
    return {entry.name: entry for entry in entry_points(group="alphamat.methods")}


def installed_models() -> dict[str, ModuleType]:
    """Return by the name of each network the module that has it; this loads what they run on."""
    modules = [entry.load() for entry in entry_points(group="alphamat.models")]
    return {name: module for module in modules for name in module.PRESETS}


def method_named(name: str, weights: Path | None = None) -> Callable:
    """Return a method by its name, `closed-form` or as Python has it, or a network."""
    methods = installed_methods()
    if (method := name.replace("_", "-")) in methods:
        if weights is not None:
            raise typer.BadParameter(f"{name} has no weights.", param_hint="--method")
        return methods[method].load()
    try:
        models, more = installed_models(), "or a network, which `alphamat models` lists"
    except ImportError as fault:
        models, more = {}, f"or a network, but {str(fault).rstrip('.')}"
    if name not in models:
        raise typer.BadParameter(
            f"'{name}' is not installed; expected one of: {', '.join(sorted(methods))}; {more}.",
            param_hint="--method",
        )
    if weights is None:
        raise typer.BadParameter(
            f"{name} is a network, which needs the file of its weights. `alphamat models {name}` "
            "says where its authors publish them.",
            param_hint="--method",
        )
    return models[name].load(name, weights)
