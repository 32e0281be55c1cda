"""`alphamat matte`: a picture's alpha, cut-out or composite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.cli.arguments import (
    AsJson,
    Exposure,
    HowManyBits,
    Layer,
    MethodName,
    WeightsFile,
    parse_bytes,
)
from alphamat.cli.backdrop import HowToFit, LinearLight, over_what
from alphamat.cli.beyond import in_tiles, is_large, matte_in_pieces
from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.hints import oddities
from alphamat.cli.named import method_named
from alphamat.cli.outputs import make_folder, named_outputs, refuse_outputs, write_all
from alphamat.cli.report import record, tell, timed, warn
from alphamat.cli.tuning import Epsilon, Radius, Rtol, tuned
from alphamat.cli.watch import estimate
from alphamat.colours import (
    Photograph,
    composite_of,
    cutout_of,
    foreground_of,
    read_photograph,
)
from alphamat.io.images import read_image, read_picture
from alphamat.io.picture import as_srgb
from alphamat.io.sniff import READABLE
from alphamat.method import Matte, refuse_unless_taken
from alphamat.plate import align_plate


def matte_image(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help=f"Photograph: {READABLE}.")],
    trimap: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRIMAP",
            help="Its trimap: black background, white foreground, unknown between. Some networks "
            "need none.",
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER/",
            help="File to write (.png, .tif, .tiff, .exr; a composite also .jpg, .webp), or a "
            "folder, made if missing. By default next to IMAGE, as NAME_alpha.png, NAME_cutout.png "
            "or NAME_composite.png; .exr if IMAGE is.",
            show_default=False,
        ),
    ] = None,
    method: MethodName = "learned",
    weights: WeightsFile = None,
    plate: Annotated[
        Path | None,
        typer.Option(
            help="The scene without its foreground, for networks that need it. What to put the "
            "cut-out over is --over."
        ),
    ] = None,
    handheld: Annotated[
        bool,
        typer.Option("--handheld", help="The camera moved between IMAGE and --plate: align them."),
    ] = False,
    cutout: Annotated[
        bool,
        typer.Option(
            "--cutout",
            help="Write the cut-out instead of the alpha: RGBA, with the foreground's own colours.",
        ),
    ] = False,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|COLOUR",
            help="What to put the cut-out over: an image, or a CSS colour. Write the composite "
            "instead of the alpha; with --cutout, write both.",
        ),
    ] = None,
    fit: HowToFit = None,
    linear: LinearLight = False,
    epsilon: Epsilon = None,
    radius: Radius = None,
    rtol: Rtol = None,
    bits: HowManyBits = None,
    layer: Layer = None,
    exposure: Exposure = 0.0,
    memory: Annotated[
        int | None,
        typer.Option(
            parser=parse_bytes,
            metavar="BYTES",
            help="Memory to do with, such as 2G: read and write by tiles, solve piece by piece. "
            "By default pictures do so that are too large otherwise.",
        ),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Refuse a trimap that is odd, instead of warning."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Estimate the alpha of IMAGE, or cut it out.

    Exit codes: 0 when all was written, also if the solver stopped short of its
    tolerance (then there is a warning, and "converged" is false in the JSON);
    1 when an input is refused or the work fails, with one line on stderr;
    2 when the command is misused.
    """
    seconds: dict[str, float] = {}
    kinds = ["cutout"] * cutout + ["composite"] * (over is not None) or ["alpha"]
    outputs = named_outputs(image, output, kinds)
    if handheld and plate is None:
        raise typer.BadParameter("there is no --plate.", param_hint="--handheld")
    for option, given in (("--fit", fit), ("--linear", linear or None)):
        if given is not None and over is None:
            raise typer.BadParameter("there is no --over.", param_hint=option)
    with faults_in_one_line():
        estimator = method_named(method, weights)
        estimator = tuned(estimator, method, epsilon=epsilon, radius=radius, rtol=rtol)
        if trimap is not None and kinds == ["alpha"] and plate is None:
            if memory is not None or is_large(image):
                paths = image, trimap, in_tiles(outputs["alpha"], output)
                matte_in_pieces(*paths, estimator, memory, bits, as_json)
                return
        elif memory is not None:
            raise ValueError("--memory is given; in pieces only the alpha of a trimap is made.")
        with timed(seconds, "read"):
            photograph = read_photograph(
                image, outputs, name=str(image), layer=layer, exposure=exposure
            )
            pixels = photograph.image
            hints = None if trimap is None else read_image(trimap)
            size = pixels.shape[:2]
            inputs = (image, trimap, over, plate, weights)
            refuse_outputs(outputs, output, *inputs, size=size, bits=bits)
            refuse_unless_taken(estimator, trimap=trimap is not None, plate=plate is not None)
            backdrop = None if over is None else over_what(over, size, fit, photograph)
            scene = None if plate is None else _plate(plate, handheld, pixels)
        odd = [] if trimap is None or hints is None else oddities(hints, trimap, pixels, image)
        if strict and odd:
            raise ValueError(odd[0])
        make_folder(output)
        with timed(seconds, "matte"):
            found = estimate(estimator, photograph.seen, hints, scene)
        found.warnings[:0] = odd
        pictures = _pictures(photograph, found.matte, outputs, backdrop, linear, seconds)
        with timed(seconds, "write"):
            write_all(outputs, pictures, photograph.colours, bits=bits)
    if as_json:
        typer.echo(json.dumps(record(outputs, seconds, found), allow_nan=False))
        warn(found)
    else:
        tell(outputs, seconds, found)


def _plate(path: Path, handheld: bool, image: np.ndarray) -> np.ndarray:
    """Read a plate, and align it with the image if the camera was held in a hand."""
    picture = read_picture(path)
    seen = as_srgb(picture, name="plate")
    plate = picture.pixels if picture.light is None and picture.profile is None else seen
    if not handheld:
        return plate
    aligned = align_plate(image, plate)
    typer.echo(
        f"the plate fits: {aligned.points} points, {aligned.error:.2f} pixels off; it agrees "
        f"with {aligned.agreement:.0%} of the picture",
        err=True,
    )
    return aligned.plate


def _pictures(
    photograph: Photograph,
    matte: Matte,
    kinds: dict[str, Path],
    backdrop: np.ndarray | None,
    linear: bool,
    seconds: dict[str, float],
) -> dict[str, np.ndarray]:
    """Return the pictures to write.

    The foreground is the method's own, or estimated if it has none and a picture needs it.
    """
    if "alpha" in kinds:
        return {"alpha": matte.alpha}
    with timed(seconds, "foreground"):
        foreground = foreground_of(photograph, matte)
    pictures = {"cutout": cutout_of(photograph, foreground, matte.alpha)}
    if backdrop is not None:
        layers = foreground, matte.alpha, backdrop
        pictures["composite"] = composite_of(photograph, *layers, linear)
    return pictures
