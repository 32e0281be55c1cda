"""A folder that keeps the finished tasks of a run, so that a later run continues from there.

`rows.jsonl` has a line for each finished task. It is written after the task's alpha,
`alphas/METHOD/GROUP/NAME.png`. A last line cut short by a kill counts as not written.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from alphamat.evaluation.measure import Finished, Key, Row
from alphamat.io.whole import replace_file
from alphamat.metrics import METRICS

NUMBERS = (*METRICS, "seconds", "peak_memory")
MOST = 1e15
"""No score, time or number of bytes is as large."""


class Record(NamedTuple):
    """A line of `rows.jsonl`."""

    settings: dict
    row: Row
    died: bool
    limit: float | None


def keep(folder: Path, finished: Finished, settings: dict) -> Path | None:
    """Write down a finished task; return the path of its alpha."""
    path = None
    if finished.alpha is not None:
        path = picture_path(folder, finished.row)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(finished.alpha)
    record = Record(settings, finished.row, finished.died, finished.limit)._asdict()
    record["row"] = _finite(finished.row._asdict()) | {"own": _finite(dict(finished.row.own))}
    with open(folder / "rows.jsonl", "a", encoding="ascii") as file:
        file.write(json.dumps(record) + "\n")
    return path


def kept(
    folder: Path, settings: dict[Key, dict], limit: float | None
) -> dict[Key, tuple[Row, Path | None]]:
    """Return the rows of these tasks that a folder has, and the paths of their alphas.

    Failed tasks are left out, so that they are tried again, unless their process died, or they ran
    over a limit that was as long as `limit`. ValueError if a task was finished with other settings.
    """
    found: dict[Key, tuple[Row, Path | None]] = {}
    for record in _records(folder / "rows.jsonl"):
        row, key = record.row, record.row[:3]
        if key not in settings:
            continue
        _refuse_other_settings(folder, row, record.settings, settings[key])
        path = picture_path(folder, row)
        over = record.limit is not None and limit is not None and limit <= record.limit
        if record.died or over:
            found[key] = row, None
        elif not row.error and path.exists():
            found[key] = row, path
        else:
            found.pop(key, None)
    return found


def picture_path(folder: Path, row: Row) -> Path:
    *above, name = (_as_file_name(part) for part in (row.method, row.group, row.name) if part)
    return folder.joinpath("alphas", *above, f"{name}.png")


def _as_file_name(text: str) -> str:
    # Names of files that are not in UTF-8 come with surrogates.
    safe = quote(text, safe=" ,=()+", errors="surrogatepass")
    return safe if not safe.startswith(".") else "%2E" + safe[1:]


def plain(record: NamedTuple) -> dict:
    """Return a row, or means, or a comparison, as JSON can hold it: None for NaN.

    Scores by the caller's own metrics come last, by their names.
    """
    fields = record._asdict()
    own = fields.pop("own", ())
    return _finite(fields | dict(own))


def _finite(record: dict) -> dict:
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in record.items()
    }


def _records(path: Path) -> list[Record]:
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    # A whole line ends in a newline; what follows the last one was cut short.
    if lines[-1]:
        replace_file(path, [line + b"\n" for line in lines[:-1]])
    return [_record(path, at, line) for at, line in enumerate(lines[:-1], 1)]


def _record(path: Path, at: int, line: bytes) -> Record:
    """Parse a line; raise if it is none that `keep` writes."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        fault = "it is not JSON"
    else:
        fault = _fault(record, RECORD) or _fault(record["row"], ROW)
        if not fault:
            fields = record["row"]
            lacking = {key: math.nan for key in NUMBERS if fields[key] is None}
            own = tuple((k, math.nan if v is None else v) for k, v in fields["own"].items())
            return Record(**{**record, "row": Row(**{**fields, **lacking, "own": own})})
    raise ValueError(
        f"{path} is damaged in line {at}: {fault}. Delete that line to have its result computed "
        "again, or name another folder."
    )


def _fault(record: Any, fields: dict[str, Callable[[Any], bool]]) -> str:
    """Say what is wrong with a record whose fields have to pass a check each."""
    if not isinstance(record, dict):
        return f"it is {record!r:.40}, not a record"
    if lacking := fields.keys() - record:
        return f"it lacks {', '.join(sorted(lacking))}"
    if unknown := record.keys() - fields:
        return f"it has {', '.join(sorted(unknown)):.40}, which is unknown"
    wrong = [key for key, fits in fields.items() if not fits(record[key])]
    return f"{wrong[0]} is {record[wrong[0]]!r:.40}" if wrong else ""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any, low: float = -MOST, high: float = MOST) -> bool:
    """Return whether a value is a number within bounds, or None, which stands for NaN."""
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return value is None or (known and low <= value <= high)


def _are_numbers(value: Any) -> bool:
    anything = partial(_is_number, low=-sys.float_info.max, high=sys.float_info.max)
    return isinstance(value, dict) and all(map(anything, value.values()))


RECORD: dict[str, Callable[[Any], bool]] = {
    "settings": lambda value: isinstance(value, dict),
    "row": lambda value: isinstance(value, dict),
    "died": lambda value: isinstance(value, bool),
    "limit": partial(_is_number, low=0),
}
ROW: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("method", "name", "group", "warning", "error"), _is_text),
    **dict.fromkeys(("sad", "grad", "conn", "seconds"), partial(_is_number, low=0)),
    **dict.fromkeys(("mse", "mad"), partial(_is_number, low=0, high=1)),
    "peak_memory": _is_number,
    "converged": lambda value: value is None or isinstance(value, bool),
    "own": _are_numbers,
}


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
