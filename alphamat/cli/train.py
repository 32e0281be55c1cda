"""`alphamat train`: a network by a recipe, on cut-outs of one's own."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer

from alphamat.cli.arguments import WeightsFile
from alphamat.cli.faults import faults_in_one_line, in_words_of_the_command
from alphamat.extras import not_installed
from alphamat.io import write_image
from alphamat.io.whole import refuse_unwritable
from alphamat.words import file_or_colour


def train_network(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="fine-tune, with --preset; how authors trained: dim-stage1, gca, modnet, …; or "
            "learned, the library's own network, from painted scenes.",
        ),
    ],
    foregrounds: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Cut-outs: RGBA pictures, or foreground colours with --alphas. `synthetic` paints "
            "fur, hair, plants, nets, smoke and more without end.",
        ),
    ] = None,
    alphas: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The foregrounds' alphas, same names.")
    ] = None,
    backgrounds: Annotated[
        str,
        typer.Option(metavar="FOLDER|COLOUR", help="What to put foregrounds over, or `synthetic`."),
    ] = "synthetic",
    preset: Annotated[
        str | None, typer.Option(help="Network to fine-tune; see `alphamat models`.")
    ] = None,
    weights: WeightsFile = None,
    backbone: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Begin with a backbone of ImageNet, as torchvision or PaddlePaddle publish it.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option("--output", "-o", metavar="FOLDER", help="Folder of the run.")
    ] = Path("run"),
    steps: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    minutes: Annotated[
        float | None,
        typer.Option(help="About how long the run may take, instead of --steps; for learned."),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, help="Instead of the recipe's.")] = None,
    parts: Annotated[
        int,
        typer.Option(
            min=1, help="Parts of a batch, computed one after the other, which saves memory."
        ),
    ] = 1,
    size: Annotated[
        int | None,
        typer.Option(min=32, help="Side of plain samples, instead of the recipe's augmentation."),
    ] = None,
    bank: Annotated[
        int | None,
        typer.Option(min=16, help="Painted layers that the device holds; for learned."),
    ] = None,
    validation: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the foregrounds to hold out.")
    ] = 0.1,
    every: Annotated[
        int, typer.Option(min=1, help="Steps between two validations, each with a checkpoint.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Decides all that is random.")] = 0,
    workers: Annotated[int, typer.Option(min=0, help="Processes that compose samples.")] = 2,
    bfloat16: Annotated[
        bool, typer.Option("--bfloat16", help="Compute in bfloat16, for GPUs and TPUs.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder.")
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Make one step, and say what the run takes. Write batch.png."
        ),
    ] = False,
) -> None:
    """Train a network, or go on from published weights with your own cut-outs.

    The folder gets checkpoints, scalars.jsonl, sheets of held-out pictures, report.html, and the
    best network as .safetensors, for --weights of other commands.
    """
    with faults_in_one_line(), _warnings_in_one_line():
        module = _module()
        run = module.run_of(
            recipe,
            preset=preset,
            foregrounds=foregrounds,
            alphas=alphas,
            backgrounds=_backgrounds(backgrounds),
            batch=batch,
            steps=steps,
            size=size,
            bank=bank,
            validation=validation,
            seed=seed,
            workers=workers,
        )
        dtype = "bfloat16" if bfloat16 else "float32"
        options: dict[str, Any] = {"weights": weights, "backbone": backbone}
        options |= {"dtype": dtype, "parts": parts}
        if dry_run:
            _rehearse(module, run, out, **options)
            return
        options |= {"validate_every": every, "save_every": every, "resume": resume}
        options["minutes"] = minutes
        try:
            found = module.start(run, out, **options)
        except SystemExit as stop:  # after SIGTERM or Ctrl-C, with all saved
            typer.echo(in_words_of_the_command(str(stop)), err=True)
            raise typer.Exit(130) from None
    if not run.validation:
        typer.echo("No foreground was held out, so nothing was validated.", err=True)
    typer.echo(f"wrote {found.weights}")


@contextmanager
def _warnings_in_one_line() -> Iterator[None]:
    def tell(message, *_, **__) -> None:
        typer.echo(f"warning: {in_words_of_the_command(str(message))}", err=True)

    with warnings.catch_warnings():
        warnings.showwarning = tell
        yield


def _module() -> Any:
    """Return what trains, of the package that is installed for it. This imports JAX."""
    for entry in entry_points(group="alphamat.training"):
        return entry.load()
    raise not_installed("Training needs JAX", "deep")


def _backgrounds(text: str) -> Any:
    if text == "synthetic":
        return text
    found = file_or_colour(text, name="`backgrounds`")
    return found if isinstance(found, Path) else tuple(found.tolist())


def _rehearse(module: Any, run: Any, out: Path, **options: Any) -> None:
    picture = out / "batch.png"
    there = next(path for path in (out, *out.absolute().parents) if path.exists())
    refuse_unwritable(there / picture.name, endings=(".png",))
    found, recipe = module.rehearse(run, **options), run.recipe
    out.mkdir(parents=True, exist_ok=True)
    write_image(picture, found.batch)
    hours = recipe.steps * found.step / 3600
    typer.echo(
        f"wrote {picture}\n"
        f"a step of {recipe.batch} samples: {found.step:.2g} s, {found.memory / 2**30:.2g} GiB, "
        f"loss {found.loss:.4g}\n"
        f"compiling: {found.compiling:.0f} s; the first batch: {found.composing:.1f} s\n"
        f"{recipe.steps} steps: {hours:.2g} hours, if data do not keep it waiting"
    )
