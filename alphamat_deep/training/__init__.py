"""Training of the published networks: what their authors minimise, on what, and in which steps."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphamat_deep.training import augment as augment
    from alphamat_deep.training import compositions as compositions
    from alphamat_deep.training import losses as losses
    from alphamat_deep.training import optimisers as optimisers
    from alphamat_deep.training import recipes as recipes
    from alphamat_deep.training.loop import Trained as Trained
    from alphamat_deep.training.loop import train as train
    from alphamat_deep.training.recipe import Recipe as Recipe
    from alphamat_deep.training.recipes import RECIPES as RECIPES
    from alphamat_deep.training.recipes import fine_tune as fine_tune

_ROOMS = "augment", "compositions", "losses", "optimisers", "recipes"
_HOMES = {
    "RECIPES": "recipes",
    "Recipe": "recipe",
    "Trained": "loop",
    "fine_tune": "recipes",
    "train": "loop",
}

__all__ = [
    "RECIPES",
    "Recipe",
    "Trained",
    "augment",
    "compositions",
    "fine_tune",
    "losses",
    "optimisers",
    "recipes",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is used when it is first used: processes that compose pictures need no JAX."""
    if name in _ROOMS:
        return import_module(f"alphamat_deep.training.{name}")
    if name in _HOMES:
        return getattr(import_module(f"alphamat_deep.training.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'alphamat_deep.training' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, *(name for name in globals() if name.startswith("__"))]
