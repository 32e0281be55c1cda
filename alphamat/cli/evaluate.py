"""`alphamat evaluate`: methods on a data set."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from alphamat.cli.arguments import AsJson, parse_width
from alphamat.cli.faults import faults_are_misuse, faults_in_one_line, in_words_of_the_command
from alphamat.cli.installed import method_named
from alphamat.datasets import DATASETS, Reader
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
            "methods` and `alphamat models`. Repeat it for more.",
            show_default=False,
        ),
    ] = None,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            help="Folder to write to; made if missing. Results that an earlier run left there are "
            "not computed again.",
        ),
    ] = Path("evaluation"),
    jobs: Annotated[
        int, typer.Option(help="Samples to work on at a time; -1 is one per core.")
    ] = 1,
    quantise: Annotated[
        bool, typer.Option(help="Round alphas to 8 bits before scoring, as published numbers do.")
    ] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Take only the first N samples.")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="Part of the data set, such as test, if it has several.")
    ] = None,
    resolution: Annotated[str | None, typer.Option(help="For alphamatting: low or high.")] = None,
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
    options = {
        "split": split,
        "resolution": resolution,
        "trimap": trimap_width,
        "backgrounds": backgrounds,
    }
    given = {key: value for key, value in options.items() if value is not None}
    reader = _reader(dataset)
    read = _told(reader, dataset, path, given)
    with faults_in_one_line():
        from alphamat import evaluation
        from alphamat.evaluation.digits import count

        try:
            found = evaluation.evaluate(
                dict(map(_method, method)),
                read()[:limit],
                folder=output,
                jobs=jobs,
                quantise=quantise,
                unit="group" if reader.of_clips else "name",
            )
        except KeyboardInterrupt as stop:
            stop.add_note(f"{output} keeps the finished results; run it again to go on.")
            raise
        outputs = {
            "csv": output / "scores.csv",
            "json": output / "scores.json",
            "markdown": output / "scores.md",
            "report": output / "report.html",
        }
        found.to_csv(outputs["csv"])
        found.to_json(outputs["json"])
        found.to_markdown(outputs["markdown"])
        found.report(outputs["report"], title=f"Matting methods on {dataset}")
    paths = {name: str(file) for name, file in outputs.items()}
    if as_json:
        typer.echo(json.dumps({"outputs": paths, **found.record()}, allow_nan=False))
    else:
        _tell(found, outputs)
    for (name, error), rows in found.failures().items():
        told = in_words_of_the_command(error)
        typer.echo(
            f"warning: {name} failed on {len(rows)} of {count(found.samples, 'sample')}: {told}",
            err=True,
        )
    if all(row.error for row in found.rows):
        raise typer.Exit(1)


def _method(text: str) -> tuple[str, Callable]:
    """Return a method's name, and the method itself."""
    name, _, weights = text.partition("=")
    return name, method_named(name, Path(weights) if weights else None)


def _reader(name: str) -> Reader:
    if (written := name.replace("_", "-")) not in DATASETS:
        raise typer.BadParameter(
            f"'{name}' is not known; expected one of: {', '.join(DATASETS)}.", param_hint="DATASET"
        )
    return DATASETS[written]


def _told(reader: Reader, name: str, path: Path | None, options: dict[str, Any]) -> Callable:
    """Return a data set's function with its arguments, or name one that it does not take."""
    takes = inspect.signature(reader.read).parameters
    for key in options:
        if key not in takes:
            flag = "--trimap-width" if key == "trimap" else f"--{key}"
            raise typer.BadParameter(f"{name} does not take it.", param_hint=flag)
    if "trimap" in options:
        from alphamat.trimap import from_alpha

        width = options["trimap"]
        options["trimap"] = partial(from_alpha, inner=width, outer=width)
    if "backgrounds" in takes:
        options["backgrounds"] = _backgrounds(options.get("backgrounds"), name)
    if ("path" in takes) != (path is not None):
        needs = "needs the folder of the data set" if "path" in takes else "takes no folder"
        raise typer.BadParameter(f"{name} {needs}.", param_hint="PATH")
    return partial(reader.read, *([] if path is None else [path]), **options)


def _backgrounds(given: str | None, dataset: str) -> Path | np.ndarray:
    if given is None:
        raise typer.BadParameter(
            f"{dataset} needs a folder of pictures, or a colour, to put its cut-outs over.",
            param_hint="--backgrounds",
        )
    with faults_are_misuse():
        return file_or_colour(given, name="--backgrounds")


def _tell(found, outputs: dict[str, Path]) -> None:
    """Print means and ranks, and where the rest is."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from alphamat.evaluation.summary import means_columns, ranks_columns

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    tables = [means_columns(found, "sad")]
    if len(found.methods) > 1:
        tables.append(ranks_columns(found, "sad"))
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
