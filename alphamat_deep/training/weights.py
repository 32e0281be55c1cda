"""The network that a run begins with, from weights that may lack a part of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flax import nnx

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.fill import matches, our_name, tensors_of
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.zoo import build, from_state_dict


def filled(recipe: Recipe, tensors: Mapping[str, np.ndarray], *, seed: int = 0) -> nnx.Module:
    """Return a recipe's network with the authors' tensors, or with ours.

    Arrays of `Recipe.fresh` that these lack start fresh, drawn by `seed`. Otherwise everything is
    as strict as in `alphamat_deep.from_state_dict`.
    """
    if recipe.fresh:
        names = PRESETS[recipe.preset].names
        given = {our_name(name, names) for name in tensors} | set(tensors)
        fresh = tensors_of(build(recipe.preset, rngs=nnx.Rngs(seed), **recipe.config))
        may_lack = {name: x for name, x in fresh.items() if matches(recipe.fresh, name)}
        tensors = {name: x for name, x in may_lack.items() if name not in given} | dict(tensors)
    return from_state_dict(recipe.preset, tensors, **recipe.config)
