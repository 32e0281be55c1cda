"""`alphamat models` and `alphamat convert`: networks, and the files of their weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.installed import installed_models
from alphamat.files.images import refuse_unwritable


def list_models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One network, told in full.")
    ] = None,
) -> None:
    """List the networks: where their weights are published, and on what terms.

    Weights are never downloaded. Scores are those that their authors report.
    """
    with faults_in_one_line():
        models = installed_models()
        if name is None:
            for preset in models:
                typer.echo(_line(preset, models[preset].PRESETS[preset]))
        else:
            typer.echo(_whole(name, _module(name, models, "NAME").PRESETS[name]))


def convert(
    source: Annotated[
        Path, typer.Argument(metavar="IN", help="The authors' file: .pth, .ckpt, .pdparams, .npz.")
    ],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="File to write: .safetensors.")],
    preset: Annotated[str, typer.Option(help="Network that it is for; see `alphamat models`.")],
) -> None:
    """Convert a checkpoint to .safetensors, with where it comes from written into it.

    The tensors keep their authors' names. Nothing in IN is executed.
    """
    with faults_in_one_line():
        refuse_unwritable(target, endings=(".safetensors",))
        module = _module(preset, installed_models(), "--preset")
        module.convert(source, target, preset)
    typer.echo(f"wrote {target}")


def _module(name: str, models: dict, argument: str):
    if name not in models:
        raise typer.BadParameter(
            f"'{name}' is no network; expected one of: {', '.join(models)}.", param_hint=argument
        )
    return models[name]


def _line(name: str, preset) -> str:
    weights = preset.weights
    terms = "no published weights" if weights is None else f"{weights.format}, {weights.licence}"
    return f"{name:<28} {terms}"


def _whole(name: str, preset) -> str:
    lines = {"network": preset.citation}
    if preset.weights is None:
        lines["weights"] = "none published"
    else:
        commercial = {True: "allowed", False: "not allowed", None: "not stated"}
        lines |= {
            "weights": preset.weights.place,
            "format": f"{preset.weights.format} {preset.weights.size}".strip(),
            "licence": preset.weights.licence,
            "commercial": commercial[preset.weights.commercial],
            "sha256": preset.weights.sha256,
        }
    lines |= {"scores": "; ".join(map(_score, preset.scores)), "warning": preset.warning}
    return "\n".join([name, *(f"  {key:<11} {text}" for key, text in lines.items() if text)])


def _score(score) -> str:
    """Return a score as its authors print it, MSE with no 0 before the point."""
    where = ", ".join(filter(None, (score.dataset, score.note)))
    errors = f"Grad {score.grad:.2f}, Conn {score.conn:.2f}"
    return f"{where}: SAD {score.sad:.2f}, MSE {str(score.mse).removeprefix('0')}, {errors}"
