"""What `train` is given, parsed before anything is computed."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields, replace
from inspect import Parameter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax.typing import DTypeLike

from alphamat.door import as_count, as_positive, shown
from alphamat.door.parameters import parameters
from alphamat_deep.catalogue import PRESETS, Preset
from alphamat_deep.checkpoints import read
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.validation import as_held
from alphamat_deep.training.weights import filled, with_backbone
from alphamat_deep.zoo import build


def as_recipe(recipe: Any, steps: int | None) -> tuple[Recipe, Preset]:
    """Return a recipe of so many steps, and its network's row of the catalogue."""
    if not isinstance(recipe, Recipe):
        raise TypeError(f"`recipe` is {shown(recipe)}; expected a training.Recipe.")
    if recipe.preset not in PRESETS:
        raise ValueError(
            f"`recipe` has preset {recipe.preset!r}; expected one of: {', '.join(PRESETS)}."
        )
    row = PRESETS[recipe.preset]
    known = {field.name for field in fields(row.config)}
    if strange := sorted(set(recipe.config) - known):
        raise ValueError(f"`recipe` has config {strange}; expected some of {sorted(known)}.")
    if not recipe.losses:
        raise ValueError("`recipe` has no losses; expected at least one.")
    as_count(recipe.batch, "recipe.batch")
    steps = as_count(recipe.steps if steps is None else steps, "steps")
    row = replace(row, config=replace(row.config, **recipe.config))
    return replace(recipe, steps=steps), row


def as_minutes(minutes: float | None, steps: int | None) -> float | None:
    if minutes is None:
        return None
    if steps is not None:
        raise ValueError("`minutes` and `steps` are both given; expected one of them, or neither.")
    if jax.process_count() > 1:
        raise ValueError("`minutes` is for one process; expected `steps`, which all count alike.")
    return as_positive(minutes, "minutes", "such as 10")


def as_dtype(dtype: DTypeLike) -> np.dtype:
    try:
        if (found := jnp.dtype(dtype)) in (jnp.float32, jnp.bfloat16, jnp.float64):
            return found
    except TypeError:
        pass
    raise ValueError(f"`dtype` is {shown(dtype)}; expected float32 or bfloat16.")


def as_devices(devices: Sequence[Any] | None, recipe: Recipe, parts: int = 1) -> list[Any]:
    """Return devices that can share a batch equally, and in as many equal parts."""
    found = jax.devices() if devices is None else list(devices)
    if not found or not all(isinstance(device, jax.Device) for device in found):
        raise TypeError(f"`devices` is {shown(devices)}; expected some of jax.devices().")
    if recipe.batch % len(found):
        raise ValueError(
            f"`devices` are {len(found)}, and a batch of {recipe.batch} samples cannot be cut in "
            "as many equal parts; name fewer, such as devices=jax.devices()[:1]."
        )
    if (share := recipe.batch // len(found)) % parts:
        fitting = [number for number in range(1, share + 1) if share % number == 0]
        raise ValueError(
            f"`parts` is {parts}, and a device's {share} samples of a batch cannot be cut in as "
            f"many equal parts; expected one of {fitting}."
        )
    return found


def refuse_other_functions(batches: Any, callback: Any) -> None:
    known = parameters(batches) if callable(batches) else {}
    free = any(x.kind is Parameter.VAR_KEYWORD for x in known.values())
    if not callable(batches) or (known and not free and not {"start", "shard"} <= set(known)):
        raise TypeError(
            f"`batches` is {shown(batches)}; expected a function (start, shard) -> iterator of "
            "batches."
        )
    if callback is not None and not callable(callback):
        raise TypeError(f"`callback` is {shown(callback)}; expected a function of a dictionary.")


def refuse_other_samples(validation: Any, row: Preset, preset: str) -> None:
    """Raise unless `validation` is a sequence whose first sample the network can take."""
    if not isinstance(validation, Sequence) or isinstance(validation, str | bytes):
        raise TypeError(
            f"`validation` is {shown(validation)}; expected a data set, or a list of samples."
        )
    if not len(validation):
        return
    first, rules = as_held(validation[0])[0], row.preprocess
    for what, needed in (("trimap", rules.encode is not None), ("plate", rules.plate)):
        if needed and getattr(first, what) is None:
            raise ValueError(f"`validation` has a sample without {what}, which {preset} needs.")


def first_network(
    recipe: Recipe,
    seed: int,
    *,
    weights: str | os.PathLike[str] | None = None,
    backbone: str | os.PathLike[str] | None = None,
    model: Any = None,
) -> tuple[nnx.Module, str]:
    """Return the network to begin with, and where it is from: a file, the caller, or chance."""
    given = {"weights": weights, "backbone": backbone, "model": model}
    if len(several := [f"`{name}`" for name, x in given.items() if x is not None]) > 1:
        raise ValueError(f"{' and '.join(several)} are given; expected one of them, or none.")
    if weights is not None:
        return filled(recipe, read(weights), seed=seed), Path(weights).name
    if backbone is not None:
        made = with_backbone(recipe, read(backbone), seed=seed)
        return made, f"the backbone of {Path(backbone).name}, the rest fresh, seed {seed}"
    if model is None:
        model = build(recipe.preset, rngs=nnx.Rngs(seed), **recipe.config)
        return model, f"fresh parameters, seed {seed}"
    if not isinstance(model, nnx.Module):
        raise TypeError(f"`model` is {shown(model)}; expected a network, as `build` returns it.")
    return model, "a network in memory"


def warn_if_fresh(row: Preset, preset: str, *begun_with: Any) -> None:
    """Warn where a run begins with nothing, and the authors begin with a backbone."""
    if row.backbones and all(x is None for x in begun_with):
        warnings.warn(
            f"All parameters of {preset} start fresh, which takes more data and time, and may end "
            f"worse: its authors begin with {row.backbones[0].title}. Name such a file as "
            "`backbone`, or weights of the whole network as `weights`.",
            stacklevel=3,
        )


def refuse_other_batch(batch: Any, count: int, step: int) -> None:
    """Raise unless a batch has arrays of `count` samples each."""
    name = f"`batches` gave for step {step}"
    if not isinstance(batch, Mapping) or not batch:
        raise TypeError(f"{name} {shown(batch)}; expected a dictionary of arrays.")
    for key, array in batch.items():
        if not isinstance(array, jax.Array):  # which would be copied from its device
            array = np.asanyarray(array)
        if array.dtype == object or array.dtype.kind not in "fiub":
            raise TypeError(f"{name} `{key}` of {array.dtype}; expected float32.")
        if array.ndim == 0 or len(array) != count:
            raise ValueError(
                f"{name} `{key}` with shape {array.shape}; expected {count} samples, (B, H, W, C)."
            )


@contextmanager
def naming_what_lacks(batch: Mapping[str, Any]) -> Iterator[None]:
    """Name an array that a loss looks for in vain."""
    try:
        yield
    except KeyError as fault:
        if not fault.args or not isinstance(fault.args[0], str) or fault.args[0] in batch:
            raise
        raise ValueError(
            f"`batches` gives no `{fault.args[0]}`, which the recipe needs; it gives "
            f"{', '.join(map(str, batch))}."
        ) from fault
