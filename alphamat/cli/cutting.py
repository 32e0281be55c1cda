"""Photographs of `alphamat cutout`: read, cut out, written and told of, one after the other."""

from __future__ import annotations

import json
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import typer

from alphamat import progress
from alphamat.cli.arguments import Bits
from alphamat.cli.backdrop import Fit, over_what
from alphamat.cli.faults import FAULTS, in_one_line
from alphamat.cli.hints import oddities, strokes
from alphamat.cli.outputs import refuse_outputs, write_all, write_one
from alphamat.cli.photographs import STREAM, Job
from alphamat.cli.report import record, timed
from alphamat.cli.watch import Estimate, watching
from alphamat.colours import (
    Photograph,
    composite_of,
    cutout_of,
    exact_layers,
    foreground_of,
    read_photograph,
)
from alphamat.door import refuse_other_size
from alphamat.io.folders import read_gray
from alphamat.io.images import read_image
from alphamat.method import Matte


class Recipe(NamedTuple):
    """How photographs are cut out, and what is written of them."""

    options: dict[str, Any]
    """Arguments of `cutout_photo` that all photographs share."""
    scribbles: Path | None
    mask: Path | None
    trimap: Path | None
    over: str | None
    fit: Fit | None
    linear: bool
    bits: Bits | None
    layer: str | None
    exposure: float


def cut_all(jobs: list[Job], recipe: Recipe, as_json: bool) -> Counter[str]:
    """Cut out photographs, tell of each, and count the outcomes."""
    counts: Counter[str] = Counter()
    several = len(jobs) > 1
    try:
        with progress.bar("preparing", total=len(jobs) if several else None) as bar:
            for job in jobs:
                outcome = _outcome(job, recipe, partial(_hear, bar, job) if several else bar.hear)
                counts[outcome["state"]] += 1
                _tell(job, outcome, as_json)
                if several:
                    bar.advance()
    except KeyboardInterrupt as stop:
        if several:
            stop.add_note(
                f"{counts['done']} of {len(jobs)} are cut out; --resume goes on from there."
            )
        raise
    return counts


def _hear(bar: progress.Bar, job: Job, event: object) -> None:
    """Show a step of one picture; the bar is that of all pictures."""
    if isinstance(event, progress.Step):
        bar.hear(progress.Step(f"{job.source.name}: {event.text}"))


def _outcome(job: Job, recipe: Recipe, listener: progress.Listener) -> dict[str, Any]:
    """Cut out one photograph, and return what came of it; no fault of its own is raised."""
    from alphamat.photograph import DoubtfulError

    outcome = {"picture": str(job.source), "state": "failed", "outputs": {}, "seconds": {}}
    outcome |= {"doubt": None, "reason": None, "warnings": [], "error": None}
    try:
        return outcome | _cut(job, recipe, listener)
    except DoubtfulError as fault:
        found = fault.segmentation
        outcome |= {"state": "unsure", "doubt": float(found.doubt), "reason": found.reason}
        return outcome | {"error": in_one_line(fault)}
    except FAULTS as fault:
        return outcome | {"error": in_one_line(fault)}


def _cut(job: Job, recipe: Recipe, listener: progress.Listener) -> dict[str, Any]:
    from alphamat.photograph import cutout_photo

    listener(progress.Step("reading"))
    seconds: dict[str, float] = {}
    source = sys.stdin.buffer if job.source == STREAM else job.source
    with timed(seconds, "read"):
        named = {"name": str(job.source), "layer": recipe.layer, "exposure": recipe.exposure}
        photograph = read_photograph(source, job.outputs, **named)
        image = photograph.image
        if STREAM not in job.outputs.values():
            refuse_outputs(job.outputs, None, size=image.shape[:2], bits=recipe.bits)
        hints, odd = _hints(image, job.source, recipe)
        backdrop = None
        if recipe.over is not None:
            backdrop = over_what(recipe.over, image.shape[:2], recipe.fit, photograph)
    with timed(seconds, "cut"), watching(listener) as (solutions, warned):
        found = cutout_photo(image, layers=exact_layers, **recipe.options, **hints)
    foreground = foreground_of(photograph, Matte(found.alpha, found.foreground))
    pictures = {"alpha": found.alpha, "trimap": found.trimap}
    pictures["cutout"] = cutout_of(photograph, foreground, found.alpha)
    if backdrop is not None:
        layers = foreground, found.alpha, backdrop
        pictures["composite"] = composite_of(photograph, *layers, recipe.linear)
    with timed(seconds, "write"):
        _write(job, pictures, recipe, photograph)
    doubt, reason = (0.0, "") if found.segmentation is None else found.segmentation[1:]
    if doubt > recipe.options["doubt"] / 2:
        odd.append(f"{reason} Have a look at it.")
    made = Estimate(Matte(found.alpha), solutions, odd + warned)
    told = record(job.outputs, seconds, made)
    return {"state": "done", **told, "doubt": float(doubt), "reason": reason}


def _hints(image: np.ndarray, photograph: Path, recipe: Recipe) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments of `cutout_photo` that files say, and what is odd about a trimap."""
    hints: dict[str, Any] = {}
    odd: list[str] = []
    if recipe.scribbles is not None:
        hints["scribbles"] = strokes(recipe.scribbles, image)
    if recipe.mask is not None:
        mask = read_gray(recipe.mask)
        refuse_other_size(mask.shape, image.shape, "mask")
        hints["segment"] = lambda _: mask
    if recipe.trimap is not None:
        hints["trimap"] = read_image(recipe.trimap)
        odd = oddities(hints["trimap"], recipe.trimap, image, photograph)
    return hints, odd


def _write(
    job: Job, pictures: dict[str, np.ndarray], recipe: Recipe, photograph: Photograph
) -> None:
    (first, path), *_ = job.outputs.items()
    if path == STREAM:
        write_one(sys.stdout.buffer, pictures[first], photograph.colours, bits=recipe.bits)
        return
    write_all(job.outputs, pictures, photograph.colours, bits=recipe.bits)


def _tell(job: Job, outcome: dict, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(outcome, allow_nan=False))
    elif STREAM not in job.outputs.values():
        for path in outcome["outputs"].values():
            typer.echo(f"wrote {path}")
    if outcome["error"] is not None:
        kind = "unsure" if outcome["state"] == "unsure" else "error"
        typer.echo(f"{kind}: {_named(job, outcome['error'])}", err=True)
    for message in outcome["warnings"]:
        typer.echo(f"warning: {_named(job, message)}", err=True)


def _named(job: Job, message: str) -> str:
    """Name the picture in a message that does not begin with it."""
    name = str(job.source)
    known = job.source == STREAM or message.startswith(name)
    return message if known else f"{name}: {message}"
