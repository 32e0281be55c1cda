"""`alphamat matte`: a picture's alpha, cut-out or composite."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.cli.arguments import AsJson, Bits, MethodName, WeightsFile
from alphamat.cli.faults import faults_are_misuse, faults_in_one_line
from alphamat.cli.installed import method_named
from alphamat.cli.overwriting import refuse_overwriting
from alphamat.cli.report import record, tell, timed, warn
from alphamat.cli.watch import estimate
from alphamat.door import as_image, refuse_other_size
from alphamat.io.images import WRITABLE, read_image, read_picture, write_image
from alphamat.io.profiles import as_rgb, convert_colours
from alphamat.io.sources import refuse_unreadable
from alphamat.io.whole import refuse_unwritable
from alphamat.method import Matte, refuse_unless_taken
from alphamat.plate import align_plate
from alphamat.words import file_or_colour, output_paths


def matte_image(
    image: Annotated[
        Path, typer.Argument(metavar="IMAGE", help="Photograph: PNG, JPEG, TIFF or WebP.")
    ],
    trimap: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRIMAP",
            help="Its trimap: black background, white foreground, unknown between. Some networks "
            "need none.",
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write (.png, .tif, .tiff), or an existing folder. By default next to "
            "IMAGE, as NAME_alpha.png, NAME_cutout.png or NAME_composite.png.",
        ),
    ] = None,
    method: MethodName = "closed-form",
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
            help="What to put the cut-out over: an image of the same size, or a CSS colour. Write "
            "the composite instead of the alpha; with --cutout, write both.",
        ),
    ] = None,
    bits: Annotated[Bits, typer.Option(help="Bits per channel.")] = Bits.EIGHT,
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
    with faults_are_misuse("--output"):
        outputs = output_paths(image, output, kinds)
    if handheld and plate is None:
        raise typer.BadParameter("there is no --plate.", param_hint="--handheld")
    with faults_in_one_line():
        estimator = method_named(method, weights)
        for given in filter(None, (image, trimap, plate)):
            refuse_unreadable(given)
        for path in outputs.values():
            refuse_unwritable(path, endings=WRITABLE)
            refuse_overwriting(path, image, trimap, over, plate, weights)
        refuse_unless_taken(estimator, trimap=trimap is not None, plate=plate is not None)
        with timed(seconds, "read"):
            stored, profile = read_picture(image)
            profile = None if "alpha" in kinds else as_rgb(profile, name=str(image))
            pixels = as_image(stored)
            hints = None if trimap is None else read_image(trimap)
            backdrop = None if over is None else _over_what(over, pixels.shape, profile)
            scene = None if plate is None else _plate(plate, handheld, pixels)
        with timed(seconds, "matte"):
            found = estimate(estimator, stored, hints, scene)
        pictures = _pictures(pixels, found.matte, outputs, backdrop, seconds)
        with timed(seconds, "write"):
            for kind, path in outputs.items():
                write_image(path, pictures[kind], bits=int(bits), profile=profile)
    if as_json:
        typer.echo(json.dumps(record(outputs, seconds, found), allow_nan=False))
        warn(found)
    else:
        tell(outputs, seconds, found)


def _over_what(text: str, size: tuple[int, ...], profile: bytes | None) -> np.ndarray:
    """Return what a cut-out is put over: an (H, W, 3) picture of its size, or a (3,) colour.

    Its colours are brought to the photograph's profile.
    """
    given = file_or_colour(text, name="--over")
    if not isinstance(given, Path):
        return convert_colours(given, None, profile)
    pixels, own = read_picture(given)
    pixels = as_image(pixels, name="over")
    refuse_other_size(pixels.shape, size, "over")
    return convert_colours(pixels, as_rgb(own, name=text), profile)


def _plate(path: Path, handheld: bool, image: np.ndarray) -> np.ndarray:
    """Read a plate, and align it with the image if the camera was held in a hand."""
    plate = read_image(path)
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
    image: np.ndarray,
    matte: Matte,
    kinds: dict[str, Path],
    backdrop: np.ndarray | None,
    seconds: dict[str, float],
) -> dict[str, np.ndarray]:
    """Return the pictures to write.

    The foreground is the method's own, or estimated if it has none and a picture needs it.
    """
    alpha, foreground = matte
    if "alpha" in kinds:
        return {"alpha": alpha}
    from alphamat import composite, cutout, estimate_foreground

    if foreground is None:
        with timed(seconds, "foreground"):
            foreground = estimate_foreground(image, alpha).foreground
    pictures = {"cutout": cutout(foreground, alpha)}
    if backdrop is not None:
        pictures["composite"] = composite(foreground, alpha, backdrop)
    return pictures
