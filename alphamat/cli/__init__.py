"""The command `alphamat`.

Results go to stdout, progress, warnings and errors to stderr.
"""

from __future__ import annotations

from typing import Annotated

import typer

from alphamat import __version__
from alphamat.cli.batch import run_batch
from alphamat.cli.command import Command
from alphamat.cli.convert import convert_weights
from alphamat.cli.cutout import cut_out
from alphamat.cli.demo import run_demo
from alphamat.cli.doctor import examine
from alphamat.cli.evaluate import run_evaluation
from alphamat.cli.export import export_network
from alphamat.cli.matte import matte_image
from alphamat.cli.methods import list_methods
from alphamat.cli.models import list_models
from alphamat.cli.score import score_alphas
from alphamat.cli.serve import serve_photographs
from alphamat.cli.stdout import Commands
from alphamat.cli.train import train_network
from alphamat.cli.trimap import make_trimap
from alphamat.cli.video import matte_clip

COMMANDS = {
    "demo": run_demo,
    "cutout": cut_out,
    "matte": matte_image,
    "batch": run_batch,
    "trimap": make_trimap,
    "video": matte_clip,
    "serve": serve_photographs,
    "models": list_models,
    "convert": convert_weights,
    "export": export_network,
    "train": train_network,
    "evaluate": run_evaluation,
    "score": score_alphas,
    "methods": list_methods,
    "doctor": examine,
}

EXAMPLES = {
    "demo": "-o demo/",
    "cutout": "photos/ -o cutouts/",
    "matte": "photo.jpg trimap.png --cutout -o cutout.png",
    "batch": "photos/ -o cutouts/ --cutout --jobs 4",
    "trimap": "mask.png --width 1.5% --overlay photo.jpg",
    "video": "shot.mov first_trimap.png -o cut.mov",
    "serve": "--open",
    "models": "gca",
    "convert": "gca-dist.pth gca.safetensors --preset gca",
    "export": "modnet --weights modnet.ckpt --size 512x512 -o modnet.onnx",
    "train": "fine-tune --preset modnet --weights modnet.ckpt --foregrounds cutouts/ -o run/",
    "evaluate": "synthetic --method closed-form --method knn -o results",
    "score": "predictions/ truths/ trimaps/",
    "methods": "",
    "doctor": "--json",
}

app = typer.Typer(
    cls=Commands,
    help="Image matting: a clean alpha, cut-out or composite from a picture and a trimap.",
    epilog="First try: alphamat demo. Each command has an example: alphamat matte -h",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
for name, command in COMMANDS.items():
    example = f"Example: alphamat {name} {EXAMPLES[name]}".strip()
    app.command(name, cls=Command, epilog=example)(command)


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
