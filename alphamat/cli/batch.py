"""`alphamat batch`: a folder, a pattern or a table of pictures, of any length."""

from __future__ import annotations

import csv
import json
import os
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from alphamat.batch import Outcome, Plan, pictures_of, plan, run
from alphamat.cli.arguments import AsJson, HowManyBits, MethodName, WeightsFile, samples
from alphamat.cli.faults import faults_in_one_line, in_words_of_the_command
from alphamat.cli.named import method_named, segmenting_named
from alphamat.cli.tuning import Epsilon, Radius, Rtol, tuned
from alphamat.method import Need, takes

SHOWN = 5
"""So many errors are shown; the table has all."""


def run_batch(
    pictures: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|PATTERN|MANIFEST.csv",
            help="Pictures: a folder and all below it; a pattern such as 'photos/**/*.jpg'; or a "
            "table with the columns image, trimap and output, of which the last two may be left "
            "out.",
        ),
    ],
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="OUT", help="Folder to write to.")
    ],
    trimaps: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the trimaps, which have the pictures' names. By default they lie "
            "beside the pictures, as NAME_trimap.png.",
        ),
    ] = None,
    method: MethodName = "learned",
    weights: WeightsFile = None,
    cutout: Annotated[
        bool,
        typer.Option(
            "--cutout",
            help="Write cut-outs instead of alphas. Where a trimap is needed and missing, the "
            "foreground is found as `alphamat cutout` does.",
        ),
    ] = False,
    segment: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="What finds the foreground instead: a network that needs no trimap, or "
            "MODULE:FUNCTION.",
        ),
    ] = None,
    segment_weights: Annotated[
        Path | None, typer.Option(help="File with the weights of --segment.")
    ] = None,
    doubt: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="How much doubt about the foreground is accepted, from 0 to 1."
        ),
    ] = 0.5,
    epsilon: Epsilon = None,
    radius: Radius = None,
    rtol: Rtol = None,
    bits: HowManyBits = None,
    jobs: Annotated[
        int, typer.Option(help="Pictures to work on at a time; -1 is one per core.")
    ] = 1,
    devices: Annotated[
        str | None,
        typer.Option(
            metavar="0,1,…", help="Devices of CUDA for a network: one process for each, not --jobs."
        ),
    ] = None,
    shard: Annotated[
        str | None,
        typer.Option(
            metavar="K/N", help="Do the K-th of N parts. All parts may run at once, into one OUT."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be done with each picture."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make the alphas, or the cut-outs, of many pictures.

    What goes wrong with a picture is written to OUT/errors.csv, and the others go
    on. If the run is stopped or killed, the same command goes on where it was.

    Exit codes: 0 when all was written; 1 when an input is refused, or a picture
    has failed; 2 when the command is misused; 130 when it is stopped.
    """
    if segment_weights is not None and segment is None:
        raise typer.BadParameter("there is no --segment.", param_hint="--segment-weights")
    if segment is not None and not cutout:
        raise typer.BadParameter("there is no --cutout.", param_hint="--segment")
    options: dict[str, Any] = {"kind": "cutout" if cutout else "alpha", "doubt": doubt}
    options |= {"shard": _shard(shard), "bits": samples(bits)}
    with faults_in_one_line():
        found = pictures_of(pictures, trimaps=trimaps, apart=output)
        estimator = method_named(method, weights)
        options["method"] = tuned(estimator, method, epsilon=epsilon, radius=radius, rtol=rtol)
        if segment is not None:
            options["segment"] = segmenting_named(segment, segment_weights)
        if dry_run:
            _show(plan(found, output, **options), found.rules, as_json)
            return
        try:
            outcome = run(
                found,
                output,
                jobs=jobs,
                devices=[] if devices is None else devices.split(","),
                **options,
            )
        except KeyboardInterrupt as stop:
            told = f"Finished pictures are in {os.path.join(output, '')}."
            stop.add_note(f"{told} Run the same command again to continue.")
            raise
    _tell(outcome, as_json)
    if outcome.failed:
        raise typer.Exit(1)


def _shard(text: str | None) -> tuple[int, int]:
    if text is None:
        return 1, 1
    at, _, count = text.partition("/")
    if not (at.isdecimal() and count.isdecimal() and 1 <= int(at) <= int(count)):
        raise typer.BadParameter(
            f"'{text}' is not K/N, such as 3/64 for the third of 64 parts.", param_hint="--shard"
        )
    return int(at), int(count)


def _show(todo: Plan, rules: str, as_json: bool) -> None:
    """Print what would be done, and by which rules."""
    counts: Counter[str] = Counter()
    if not as_json:
        typer.echo(f"trimaps: {rules}; {_without(todo)}")
    for one in todo:
        state = "failed" if one.fault else "there" if one.finished else "to_do"
        counts[state] += 1
        image, trimap = one.picture.image, one.picture.trimap
        if as_json:
            continue
        if one.fault:
            typer.echo(f"{image}: {in_words_of_the_command(one.fault)}")
            continue
        used = str(image) if trimap is None else f"{image} + {trimap}"
        typer.echo(f"{used} -> {one.output}{', which is there already' * one.finished}")
    if as_json:
        typer.echo(json.dumps({name: counts[name] for name in ("to_do", "there", "failed")}))
    else:
        told = {"to do": "to_do", "there already": "there", "cannot be done": "failed"}
        parts = (f"{counts[name]} {words}" for words, name in told.items() if counts[name])
        typer.echo(", ".join(parts) or "no pictures")


def _without(todo: Plan) -> str:
    """Say what becomes of a picture that has no trimap."""
    need = takes(todo.recipe.method).trimap
    if need is Need.NO:
        return "the method takes none"
    if need is Need.OPTIONAL:
        return "the method needs none"
    if todo.recipe.kind == "cutout":
        return "where there is none, the foreground is found first"
    return "a picture without one fails"


def _tell(outcome: Outcome, as_json: bool) -> None:
    speed = outcome.done / outcome.seconds if outcome.seconds else 0.0
    if as_json:
        errors = None if outcome.errors is None else str(outcome.errors)
        record = outcome._asdict() | {"errors": errors, "seconds": round(outcome.seconds, 4)}
        typer.echo(json.dumps(record | {"pictures_per_second": round(speed, 4)}))
    else:
        told = {
            "done": outcome.done,
            "with warnings": outcome.warned,
            "failed": outcome.failed,
            "there already": outcome.there,
        }
        parts = [f"{number} {state}" for state, number in told.items() if number]
        typer.echo(", ".join([*parts, f"{speed:.2f} pictures/s"] if parts else ["no pictures"]))
    if outcome.errors is None:
        return
    with open(outcome.errors, encoding="utf-8", newline="") as file:
        for row in islice(csv.DictReader(file), SHOWN):
            named = row["error"].startswith(row["picture"])
            message = in_words_of_the_command(row["error"])
            typer.echo(f"error: {message if named else row['picture'] + ': ' + message}", err=True)
    if outcome.failed > SHOWN:
        typer.echo(f"All {outcome.failed} errors are in {outcome.errors}.", err=True)
