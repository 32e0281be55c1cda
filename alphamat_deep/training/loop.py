"""The training loop: what it takes, and the order in which things are done."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jax.typing import DTypeLike

from alphamat import write_image
from alphamat.door import as_count, as_flag
from alphamat_deep.compiling import keep_compiled
from alphamat_deep.matting import Matting
from alphamat_deep.training.clock import UNKNOWN, Clock
from alphamat_deep.training.devices import compiled, places, put_parts, put_whole, same_everywhere
from alphamat_deep.training.door import (
    as_devices,
    as_dtype,
    as_minutes,
    as_recipe,
    first_network,
    naming_what_lacks,
    refuse_other_batch,
    refuse_other_functions,
    refuse_other_samples,
    warn_if_fresh,
)
from alphamat_deep.training.folder import about, open_run, refuse_full, settings_of
from alphamat_deep.training.keeping import (
    Arrays,
    Checkpoints,
    Notes,
    arrays_of,
    faults_of,
    state_of,
)
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.report import write_report
from alphamat_deep.training.result import method_of, write_network
from alphamat_deep.training.state import State, begin
from alphamat_deep.training.stopping import stopping
from alphamat_deep.training.telling import Callback, Teller, telling
from alphamat_deep.training.validation import validate


class Trained(NamedTuple):
    """How a run ended."""

    weights: Path
    """The best network, for `alphamat_deep.load`; the last where nothing was validated."""
    steps: int
    best: int
    """The step after which the network scored best; 0 where nothing was validated."""
    score: float
    """Its mean SAD on the held-out samples, in thousands."""


def train(
    recipe: Recipe,
    batches: Callable[..., Iterator[Mapping[str, np.ndarray | Array]]],
    *,
    out: str | os.PathLike[str],
    weights: str | os.PathLike[str] | None = None,
    backbone: str | os.PathLike[str] | None = None,
    model: nnx.Module | None = None,
    validation: Sequence[Any] = (),
    steps: int | None = None,
    minutes: float | None = None,
    seed: int = 0,
    resume: bool = False,
    dtype: DTypeLike = jnp.float32,
    parts: int = 1,
    validate_every: int = 1000,
    save_every: int = 1000,
    keep: int = 2,
    devices: Sequence[Any] | None = None,
    callback: Callback | None = None,
) -> Trained:
    """Train a network by a recipe.

    Parameters
    ----------
    recipe : Recipe
    batches : callable
        `batches(start, shard)` returns an endless iterator: from the batch of step `start`,
        counted from 0, this process's part of each batch, `shard` being its number and the number
        of processes. It gives the same batches again when the run goes on, and leaves those that
        it gave as they are. Batches may differ in the size of their pictures; a step is compiled
        for each size.
    out : path
        Folder to make for the run: checkpoints, the network, scalars, pictures, a report.
    weights : path, optional
        Where to begin, as for `alphamat_deep.load`. By default with fresh parameters.
    backbone : path, optional
        File of the network's backbone alone, as torchvision or PaddlePaddle publish it; see
        `alphamat_deep.PRESETS[…].backbones`. The rest starts fresh.
    model : nnx.Module, optional
        The network to begin with, instead of `weights`. It is not changed.
    validation : `alphamat.datasets.Dataset`, or sequence of samples
        Held-out samples of any size, also dictionaries with "image", "alpha" and, where there is
        one, "trimap". They are matted as by `alphamat_deep.load`; clips, (T, H, W, 3), frame by
        frame, in order.
    steps : int, optional
        Instead of the recipe's; the schedule of its optimiser follows.
    minutes : float, optional
        Instead of steps: about how long the run may take, with all that is compiled. The number of
        steps is fixed after an eighth of it, from the speed until then. A run that goes on keeps
        this number, and has no more to do with the clock. The recipe's optimiser gets an array.
    seed : int
        Decides the fresh parameters, and what is random in the network.
    resume : bool
        Go on with the run in `out`, if there is one. The result is that of a run that never
        stopped; on one device it is equal bit for bit, of two runs that have as many steps.
    dtype : float32 or bfloat16
        Type of the network's computations.
    parts : int
        Equal parts in which a device computes its share of a batch, one after the other, to save
        memory. Each has its own batch statistics, and losses divide by a part's unknown pixels.
    validate_every, save_every : int
        Steps between two validations, and between two checkpoints. A validation makes one, too.
    keep : int
        Checkpoints to keep beside the best.
    devices : sequence of jax.Device, optional
        By default all, of all hosts: where `jax.distributed.initialize()` was called, each process
        calls this with the same arguments, and the first one writes.
    callback : callable, optional
        Called with what a line of `scalars.jsonl` holds: "step", and each scalar by its name.
        For TensorBoard, with tensorboardX: `lambda line: [writer.add_scalar(name, value,
        line["step"]) for name, value in line.items()]`.

    Returns
    -------
    Trained

    Raises
    ------
    TypeError, ValueError, OSError
        If an argument is refused, `out` has another run or takes no files, or a checkpoint cannot
        be written.
    FloatingPointError
        If a loss or the state is no longer finite.
    SystemExit
        After SIGTERM or Ctrl-C, once a checkpoint is written.

    Notes
    -----
    Numbers of a step are read while the next one is computed, so that the devices need not wait.
    A loss that is not finite, therefore, stops the run one step later.

    Examples
    --------
    As a script, `python train.py`, which goes on where it was stopped::

        feed = functools.partial(batches, cutouts, backgrounds, recipe.compose, batch=recipe.batch)
        done = train(recipe, feed, out="run", weights="gca.pth", validation=samples, resume=True)
        method = alphamat_deep.load("gca", done.weights)
    """
    recipe, row = as_recipe(recipe, steps)
    minutes = as_minutes(minutes, steps)
    clock = None if minutes is None else Clock(minutes)
    recipe = recipe if clock is None else replace(recipe, steps=UNKNOWN)
    refuse_other_functions(batches, callback)
    refuse_other_samples(validation, row, recipe.preset)
    seed, dtype, out = as_count(seed, "seed", least=0), as_dtype(dtype), Path(out)
    validate_every = as_count(validate_every, "validate_every")
    save_every, keep = as_count(save_every, "save_every"), as_count(keep, "keep")
    resume = as_flag(resume, "resume")
    devices = as_devices(devices, recipe, parts := as_count(parts, "parts"))
    begun_with = {"weights": weights, "backbone": backbone, "model": model}
    model, source = first_network(recipe, seed, **begun_with)
    settings, told_of = settings_of(recipe, seed, dtype, parts, minutes), about(batches, source)
    with ExitStack() as held:
        kept = held.enter_context(_checkpoints(out, keep, settings, told_of, resume))
        keep_compiled()
        options = {"seed": seed, "dtype": dtype, "parts": parts, "timed": clock is not None}
        step, state = begin(recipe, model, **options)
        arrays, notes = _begun(kept, out, arrays_of(state))
        if clock is not None:
            recipe = replace(recipe, steps=int(arrays[".steps"]))
        if not notes.step:
            warn_if_fresh(row, recipe.preset, *begun_with.values())
        like = jax.eval_shape(lambda: state)
        method = partial(method_of, recipe, row, model, like)
        finish = partial(_finish, out, method, settings, told_of)
        where = places(devices)
        advance = compiled(step, where)
        state = state_of(arrays, like, put=partial(put_whole, where))
        here, alone = len(where.parts.addressable_devices), jax.process_count() == 1
        at, late, stops = notes.step, None, False
        asked = held.enter_context(stopping())
        told = held.enter_context(telling(out if kept else None, at, recipe, callback))
        feed = held.enter_context(_feed(batches, at))
        watch = held.enter_context(ThreadPoolExecutor(1, "watch"))
        advance = _ahead(advance, state, feed, here)
        while not stops and (at < recipe.steps or notes.unscored):
            if notes.unscored:
                notes = _scored(method(arrays, at), validation, notes, out, told)
            else:
                at += 1
                batch = _taken(feed, at, recipe.batch * here // len(devices), late, told)
                flags = np.full(here, asked.is_set(), np.uint8)
                with naming_what_lacks(batch):
                    state, scalars, flag = advance(state, *put_parts((batch, flags), where))
                # The numbers of the step before are read while this one is computed.
                stops = late is not None and _heard(late, told, kept, recipe.broken)
                stops |= alone and asked.is_set()
                told.compiled(at, batch)
                late = Late(at, scalars, flag, watch.submit(_ready_at, flag))
                if clock is not None and recipe.steps == UNKNOWN:
                    recipe = replace(recipe, steps=clock.steps(at, told.speed()[0] / recipe.batch))
                    told.expect(recipe.steps)
                    state = state._replace(steps=put_whole(where, np.array(recipe.steps, np.int32)))
                due = len(validation) > 0 and (at % validate_every == 0 or at == recipe.steps)
                if not (stops or due or at % save_every == 0 or at == recipe.steps):
                    continue
                stops, late = _heard(late, told, kept, recipe.broken) or stops, None
                arrays, notes = arrays_of(state), notes._replace(step=at, unscored=due)
                _refuse_broken(arrays, at, kept)
            # A network is saved before it is scored, too, which may take long.
            if kept is not None:
                kept.save(arrays, notes, partial(finish, arrays, notes))
            told.pause()
    if at < recipe.steps or notes.unscored:
        raise SystemExit(
            f"Stopped after step {at}{told.of()}, which is saved in {out}. Go on with resume=True."
        )
    return Trained(_product(out, recipe.preset), at, notes.best, notes.score)


class Late(NamedTuple):
    """The numbers of a step, still on the devices."""

    step: int
    scalars: dict[str, Array]
    flag: Any
    ready: Future[float]
    """When it was computed."""


@contextmanager
def _checkpoints(
    out: Path, keep: int, settings: dict[str, Any], told_of: dict[str, Any], resume: bool
) -> Iterator[Checkpoints | None]:
    """Yield the checkpoints of the run in a folder, and wait for the last one at the end.

    They are None in processes that do not write.
    """
    if jax.process_index() != 0:
        yield None
        return
    with open_run(out, settings, told_of, resume=resume):
        kept = Checkpoints(out / "checkpoints", keep)
        try:
            yield kept
            kept.wait()
        finally:
            kept.close()


def _begun(kept: Checkpoints | None, out: Path, fresh: Arrays) -> tuple[Arrays, Notes]:
    """Return the state to begin with, and its notes: of the newest checkpoint, if there is one."""
    arrays, notes = fresh, Notes()
    if kept is not None:
        size = sum(x.nbytes for x in fresh.values())
        refuse_full(out, (kept.keep + 3) * size)  # the best, one being written, the network
        arrays, notes = kept.newest(fresh) or (fresh, notes)
    arrays, told = same_everywhere((arrays, np.array(notes)))
    return arrays, Notes(int(told[0]), int(told[1]), float(told[2]), bool(told[3]))


@contextmanager
def _feed(batches: Callable, start: int) -> Iterator[Iterator]:
    """Yield the batches of this process, and close their iterator at the end."""
    shard = jax.process_index(), jax.process_count()
    feed = iter(batches(start=start, shard=shard))
    try:
        yield feed
    finally:
        getattr(feed, "close", lambda: None)()


def _ahead(advance: Any, state: State, feed: Iterator, here: int) -> Callable:
    """Compile the step while a feed makes its first batch, if it knows what this will be like."""
    like = getattr(feed, "like", None)
    if like is None or jax.process_count() > 1:
        return advance
    with naming_what_lacks(like):
        return advance.lower(state, like, np.zeros(here, np.uint8)).compile()


def _taken(feed: Iterator, at: int, share: int, late: Late | None, told: Teller) -> Mapping:
    """Return the batch of a step."""
    since = monotonic()
    try:
        batch = next(feed)
    except StopIteration:
        raise ValueError(
            f"`batches` ended before step {at}; expected an endless iterator."
        ) from None
    now = monotonic()
    if late is None:
        told.waited += now - since
    elif late.flag.is_ready():  # else the devices were at work all the time
        told.waited += max(0.0, now - max(since, late.ready.result()))
    refuse_other_batch(batch, share, at)
    told.left_out(at, getattr(feed, "faults", {}))
    return batch


def _ready_at(array: Array) -> float:
    """Return when an array has been computed."""
    jax.block_until_ready(array)
    return monotonic()


def _heard(late: Late, told: Teller, kept: Checkpoints | None, most: int) -> bool:
    """Tell the numbers of a step; return whether some process was asked to stop.

    Up to `most` steps in a row may be left out.
    """
    scalars, flag = jax.device_get((late.scalars, late.flag))
    numbers = {name: float(value) for name, value in scalars.items()}
    broken = [f"`{k}` is {v}" for k, v in numbers.items() if not math.isfinite(v)]
    if broken and not 0 < numbers.get("broken", 0) <= most:
        raise FloatingPointError(
            f"In step {late.step} {', '.join(broken)}. {_last(kept)} Its batch is that of "
            f"batches(start={late.step - 1}): look at it, or lower the learning rate."
        )
    told.step(late.step, numbers)
    return bool(flag)


def _refuse_broken(arrays: Arrays, step: int, kept: Checkpoints | None) -> None:
    if faults := faults_of(arrays):
        raise FloatingPointError(
            f"After step {step} {len(faults)} arrays are not finite, the first {faults[0]}. "
            f"{_last(kept)} Lower the learning rate."
        )


def _last(kept: Checkpoints | None) -> str:
    """Say which checkpoint is the last good one."""
    if kept is None:
        return "The first process knows the last good checkpoint."
    kept.wait()
    steps = kept.steps()
    return f"The last good checkpoint is {kept.path(steps[-1])}." if steps else "None was saved."


def _scored(
    method: Matting, validation: Sequence[Any], notes: Notes, out: Path, told: Teller
) -> Notes:
    """Validate, tell the scores, draw the sheet, and note the best network."""
    scores, sheet = validate(method, validation)
    better = scores["sad"] < notes.score
    told.validated(notes.step, scores, better)
    if sheet is not None and jax.process_index() == 0:
        (out / "sheets").mkdir(exist_ok=True)
        write_image(out / "sheets" / f"{notes.step:06d}.png", sheet)
    best = {"best": notes.step, "score": scores["sad"]} if better else {}
    return notes._replace(unscored=False, **best)


def _finish(
    out: Path,
    method: Callable[[Arrays, int], Matting],
    settings: dict[str, Any],
    told_of: dict[str, Any],
    arrays: Arrays,
    notes: Notes,
) -> None:
    """Write what is made of a checkpoint: the network if it is the best, and the report."""
    if notes.best in (0, notes.step):
        found = method(arrays, notes.step)
        write_network(_product(out, found.name), found, notes, settings, told_of)
    if not notes.unscored:
        write_report(out)


def _product(out: Path, preset: str) -> Path:
    return out / f"{preset}.safetensors"
