"""How a picture is cut into pieces, each of which fits into memory.

The picture is seen as square cells. Unknown pixels are coupled only within a few pixels, so areas
of cells that do not touch are systems of their own. Small areas are solved together, large ones
are cut into pieces that overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from solvers.grid import dilate

LEAST_CELL = 16  # pixels on a side; more than windows of a usual radius reach
MOST_CELLS = 2**23
LEAST_BLOCK = 64  # pixels on a side
OVERLAP = 64  # pixels by which neighbouring pieces overlap, at least
JOINT = 256  # pixels to either side of a cut that are solved before its pieces are
BESIDE = 45  # bytes for each pixel of a piece's box: masks, alpha
COLOURS = 24  # bytes for each pixel whose colours are read


@dataclass(frozen=True, eq=False)
class Cells:
    """How many unknown pixels are in each cell."""

    side: int
    """Pixels."""
    size: tuple[int, int]
    """Of the picture, in pixels."""
    counts: np.ndarray
    """(rows, columns) int64."""
    block: int
    """Cells on a side of the blocks in which colours are read."""

    @classmethod
    def empty(cls, size: tuple[int, int], reach: int, rows: int) -> Cells:
        """Return cells without counts, for colours that are read so many rows at once."""
        side = LEAST_CELL
        while side < reach or size[0] * size[1] > MOST_CELLS * side**2:
            side *= 2
        shape = -(-size[0] // side), -(-size[1] // side)
        return cls(side, size, np.zeros(shape, np.int64), -(-max(rows, LEAST_BLOCK) // side))

    def add(self, top: int, unknown: np.ndarray) -> None:
        """Count the unknown pixels of some whole rows of the picture."""
        columns = np.arange(0, self.size[1], self.side)
        along = np.add.reduceat(unknown, columns, axis=1, dtype=np.int64)
        np.add.at(self.counts, (top + np.arange(len(unknown))) // self.side, along)

    def areas(self) -> Iterator[np.ndarray]:
        """Yield the flat numbers, in order, of the cells of each area with unknown pixels."""
        from scipy.ndimage import label

        labels, _ = label(self.counts > 0, np.ones((3, 3)))
        flat = np.flatnonzero(labels)
        order = np.argsort(labels.ravel()[flat], kind="stable")
        starts = np.flatnonzero(np.diff(labels.ravel()[flat[order]])) + 1
        if flat.size:
            yield from np.split(flat[order], starts)

    def grown(self, some: np.ndarray, area: np.ndarray, cells: int) -> np.ndarray:
        """Return the cells of an area within so many cells of some of them."""
        y, x = self.at(np.concatenate([some, area]))
        top, left = y.min(), x.min()
        mask, inside = np.zeros((2, y.max() - top + 1, x.max() - left + 1), bool)
        mask[y[: len(some)] - top, x[: len(some)] - left] = True
        inside[y[len(some) :] - top, x[len(some) :] - left] = True
        y, x = np.nonzero(dilate(mask, cells) & inside)
        return (y + top) * self.counts.shape[1] + x + left

    def at(self, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns of cells."""
        y, x = np.divmod(some, self.counts.shape[1])
        return y, x

    def unknowns(self, some: np.ndarray) -> int:
        return int(self.counts.ravel()[some].sum())

    def blocks(self, some: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows and columns of the blocks that hold some cells, in reading order."""
        y, x = (k // self.block for k in self.at(some))
        width = self.counts.shape[1]
        return np.divmod(np.unique(y * width + x), width)

    def inside(self, box: tuple[slice, slice]) -> np.ndarray:
        """Return the cells with unknown pixels that a box touches."""
        rows, columns = (slice(k.start // self.side, -(-k.stop // self.side)) for k in box)
        y, x = np.nonzero(self.counts[rows, columns])
        return (y + rows.start) * self.counts.shape[1] + x + columns.start

    def windows(self, some: np.ndarray, margin: int) -> Iterator[tuple[slice, slice]]:
        """Yield the rows and columns of blocks that hold some cells, with a margin in pixels.

        Blocks that lie side by side are one window. Windows may reach beyond the picture.
        """
        y, x = self.blocks(some)
        side = self.block * self.side
        ends = np.flatnonzero((np.diff(y) != 0) | (np.diff(x) != 1))
        for first, last in zip([0, *ends + 1], [*ends, len(y) - 1], strict=True):
            top, left, right = int(y[first]), int(x[first]), int(x[last]) + 1
            rows = slice(top * side - margin, (top + 1) * side + margin)
            yield rows, slice(left * side - margin, right * side + margin)

    def box(self, some: np.ndarray, margin: int) -> tuple[slice, slice]:
        """Return the rows and columns of pixels of some cells, with a margin in pixels."""
        spans = []
        for k, most in zip(self.at(some), self.size, strict=True):
            first, last = int(k.min()) * self.side, (int(k.max()) + 1) * self.side
            spans.append(slice(max(first - margin, 0), min(last + margin, most)))
        return spans[0], spans[1]

    def mask(self, some: np.ndarray, box: tuple[slice, slice]) -> np.ndarray:
        """Return which pixels of a box lie in some cells that are all in it."""
        first = [span.start // self.side for span in box]
        shape = [-(-span.stop // self.side) - k for span, k in zip(box, first, strict=True)]
        marked = np.zeros(shape, bool)
        y, x = self.at(some)
        marked[y - first[0], x - first[1]] = True
        for axis, span in enumerate(box):
            marked = marked.take(np.arange(span.start, span.stop) // self.side - first[axis], axis)
        return marked


class Piece(NamedTuple):
    """Cells whose unknown pixels are solved together."""

    cells: np.ndarray
    """Their numbers, in order."""
    area: int | None
    """Which of the areas that are cut they belong to; None where nothing else is coupled to them.
    """
    beside: np.ndarray
    """The cells of other pieces that are coupled to these; none where they are alone."""
    once: bool = False
    """Whether it lies around a cut, and is solved once, before the pieces on both sides are."""


@dataclass(frozen=True)
class Room:
    """What a system may have."""

    memory: int
    """Bytes."""
    each: int
    """Bytes for each unknown pixel."""
    margin: int
    """Pixels around the unknown ones that a piece has to see."""

    def holds(self, cells: Cells, some: np.ndarray) -> bool:
        rows, columns = cells.box(some, self.margin)
        box = (rows.stop - rows.start) * (columns.stop - columns.start)
        read = min(box, len(cells.blocks(some)[0]) * (cells.block * cells.side) ** 2)
        needed = BESIDE * box + COLOURS * read + self.each * cells.unknowns(some)
        return needed <= self.memory


def pieces(cells: Cells, room: Room) -> list[Piece]:
    """Return pieces that hold all cells with unknown pixels.

    Those that are alone come first, then, for each area that is cut, those around its cuts, and
    those that overlap.
    """
    none = np.zeros(0, np.int64)
    whole, cut = [], []
    for number, area in enumerate(cells.areas()):
        if room.holds(cells, area):
            whole.append(area)
            continue
        rest, overlapping = area, []
        for core in _cores(cells, area, room):
            piece = _grown(cells, core, area, OVERLAP)
            beside = np.setdiff1d(cells.grown(piece, area, 1), piece, assume_unique=True)
            overlapping.append(Piece(piece, number, beside))
            rest = np.setdiff1d(rest, core, assume_unique=True)
            edge = np.intersect1d(cells.grown(core, area, 1), rest, assume_unique=True)
            if edge.size and room.holds(cells, joint := _grown(cells, edge, area, JOINT)):
                cut.append(Piece(joint, number, none, once=True))
        cut += overlapping
    return [Piece(batch, None, none) for batch in _batches(cells, whole, room)] + cut


def _batches(cells: Cells, areas: list[np.ndarray], room: Room) -> Iterator[np.ndarray]:
    """Yield areas together, neighbours with neighbours, as long as there is room for them."""
    batch: list[np.ndarray] = []
    for area in sorted(areas, key=lambda area: _along_curve(cells, area)):
        if batch and not room.holds(cells, np.concatenate([*batch, area])):
            yield np.sort(np.concatenate(batch))
            batch = []
        batch.append(area)
    if batch:
        yield np.sort(np.concatenate(batch))


def _along_curve(cells: Cells, area: np.ndarray) -> int:
    """Return the place of an area's middle on Morton's curve."""
    y, x = (int(k.min() + k.max()) // 2 for k in cells.at(area))
    return sum((y >> k & 1) << 2 * k + 1 | (x >> k & 1) << 2 * k for k in range(32))


def _cores(cells: Cells, core: np.ndarray, room: Room, area: np.ndarray | None = None):
    """Yield parts of an area that have room with their overlap, halved where they have not."""
    area = core if area is None else area
    if room.holds(cells, _grown(cells, core, area, OVERLAP)) or len(core) == 1:
        yield core
        return
    y, x = cells.at(core)
    along = y if np.ptp(y) >= np.ptp(x) else x
    order = np.argsort(along, kind="stable")
    done = np.cumsum(cells.counts.ravel()[core[order]])
    middle = along[order[min(np.searchsorted(done, done[-1] / 2), len(core) - 1)]]
    first = along < max(middle, along.min() + 1)
    for half in (core[first], core[~first]):
        yield from _cores(cells, half, room, area)


def _grown(cells: Cells, some: np.ndarray, area: np.ndarray, pixels: int) -> np.ndarray:
    return cells.grown(some, area, -(-pixels // cells.side))
