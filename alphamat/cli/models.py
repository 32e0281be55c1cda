"""`alphamat models`: networks, and where their weights are published."""

from __future__ import annotations

from typing import Annotated

import typer

from alphamat.cli.faults import faults_in_one_line
from alphamat.cli.named import ONNX, module_with
from alphamat.installed import installed_models

BUNDLED = "come with alphamat, MIT"
COMMERCIAL = {True: "allowed", False: "not allowed", None: "not stated"}


def list_models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="A network, or a file in ONNX, to print all about it."),
    ] = None,
) -> None:
    """List the networks: where their weights are published, and on what terms.

    Those that end with .onnx are files of others that run without JAX, such as
    `--method u2net.onnx`. Nothing is downloaded. Scores are those that their
    authors report.
    """
    with faults_in_one_line():
        from alphamat.onnx import ROWS

        files = {row + ONNX: about for row, about in ROWS.items()}
        if name is None:
            lines = (f"{file:<28} ONNX, {row.licence}" for file, row in files.items())
            told = "\n".join([*_networks(), *lines])
        elif name in files:
            told = _whole_file(name, files[name])
        else:
            told = _whole(name, module_with(name, "NAME").PRESETS[name])
    typer.echo(told)


def _networks() -> list[str]:
    try:
        found = installed_models().items()
    except ImportError as fault:
        typer.echo(f"networks that need JAX are not listed: {fault}", err=True)
        return []
    return [_line(preset, module.PRESETS[preset]) for preset, module in found]


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
        lines |= {
            "weights": preset.weights.place,
            "format": f"{preset.weights.format} {preset.weights.size}".strip(),
            "licence": preset.weights.licence,
            "commercial": COMMERCIAL[preset.weights.commercial],
            "sha256": preset.weights.sha256,
        }
    lines |= {"scores": "; ".join(map(_score, preset.scores)), "warning": preset.warning}
    return _told(name, lines)


def _whole_file(name: str, row) -> str:
    lines = {
        "network": row.citation,
        "file": row.url,
        "names": ", ".join(row.files),
        "licence": row.licence,
        "commercial": COMMERCIAL[row.commercial],
        "md5": row.md5,
        "warning": row.warning,
    }
    return _told(name, lines)


def _told(name: str, lines: dict[str, str]) -> str:
    return "\n".join([name, *(f"  {key:<11} {text}" for key, text in lines.items() if text)])


def _score(score) -> str:
    """Return a score as its authors print it, MSE with no 0 before the point."""
    where = ", ".join(filter(None, (score.dataset, score.note)))
    errors = f"Grad {score.grad:.2f}, Conn {score.conn:.2f}"
    return f"{where}: SAD {score.sad:.2f}, MSE {str(score.mse).removeprefix('0')}, {errors}"
