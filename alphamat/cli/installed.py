"""The methods that are installed.

They are found by the entry point group `alphamat.methods`, so that a package installed later brings
its own without being known here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points

import typer


def installed_methods() -> dict:
    return {entry.name: entry for entry in entry_points(group="alphamat.methods")}


def method_named(name: str) -> Callable:
    installed = installed_methods()
    if name not in installed:
        raise typer.BadParameter(
            f"'{name}' is not installed; expected one of: {', '.join(sorted(installed))}.",
            param_hint="--method",
        )
    return installed[name].load()
