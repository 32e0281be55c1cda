"""What the arguments of a command stand for: files, plates, what goes behind, widths."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from alphamat.door.image import as_image, refuse_other_size
from alphamat.files.images import read_image
from alphamat.observe import refuse_plate_unless_taken
from alphamat.plate import align_plate
from alphamat.trimap import Diagonal, Ellipse

MethodName = Annotated[
    str, typer.Option(help="How to estimate alpha; see `alphamat methods` and `alphamat models`.")
]
WeightsFile = Annotated[
    Path | None,
    typer.Option(help="File with a network's weights: .pth, .pdparams, .safetensors, .npz."),
]


class Bits(StrEnum):
    """Bits per channel of the files written."""

    EIGHT = "8"
    SIXTEEN = "16"


def output_paths(
    image: Path, output: Path | None, cutout: bool, composite: bool
) -> dict[str, Path]:
    """Say which file each picture asked for goes to."""
    asked = {"cutout": cutout, "composite": composite}
    names = [name for name in asked if asked[name]] or ["alpha"]
    if output is None or output.is_dir():
        folder = image.parent if output is None else output
        return {name: folder / f"{image.stem}_{name}.png" for name in names}
    if len(names) > 1:
        raise typer.BadParameter(
            f"{output} is not an existing folder, and --cutout with --over writes two files.",
            param_hint="--output",
        )
    return {names[0]: output}


def refuse_overwriting(path: Path, *inputs: Path | str | None) -> None:
    for given in inputs:
        if given is not None and path.exists() and Path(given).exists() and path.samefile(given):
            raise ValueError(
                f"{path} is one of the inputs, and would be overwritten; name another --output."
            )


def backdrop_pixels(spec: str, shape: tuple[int, ...], *, option: str = "--over") -> np.ndarray:
    """Return what a file or a colour puts behind the foreground, (H, W, 3)."""
    from PIL import ImageColor

    if Path(spec).exists():
        pixels = as_image(read_image(spec), name="over")
        refuse_other_size(pixels.shape, shape, "over")
        return pixels
    try:
        colour = ImageColor.getrgb(spec)
    except ValueError:
        colour = ()
    if len(colour) != 3:
        raise ValueError(
            f"{option} is '{spec}', which is neither a file nor an opaque CSS colour, such as "
            "white, '#3366cc' or 'rgb(51, 102, 204)'."
        )
    return np.full(shape, np.divide(colour, 255))


def knowing(method: Callable, plate: np.ndarray, handheld: bool, image: np.ndarray) -> Callable:
    """Return a method that has been told the clean plate, aligned with the image if need be."""
    refuse_plate_unless_taken(method)
    if handheld:
        aligned = align_plate(image, plate)
        plate = aligned.plate
        typer.echo(
            f"the plate fits: {aligned.points} points, {aligned.error:.2f} pixels off; it agrees "
            f"with {aligned.agreement:.0%} of the picture",
            err=True,
        )
    return partial(method, plate=plate)


def width_named(text: str) -> float | Diagonal | Ellipse:
    number, separator, iterations = text.partition("x")
    try:
        if separator:
            return Ellipse(int(number), iterations=int(iterations))
        if text.endswith("%"):
            return Diagonal(float(text[:-1]) / 100)
        if 0 <= float(text) < math.inf:
            return float(text)
    except ValueError:
        pass
    raise typer.BadParameter(
        f"'{text}' is no width; expected pixels (12), a share of the diagonal (1.5%), or the size "
        "and iterations of an elliptic kernel (7x6)."
    )
