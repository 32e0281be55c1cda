"""A run from names and folders, as the command `alphamat train` is given them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from alphamat.door import as_count
from alphamat.io.folders import existing_folder
from alphamat_deep.catalogue import PRESETS
from alphamat_deep.compiling import keep_compiled
from alphamat_deep.training.bank import Bank, Crops
from alphamat_deep.training.compositions import (
    Batches,
    Entry,
    backdrops,
    batches,
    clips,
    compose_square,
    cutouts,
    painted,
    plates,
    samples,
    split,
)
from alphamat_deep.training.door import as_devices, as_recipe, first_network, warn_if_fresh
from alphamat_deep.training.loop import Trained, train
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import RECIPES
from alphamat_deep.training.sample import Sample
from alphamat_deep.training.state import begin
from alphamat_deep.training.validation import sheet

SYNTHETIC = "synthetic"
FRAMES = 15  # of a clip; recipes repeat them where they want more
HELD_OUT = 16  # pictures that are validated at most
SEEDS, HELD_OUT_SEEDS = range(2**30), range(2**30, 2**31)  # of painted scenes


class Run(NamedTuple):
    """What is trained, and on what."""

    recipe: Recipe
    feed: Callable[..., Batches | Crops]
    """`feed(start, shard)` returns batches, as `train` wants them."""
    validation: Sequence[Sample]
    seed: int


class Rehearsal(NamedTuple):
    """What a run will cost, from one step of it."""

    batch: np.ndarray
    """The step's samples: a picture with one line for each."""
    loss: float
    compiling: float
    """Seconds, once."""
    step: float
    """Seconds, without the wait for data."""
    composing: float
    """Seconds until the first batch was there."""
    memory: int
    """Bytes that a step takes at its peak, with parameters and moments."""


def run_of(
    name: str,
    *,
    preset: str | None = None,
    foregrounds: str | os.PathLike[str] | None = SYNTHETIC,
    alphas: str | os.PathLike[str] | None = None,
    backgrounds: Any = SYNTHETIC,
    batch: int | None = None,
    steps: int | None = None,
    size: int | None = None,
    bank: int | None = None,
    validation: float = 0.1,
    seed: int = 0,
    workers: int = 2,
) -> Run:
    """Return the run of a recipe on files, or on painted scenes.

    Parameters
    ----------
    name : str
        One of `RECIPES`, or "fine-tune" with a `preset`.
    foregrounds, alphas : path of a folder
        RGBA cut-outs, or foreground colours and their alphas; for clips, folders of frames.
        "synthetic" paints scenes instead.
    backgrounds : path of a folder, colour, or "synthetic"
    batch, steps : int, optional
        Instead of the recipe's.
    size : int, optional
        Side of the samples, composed plainly instead of by the recipe; a multiple of 32. Crops of
        a bank are cut in this size.
    bank : int, optional
        Layers of the recipe's bank, instead of its own number.
    validation : float
        Share of the foregrounds that is held out.

    Raises
    ------
    FileNotFoundError, NotADirectoryError, ValueError
        If there is no such recipe or folder, or a folder has not what it should have.
    """
    recipe, _ = as_recipe(_recipe(name, preset), steps)
    standard = recipe.batch
    if batch is not None:
        recipe = replace(recipe, batch=as_count(batch, "batch"))
    if recipe.bank is not None:
        if not all(x is None or x == SYNTHETIC for x in (foregrounds, alphas, str(backgrounds))):
            raise ValueError(f"`foregrounds` and `backgrounds` are for others: {name} paints them.")
        fewer = standard // recipe.batch  # as many new layers for each crop
        return _run_of_bank(recipe, _bank(recipe.bank, fewer, size, bank), seed, workers)
    if bank is not None:
        raise ValueError(f"`bank` is {bank}, and {name} has none.")
    if foregrounds is None:
        raise ValueError("`foregrounds` is missing; expected a folder, or `synthetic`.")
    if size is not None:
        recipe = replace(recipe, compose=partial(compose_square, size=_side(size)))
    if str(foregrounds) == SYNTHETIC:
        learnt, held = painted(seeds=SEEDS), painted(seeds=HELD_OUT_SEEDS)[:HELD_OUT]
    else:
        learnt, held = split(_entries(recipe, foregrounds, alphas), validation=validation)
        if not learnt:
            raise ValueError(
                f"`validation` is {validation}, which holds out all {len(held)} foregrounds; "
                "expected a smaller share."
            )
    if isinstance(backgrounds, str | os.PathLike):
        named = str(backgrounds) == SYNTHETIC
        backgrounds = backdrops() if named else plates(backgrounds)
    options = {"batch": recipe.batch, "seed": seed, "workers": workers}
    feed = partial(batches, learnt, backgrounds, recipe.compose, **options)
    count = min(len(held), HELD_OUT)
    shown = samples(held, backgrounds, count=count, seed=seed) if count else ()
    return Run(recipe, feed, shown, seed)


def start(run: Run, out: str | os.PathLike[str], **options: Any) -> Trained:
    """Train; the options are those of `train`."""
    if options.get("minutes") is not None and run.recipe.bank is None:
        raise ValueError("`minutes` is for the recipe learned; expected `steps`.")
    return train(run.recipe, run.feed, out=out, validation=run.validation, seed=run.seed, **options)


def rehearse(
    run: Run,
    *,
    weights: str | os.PathLike[str] | None = None,
    backbone: str | os.PathLike[str] | None = None,
    dtype: DTypeLike = jnp.float32,
    parts: int = 1,
) -> Rehearsal:
    """Compose a batch, make one step with it, and forget the step."""
    as_devices(jax.devices()[:1], run.recipe, parts)
    model, _ = first_network(run.recipe, run.seed, weights=weights, backbone=backbone)
    preset = run.recipe.preset
    warn_if_fresh(PRESETS[preset], preset, weights, backbone)
    since = time.perf_counter()
    with run.feed() as feed:
        batch = next(feed)
    composing = time.perf_counter() - since
    keep_compiled()
    step, state = begin(run.recipe, model, seed=run.seed, dtype=dtype, parts=parts)
    since = time.perf_counter()
    compiled = step.lower(state, batch).compile()
    compiling, needed = time.perf_counter() - since, compiled.memory_analysis()
    since = time.perf_counter()
    _, scalars = jax.block_until_ready(compiled(state, batch))
    seconds = time.perf_counter() - since
    memory = needed.argument_size_in_bytes + needed.temp_size_in_bytes
    loss = float(scalars["total"])
    return Rehearsal(_picture(jax.device_get(batch)), loss, compiling, seconds, composing, memory)


def _recipe(name: str, preset: str | None) -> Recipe:
    if name == "fine-tune":
        if preset not in PRESETS:
            raise ValueError(f"`preset` is {preset!r}; expected one of: {', '.join(PRESETS)}.")
        return RECIPES[f"fine-tune-{preset}"]
    if preset is not None:
        raise ValueError(f"`preset` is {preset!r}, and only the recipe fine-tune takes one.")
    if name not in RECIPES:
        own = [name for name in RECIPES if not name.startswith("fine-tune-")]
        raise ValueError(f"`recipe` is {name!r}; expected fine-tune, or one of: {', '.join(own)}.")
    return RECIPES[name]


def _bank(bank: Bank, fewer: int, size: int | None, layers: int | None) -> Bank:
    changes: dict[str, int] = {"every": max(1, bank.every * fewer)}
    if size is not None:
        changes["side"] = _side(size)
    if layers is not None:
        multiple = 4 * bank.shelf
        if (count := as_count(layers, "bank")) % multiple:
            raise ValueError(f"`bank` is {count}; expected a multiple of {multiple}.")
        changes |= {"layers": count, "first": count // 4}
    return replace(bank, **changes)


def _run_of_bank(recipe: Recipe, bank: Bank, seed: int, workers: int) -> Run:
    """Return a run on crops of painted layers; scenes with other seeds are held out."""
    size = bank.extent
    learnt, held = (painted(size, size, seeds=seeds) for seeds in (SEEDS, HELD_OUT_SEEDS))
    # A scene takes ten times as long as another; processes that have painted theirs go on.
    options = {"batch": bank.shelf, "seed": seed, "workers": workers, "ahead": 8}
    shelves = partial(batches, learnt, None, recipe.compose, **options)
    feed = partial(Crops, shelves, bank, batch=recipe.batch, seed=seed)
    whole = partial(compose_square, size=size)
    shown = Remembered(samples(held, None, whole, count=HELD_OUT, seed=seed))
    return Run(replace(recipe, bank=bank), feed, shown, seed)


class Remembered(Sequence[Sample]):
    """Samples that are composed once, when they are first taken."""

    def __init__(self, samples: Sequence[Sample]):
        self.samples, self.found = samples, {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[place] for place in range(len(self))[at]]
        if at not in self.found:
            self.found[at] = self.samples[at]
        return self.found[at]


def _side(size: int) -> int:
    size = as_count(size, "size", least=32)
    if size % 32:
        raise ValueError(f"`size` is {size}; expected a multiple of 32.")
    return size


def _entries(recipe: Recipe, foregrounds: Any, alphas: Any) -> Sequence[Entry]:
    """Return cut-outs; or clips, where the network has a memory and the folder has folders."""
    remembers = hasattr(PRESETS[recipe.preset].model, "initial_state")
    if remembers and any(path.is_dir() for path in existing_folder(foregrounds).iterdir()):
        if alphas is None:
            raise ValueError("`alphas` is missing; expected the folder of the clips' alphas.")
        return clips(foregrounds, alphas, frames=FRAMES)
    return cutouts(foregrounds, alphas)


def _picture(batch: Sample) -> np.ndarray:
    """Return the pictures of a batch, a line for each sample; of a clip, its first frame."""
    shown = [x for x in batch.values() if x.ndim >= 4 and x.shape[-1] in (1, 3)]
    first = [x[:, 0] if x.ndim == 5 else x for x in shown]
    found = sheet([[x[at] for x in first] for at in range(len(first[0]))])
    assert found is not None
    return found
