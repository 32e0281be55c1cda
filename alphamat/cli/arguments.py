"""Options that several commands share, as typer has them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from alphamat.cli.faults import faults_are_misuse
from alphamat.trimap import Diagonal, Ellipse
from alphamat.words import bytes_named, width_named

MethodName = Annotated[
    str,
    typer.Option(
        help="How to estimate alpha; see `alphamat methods` and `alphamat models`. Or a file of a "
        "network in ONNX: net.onnx."
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
    """Bits per channel of the files written."""

    EIGHT = "8"
    SIXTEEN = "16"


def parse_width(text: str) -> float | Diagonal | Ellipse:
    """Parse an option that is the width of a trimap's band."""
    with faults_are_misuse():
        return width_named(text)


def parse_bytes(text: str) -> int:
    """Parse an option that is an amount of memory."""
    with faults_are_misuse():
        return bytes_named(text)
