"""`alphamat export`: a network as a file for programs without JAX."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from alphamat.cli.arguments import WeightsFile
from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.named import module_with


class Format(StrEnum):
    ONNX = "onnx"
    STABLEHLO = "stablehlo"


class Layout(StrEnum):
    """Order of a picture's axes: batch, channels, height, width, or channels last."""

    NCHW = "NCHW"
    NHWC = "NHWC"


def export_network(
    preset: Annotated[
        str, typer.Argument(metavar="PRESET", help="A network; see `alphamat models`.")
    ],
    weights: WeightsFile = None,
    target: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")
    ] = Path("net.onnx"),
    size: Annotated[
        str,
        typer.Option(
            metavar="HxW|dynamic",
            help="Height and width of the pictures that the file takes, or `dynamic`: any, as far "
            "as the network allows.",
        ),
    ] = "512x512",
    batch: Annotated[
        str,
        typer.Option(metavar="COUNT|any", help="How many pictures the file takes at a time."),
    ] = "1",
    format: Annotated[
        Format, typer.Option(help="ONNX, or StableHLO, which only JAX and XLA run.")
    ] = Format.ONNX,
    layout: Annotated[
        Layout, typer.Option(help="Order of the axes: channels before height, or last.")
    ] = Layout.NCHW,
    raw: Annotated[
        bool,
        typer.Option("--raw", help="Leave the normalisation of colours to the file's user."),
    ] = False,
    float16: Annotated[
        bool,
        typer.Option("--float16", help="Store weights as float16, which halves the file."),
    ] = False,
) -> None:
    """Write a network as a file for programs without JAX, and how to use it as .json beside it.

    The file is run beside the network on three pictures. It is not written unless both agree.
    """
    with faults_in_one_line():
        module = module_with(preset, "PRESET")
        options: dict[str, Any] = {"size": _size(size), "raw": raw, "source": weights}
        if format is Format.ONNX:
            options |= {"layout": layout.value, "half": float16, "batch": _batch(batch)}
        elif float16 or layout is not Layout.NCHW or batch != "1":
            raise typer.BadParameter("--float16, --layout and --batch are for ONNX.")
        write = getattr(module, f"export_{format.value}")
        found = write(module.load(preset, weights), target, **options)
    typer.echo(
        f"wrote {found.path} ({found.size / 1e6:.1f} MB) and {found.sidecar}\n"
        f"alpha is at most {found.difference.maximum:.1e} from the network's, on "
        f"{found.difference.pictures} pictures"
    )


def _batch(text: str) -> int | None:
    if text == "any":
        return None
    if not text.isdecimal():
        raise typer.BadParameter(
            f"'{text}' is no number of pictures; expected one, or `any`.", param_hint="--batch"
        )
    return int(text)


def _size(text: str) -> tuple[int, int] | None:
    if text == "dynamic":
        return None
    if not (found := re.fullmatch(r"(\d+)[x×](\d+)", text)):
        raise typer.BadParameter(
            f"'{text}' is no size; expected HEIGHTxWIDTH, such as 512x512, or `dynamic`.",
            param_hint="--size",
        )
    return int(found[1]), int(found[2])
