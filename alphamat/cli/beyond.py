"""`alphamat matte` for pictures beyond memory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import typer

from alphamat import memory as machine
from alphamat import progress
from alphamat.cli.arguments import Bits
from alphamat.cli.faults import in_words_of_the_command
from alphamat.cli.outputs import make_folder
from alphamat.cli.overwriting import refuse_overwriting
from alphamat.cli.report import convergence, timed
from alphamat.cli.watch import watching
from alphamat.io.windows import windows_of
from alphamat.io.zarrs import is_zarr
from alphamat.methods.closed_form import closed_form
from alphamat.methods.learned import learned
from alphamat.tiles import matte


def is_large(image: Path) -> bool:
    """Return whether a picture is too large to be read whole; what is no picture is not."""
    from PIL import Image

    if is_zarr(image):
        return True
    if not image.is_file():  # a pipe is read once
        return False
    most = min(machine.limits())[0]
    try:
        with windows_of(image, most=2**62) as windows:
            pixels = windows.size[0] * windows.size[1]
    except (ValueError, OSError):  # which the usual way tells as well
        return False
    return pixels > 2 * (Image.MAX_IMAGE_PIXELS or pixels) or 32 * pixels > most


def in_tiles(path: Path, output: str | None) -> Path:
    """Return the output as TIFF, unless its name was given."""
    named = output is not None and path == Path(output)
    return path if named else path.with_suffix(".tif")


def matte_in_pieces(
    image: Path,
    trimap: Path,
    output: Path,
    method: Callable,
    memory: int | None,
    bits: Bits | None,
    as_json: bool,
) -> None:
    """Write the alpha, with a bar on a terminal, and say so.

    By default it takes half of the memory that there is.
    """
    if bits not in (None, Bits.EIGHT, Bits.SIXTEEN):
        raise ValueError(f"--bits is {bits}; in pieces it is 8 or 16.")
    seconds: dict[str, float] = {}
    if method is learned:
        typer.echo("the network sees whole pictures only; closed-form is used instead", err=True)
        method = closed_form
    refuse_overwriting(output, image, trimap)
    make_folder(str(output.parent) + "/")
    memory = memory or int(min(machine.limits())[0] / 2)
    with (
        timed(seconds, "matte"),
        progress.bar("reading") as bar,
        watching(bar.hear) as (solutions, warned),
    ):
        matte(image, trimap, output, method=method, memory=memory, bits=int(bits or 8))
    warned = [in_words_of_the_command(message) for message in warned]
    if as_json:
        told = {
            "outputs": {"alpha": str(output)},
            "seconds": {step: round(spent, 4) for step, spent in seconds.items()},
            **convergence(solutions),
            "warnings": warned,
        }
        typer.echo(json.dumps(told, allow_nan=False))
    else:
        typer.echo(f"wrote {output}")
        typer.echo(", ".join(f"{step} {spent:.2f} s" for step, spent in seconds.items()))
    for message in [] if as_json else warned:
        typer.echo(f"warning: {message}", err=True)
