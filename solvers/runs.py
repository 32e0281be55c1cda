"""Horizontal runs of cells of a grid, along which compiled loops walk.

Runs are an int64 array with a row for each run, in reading order. The columns are the number of
the run's first cell among the cells of all runs, the run's length, and the y and x of its first
cell. If cells are stored with a halo, a column follows for each grid row from y - reach to
y + reach: where the cell at x in that row is stored.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from solvers.loops import jit

FIRST, LENGTH, Y, X, STORED = range(5)  # numba's caches hold these numbers; clear them on a change
LONGEST_RUN = 256  # cells; thirteen planes of a run stay in the first-level cache


class RunsByRow(NamedTuple):
    """The runs of a mask, and where those of each grid row are: runs[starts[y] : starts[y + 1]]."""

    runs: np.ndarray
    """(n, STORED)."""
    starts: np.ndarray
    """(H + 1,)."""

    @classmethod
    def of(cls, mask: np.ndarray) -> RunsByRow:
        """Return the runs of an (H, W) mask."""
        runs = find_runs(mask)
        return cls(runs, np.searchsorted(runs[:, Y], np.arange(len(mask) + 1)))


def find_runs(mask: np.ndarray) -> np.ndarray:
    """Return the runs (n, STORED) of an (H, W) mask, each at most LONGEST_RUN cells long."""
    first, last = _edges(np.pad(mask, ((0, 0), (0, 1))))  # so no run continues in the next row
    run, piece = pieces_of(-(-(last - first) // LONGEST_RUN))
    first = first[run] + piece * LONGEST_RUN
    length = np.minimum(last[run] - first, LONGEST_RUN)
    y, x = np.divmod(first, mask.shape[1] + 1)
    return np.stack([np.cumsum(length) - length, length, y, x], axis=1)


def find_stored(runs: np.ndarray, stored: np.ndarray, *, margin: int, reach: int) -> np.ndarray:
    """Return runs (n, STORED + 2 `reach` + 1): those given, with the columns from STORED on.

    `stored` marks the stored cells of the grid and of a margin around it. All cells at most `reach`
    rows above or below a run must be stored.
    """
    first, last = _edges(stored)
    start = np.cumsum(last - first) - (last - first)
    at_x = (runs[:, Y] + margin) * stored.shape[1] + runs[:, X] + margin
    columns = []
    for dy in range(-reach, reach + 1):
        cell = at_x + dy * stored.shape[1]
        run = np.searchsorted(first, cell, side="right") - 1
        columns.append(start[run] + cell - first[run])
    return np.concatenate([runs, np.stack(columns, axis=1)], axis=1)


@jit
def own_column(runs: np.ndarray) -> int:
    """Return the column that says where a run's own cells are stored, amid those of other rows."""
    return STORED + (runs.shape[-1] - STORED) // 2


def pieces_of(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the run of each piece, and its number within the run; run k has counts[k] pieces."""
    run = np.repeat(np.arange(len(counts)), counts)
    return run, np.arange(len(run)) - (np.cumsum(counts) - counts)[run]


def _edges(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where the runs of a flattened mask begin, and where they have ended."""
    flat = np.concatenate([[False], mask.ravel(), [False]])
    change = np.flatnonzero(flat[1:] != flat[:-1])
    return change[::2], change[1::2]
