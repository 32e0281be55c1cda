"""The network that a run begins with, from weights that may lack a part of it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from flax import nnx

from alphamat_deep.catalogue import PRESETS, Backbone
from alphamat_deep.fill import fill, matches, our_name, shapes_of, tensors_of
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


def with_backbone(
    recipe: Recipe, tensors: Mapping[str, np.ndarray], *, seed: int = 0
) -> nnx.Module:
    """Return a recipe's network with a backbone from a file; the rest is fresh, drawn by `seed`.

    The file is one of `Preset.backbones`. Each of its tensors must be used, and each array of the
    backbone filled, except those that the catalogue leaves out.
    """
    kinds = PRESETS[recipe.preset].backbones
    kind = next((x for x in kinds if any(re.search(x.mark, name) for name in tensors)), None)
    if kind is None:
        known = " or ".join(x.title for x in kinds)
        raise ValueError(
            f"`backbone` has tensors such as {', '.join(list(tensors)[:3])}; {recipe.preset} "
            f"{f'can begin with {known}' if known else 'takes no backbone'}."
        )
    model = build(recipe.preset, rngs=nnx.Rngs(seed), **recipe.config)
    try:
        fill(model, _widened(tensors, shapes_of(model), kind), kind.names, part=kind.part)
    except ValueError as fault:
        told = f"`backbone` does not fit {recipe.preset} as {kind.title}"
        raise ValueError(f"{told}. {fault}") from fault
    return model


def _widened(
    tensors: Mapping[str, np.ndarray], shapes: Mapping[str, tuple[int, ...]], kind: Backbone
) -> dict[str, np.ndarray]:
    """Return tensors with zeros for the input channels that the file lacks."""
    wide = dict(tensors)
    for original, tensor in tensors.items():
        name = our_name(original, kind.names) or ""
        if name in shapes and matches(kind.widened, name) and tensor.ndim == len(shapes[name]):
            axis = min(1, tensor.ndim - 1)  # of a kernel (out, in, h, w), or a vector (in h w,)
            more = [(0, 0)] * tensor.ndim
            more[axis] = 0, max(0, shapes[name][axis] - tensor.shape[axis])
            wide[original] = np.pad(tensor, more)
    return wide
