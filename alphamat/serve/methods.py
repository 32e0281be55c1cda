"""The methods that a client may choose: those installed, and networks whose weights are here."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from alphamat.installed import GOOD_FOR, installed_methods, installed_models
from alphamat.onnx import load
from alphamat.serve.faults import Fault

DEFAULT = "learned"
CORE = "core"
ONNX = ".onnx"


class Choice(NamedTuple):
    """A method, and the file of its weights, which no client names."""

    name: str
    about: str
    weights: str | None = None

    @property
    def family(self) -> str:
        """Whose processes it runs in: a network stays in memory, in its own."""
        return CORE if self.weights is None else self.name


def core_methods() -> dict[str, Choice]:
    """Return the methods that need no weights, by name."""
    names = sorted(installed_methods(), key=lambda name: (name != DEFAULT, name))
    return {name: Choice(name, GOOD_FOR.get(name, "")) for name in names}


def networks(folder: Path) -> dict[str, Choice]:
    """Return the networks that a folder has: weights in files named like theirs, and files in ONNX.

    For weights this imports JAX: call it in another process.
    """
    files = [path for path in sorted(folder.iterdir(), reverse=True) if path.is_file()]
    weights = {path.stem: path for path in files if path.suffix not in (ONNX, ".json")}
    models = installed_models() if weights else {}
    found = [
        Choice(name, models[name].PRESETS[name].citation, str(path.resolve()))
        for name, path in weights.items()
        if name in models and name not in installed_methods()
    ]
    found += [
        Choice(path.name, load(path).card.citation, str(path.resolve()))
        for path in files
        if path.suffix == ONNX
    ]
    return {choice.name: choice for choice in sorted(found)}


def chosen(methods: dict[str, Choice], name: str | None) -> Choice:
    """Return a method by name, or the default."""
    choice = methods.get(name or DEFAULT)
    if choice is None:
        known = ", ".join(methods)
        raise Fault(422, f"`method` is unknown; expected one of: {known}.", argument="method")
    return choice
