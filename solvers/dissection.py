"""Cholesky's factors of a matrix on a grid by nested dissection: as good as exact, and quick.

A line of cells as thick as the matrix reaches cuts the chosen cells in two, which are eliminated
before it, and each of these is cut likewise. So all work is on small dense matrices. They stay
small where the chosen cells lie in bands, as the unknown pixels of most trimaps do.

George, "Nested Dissection of a Regular Finite Element Mesh", SIAM J. Numer. Anal. 10, 1973;
Liu, "The Multifrontal Method for Sparse Matrix Solution: Theory and Practice", SIAM Review 34,
1992.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from solvers import _dissection_kernels as kernels
from solvers import _order_kernels as ordering
from solvers.grid import Region, StencilMatrix, as_stencil, offsets
from solvers.loops import equal_parts, over_bounds, threads
from solvers.multigrid import multigrid
from solvers.operators import Preconditioner
from solvers.parameters import as_number

LEAF = 40  # cells that are not cut
WORTH = 20_000  # multiply-adds for an unknown that multigrid's iterations take, in time
VECTOR = 8  # of them in the time of one array element


def dissection(A: StencilMatrix) -> Callable[[np.ndarray], np.ndarray]:
    """Return r -> A⁻¹ r, but for rounding, as a preconditioner.

    Parameters
    ----------
    A : StencilMatrix
        Symmetric positive definite. Unknowns that it does not determine get 0.

    Notes
    -----
    Of n unknowns in a band the work is proportional to n, and in a square to n^1.5. On photographs
    the factors have 80 to 160 float64 entries for each unknown of a matrix of 3 × 3 windows.

    Examples
    --------
    >>> from functools import partial
    >>> import alphamat
    >>> import solvers
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> solver = partial(solvers.cg, preconditioner=solvers.dissection)
    >>> alphamat.closed_form_system(scene.image, scene.trimap).solve(solver).solution.iterations
    1
    """
    A = as_stencil(A, caller="dissection")
    return Dissection.of(A.region).factorise(A)


def quickest(
    A: StencilMatrix, *, otherwise: Preconditioner = multigrid, most: float | None = None
) -> Callable[[np.ndarray], np.ndarray]:
    """Return `dissection(A)` where that is little work for each unknown, else `otherwise(A)`.

    Parameters
    ----------
    A : StencilMatrix
    otherwise : callable
        A preconditioner for wide areas, and factors that are too large.
    most : float
        Bytes that the factors may take; None does not limit them.

    Examples
    --------
    >>> from functools import partial
    >>> import alphamat
    >>> import solvers
    >>> from alphamat import examples
    >>> scene = examples.synthetic(examples.fur, 48, 64)
    >>> in_a_gigabyte = partial(solvers.quickest, most=1e9)
    >>> solver = partial(solvers.cg, preconditioner=in_a_gigabyte)
    >>> alphamat.closed_form_system(scene.image, scene.trimap).solve(solver).solution.converged
    True
    """
    if most is not None:
        most = as_number(most, "most", "a number of bytes, or None", least=0)
    A = as_stencil(A, caller="dissection")
    found = Dissection.of(A.region)
    if found.work <= WORTH * A.shape[0] and (most is None or found.nbytes <= most):
        return found.factorise(A)
    return otherwise(A)


class _Tree(NamedTuple):
    """Of each node: which unknowns are its own, what lies below it, and where its front is."""

    begin: np.ndarray
    end: np.ndarray
    child: np.ndarray  # the last node below it, or -1
    sibling: np.ndarray  # another node below the same one, or -1
    starts: np.ndarray
    borders: np.ndarray  # borders[starts[v] : starts[v + 1]] are later unknowns, in order
    fronts: np.ndarray  # where its own rows begin among the factors
    rests: np.ndarray  # where its rest does


@dataclass(frozen=True, eq=False)
class Dissection:
    """In which order a region's cells are eliminated, and what that takes."""

    order: np.ndarray  # (n,) cells
    at: np.ndarray  # (n,) where these are in `place`
    place: np.ndarray  # of each cell of the grid: its place in the order, or -1; flat
    steps: np.ndarray  # from a cell to those ahead to which it is coupled, in `place`
    tree: _Tree
    nodes: tuple[np.ndarray, np.ndarray]  # bin by bin, and where bins begin
    work: float
    """Multiply-adds."""
    rests: int

    @classmethod
    def of(cls, region: Region) -> Dissection:
        height, width = region.chosen.shape
        y, x = (axis.astype(np.int32) for axis in np.nonzero(region.chosen))
        order = np.arange(y.size, dtype=np.int32)
        begin, end, above = np.empty((3, y.size), np.int32)
        count = (
            ordering.dissect(region.reach, LEAF, y, x, order, begin, end, above) if y.size else 0
        )
        begin, end, above = begin[:count], end[:count], above[:count]
        at, place = y.astype(np.int64) * width + x, np.full(height * width, -1, np.int32)
        place[at] = np.arange(y.size)
        steps = np.array([dy * width + dx for dy, dx in offsets(region.reach)])

        child, sibling = _linked(above)
        starts = np.zeros(count + 1, np.int64)
        around = np.concatenate([steps[1:], -steps[1:]])
        borders = ordering.find_borders(begin, end, child, sibling, at, around, place, starts)
        fronts, rests = np.zeros((2, count + 1), np.int64)
        tree = _Tree(begin, end, child, sibling, starts, borders, fronts, rests)
        own, border = (end - begin).astype(float), np.diff(starts).astype(float)
        work = own * (own * own / 6 + own * border / 2 + border * border / 2)
        bins, bin_of = threads(int(work.sum()) // VECTOR), np.empty(count, np.int64)
        size = kernels.arrange(above, tree, work, bins, bin_of)
        nodes = np.argsort(bin_of, kind="stable")
        bounds = np.searchsorted(bin_of[nodes], np.arange(bins + 2))
        return cls(order, at, place, steps, tree, (nodes, bounds), float(work.sum()), int(size))

    @property
    def nbytes(self) -> int:
        """Bytes of the factors, and of what is needed besides to make them."""
        return 8 * int(self.tree.fronts[-1] + self.rests)

    def factorise(self, A: StencilMatrix) -> Callable[[np.ndarray], np.ndarray]:
        """Return r -> A⁻¹ r for a matrix on this region."""
        factors, rests = np.empty(self.tree.fronts[-1]), np.empty(self.rests)
        nodes, bins = self.nodes
        *_, top, _ = bins
        fields = np.empty((bins.size - 1, self.order.size), np.int32)
        stored = np.flatnonzero(A.chosen())[self.order]
        matrix = self.at, self.place, stored, self.steps, A.planes
        common = self.tree, matrix, factors, rests
        each, work = np.arange(bins.size - 1), int(self.work) // VECTOR
        over_bounds(kernels.eliminate, each, work, self.nodes, *common, fields)
        for v in nodes[top:]:
            self._eliminate(v, *kernels.assemble(v, *common, fields[-1]))
        return partial(self._solve, factors)

    def _eliminate(self, v: int, R: np.ndarray, U: np.ndarray, least: np.ndarray) -> None:
        """Eliminate one node by several threads."""
        own, border = kernels.sizes(self.tree, v)
        for begin in range(0, own, kernels.PANEL):
            end = min(begin + kernels.PANEL, own)
            kernels.finish_panel(begin, end, least, own, border, R)
            left = np.arange(own + border - end, -1, -kernels.FOUR)
            bounds = equal_parts(left[:-1])
            work = kernels.FOUR * int(left.sum()) * (end - begin) // VECTOR
            over_bounds(kernels.update, bounds, work, begin, end, own, border, R, U)

    def _solve(self, factors: np.ndarray, b: np.ndarray) -> np.ndarray:
        x = b[self.order].astype(np.float64)
        _, bins = self.nodes
        top, each = bins.size - 2, np.arange(bins.size - 1)
        taken = np.zeros((top + 1, x.size))
        way = self.nodes, self.tree, factors
        over_bounds(kernels.go_down, each, factors.size, *way, taken, x)
        taken[:top].sum(axis=0, out=taken[top])
        kernels.go_down(top, top + 1, *way, taken, x)
        kernels.go_up(top, top + 1, *way, x)
        over_bounds(kernels.go_up, each, factors.size, *way, x)
        z = np.empty_like(x)
        z[self.order] = x
        return z


def _linked(above: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return of each node the last one below it, and the next one below the same; -1 for none."""
    child, sibling = np.full((2, above.size), -1, np.int32)
    order = np.argsort(above, kind="stable")
    order = order[np.searchsorted(above[order], 0) :]
    same = above[order[1:]] == above[order[:-1]]
    sibling[order[1:][same]] = order[:-1][same]
    child[above[order]] = order  # the last assignment holds
    return child, sibling
