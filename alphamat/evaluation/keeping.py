"""A folder that keeps the finished tasks of a run, so that a later run continues from there.

`rows.jsonl` has a line for each finished task. It is written after the task's alpha,
`alphas/METHOD/GROUP/NAME.png`. A last line cut short by a kill counts as not written.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from alphamat.evaluation.measure import Finished, Key, Row
from alphamat.metrics import METRICS

NUMBERS = (*METRICS, "seconds", "peak_memory")


def keep(folder: Path, finished: Finished, settings: dict) -> Path | None:
    """Write down a finished task; return the path of its alpha."""
    path = None
    if finished.alpha is not None:
        path = picture_path(folder, finished.row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(finished.alpha)
    line = json.dumps({"settings": settings, "row": plain(finished.row)}, ensure_ascii=False)
    with open(folder / "rows.jsonl", "a", encoding="utf-8") as file:
        file.write(line + "\n")
    return path


def kept(folder: Path, settings: dict[Key, dict]) -> dict[Key, tuple[Row, Path]]:
    """Return the rows of these tasks that a folder has, and the paths of their alphas.

    Failed tasks are left out, so that they are tried again. ValueError if a task was finished with
    other settings.
    """
    found = {}
    for record in _records(folder / "rows.jsonl"):
        row = _row(record["row"])
        if row[:3] not in settings:
            continue
        _refuse_other_settings(folder, row, record["settings"], settings[row[:3]])
        path = picture_path(folder, row)
        if not row.error and path.exists():
            found[row[:3]] = row, path
    return found


def picture_path(folder: Path, row: Row) -> Path:
    *above, name = (_as_file_name(part) for part in (row.method, row.group, row.name) if part)
    return folder.joinpath("alphas", *above, f"{name}.png")


def _as_file_name(text: str) -> str:
    safe = quote(text, safe=" ,=()+")
    return safe if not safe.startswith(".") else "%2E" + safe[1:]


def plain(record: NamedTuple) -> dict:
    """Return a row, or means, or a comparison, as JSON can hold it: None for NaN."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in record._asdict().items()
    }


def _row(record: dict) -> Row:
    lacking = {key: math.nan for key in NUMBERS if record[key] is None}
    return Row(**{**record, **lacking})


def _records(path: Path) -> list[dict]:
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    # A whole line ends in a newline; what follows the last one was cut short.
    if lines[-1]:
        path.write_bytes(b"".join(line + b"\n" for line in lines[:-1]))
    try:
        return [json.loads(line) for line in lines[:-1]]
    except ValueError:
        raise ValueError(
            f"{path} is damaged, so it cannot be told what is finished; name another folder, or "
            "delete it to begin again."
        ) from None


def _refuse_other_settings(folder: Path, row: Row, before: dict, now: dict) -> None:
    changes = [
        f"{key} was {before.get(key)} and is {value}"
        for key, value in now.items()
        if before.get(key) != value
    ]
    if changes:
        raise ValueError(
            f"{folder} has a result of {row.method} on {row.name} by other settings: "
            f"{'; '.join(changes)}. Name another folder, or delete this one to begin again."
        )
