"""What is kept on disk while a picture is matted, so that a stopped run can go on."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

Box = tuple[slice, slice]


class Visit(NamedTuple):
    """What is kept of one solution of one piece."""

    piece: int
    changes: dict[int, float]
    """By how much it changed what other pieces are coupled to; by their numbers."""
    iterations: int
    residual: float
    converged: bool


@dataclass(frozen=True)
class State:
    """A folder beside the output: the alpha so far, and a journal of the visits."""

    folder: Path
    size: tuple[int, int]
    visits: list[Visit]
    """Those of earlier runs."""

    @classmethod
    def at(cls, folder: Path, size: tuple[int, int], about: Mapping[str, Any]) -> State:
        """Open the state of a run with the same inputs and options, or begin a new one.

        A visit that was finished but not written down is taken up.
        """
        journal = folder / "journal"
        head = json.dumps(dict(about), sort_keys=True)
        lines = journal.read_text().split("\n")[:-1] if journal.exists() else []
        if not lines or lines[0] != head:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            np.lib.format.open_memmap(folder / "alpha.npy", "w+", np.float32, size)
            journal.write_text(head + "\n")
            lines = [head]
        visits = []
        for line in lines[1:]:
            piece, changes, *rest = json.loads(line)
            visits.append(Visit(piece, {int(k): change for k, change in changes.items()}, *rest))
        # A line that was cut short would go on with the next one.
        journal.write_text("\n".join(lines) + "\n")
        state = cls(folder, size, visits)
        state._take_up()
        return state

    def alpha(self, box: Box) -> np.ndarray:
        """Return the float32 alpha of a box."""
        return np.array(np.load(self.folder / "alpha.npy", mmap_mode="r")[box])

    def put(self, box: Box, place: np.ndarray, alpha: np.ndarray) -> None:
        """Write the alpha of those pixels of a box that a mask marks."""
        file = np.load(self.folder / "alpha.npy", mmap_mode="r+")
        file[box][place] = alpha
        file.flush()

    def keep(self, visit: Visit, box: Box, place: np.ndarray, alpha: np.ndarray) -> None:
        """Write down a visit and its alpha; a run that is killed has kept all of it, or nothing."""
        part = self.folder / "next.part"
        with open(part, "wb") as file:
            spans = np.array([[span.start, span.stop] for span in box])
            told = np.array(json.dumps([len(self.visits), *visit]))
            np.savez(file, told=told, spans=spans, place=np.packbits(place), alpha=alpha)
        os.replace(part, self.folder / "next.npz")
        self._write_down(visit, box, place, alpha)

    def _take_up(self) -> None:
        try:
            with np.load(self.folder / "next.npz") as kept:
                number, piece, changes, *rest = json.loads(str(kept["told"]))
                box: Any = tuple(slice(*map(int, span)) for span in kept["spans"])
                height, width = (span.stop - span.start for span in box)
                place = np.unpackbits(kept["place"], count=height * width)
                place, alpha = place.reshape(height, width).view(bool), kept["alpha"]
        except FileNotFoundError:
            return
        if number == len(self.visits):
            changes = {int(k): change for k, change in changes.items()}
            self._write_down(Visit(piece, changes, *rest), box, place, alpha)

    def _write_down(self, visit: Visit, box: Box, place: np.ndarray, alpha: np.ndarray) -> None:
        self.put(box, place, alpha)
        with open(self.folder / "journal", "a") as file:
            file.write(json.dumps(visit) + "\n")
            file.flush()
            os.fsync(file.fileno())
        self.visits.append(visit)
        (self.folder / "next.npz").unlink()

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
