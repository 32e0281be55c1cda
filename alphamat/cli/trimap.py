"""`alphamat trimap`: make a trimap, or say what is odd about one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.cli.arguments import parse_width
from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.outputs import make_folder, named_outputs, refuse_outputs, write_all
from alphamat.colours import Colours
from alphamat.io.images import read_image, read_picture
from alphamat.io.picture import as_srgb
from alphamat.io.profiles import as_rgb
from alphamat.trimap import (
    Diagonal,
    check,
    from_alpha,
    from_mask,
    from_scribbles,
    overlay,
)
from alphamat.trimap.parse import Trimap, trimap_levels


class Source(StrEnum):
    """What a trimap is made from."""

    MASK = "mask"
    ALPHA = "alpha"
    SCRIBBLES = "scribbles"


def _width_option(text: str, default: str):
    return typer.Option(help=text, metavar="WIDTH", parser=parse_width, show_default=default)


def make_trimap(
    mask: Annotated[
        Path,
        typer.Argument(
            metavar="MASK", help="Segmentation: white foreground, black background, gray uncertain."
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|FOLDER/",
            help="File to write (.png, .tif, .tiff), or a folder, made if missing. By default next "
            "to MASK, as NAME_trimap.png.",
            show_default=False,
        ),
    ] = None,
    width: Annotated[
        object | None,
        _width_option(
            "Width of the unknown band on either side of the edge: pixels (12), a share of the "
            "image's diagonal (1.5%), or size and iterations of an elliptic kernel (7x6).",
            "1%",
        ),
    ] = None,
    inner: Annotated[
        object | None, _width_option("Width within the foreground.", "--width")
    ] = None,
    outer: Annotated[
        object | None, _width_option("Width within the background.", "--width")
    ] = None,
    low: Annotated[
        float | None,
        typer.Option(help="MASK is background up to this share of full scale.", show_default="0"),
    ] = None,
    high: Annotated[
        float | None,
        typer.Option(help="MASK is foreground from this share of full scale on.", show_default="1"),
    ] = None,
    source: Annotated[
        Source,
        typer.Option(
            "--from",
            help="What MASK is: a mask; the alpha of a data set, which may lack opaque or clear "
            "pixels; or white and black scribbles, on a copy of --image or on plain gray.",
        ),
    ] = Source.MASK,
    image: Annotated[
        Path | None,
        typer.Option(
            help="Photograph that scribbles were painted over, or that a trimap to --check is of."
        ),
    ] = None,
    shown: Annotated[
        Path | None,
        typer.Option(
            "--overlay",
            metavar="IMAGE",
            help="Also show the trimap on this photograph, in NAME_overlay.png beside it.",
        ),
    ] = None,
    only_check: Annotated[
        bool,
        typer.Option("--check", help="MASK is a trimap already: only say what is odd about it."),
    ] = False,
) -> None:
    """Make a trimap from MASK, and say what is odd about it.

    Exit codes: 0 when all was written, also if something is odd; 1 when an
    input is refused, with one line on stderr, or --check finds something odd;
    2 when the command is misused.
    """
    bands = {"--width": width, "--inner": inner, "--outer": outer, "--low": low, "--high": high}
    if only_check:
        asked = {"--from": None if source is Source.MASK else source}
        _refuse_useless("--check makes no trimap", {**bands, **asked, "--output": output})
    elif source is Source.SCRIBBLES:
        _refuse_useless("scribbles have no bands", bands)
    else:
        _refuse_useless("only scribbles are compared with an image", {"--image": image})
    made_of = {} if only_check else named_outputs(mask, output, ["trimap"])
    outputs = _outputs(made_of, mask, shown)
    with faults_in_one_line():
        made = read_image(mask)
        photograph = None if image is None else read_image(image)
        seen, colours = (None, Colours()) if shown is None else _seen(shown)
        refuse_outputs(outputs, output, mask, image, shown)
        if not only_check:
            given = {name.strip("-"): value for name, value in bands.items() if value is not None}
            made = _make(source, made, photograph, given)
        odd = check(made, image=seen if photograph is None else photograph)
        pictures = {"trimap": made}
        if seen is not None:
            pictures["overlay"] = overlay(seen, made)
        make_folder(output)
        write_all(outputs, pictures, colours)
    _tell(made, odd, outputs, only_check)
    if only_check and odd:
        raise typer.Exit(1)


def _make(source: Source, pixels: np.ndarray, image: np.ndarray | None, bands: dict) -> np.ndarray:
    if source is Source.SCRIBBLES:
        return from_scribbles(pixels, image=image)
    width = bands.pop("width", Diagonal(0.01))
    maker = {Source.MASK: from_mask, Source.ALPHA: from_alpha}[source]
    return maker(pixels, **({"inner": width, "outer": width} | bands))


def _seen(path: Path) -> tuple[np.ndarray, Colours]:
    """Return a photograph to draw on, in its own colours; light as sRGB shows it."""
    picture = read_picture(path)
    if picture.light is not None:
        return as_srgb(picture, name="overlay"), Colours()
    return picture.pixels, Colours(as_rgb(picture.profile, name=str(path)))


def _refuse_useless(reason: str, options: dict[str, object]) -> None:
    given = [name for name, value in options.items() if value is not None]
    if given:
        raise typer.BadParameter(f"{reason}.", param_hint=", ".join(given))


def _outputs(outputs: dict[str, Path], mask: Path, shown: Path | None) -> dict[str, Path]:
    """Add the file of the overlay, if one is wanted: beside the trimap, or else beside the mask."""
    if shown is None:
        return outputs
    overlay = outputs.get("trimap", mask).with_name(f"{mask.stem}_overlay.png")
    if overlay == outputs.get("trimap"):
        raise typer.BadParameter("the overlay goes to this file.", param_hint="--output")
    return outputs | {"overlay": overlay}


def _tell(trimap: np.ndarray, odd: list[str], outputs: dict[str, Path], asked: bool) -> None:
    """Print the files written, the shares, and what is odd: as warnings, unless asked for."""
    for path in outputs.values():
        typer.echo(f"wrote {path}")
    parts = Trimap.of(trimap_levels(trimap))
    names = ("foreground", "background", "unknown")
    typer.echo(", ".join(f"{100 * getattr(parts, name).mean():.1f} % {name}" for name in names))
    for sentence in odd:
        typer.echo(sentence if asked else f"warning: {sentence}", err=not asked)
    if asked and not odd:
        typer.echo("Nothing is odd about it.")
