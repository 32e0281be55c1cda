"""What a batch writes down: the pictures that are finished, and those that failed.

`OUT/.batch/journal.jsonl` has a line for each finished picture, written after its file. A line cut
short by a kill counts as not written. Each shard has a file of its own; all are read.
`OUT/errors.csv` has the pictures that failed in the last run.
"""

from __future__ import annotations

import csv
import json
import os
import threading
import time
from array import array
from hashlib import blake2b
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

FOLDER = ".batch"


def digest(text: str) -> int:
    """Return 64 bits that tell texts apart."""
    return int.from_bytes(blake2b(os.fsencode(text), digest_size=8).digest(), "little")


class Finished(NamedTuple):
    """The finished pictures of a folder, 24 bytes each."""

    names: np.ndarray
    """Digests of the outputs' names, sorted."""
    made_of: np.ndarray
    """Digests of what they were made of."""
    sizes: np.ndarray
    """Bytes of the files."""

    def has(self, name: str, made_of: int, size: int) -> bool:
        """Return whether an output of this size was made of this, as it was last written."""
        key = np.uint64(digest(name))
        at = int(np.searchsorted(self.names, key))
        if at == len(self.names) or self.names[at] != key:
            return False
        return bool(self.made_of[at] == made_of and self.sizes[at] == size)


def finished(out: Path) -> Finished:
    """Read all journals of a folder; of several lines on one output, the latest counts."""
    columns = array("Q"), array("Q"), array("Q")
    times = array("d")
    for path in sorted((out / FOLDER).glob("journal*.jsonl")):
        with open(path, "rb") as lines:
            for line in lines:
                if (record := _record(line)) is None:
                    continue
                for column, value in zip(columns, record[:3], strict=True):
                    column.append(value)
                times.append(record[3])
    names, made_of, sizes = (np.array(column, np.uint64) for column in columns)
    order = np.lexsort((np.array(times), names))
    names, made_of, sizes = names[order], made_of[order], sizes[order]
    last = np.append(names[1:] != names[:-1], True)[: len(names)]
    return Finished(names[last], made_of[last], sizes[last])


def _record(line: bytes) -> tuple[int, int, int, float] | None:
    """Parse a line; None if it is none that `Journal` writes, so that its picture is made again."""
    try:
        record = json.loads(line) if line.endswith(b"\n") else {}
        made_of = int(record["made_of"], 16)
        found = digest(record["output"]), made_of, int(record["bytes"]), float(record["at"])
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return found if 0 <= max(found[1:3]) < 2**64 and min(found[1:3]) >= 0 else None


class Journal:
    """The journal of one run, which no other run may write at the same time."""

    def __init__(self, out: Path, shard: tuple[int, int]):
        folder = out / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        self.file = open(folder / f"journal{of_shard(shard)}.jsonl", "ab+")  # noqa: SIM115
        try:
            _lock(self.file, out)
            _cut_torn_line(self.file)
        except BaseException:
            self.file.close()
            raise

    def add(self, name: str, image: Path, made_of: int, size: int, **more: Any) -> None:
        """Write down a finished picture."""
        record = {"output": name, "image": str(image), "made_of": f"{made_of:016x}", "bytes": size}
        record |= {"at": round(time.time(), 3), **more}
        self.file.write(json.dumps(record).encode() + b"\n")
        self.file.flush()

    def close(self) -> None:
        self.file.close()


def of_shard(shard: tuple[int, int]) -> str:
    """Return what the names of a shard's files have before their endings."""
    return "" if shard == (1, 1) else f"-{shard[0]}-of-{shard[1]}"


def _lock(file: IO[bytes], out: Path) -> None:
    """Lock a file until it is closed, or this process ends; raise if another process has."""
    try:
        fcntl = import_module("fcntl")
    except ImportError:  # Windows has none
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise ValueError(
            f"another run is writing to {out}; wait for its end, or give each a `shard` of its own."
        ) from None
    except OSError:  # a disk in the net that has no locks
        return


def _cut_torn_line(file: IO[bytes]) -> None:
    """Cut off what follows the last line's end; lines are far shorter than a mebibyte."""
    end = file.seek(0, os.SEEK_END)
    start = file.seek(max(end - 2**20, 0))
    file.truncate(start + file.read().rfind(b"\n") + 1)
    file.seek(0, os.SEEK_END)


class Errors:
    """The table of pictures that failed; there is a file only if one has."""

    def __init__(self, out: Path, shard: tuple[int, int]):
        self.path, self.lock = out / f"errors{of_shard(shard)}.csv", threading.Lock()
        self.path.unlink(missing_ok=True)

    def add(self, image: Path, name: str, step: str, error: str) -> None:
        with self.lock:
            new = not self.path.exists()
            with open(self.path, "a", encoding="utf-8", errors="replace", newline="") as file:
                rows = csv.writer(file)
                if new:
                    rows.writerow(["picture", "output", "step", "error"])
                rows.writerow([str(image), name, step, error])
