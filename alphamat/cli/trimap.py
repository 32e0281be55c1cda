"""`alphamat trimap`: make a trimap, or say what is odd about one."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.cli.arguments import parse_width
from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.overwriting import refuse_overwriting
from alphamat.io.images import WRITABLE, read_image, read_picture, write_image
from alphamat.io.profiles import as_rgb
from alphamat.io.sources import refuse_unreadable
from alphamat.io.whole import refuse_unwritable
from alphamat.trimap import (
    Diagonal,
    check,
    from_alpha,
    from_mask,
    from_scribbles,
    overlay,
)
from alphamat.trimap.parse import Trimap, trimap_levels
from alphamat.words import output_paths


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
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="File to write (.png, .tif, .tiff), or an existing folder. By default next to "
            "MASK, as NAME_trimap.png.",
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
        Path | None, typer.Option(help="Photograph that scribbles were painted over.")
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
    input is refused, with one line on stderr; 2 when the command is misused.
    """
    bands = {"--width": width, "--inner": inner, "--outer": outer, "--low": low, "--high": high}
    if only_check:
        asked = {"--from": None if source is Source.MASK else source, "--image": image}
        _refuse_useless("--check makes no trimap", {**bands, **asked, "--output": output})
    elif source is Source.SCRIBBLES:
        _refuse_useless("scribbles have no bands", bands)
    else:
        _refuse_useless("only scribbles are compared with an image", {"--image": image})
    outputs = _outputs({} if only_check else output_paths(mask, output, ["trimap"]), mask, shown)
    with faults_in_one_line():
        for given in filter(None, (mask, image, shown)):
            refuse_unreadable(given)
        for path in outputs.values():
            refuse_unwritable(path, endings=WRITABLE)
            refuse_overwriting(path, mask, image, shown)
        made = read_image(mask)
        if not only_check:
            given = {name.strip("-"): value for name, value in bands.items() if value is not None}
            made = _make(source, made, None if image is None else read_image(image), given)
        odd = check(made)
        pictures, profiles = {"trimap": made}, {}
        if shown is not None:
            photo, profile = read_picture(shown)
            pictures["overlay"] = overlay(photo, made)
            profiles["overlay"] = as_rgb(profile, name=str(shown))
        for name, path in outputs.items():
            write_image(path, pictures[name], profile=profiles.get(name))
    _tell(made, odd, outputs, only_check)


def _make(source: Source, pixels: np.ndarray, image: np.ndarray | None, bands: dict) -> np.ndarray:
    if source is Source.SCRIBBLES:
        return from_scribbles(pixels, image=image)
    width = bands.pop("width", Diagonal(0.01))
    maker = {Source.MASK: from_mask, Source.ALPHA: from_alpha}[source]
    return maker(pixels, **({"inner": width, "outer": width} | bands))


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
