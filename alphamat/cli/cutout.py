"""`alphamat cutout`: photographs cut out, without a trimap."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from alphamat.cli.arguments import Exposure, HowManyBits, Layer, MethodName, WeightsFile
from alphamat.cli.backdrop import HowToFit, LinearLight
from alphamat.cli.cutting import Recipe, cut_all
from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.named import matting_named, segmenting_named
from alphamat.cli.outputs import make_folder, refuse_outputs
from alphamat.cli.photographs import STREAM, Job, left_to_do, photographs, planned, refuse_streams
from alphamat.io.sniff import READABLE
from alphamat.words import file_or_colour

RIVALS = {
    "--trimap": ("--mask", "--segment", "--box", "--scribbles"),
    "--mask": ("--segment", "--box", "--scribbles"),
}


class Also(StrEnum):
    """What is written beside a cut-out, or beside a composite."""

    ALPHA = "alpha"
    TRIMAP = "trimap"
    CUTOUT = "cutout"


def cut_out(
    pictures: Annotated[
        list[str],
        typer.Argument(
            metavar="PICTURE",
            help=f"Photographs: {READABLE}; folders of them; patterns such as 'photos/*.jpg'; or - "
            "for one from stdin.",
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER/|-",
            help="Folder to write to, made if missing; for one picture also a file, or - for "
            "stdout. By default next to each picture, as NAME_cutout.png or NAME_composite.png.",
            show_default=False,
        ),
    ] = None,
    box: Annotated[
        str | None,
        typer.Option(
            metavar="LEFT,TOP,RIGHT,BOTTOM",
            help="Box around the foreground, in pixels from the top left corner.",
        ),
    ] = None,
    scribbles: Annotated[
        Path | None,
        typer.Option(
            help="Strokes, white on foreground and black on background: on plain gray, on a "
            "transparent layer, or on a copy of the picture."
        ),
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(help="Segmentation made elsewhere: white foreground, gray uncertain."),
    ] = None,
    trimap: Annotated[
        Path | None,
        typer.Option(help="Trimap: black background, white foreground, unknown between."),
    ] = None,
    segment: Annotated[
        str | None,
        typer.Option(
            metavar="METHOD",
            help="What finds the foreground instead: a network that needs no trimap, such as "
            "u2net or modnet, or MODULE:FUNCTION.",
        ),
    ] = None,
    segment_weights: Annotated[
        Path | None, typer.Option(help="File with the weights of --segment.")
    ] = None,
    method: MethodName = "learned",
    weights: WeightsFile = None,
    keep: Annotated[
        str,
        typer.Option(
            metavar="all|largest|X,Y",
            help="Which of several objects to keep; X,Y is a pixel of it.",
        ),
    ] = "all",
    doubt: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="How much doubt about the foreground is accepted, from 0 to 1."
        ),
    ] = 0.5,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|COLOUR",
            help="What to put the cut-out over: an image, or a CSS colour. Write the composite "
            "instead of the cut-out.",
        ),
    ] = None,
    fit: HowToFit = None,
    linear: LinearLight = False,
    also: Annotated[
        list[Also] | None,
        typer.Option(help="Write this, too, as NAME_alpha.png and so on; may be repeated."),
    ] = None,
    bits: HowManyBits = None,
    layer: Layer = None,
    exposure: Exposure = 0.0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Skip pictures whose outputs are there and newer than the picture."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace outputs that are there already.")
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="Print one JSON object a picture, and nothing else, on stdout."
        ),
    ] = False,
) -> None:
    """Cut the foreground out of each PICTURE: RGBA, with the foreground's own colours.

    People are found by their faces. For all else, give a box, strokes, or a
    segmentation.

    Exit codes: 0 when all was written; 1 when a picture is refused, or its
    foreground is in doubt, with one line on stderr each, while the others are
    cut out; 2 when the command is misused; 130 when it is stopped.
    """
    says = {"--box": box, "--scribbles": scribbles, "--mask": mask, "--trimap": trimap}
    says |= {"--segment": segment, "--keep": None if keep == "all" else keep}
    _refuse_together(says)
    for option, given, needed, base in (
        ("--fit", fit, "--over", over),
        ("--linear", linear or None, "--over", over),
        ("--segment-weights", segment_weights, "--segment", segment),
    ):
        if given is not None and base is None:
            raise typer.BadParameter(f"there is no {needed}.", param_hint=option)
    if resume and overwrite:
        raise typer.BadParameter("give one of them.", param_hint="--resume, --overwrite")
    kinds = ["cutout" if over is None else "composite", *map(str, also or [])]
    options: dict[str, Any] = {"keep": _keeper(keep), "doubt": doubt}
    if box is not None:
        options["box"] = _numbers(box, "LEFT,TOP,RIGHT,BOTTOM", "--box")
    with faults_in_one_line():
        if over is not None:
            file_or_colour(over, name="--over")
        jobs = planned(photographs(pictures), output, list(dict.fromkeys(kinds)))
        _refuse_shared(jobs, says)
        refuse_streams(jobs, as_json)
        left = left_to_do(jobs, resume=resume, overwrite=overwrite)
        files = (scribbles, mask, trimap, over, weights, segment_weights)
        for job in left:
            if STREAM not in job.outputs.values():
                refuse_outputs(job.outputs, output, *files, bits=bits)
        options["matte"] = matting_named(method, weights)
        if segment is not None:
            options["segment"] = segmenting_named(segment, segment_weights)
        make_folder(output)
    recipe = Recipe(options, scribbles, mask, trimap, over, fit, linear, bits, layer, exposure)
    counts = cut_all(left, recipe, as_json)
    if len(jobs) > 1 or not left:
        told = {
            "cut out": counts["done"],
            "unsure": counts["unsure"],
            "failed": counts["failed"],
            "there already": len(jobs) - len(left),
        }
        typer.echo(", ".join(f"{n} {state}" for state, n in told.items() if n), err=as_json)
    if counts["unsure"] or counts["failed"]:
        raise typer.Exit(1)


def _refuse_together(says: dict[str, object]) -> None:
    """Raise where two options both say where the foreground is."""
    for option, rivals in RIVALS.items():
        for rival in rivals:
            if says[option] is not None and says[rival] is not None:
                raise typer.BadParameter(
                    f"{option} says already where the foreground is.", param_hint=rival
                )


def _refuse_shared(jobs: list[Job], says: dict[str, object]) -> None:
    """Raise where what belongs to one picture is given for several."""
    for option, given in says.items():
        if len(jobs) > 1 and given not in (None, "largest") and option != "--segment":
            raise typer.BadParameter(
                f"it belongs to one picture, and there are {len(jobs)}.", param_hint=option
            )


def _keeper(keep: str) -> Callable[[np.ndarray], np.ndarray] | None:
    """Return the function mask -> mask of --keep."""
    from alphamat.segmentation import at, largest

    if keep in ("all", "largest"):
        return largest if keep == "largest" else None
    x, y = _numbers(keep, "all, largest or X,Y", "--keep", count=2)
    return partial(at, x=x, y=y)


def _numbers(text: str, expected: str, option: str, count: int = 4) -> tuple[int, ...]:
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = ()
    if len(found) != count:
        raise typer.BadParameter(
            f"'{text}' is not {expected}, in whole pixels, such as "
            f"{','.join(['40', '30', '310', '420'][:count])}.",
            param_hint=option,
        )
    return found
