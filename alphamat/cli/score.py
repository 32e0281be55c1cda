"""`alphamat score`: alphas that some other program made, against the truth."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer

from alphamat import metrics, progress
from alphamat.cli.arguments import AsJson
from alphamat.cli.faults import faults_in_one_line
from alphamat.io.images import read_image, read_picture
from alphamat.io.whole import refuse_unwritable, replace_file


class Files(NamedTuple):
    """What belongs to one picture."""

    prediction: Path
    truth: Path
    trimap: Path | None


def score_alphas(
    predictions: Annotated[
        Path, typer.Argument(metavar="PREDICTIONS", help="Alpha to score, or a folder of them.")
    ],
    truth: Annotated[
        Path,
        typer.Argument(metavar="TRUTH", help="True alpha, or a folder with files of equal names."),
    ],
    trimaps: Annotated[
        Path | None,
        typer.Argument(
            metavar="TRIMAPS",
            help="Trimap, or a folder of them: only unknown pixels are scored. By default all are.",
        ),
    ] = None,
    quantise: Annotated[
        bool, typer.Option(help="Round alphas to 8 bits first, as published numbers do.")
    ] = True,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Also write a table of pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score alphas against the truth: SAD, MSE, MAD, Grad and Conn, and their means.

    Files in folders belong together by name, whatever their suffix. Nothing is scored unless each
    picture has all of its files, of one size.

    Exit codes: 0 when all was scored; 1 when an input is refused, with one line on stderr; 2 when
    the command is misused.
    """
    with faults_in_one_line():
        if csv_file is not None:
            refuse_unwritable(csv_file, endings=(".csv",))
        scores = _score_each(_pair(predictions, truth, trimaps), quantise)
        if csv_file is not None:
            replace_file(csv_file, [_table(scores).encode()])
    mean = metrics.Scores(*np.mean(list(scores.values()), axis=0).tolist())
    if as_json:
        record = {
            "region": "whole" if trimaps is None else "unknown",
            "quantised": quantise,
            "pictures": [{"name": name, **_plain(scores[name])} for name in scores],
            "mean": _plain(mean),
        }
        typer.echo(json.dumps(record, allow_nan=False))
    else:
        _tell(scores, mean)
        region = "all pixels" if trimaps is None else "the unknown pixels of the trimaps"
        levels = "rounded to 8 bits" if quantise else "not rounded"
        typer.echo(f"Of {region}, {levels}; SAD, Grad and Conn in thousands.")
    empty = [name for name in scores if math.isnan(scores[name].mse)]
    if empty:
        typer.echo(
            f"warning: no pixel is unknown in {', '.join(empty)}: MSE and MAD are undefined, and "
            "so are their means.",
            err=True,
        )


def _pair(predictions: Path, truth: Path, trimaps: Path | None) -> dict[str, Files]:
    """Return the files of each picture by its name, or name all that do not fit."""
    from alphamat.io import folders as files

    given = [path for path in (predictions, truth, trimaps) if path is not None]
    for path in given:
        if not path.exists():
            raise FileNotFoundError(f"{path} does not exist; expected an image or a folder.")
    if len({path.is_dir() for path in given}) == 2:
        raise ValueError(
            f"{' and '.join(map(str, given))} are files and folders; expected one kind."
        )
    if not truth.is_dir():
        return {predictions.stem: Files(predictions, truth, trimaps)}
    faults: list[str] = []
    truths = files.pictures(truth, faults)
    sizes = {name: files.size(path, faults) for name, path in truths.items()}
    alphas = files.partners(predictions, truths, sizes, faults)
    hints = {} if trimaps is None else files.partners(trimaps, truths, sizes, faults)
    _refuse(faults)
    return {name: Files(alphas[name], truths[name], hints.get(name)) for name in truths}


def _score_each(pictures: dict[str, Files], quantise: bool) -> dict[str, metrics.Scores]:
    scores, faults = {}, []
    with progress.bar("scoring", total=len(pictures)) as bar:
        for name, files in pictures.items():
            try:
                alpha, truth = (read_picture(path).pixels for path in files[:2])
                trimap = None if files.trimap is None else read_image(files.trimap)
                scores[name] = metrics.all(alpha, truth, trimap, quantise=quantise)
            except (ValueError, TypeError, OSError) as fault:
                faults.append(f"{name}: {str(fault).rstrip('.')}")
            bar.advance()
    _refuse(faults)
    return scores


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ValueError("; ".join(faults) + ".")


def _table(scores: dict[str, metrics.Scores]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["name", *metrics.Scores._fields])
    table.writerows([name, *scores[name]] for name in scores)
    return text.getvalue()


def _plain(scores: metrics.Scores) -> dict[str, float | None]:
    """Return scores as JSON has them, which knows no NaN."""
    return {name: None if math.isnan(value) else value for name, value in scores._asdict().items()}


def _tell(scores: dict[str, metrics.Scores], mean: metrics.Scores) -> None:
    rows = list(scores.items()) + [("mean", mean)] * (len(scores) > 1)
    width = max(len(name) for name, _ in rows)
    columns = metrics.METRICS.values()
    typer.echo(" " * width + "".join(f"{metric.title:>12}" for metric in columns))
    for name, row in rows:
        texts = [f"{v:12.{metric.decimals}f}" for v, metric in zip(row, columns, strict=True)]
        typer.echo(f"{name:<{width}}" + "".join(texts))
