"""`alphamat models`: networks, and where their weights are published."""

from __future__ import annotations

from typing import Annotated

import typer

from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.named import module_with
from alphamat.installed import installed_models

BUNDLED = "come with alphamat, MIT"


def list_models(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A network, to print all about it.")
    ] = None,
) -> None:
    """List the networks: where their weights are published, and on what terms.

    Weights are never downloaded. Scores are those that their authors report.
    """
    with faults_in_one_line():
        if name is not None:
            lines = [_whole(name, module_with(name, "NAME").PRESETS[name])]
        else:
            found = installed_models().items()
            lines = [_line(preset, module.PRESETS[preset]) for preset, module in found]
    typer.echo("\n".join(lines))


def _line(name: str, preset) -> str:
    weights = preset.weights
    if weights is not None:
        terms = f"{weights.format}, {weights.licence}"
    else:
        terms = BUNDLED if preset.bundled else "no published weights"
    return f"{name:<28} {terms}"


def _whole(name: str, preset) -> str:
    lines = {"network": preset.citation}
    if preset.weights is None:
        lines["weights"] = BUNDLED if preset.bundled else "none published"
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
