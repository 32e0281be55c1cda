"""The command `alphamat`.

Results go to stdout, progress, warnings and errors to stderr.
"""

from __future__ import annotations

from typing import Annotated

import typer

from alphamat import __version__
from alphamat.cli.convert import convert_weights
from alphamat.cli.demo import run_demo
from alphamat.cli.evaluate import run_evaluation
from alphamat.cli.matte import matte_image
from alphamat.cli.methods import list_methods
from alphamat.cli.models import list_models
from alphamat.cli.score import score_alphas
from alphamat.cli.stdout import Commands
from alphamat.cli.trimap import make_trimap
from alphamat.cli.video import matte_clip

COMMANDS = {
    "demo": run_demo,
    "matte": matte_image,
    "trimap": make_trimap,
    "video": matte_clip,
    "models": list_models,
    "convert": convert_weights,
    "evaluate": run_evaluation,
    "score": score_alphas,
    "methods": list_methods,
}

app = typer.Typer(
    cls=Commands,
    help="Image matting: a clean alpha, cut-out or composite from a picture and a trimap.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for name, command in COMMANDS.items():
    app.command(name)(command)


def _print_version(wanted: bool) -> None:
    if wanted:
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
