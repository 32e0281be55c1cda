"""Options that several commands share, as typer has them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alphamat.cli.faults import faults_are_misuse
from alphamat.installed import installed_methods
from alphamat.trimap import Diagonal, Ellipse
from alphamat.words import bytes_named, width_named


def _methods_from(incomplete: str) -> list[str]:
    """Return the methods whose names a shell may complete; networks would need JAX, for seconds."""
    return [name for name in sorted(installed_methods()) if name.startswith(incomplete)]


MethodName = Annotated[
    str,
    typer.Option(
        autocompletion=_methods_from,
        help="How to estimate alpha; see `alphamat methods` and `alphamat models`. Or a file of a "
        "network in ONNX: net.onnx.",
    ),
]
WeightsFile = Annotated[
    Path | None,
    typer.Option(help="File with a network's weights: .pth, .pdparams, .safetensors, .npz."),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print one JSON object, and nothing else, on stdout.")
]


class Bits(StrEnum):
    """Bits per channel of the files written, or floating point."""

    EIGHT = "8"
    SIXTEEN = "16"
    HALF = "half"
    FLOAT = "float"


HowManyBits = Annotated[
    Bits | None,
    typer.Option(
        help="Bits per channel, or floating point: PNG has 8 or 16, EXR half or float, TIFF all.",
        show_default="8; half in EXR",
    ),
]


Layer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Layer, part or channel of an EXR photograph to take.", show_default=""
    ),
]
Exposure = Annotated[
    float,
    typer.Option(
        metavar="STOPS",
        help="Brighten an EXR photograph by so many stops where it is shown in sRGB: for matting, "
        "and in outputs other than EXR.",
    ),
]


def samples(bits: Bits | None) -> int | str | None:
    """Return --bits as `write_image` takes it."""
    return int(bits) if bits in ("8", "16") else bits and str(bits)


def parse_width(text: str) -> float | Diagonal | Ellipse:
    """Parse an option that is the width of a trimap's band."""
    with faults_are_misuse():
        return width_named(text)


def parse_bytes(text: str) -> int:
    """Parse an option that is an amount of memory."""
    with faults_are_misuse():
        return bytes_named(text)
