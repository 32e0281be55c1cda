"""The methods and networks that are installed.

Methods are the entry points of the group `alphamat.methods`. Those of the group `alphamat.models`
are modules with `PRESETS`, the networks by name, and `load(name, weights)`, which makes a method of
one. So other packages can bring methods and networks.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

GOOD_FOR = {
    "closed-form": "Hair, fur and other fine detail; quick.",
    "fast": "Wide unknown regions: its windows are as large as the trimap asks for.",
    "information-flow": "Hair, and layers that show through; 5 to 10 s for a megapixel.",
    "knn": "Holes and scattered pieces, as in nets and leaves: like colours are alike afar, too.",
    "learned": "All kinds of detail, by the library's own network. The first to try.",
    "learning-based": "As closed-form, often a little closer, in up to twice the time.",
    "learning-based-global": "Thin unknown regions whose colours occur nearby; slow.",
    "random-walk": "Plain borders; the least detail.",
    "shared-sampling": "Foreground and background of clearly different colours; quick.",
}


def installed_methods() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group="alphamat.methods")}


def installed_models() -> dict[str, ModuleType]:
    """Return the module of each network, by the network's name. This imports JAX."""
    modules = [entry.load() for entry in entry_points(group="alphamat.models")]
    return {name: module for module in modules for name in module.PRESETS}
