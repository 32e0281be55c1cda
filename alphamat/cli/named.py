"""What the command line names: methods, networks, and functions of the user's."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType

import typer

from alphamat.door.parameters import parameters
from alphamat.installed import installed_methods, installed_models
from alphamat.method import Need, takes

ONNX = ".onnx"


def module_with(network: str, argument: str) -> ModuleType:
    """Return the module that has a network; `argument` is what the command line calls its name."""
    models = installed_models()
    if network not in models:
        raise typer.BadParameter(
            f"'{network}' is not a network; expected one of: {', '.join(models)}.",
            param_hint=argument,
        )
    return models[network]


def method_named(name: str, weights: Path | None = None, option: str = "--method") -> Callable:
    """Return a method by its name, such as `closed-form` or `closed_form`, or load a network.

    `MODULE:FUNCTION` is a function of the user's. A file in ONNX is a method by itself, or is what
    a name says. `option` is what the command line calls the name.
    """
    if str(weights or name).endswith(ONNX):
        return _file_in_onnx(name, weights, option)
    if ":" in name and weights is None:
        return function_named(name, option)
    methods = installed_methods()
    if (method := name.replace("_", "-")) in methods:
        function = methods[method].load()
        if weights is None:
            return function
        if "weights" not in parameters(function):
            raise typer.BadParameter(f"{name} has no weights.", param_hint=option)
        return partial(function, weights=weights)
    try:
        models, more = installed_models(), "or a network, which `alphamat models` lists"
    except ImportError as fault:
        models, more = {}, f"or a network, but {str(fault).rstrip('.')}"
    if name not in models:
        raise typer.BadParameter(
            f"'{name}' is not installed; expected one of: {', '.join(sorted(methods))}; {more}; "
            "or your own, as MODULE:FUNCTION.",
            param_hint=option,
        )
    if weights is None:
        raise typer.BadParameter(
            f"{name} is a network, which needs the file of its weights. `alphamat models {name}` "
            "says where its authors publish them.",
            param_hint=option,
        )
    return models[name].load(name, weights)


def matting_named(name: str, weights: Path | None) -> Callable:
    """Return a method that takes a trimap, as --method names it."""
    found = method_named(name, weights)
    if takes(found).trimap is Need.NO:
        raise typer.BadParameter(
            f"{name} takes no trimap; give it as --segment.", param_hint="--method"
        )
    return _without_plate(found, name, "--method")


def segmenting_named(name: str, weights: Path | None) -> Callable:
    """Return a method that needs no trimap, as --segment names it."""
    found = method_named(name, weights, "--segment")
    if takes(found).trimap is Need.YES:
        raise typer.BadParameter(
            f"{name} needs a trimap; give it as --method.", param_hint="--segment"
        )
    return _without_plate(found, name, "--segment")


def _without_plate(method: Callable, name: str, option: str) -> Callable:
    if takes(method).plate is Need.YES:
        raise typer.BadParameter(
            f"{name} needs a plate, which only `alphamat matte` takes.", param_hint=option
        )
    return method


def _file_in_onnx(name: str, weights: Path | None, option: str) -> Callable:
    from alphamat.onnx import ROWS, load

    if weights is None:
        return load(name)
    if name not in ROWS:
        raise typer.BadParameter(
            f"'{name}' is not known of files in ONNX; expected the file itself, or one of: "
            f"{', '.join(ROWS)}.",
            param_hint=option,
        )
    return load(weights, like=name)


def function_named(text: str, option: str) -> Callable:
    """Return a function by MODULE:FUNCTION; the module may lie in the working folder."""
    from alphamat.faults import place, told

    module, _, name = text.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        function = getattr(import_module(module), name)
    except (Exception, SystemExit) as fault:
        raise typer.BadParameter(
            f"'{text}' cannot be imported: {told(fault)}{place(fault)}. Expected MODULE:FUNCTION, "
            "such as my_methods:my_method for a function of my_methods.py in this folder.",
            param_hint=option,
        ) from None
    if not callable(function):
        raise typer.BadParameter(f"'{text}' is not a function.", param_hint=option)
    return function
