"""Matrices whose rows are cells of a grid and whose entries reach a few cells in each direction.

Only chosen cells are unknowns. They are stored row by row together with a halo, as wide as the
matrix reaches, so that a compiled loop walks along a run of cells and reads its neighbours in
every direction without a single test. A matrix is symmetric, so half of its entries are stored.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from solvers import _kernels, _parts_kernels
from solvers.loops import equal_parts, over_bounds
from solvers.parts import STRONG, Parts, held_weakly
from solvers.runs import FIRST, LENGTH, find_runs, find_stored

if TYPE_CHECKING:
    from numpy.typing import DTypeLike


@dataclass(frozen=True, eq=False)
class Region:
    """Chosen cells of an (H, W) grid, with a halo of `reach` cells around them.

    The chosen cells and the halo are stored, in reading order.
    """

    grid: tuple[int, int]
    reach: int
    chosen: np.ndarray
    """Marks the chosen cells, on the grid with a margin of `reach` cells around it."""
    stored: np.ndarray
    """Marks the stored cells likewise."""
    runs: np.ndarray
    """The runs of chosen cells; see solvers.runs for the columns."""
    bounds: np.ndarray
    """Cuts the runs into parts of equal size."""
    size: int
    """Number of chosen cells."""
    stored_size: int
    """Number of stored cells."""

    @classmethod
    def of(cls, chosen: np.ndarray, reach: int) -> Region:
        """Return the region of an (H, W) bool mask."""
        padded = np.pad(chosen, reach)
        stored = dilate(padded, reach)
        runs = find_stored(find_runs(chosen), stored, margin=reach, reach=reach)
        return cls(
            grid=(chosen.shape[0], chosen.shape[1]),
            reach=reach,
            chosen=padded,
            stored=stored,
            runs=runs,
            bounds=equal_parts(runs[:, LENGTH]),
            size=int(runs[:, LENGTH].sum()),
            stored_size=int(np.count_nonzero(stored)),
        )

    def store(self, field: np.ndarray) -> np.ndarray:
        """Return an (H, W) field at the stored cells; zero where these lie outside the grid."""
        return np.pad(field, self.reach)[self.stored]

    def expand(self, x: np.ndarray, dtype: DTypeLike | None = None) -> np.ndarray:
        """Return a vector over the chosen cells as one over the stored cells, zero in the halo."""
        out = np.empty(self.stored_size, dtype or x.dtype)
        over_bounds(_kernels.expand, self.bounds, out.size, self.runs, x, out)
        return out


@dataclass(frozen=True, eq=False)
class StencilMatrix:
    """A symmetric matrix over the chosen cells of a region.

    `planes[k]` holds, at each stored cell, the entry that couples it to the cell `offsets()[k]`
    further on: the cell itself, then those behind it in reading order. Entries that couple to the
    halo are kept for `couple`, and are no part of the matrix.

    `near_null` is a (k, stored_size) float32 array of functions, zero in the halo, that the matrix
    nearly annihilates; None stands for the constant. Multigrid builds coarse functions from them.
    """

    region: Region
    planes: np.ndarray
    near_null: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return (self.region.size, self.region.size)

    def __matmul__(self, x: np.ndarray) -> np.ndarray:
        x = np.asarray(x)
        return self._apply(self.region.expand(x, np.result_type(self.planes, x)))

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Apply all rows, halo entries included, to an (H, W) field."""
        stored = self.region.store(field)
        return self._apply(stored.astype(np.result_type(self.planes, stored), copy=False))

    def _apply(self, stored: np.ndarray) -> np.ndarray:
        region, planes = self.region, np.ascontiguousarray(self.planes, stored.dtype)
        out = np.empty(region.size, stored.dtype)
        arguments = region.runs, planes, stored, FIRST, out
        over_bounds(_kernels.apply_stencil, region.bounds, planes.size, *arguments)
        return out

    def diagonal(self) -> np.ndarray:
        return self.planes[0][self.chosen()]

    def chosen(self) -> np.ndarray:
        """Return which of the stored cells are unknowns."""
        return self.region.chosen[self.region.stored]

    def shifted(self, shift: np.ndarray) -> StencilMatrix:
        """Return this matrix plus diag(shift)."""
        planes = self.planes.copy()
        planes[0] += self.region.expand(shift)
        return StencilMatrix(self.region, planes, self.near_null)

    def restricted(self, chosen: np.ndarray) -> StencilMatrix:
        """Return the rows of fewer cells: an (H, W) mask of some that are chosen here.

        The others join the halo, so `couple` still reads them. Entries are copied, not computed.

        Raises
        ------
        ValueError
            If the mask has another shape, or marks a cell that is not chosen here.
        """
        old = self.region
        if chosen.shape != old.grid:
            raise ValueError(f"`chosen` has shape {chosen.shape}; expected the grid's, {old.grid}.")
        new = Region.of(chosen, old.reach)
        if (new.chosen & ~old.chosen).any():
            raise ValueError(
                f"`chosen` marks {np.count_nonzero(new.chosen & ~old.chosen)} cells that have no "
                "row in this matrix; expected only cells that have one."
            )
        kept = new.stored[old.stored]
        near_null = self.near_null
        if near_null is not None:
            near_null = near_null.compress(kept, axis=1) * new.chosen[new.stored]
        return StencilMatrix(new, self.planes.compress(kept, axis=1), near_null)

    @cached_property
    def weak_parts(self) -> Parts | None:
        """The parts that the rest holds weakly; see solvers.parts."""
        region, leader = self.region, np.arange(self.region.size, dtype=np.int32)
        steps, number = np.array(offsets(region.reach)), self._number()
        _parts_kernels.join_cells(region.runs, steps, self.planes, number, STRONG, leader)
        functions = None if self.near_null is None else self.near_null[:, self.chosen()]
        return held_weakly(self, leader, self._among, functions)

    def _among(self, some: np.ndarray) -> Any:
        return self.restricted(self._on_grid(some)).tocsr()

    def _number(self) -> np.ndarray:
        """Return which unknown each stored cell is; -1 in the halo."""
        return self.region.expand(np.arange(1, self.region.size + 1, dtype=np.int32)) - 1

    def tocsr(self) -> Any:
        """Return the matrix as a SciPy sparse array, rows in reading order of the grid."""
        return self._csr(self._number())

    def rows(self, some: np.ndarray) -> Any:
        """Return the rows that an (n,) mask marks as a SciPy sparse array of n columns."""
        part = self.restricted(self._on_grid(some))
        kept = part.region.stored[self.region.stored]
        return part._csr(self._number()[kept], self.region.size)

    def around(self, some: np.ndarray, cells: int) -> np.ndarray:
        """Return which unknowns lie within so many cells of those that an (n,) mask marks."""
        grown, reach = dilate(self._on_grid(some), cells), self.region.reach
        return grown[self.region.chosen[reach:-reach, reach:-reach]]

    def _on_grid(self, some: np.ndarray) -> np.ndarray:
        reach, chosen = self.region.reach, np.zeros(self.region.grid, bool)
        chosen[self.region.chosen[reach:-reach, reach:-reach]] = some
        return chosen

    def _csr(self, number: np.ndarray, columns: int | None = None) -> Any:
        from scipy.sparse import csr_array

        region, planes = self.region, self.planes
        steps = np.array(offsets(region.reach))
        starts = np.zeros(region.size + 1, np.int64)
        arguments = region.runs, steps, planes, number
        over_bounds(_kernels.count_entries, region.bounds, planes.size, *arguments, starts[1:])
        np.cumsum(starts, out=starts)
        indices, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], planes.dtype)
        rows = starts, indices, values
        over_bounds(_kernels.fill_rows, region.bounds, planes.size, *arguments, *rows)
        return csr_array((values, indices, starts), shape=(region.size, columns or region.size))


def as_stencil(A: Any, *, caller: str) -> StencilMatrix:
    """Return A, or raise a TypeError that names the caller: it needs to know the grid."""
    if not isinstance(A, StencilMatrix):
        raise TypeError(
            f"`A` is a {type(A).__name__}; {caller} needs a StencilMatrix, which knows its grid. "
            "For other matrices use `jacobi` or `ichol`."
        )
    return A


def offsets(reach: int) -> list[tuple[int, int]]:
    """Return (dy, dx) of the entries stored at a cell: itself, then those ahead of it."""
    ahead = [(0, dx) for dx in range(reach + 1)]
    below = [(dy, dx) for dy in range(1, reach + 1) for dx in range(-reach, reach + 1)]
    return ahead + below


def dilate(mask: np.ndarray, reach: int) -> np.ndarray:
    """Grow a mask by `reach` cells in all eight directions."""
    grown = mask.copy()
    for step in range(1, reach + 1):
        grown[:-step] |= mask[step:]
        grown[step:] |= mask[:-step]
    mask = grown.copy()
    for step in range(1, reach + 1):
        grown[:, :-step] |= mask[:, step:]
        grown[:, step:] |= mask[:, :-step]
    return grown
