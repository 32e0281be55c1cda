"""Cholesky's factors of a matrix on a grid, by nested dissection: an exact solution.

A line of cells as thick as the matrix reaches cuts the chosen cells in two, which are eliminated
before it, each of them cut in two likewise. So all work is on small dense matrices, and where the
chosen cells lie in narrow bands, as unknown pixels do, these stay small.

George, "Nested Dissection of a Regular Finite Element Mesh", SIAM J. Numer. Anal. 10, 1973;
Duff & Reid, "The Multifrontal Solution of Indefinite Sparse Symmetric Linear Equations",
ACM TOMS 9, 1983; Liu, "The Multifrontal Method for Sparse Matrix Solution", SIAM Review 34, 1992.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import math

import numpy as np

from solvers import _dissection_kernels as kernels
from solvers.grid import Region, StencilMatrix, offsets
from solvers.multigrid import multigrid
from solvers.loops import over_bounds, threads

LEAF = 40  # cells that are not cut further
WORTH = 20_000  # multiply-adds for each unknown
SINGULAR = 1e-14  # share of the diagonal below which a pivot is rounding


def dissection(A: StencilMatrix) -> Callable[[np.ndarray], np.ndarray]:
    """Return r -> A⁻¹ r, a preconditioner that leaves nothing to be done but to check it."""
    return Dissection.of(A.region).factorise(A)


def quickest(A: StencilMatrix, *, most: float = math.inf) -> Callable[[np.ndarray], np.ndarray]:
    """Return `dissection` where that is quicker than `multigrid`, and `multigrid` elsewhere."""
    found = Dissection.of(A.region)
    if found.work <= WORTH * A.shape[0] and 8 * (found.entries + found.rests) <= most:
        return found.factorise(A)
    return multigrid(A)


@dataclass(frozen=True, eq=False)
class Dissection:
    """The order in which a region's cells are eliminated, and what that takes."""

    order: np.ndarray  # (n,) cells in the order of elimination
    at: np.ndarray  # (n,) where these are in `place`
    place: np.ndarray  # of each grid cell: when it is eliminated, or -1; flat
    steps: np.ndarray  # from a cell to those ahead of it, in `place`
    tree: tuple[np.ndarray, ...]
    nodes: np.ndarray  # in the order of bins
    bins: np.ndarray
    work: float  # multiply-adds
    entries: int  # of the factors
    rests: int  # entries of what is left of fronts, at most at once

    @classmethod
    def of(cls, region: Region) -> Dissection:
        y, x = (axis.astype(np.int32) for axis in np.nonzero(region.chosen))
        n, width = y.size, region.chosen.shape[1]
        order = np.arange(n, dtype=np.int32)
        begin, end, parent = np.empty((3, n), np.int32)
        count = kernels.dissect(region.reach, LEAF, y, x, order, begin, end, parent)
        begin, end, parent = begin[:count], end[:count], parent[:count]
        at = y.astype(np.int64) * width + x
        place = np.full(region.chosen.size, -1, np.int32)
        place[at] = np.arange(n)
        steps = np.array([dy * width + dx for dy, dx in offsets(region.reach)])
        around = np.concatenate([steps[1:], -steps[1:]])
        starts = np.zeros(count + 1, np.int64)
        borders = kernels.find_borders(begin, end, parent, around, at, place, starts)
        first_child, next_child = np.full((2, count), -1, np.int32)
        rows, rests, sums = np.zeros(count + 1, np.int64), np.zeros(count, np.int64), np.zeros(3)
        bin_of, bins = np.empty(count, np.int64), threads(n * 100)
        children = first_child, next_child
        kernels.arrange(begin, end, parent, starts, bins, *children, rows, rests, bin_of, sums)
        return cls(
            order=order,
            at=at,
            place=place,
            steps=steps,
            tree=(begin, end, *children, starts, borders, rows, rests),
            nodes=np.argsort(bin_of, kind="stable"),
            bins=np.searchsorted(np.sort(bin_of), np.arange(bins + 2)),
            work=sums[0],
            entries=int(rows[-1]),
            rests=int(sums[1]),
        )

    def factorise(self, A: StencilMatrix) -> Callable[[np.ndarray], np.ndarray]:
        """Return b -> A⁻¹ b."""
        factors, rests = np.empty(self.entries), np.empty(self.rests)
        bins, n = len(self.bins) - 2, self.order.size
        local = np.empty((bins + 1, n), np.int32)
        stored = np.flatnonzero(A.chosen())[self.order]
        matrix = self.place, self.at, stored, self.steps, A.planes
        way = self.nodes, self.bins, self.tree
        work = int(self.work) // 8
        least = SINGULAR * A.diagonal()[self.order]
        arguments = *way, matrix, least, factors, rests, local
        over_bounds(kernels.eliminate, np.arange(bins + 1), work, *arguments)
        for v in self.nodes[self.bins[bins] :]:
            R, U, own, width = kernels.assemble(v, self.tree, matrix, factors, rests, local[bins])
            for begin in range(0, own, kernels.PANEL):
                end = min(begin + kernels.PANEL, own)
                own_least = least[self.tree[0][v] : self.tree[1][v]]
                kernels.finish_panel(R, width, begin, end, own_least)
                blocks = (width - end) // kernels.FOUR
                size = (end - begin) * (width - end) ** 2 // 16
                rest = width - end - kernels.FOUR * np.arange(blocks + 1)
                done = np.cumsum(rest) - rest
                bounds = np.searchsorted(done, np.linspace(0, done[-1], 9))
                over_bounds(kernels.update, bounds, size, R, width, begin, end, own, U)

        def solve(b: np.ndarray) -> np.ndarray:
            x = b[self.order].astype(np.float64)
            given = np.zeros((bins + 1, n))
            over_bounds(kernels.go_down, np.arange(bins + 1), factors.size, *way, factors, given, x)
            given[bins] = given[:bins].sum(axis=0)
            kernels.go_down(bins, bins + 1, *way, factors, given, x)
            kernels.go_up(bins, bins + 1, *way, factors, x)
            over_bounds(kernels.go_up, np.arange(bins + 1), factors.size, *way, factors, x)
            out = np.empty(n)
            out[self.order] = x
            return out

        return solve
