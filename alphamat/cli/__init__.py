"""The command `alphamat`.

Results go to stdout, progress, warnings and errors to stderr.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat import __version__
from alphamat.cli.arguments import (
    Bits,
    MethodName,
    WeightsFile,
    backdrop_pixels,
    knowing,
    output_paths,
    refuse_overwriting,
)
from alphamat.cli.evaluate import run_evaluation
from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.installed import installed_methods, method_named
from alphamat.cli.models import convert, list_models
from alphamat.cli.report import record, tell, warn
from alphamat.cli.score import score
from alphamat.cli.trimap import make_trimap
from alphamat.cli.video import matte_clip
from alphamat.cli.watch import estimate
from alphamat.door.image import as_image
from alphamat.files.images import read_image, refuse_unwritable, write_image

app = typer.Typer(
    help="Image matting: a clean alpha, cut-out or composite from a picture and a trimap.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"alphamat {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    output: Annotated[Path, typer.Option(help="Folder to write to; made if missing.")] = Path(
        "demo"
    ),
) -> None:
    """Cut out the built-in photograph: alpha, cut-out, composite and a contact sheet."""
    with faults_in_one_line():
        from alphamat import closed_form, composite, cutout, estimate_foreground
        from alphamat.examples import astronaut, sky

        output.mkdir(parents=True, exist_ok=True)
        seconds: dict[str, float] = {}
        with _timed(seconds, "read"):
            image, trimap = astronaut()
        with _timed(seconds, "matte"):
            found = estimate(closed_form, image, trimap)
        alpha = found.alpha
        with _timed(seconds, "foreground"):
            foreground = estimate_foreground(image, alpha).foreground
        with _timed(seconds, "write"):
            pictures = {"alpha": alpha, "cutout": cutout(foreground, alpha)}
            pictures["composite"] = composite(foreground, alpha, sky(*alpha.shape))
            pictures["sheet"] = _contact_sheet([image, trimap, alpha, pictures["composite"]])
            outputs = {name: output / f"{name}.png" for name in pictures}
            for name, path in outputs.items():
                write_image(path, pictures[name])
    tell(outputs, seconds, found)


@app.command()
def matte(
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
            help="The scene without its foreground, for networks that need it. What to put behind "
            "instead is --over."
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
            help="Write a composite instead of the alpha: over an image of the same size, or over "
            "a CSS colour. With --cutout, write both.",
        ),
    ] = None,
    bits: Annotated[Bits, typer.Option(help="Bits per channel.")] = Bits.EIGHT,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
    ] = False,
) -> None:
    """Estimate the alpha of IMAGE, or cut it out.

    Exit codes: 0 when all was written, also if the solver stopped short of its
    tolerance (then there is a warning, and "converged" is false in the JSON);
    1 when an input is refused or the work fails, with one line on stderr;
    2 when the command is misused.
    """
    seconds: dict[str, float] = {}
    outputs = output_paths(image, output, cutout, over is not None)
    if handheld and plate is None:
        raise typer.BadParameter("there is no --plate.", param_hint="--handheld")
    with faults_in_one_line():
        estimator = method_named(method, weights)
        for path in outputs.values():
            refuse_unwritable(path)
            refuse_overwriting(path, image, trimap, over, plate, weights)
        with _timed(seconds, "read"):
            stored = read_image(image)
            pixels = as_image(stored)
            hints = None if trimap is None else read_image(trimap)
            behind = None if over is None else backdrop_pixels(over, pixels.shape)
            if plate is not None:
                estimator = knowing(estimator, read_image(plate), handheld, pixels)
        with _timed(seconds, "matte"):
            found = estimate(estimator, stored, hints)
        pictures = _pictures(pixels, found.alpha, outputs, behind, seconds)
        with _timed(seconds, "write"):
            for name, path in outputs.items():
                write_image(path, pictures[name], bits=int(bits))
    if as_json:
        typer.echo(json.dumps(record(outputs, seconds, found), allow_nan=False))
        warn(found)
    else:
        tell(outputs, seconds, found)


app.command("trimap")(make_trimap)
app.command("video")(matte_clip)
app.command("models")(list_models)
app.command("convert")(convert)
app.command("evaluate")(run_evaluation)
app.command("score")(score)


@app.command()
def methods() -> None:
    """List the methods that are installed."""
    for name, entry in sorted(installed_methods().items()):
        typer.echo(f"{name:<24} {entry.value}")


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start


def _pictures(
    image: np.ndarray,
    alpha: np.ndarray,
    names: dict[str, Path],
    behind: np.ndarray | None,
    seconds: dict[str, float],
) -> dict[str, np.ndarray]:
    """Return what `matte` was asked for; the foreground is estimated only where that needs it."""
    if "alpha" in names:
        return {"alpha": alpha}
    from alphamat import composite, cutout, estimate_foreground

    with _timed(seconds, "foreground"):
        foreground = estimate_foreground(image, alpha).foreground
    pictures = {"cutout": cutout(foreground, alpha)}
    if behind is not None:
        pictures["composite"] = composite(foreground, alpha, behind)
    return pictures


def _contact_sheet(panels: list[np.ndarray], margin: int = 8) -> np.ndarray:
    """Return images of one size side by side on white."""
    frame = ((margin, margin), (margin, 0), (0, 0))
    row = [np.pad(as_image(panel), frame, constant_values=1) for panel in panels]
    return np.concatenate([*row, np.ones_like(row[0][:, :margin])], axis=1)
