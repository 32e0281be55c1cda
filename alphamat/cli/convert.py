"""`alphamat convert`: a file of weights to .safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.named import module_with
from alphamat.io.whole import refuse_unwritable


def convert_weights(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="The authors' file: .pth, .ckpt, .pdparams, .npz.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .safetensors.")],
    preset: Annotated[str, typer.Option(help="The weights' network; see `alphamat models`.")],
    like: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Take the names of this checkpoint: a trained network for its authors' program.",
        ),
    ] = None,
) -> None:
    """Convert a checkpoint to .safetensors; the new file says where the weights come from.

    The tensors keep their names, unless --like gives others. Nothing in IN is executed.
    """
    with faults_in_one_line():
        refuse_unwritable(target, endings=(".safetensors",))
        module_with(preset, "--preset").convert(source, target, preset, like=like)
    typer.echo(f"wrote {target}")
