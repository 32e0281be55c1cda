"""The photographs that `alphamat cutout` is given, and the files that it makes of each."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import NamedTuple

import typer

from alphamat.cli.outputs import named_outputs
from alphamat.io.folders import natural, pictures, raise_faults
from alphamat.words import is_folder

STREAM = Path("-")  # stdin as a photograph, stdout as an output
KINDS = ("cutout", "composite", "alpha", "trimap")


class Job(NamedTuple):
    """A photograph, and the file for each kind of picture made from it."""

    source: Path
    outputs: dict[str, Path]


def photographs(texts: Sequence[str]) -> list[Path]:
    """Return files, the pictures in folders, and what patterns match, each once.

    Results of earlier runs are left out: NAME_cutout.png beside a photograph NAME.
    """
    found = dict.fromkeys(path for text in texts for path in _meant(text))
    names = {(path.parent, path.stem) for path in found}
    kept = [path for path in found if not _is_result(path, names)]
    if left_out := len(found) - len(kept):
        results = "1 result" if left_out == 1 else f"{left_out} results"
        typer.echo(f"Left out: {results} of earlier runs.", err=True)
    return kept


def _meant(text: str) -> list[Path]:
    path = Path(text)
    if path.is_dir():
        faults: list[str] = []
        found = pictures(path, faults)
        raise_faults(path, faults)
        return list(found.values())
    if path.exists() or not has_magic(text):
        return [path]
    # Windows' shells leave patterns as they are.
    matches = [Path(match) for match in sorted(glob(text, recursive=True), key=natural)]
    if not matches:
        raise FileNotFoundError(f"'{text}' matches no file.")
    return [path for path in matches if path.is_file()]


def _is_result(path: Path, names: set[tuple[Path, str]]) -> bool:
    stem, _, kind = path.stem.rpartition("_")
    return kind in KINDS and (path.parent, stem) in names


def planned(sources: list[Path], output: str | None, kinds: Sequence[str]) -> list[Job]:
    """Name the outputs of each photograph; raise if one would overwrite anything of another."""
    if output == str(STREAM) or (output is None and sources == [STREAM]):
        return [Job(source, dict.fromkeys(kinds, STREAM)) for source in sources]
    if len(sources) > 1 and output is not None and not is_folder(output):
        raise typer.BadParameter(
            f"{output} is not an existing folder; expected one, or {output}{os.sep} to make it, "
            f"since there are {len(sources)} pictures.",
            param_hint="--output",
        )
    jobs = [
        Job(source, named_outputs(Path("stdin") if source == STREAM else source, output, kinds))
        for source in sources
    ]
    _refuse_clashes(jobs)
    return jobs


def _refuse_clashes(jobs: list[Job]) -> None:
    inputs = {_real(job.source) for job in jobs}
    makers: dict[str, Path] = {}
    for source, outputs in jobs:
        for path in outputs.values():
            if _real(path) in inputs:
                raise ValueError(
                    f"{path} is one of the pictures, and would be overwritten; name another "
                    "--output."
                )
            other = makers.setdefault(_real(path), source)
            if other != source:
                raise ValueError(
                    f"{other} and {source} would both become {path}; rename one, or cut them out "
                    "in two runs."
                )


def _real(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))


def refuse_streams(jobs: list[Job], as_json: bool) -> None:
    """Raise where stdin or stdout cannot be what it is to be."""
    if len(jobs) > 1 and any(STREAM in (job.source, *job.outputs.values()) for job in jobs):
        raise typer.BadParameter("- stands for one picture, and there are more.")
    if not any(STREAM in job.outputs.values() for job in jobs):
        return
    if len(jobs[0].outputs) > 1:
        raise typer.BadParameter("stdout takes one picture; name a folder.", param_hint="--also")
    if as_json:
        raise typer.BadParameter("the picture goes to stdout.", param_hint="--json")
    if sys.stdout.isatty():
        raise typer.BadParameter(
            "stdout is a terminal; send it to a file or a program.", param_hint="--output"
        )


def left_to_do(jobs: list[Job], *, resume: bool, overwrite: bool) -> list[Job]:
    """Return the photographs to cut out; raise if an output is there and must not be replaced.

    With `resume` these are all whose outputs are missing, or older than themselves.
    """
    if resume:
        return [job for job in jobs if not _is_done(job)]
    there = [path for job in jobs for path in job.outputs.values() if path.exists()]
    if there and not overwrite:
        more = f", and {len(there) - 1} more" if len(there) > 1 else ""
        raise FileExistsError(
            f"{there[0]} is there already{more}; give --overwrite to replace what is there, or "
            "--resume to cut out only what is missing or older than its picture."
        )
    return jobs


def _is_done(job: Job) -> bool:
    if not job.source.exists() or not all(path.exists() for path in job.outputs.values()):
        return False
    oldest = min(path.stat().st_mtime for path in job.outputs.values())
    return oldest >= job.source.stat().st_mtime
