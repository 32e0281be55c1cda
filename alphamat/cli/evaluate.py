"""`alphamat evaluate`: methods on a data set."""

from __future__ import annotations

import inspect
import json
import math
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from alphamat.cli.arguments import AsJson, parse_width
from alphamat.cli.faults import faults_are_misuse, faults_in_one_line, in_words_of_the_command
from alphamat.cli.named import function_named, method_named
from alphamat.datasets import DATASETS, Reader
from alphamat.metrics import METRICS
from alphamat.words import file_or_colour


def run_evaluation(
    dataset: Annotated[
        str, typer.Argument(metavar="DATASET", help=f"One of {', '.join(DATASETS)}.")
    ],
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="Folder of the data set; `synthetic` needs none."),
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=WEIGHTS]",
            help="Method to evaluate, a network with the file of its weights; see `alphamat "
            "methods` and `alphamat models`. MODULE:FUNCTION is a function of yours. Repeat it for "
            "more.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder to write to; made if missing. Results that an earlier run left there are "
            "not computed again.",
        ),
    ] = "evaluation",
    jobs: Annotated[
        int, typer.Option(help="Samples to work on at a time; -1 is one per core.")
    ] = 1,
    time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            help="Stop a method that takes longer for a sample; it has failed there.",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODULE:FUNCTION",
            help="Metric of yours, (alpha, truth, trimap) -> float, where lower is better. Repeat "
            "it for more.",
            show_default=False,
        ),
    ] = None,
    order_by: Annotated[
        str,
        typer.Option(
            metavar="METRIC",
            help="Metric to order methods by: sad, mse, mad, grad, conn, or the name of yours.",
        ),
    ] = "sad",
    quantise: Annotated[
        bool, typer.Option(help="Round alphas to 8 bits before scoring, as published numbers do.")
    ] = True,
    whole: Annotated[
        bool,
        typer.Option(
            "--whole",
            help="Score all pixels, not the unknown ones of trimaps alone: for methods that need "
            "no trimap.",
        ),
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take only the first N samples.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part of the data set, such as test, if it has several.")
    ] = None,
    resolution: Annotated[str | None, typer.Option(help="For alphamatting: low or high.")] = None,
    image: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the images, below PATH, as those of --trimap and --alpha are. Without "
            "PATH they lie in the working folder, and only those that are named are used.",
        ),
    ] = None,
    trimap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FOLDER",
            help="Folder of the trimaps. Repeat it for several trimaps of each image.",
            show_default=False,
        ),
    ] = None,
    alpha: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Folder of the true alphas.")
    ] = None,
    trimap_width: Annotated[
        object | None,
        typer.Option(
            metavar="WIDTH",
            parser=parse_width,
            help="Make trimaps from the true alphas. Fractional pixels are unknown, and so are "
            "those within this width of them: pixels (10), a share of the diagonal (1%), or the "
            "size and iterations of an elliptic kernel (25x1, with which PaddleSeg scores methods "
            "that need a trimap).",
        ),
    ] = None,
    backgrounds: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER|COLOUR",
            help="What to put the cut-outs of photomatte85 and videomatte240k over.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run methods on DATASET, score their alphas, and write tables and a report with pictures.

    OUTPUT gets report.html, scores.csv, scores.json, scores.md, and each alpha. A stopped run
    goes on where it was if the same command is given again.

    Exit codes: 0 when a report was written, also if a method failed on some samples (then there
    are warnings); 1 when an input is refused or all failed; 2 when the command is misused.
    """
    if not method:
        raise typer.BadParameter("name at least one method.", param_hint="--method")
    if time_limit is not None and not 0 < time_limit < math.inf:
        raise typer.BadParameter("expected seconds, more than 0.", param_hint="--time-limit")
    if trimap and trimap_width is not None:
        raise typer.BadParameter("--trimap names others.", param_hint="--trimap-width")
    options = {
        "--split": split,
        "--resolution": resolution,
        "--image": image,
        "--trimap": _one_or_several(trimap),
        "--alpha": alpha,
        "--trimap-width": trimap_width,
        "--backgrounds": backgrounds,
    }
    given = {flag: value for flag, value in options.items() if value is not None}
    reader = _reader(dataset)
    read = _told(reader, dataset, path, given)
    _refuse_repeated(method, "--method")
    metrics = {text.partition(":")[2]: function_named(text, "--metric") for text in metric or []}
    _refuse_repeated([text.partition(":")[2] for text in metric or []], "--metric")
    if order_by not in (*METRICS, *metrics):
        raise typer.BadParameter(
            f"'{order_by}' is not known; expected one of: {', '.join([*METRICS, *metrics])}.",
            param_hint="--order-by",
        )
    outputs = {
        "csv": os.path.join(output, "scores.csv"),
        "json": os.path.join(output, "scores.json"),
        "markdown": os.path.join(output, "scores.md"),
        "report": os.path.join(output, "report.html"),
    }
    with faults_in_one_line():
        from alphamat import evaluation
        from alphamat.evaluation.digits import count

        try:
            found = evaluation.evaluate(
                _methods(method),
                read()[:limit],
                folder=output,
                jobs=jobs,
                limit=time_limit,
                quantise=quantise,
                metrics=metrics,
                region=evaluation.whole_picture if whole else None,
                unit="group" if reader.of_clips else "name",
            )
        except KeyboardInterrupt as stop:
            kept = os.path.join(output, "")
            stop.add_note(
                f"Finished results are in {kept}. Run the same command again to continue."
            )
            raise
        found.to_csv(outputs["csv"])
        found.to_json(outputs["json"])
        found.to_markdown(outputs["markdown"], metric=order_by)
        found.report(outputs["report"], title=f"Matting methods on {dataset}", metric=order_by)
    if as_json:
        typer.echo(json.dumps({"outputs": outputs, **found.record()}, allow_nan=False))
    else:
        _tell(found, outputs, order_by)
    for (name, error), rows in found.failures().items():
        told = in_words_of_the_command(error)
        typer.echo(
            f"warning: {name} failed on {len(rows)} of {count(found.samples, 'sample')}: {told}",
            err=True,
        )
    if all(row.error for row in found.rows):
        raise typer.Exit(1)


def _one_or_several(folders: list[str] | None) -> str | tuple[str, ...] | None:
    if not folders:
        return None
    return folders[0] if len(folders) == 1 else tuple(folders)


def _refuse_repeated(names: list[str], option: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise typer.BadParameter(f"'{name}' is given twice.", param_hint=option)


def _methods(texts: list[str]) -> dict[str, Callable]:
    """Return methods by name; of a network with several weights, by all that was typed."""
    parts = [text.partition("=") for text in texts]
    names = [name for name, _, _ in parts]
    return {
        name if names.count(name) == 1 else text: method_named(
            name, Path(weights) if weights else None
        )
        for text, (name, _, weights) in zip(texts, parts, strict=True)
    }


def _reader(name: str) -> Reader:
    if (written := name.replace("_", "-")) not in DATASETS:
        raise typer.BadParameter(
            f"'{name}' is not known; expected one of: {', '.join(DATASETS)}.", param_hint="DATASET"
        )
    return DATASETS[written]


def _told(reader: Reader, name: str, path: Path | None, options: dict[str, Any]) -> Callable:
    """Return a data set's function with its arguments, or name one that it does not take."""
    takes = inspect.signature(reader.read).parameters
    told: dict[str, Any] = {}
    for flag, value in options.items():
        key = "trimap" if flag == "--trimap-width" else flag.removeprefix("--")
        if key not in takes:
            raise typer.BadParameter(f"{name} does not take it.", param_hint=flag)
        told[key] = value
    if "--trimap-width" in options:
        from alphamat.trimap import from_alpha

        width = options["--trimap-width"]
        told["trimap"] = partial(from_alpha, inner=width, outer=width)
    if path is None and "image" in told:
        path, told = Path(), {"trimap": None, "alpha": None, **told}
    if "backgrounds" in takes:
        told["backgrounds"] = _backgrounds(told.get("backgrounds"), name)
    if ("path" in takes) != (path is not None):
        needs = "needs the folder of the data set" if "path" in takes else "takes no folder"
        raise typer.BadParameter(f"{name} {needs}.", param_hint="PATH")
    return partial(reader.read, *([] if path is None else [path]), **told)


def _backgrounds(given: str | None, dataset: str) -> Path | np.ndarray:
    if given is None:
        raise typer.BadParameter(
            f"{dataset} needs a folder of pictures, or a colour, to put its cut-outs over.",
            param_hint="--backgrounds",
        )
    with faults_are_misuse():
        return file_or_colour(given, name="--backgrounds")


def _tell(found, outputs: dict[str, str], metric: str = "sad") -> None:
    """Print means and ranks, and where the rest is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from alphamat.evaluation.summary import means_columns, ranks_columns

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    tables = [means_columns(found, metric)]
    if len(found.methods) > 1:
        tables.append(ranks_columns(found, metric))
    for columns in tables:
        grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for at, head in enumerate(columns):
            grid.add_column(head, justify="right" if at else "left")
        for cells in zip(*columns.values(), strict=True):
            grid.add_row(*(Text(cell.text, "bold green" * cell.best) for cell in cells))
        console.print(grid)
        console.print()
    for path in outputs.values():
        typer.echo(f"wrote {path}")
