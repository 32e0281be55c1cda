"""Algebraic multigrid by aggregation, for couplings that differ by many orders of magnitude.

Strongly coupled unknowns are joined into pairs, and pairs into fours. Each four is one unknown of
a coarser matrix, and so on. On each level one Gauss–Seidel sweep before the coarse correction, and
one after it, reduce the errors that the coarser matrix cannot express.

Notay, "An Aggregation-Based Algebraic Multigrid Method", ETNA 37, 2010 (pairs of pairs); Napov &
Notay, "An Algebraic Multigrid Method with Guaranteed Convergence Rate", SISC 34, 2012 (the quality
of an aggregate); Braess, "Towards Algebraic Multigrid for Elliptic Problems of Second Order",
Computing 55, 1995 (over-correction); Baker, Falgout, Kolev & Yang, "Multigrid Smoothers for
Ultraparallel Computing", SISC 33, 2011 (blocks that are swept side by side).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from solvers import _amg_kernels as kernels
from solvers.csr import as_csr
from solvers.loops import over_bounds, over_range
from solvers.operators import Operator
from solvers.parameters import as_number, as_positive

BLOCK = 16_384  # rows that one thread sweeps in order
FEW = 800_000  # rows and couplings of a level below which one thread is faster
ALMOST = 0.8  # a row that sums to this share of its diagonal needs no coarse correction


def amg(A: Operator, *, bound: float = 5.0, overcorrection: float = 1.4) -> Hierarchy:
    """Return one W(1, 1)-cycle of aggregation multigrid as a preconditioner r -> z.

    It suits D - W, less the rows and columns of given values, with weights W ≥ 0 on a grid or any
    other graph. The weights may span ten orders of magnitude. The number of iterations then hardly
    grows with the number of unknowns. The cycle is symmetric and positive definite if A is. The
    more positive entries A has off its diagonal, the less it helps.

    Parameters
    ----------
    A : (n, n) operator with `tocsr()`
        Symmetric and positive definite.
    bound : float
        Two unknowns may pair if a difference between them looks to the smoother at most so many
        times larger than its energy. The average number of entries in a row is used if it is
        larger. Larger values coarsen faster and converge slower.
    overcorrection : float
        Factor of the coarse corrections, at least 1 and below 2. Functions that are constant on
        each aggregate have more energy than the smooth ones they stand for, so that corrections by
        them are too small.

    Returns
    -------
    Hierarchy
        A preconditioner r -> z.

    Raises
    ------
    TypeError
        If A has no `tocsr()`.
    ValueError
        If A is not square, has a diagonal entry that is not positive, or if `overcorrection` is
        out of range.

    Notes
    -----
    It takes about 130 bytes for each unknown and 15 for each entry of A. Everything is in float64,
    because the residual of a weakly bound group is a sum of terms that cancel to ten digits.

    Examples
    --------
    >>> from functools import partial
    >>> import numpy as np
    >>> import solvers
    >>> from scipy.sparse import diags_array
    >>> A = diags_array([-1.0, 2.5, -1.0], offsets=[-1, 0, 1], shape=(50, 50)).tocsr()
    >>> solver = partial(solvers.cg, preconditioner=solvers.amg)
    >>> solver(A, np.ones(50)).converged
    True
    """
    bound = as_positive(bound, "bound", "such as 5")
    expected = "at least 1 and less than 2; from 2 on the cycle would not be positive definite"
    below_two = math.nextafter(2, 1)
    overcorrection = as_number(overcorrection, "overcorrection", expected, least=1, most=below_two)
    matrix = as_csr(A, caller="amg")
    diagonal = matrix.diagonal()
    if not (diagonal > 0).all():
        i = int(np.argmin(diagonal > 0))
        raise ValueError(
            f"`A` is not positive definite: its diagonal entry {i} is {diagonal[i]:g}."
        )
    levels, groups = [Couplings.of(matrix)], []
    while True:
        group, coarser = coarsen(levels[-1], bound)
        if not 0 < coarser.size < ALMOST * levels[-1].size:
            return Hierarchy.of(levels, groups, overcorrection)
        levels.append(coarser)
        groups.append(group)


class Couplings(NamedTuple):
    """A symmetric matrix: row i holds w = -a_ij at ptr[i] … ptr[i + 1], and sums to excess[i]."""

    ptr: np.ndarray
    columns: np.ndarray
    w: np.ndarray
    excess: np.ndarray

    @classmethod
    def of(cls, matrix: Any) -> Couplings:
        """Take a CSR matrix apart."""
        couplings = cls.room(matrix.shape[0], matrix.nnz)
        kernels.split(matrix.indptr, matrix.indices, matrix.data, couplings)
        return couplings.trimmed()

    @classmethod
    def room(cls, rows: int, couplings: int) -> Couplings:
        """Return empty arrays of this size."""
        columns, w = np.empty(couplings, np.int32), np.empty(couplings)
        return cls(np.empty(rows + 1, np.int64), columns, w, np.empty(rows))

    def trimmed(self) -> Couplings:
        """Return copies of the filled parts."""
        used = self.ptr[-1]
        return self._replace(columns=self.columns[:used].copy(), w=self.w[:used].copy())

    @property
    def size(self) -> int:
        return len(self.excess)

    def diagonal(self) -> np.ndarray:
        diagonal = np.empty_like(self.excess)
        over_range(kernels.diagonal, self.size, self.w.size, self, diagonal)
        return diagonal


def coarsen(fine: Couplings, bound: float) -> tuple[np.ndarray, Couplings]:
    """Return the group of each row, a pair of pairs, or -1; and the matrix between groups."""
    bound = max(bound, fine.w.size / fine.size)
    diagonal = fine.diagonal()
    pairs = pair(fine, diagonal, bound)
    between = project(fine, pairs)
    # The fine diagonal says what looks large to the smoother. That of `between` does not: it is
    # small for a pair that has no other couplings, and would let it join any neighbour.
    paired = pairs >= 0
    joint = np.zeros(between.size)
    np.add.at(joint, pairs[paired], diagonal[paired])
    fours = pair(between, joint, bound)
    group = np.full_like(pairs, -1)
    group[paired] = fours[pairs[paired]]
    return group, project(between, fours)


def pair(matrix: Couplings, diagonal: np.ndarray, bound: float) -> np.ndarray:
    """Return each row's pair, or -1 for a row that its diagonal alone almost solves."""
    solved = (matrix.excess > ALMOST * diagonal) | (diagonal <= 0)
    leader = np.where(solved, kernels.ALONE, kernels.FREE).astype(np.int32)
    weight = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=~solved)
    favourite, group = np.empty((2, matrix.size), np.int32)
    work = 3 * matrix.w.size
    over_range(kernels.favour, matrix.size, work, matrix, weight, bound, leader, favourite)
    kernels.lead(matrix, weight, bound, leader, favourite)
    kernels.number(leader, group)
    return group


def project(fine: Couplings, group: np.ndarray) -> Couplings:
    """Return Pᵀ A P, where P gives all rows of a group its value, and others zero."""
    members = Members.of(group)
    coarse = Couplings.room(members.start.size - 1, fine.w.size)
    kernels.project(fine, group, members, coarse)
    return coarse.trimmed()


class Members(NamedTuple):
    """The rows in each group: those of group c are rows[start[c] : start[c + 1]]."""

    start: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, group: np.ndarray) -> Members:
        start = np.zeros(int(group.max(initial=-1)) + 2, np.int64)
        rows = np.empty(np.count_nonzero(group >= 0), np.int32)
        kernels.list_members(group, start, rows)
        return cls(start, rows)


class Rows(NamedTuple):
    """The matrices of all levels, one after another, in the order that `_amg_kernels` describes."""

    ptr: np.ndarray
    low: np.ndarray
    high: np.ndarray
    columns: np.ndarray
    w: np.ndarray
    diagonal: np.ndarray
    slack: np.ndarray
    inverse: np.ndarray

    @classmethod
    def of(cls, levels: list[Couplings], bounds: np.ndarray) -> Rows:
        entries = np.cumsum([0, *(level.w.size for level in levels)])
        low, high = np.empty((2, bounds[-1]), np.int64)
        diagonal, slack, inverse = np.empty((3, bounds[-1]))
        rows = cls(
            np.concatenate([*map(_shifted, (c.ptr[:-1] for c in levels), entries), entries[-1:]]),
            low,
            high,
            np.concatenate([*map(_shifted, (c.columns for c in levels), bounds)]),
            np.concatenate([c.w for c in levels]),
            diagonal,
            slack,
            inverse,
        )
        excess = np.concatenate([c.excess for c in levels])
        for level, couplings in enumerate(levels):
            blocks = _blocks(bounds, level)
            work = 3 * couplings.w.size
            over_bounds(kernels.arrange, blocks, work, blocks[0], BLOCK, excess, rows)
        return rows


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The levels of multigrid. Calling it runs one cycle."""

    bounds: np.ndarray
    """Level k has the rows bounds[k] … bounds[k + 1]."""
    rows: Rows
    group: np.ndarray
    """The row of the next level that stands for a row, or -1."""
    members: Members
    visits: np.ndarray
    """How often a cycle at each level calls on the next; 0 at the last."""
    factors: np.ndarray
    """Factor of the correction from the next level."""

    @classmethod
    def of(
        cls, levels: list[Couplings], groups: list[np.ndarray], overcorrection: float
    ) -> Hierarchy:
        sizes = [level.size for level in levels]
        bounds = np.cumsum([0, *sizes])
        above = zip(groups, bounds[1:-1], strict=True)
        parents = [np.where(group < 0, -1, group + at) for group, at in above]
        group = np.concatenate([*parents, np.full(sizes[-1], -1)], dtype=np.int32)
        # A second visit costs little where the next level is less than half as large. It also
        # undoes over-correction on the levels below, which would add up after single visits.
        visits = np.array([2 if 2.5 * b < a else 1 for a, b in pairwise(sizes)] + [0])
        factors = np.where(visits > 1, overcorrection, 1.0)
        return cls(bounds, Rows.of(levels, bounds), group, Members.of(group), visits, factors)

    def __call__(self, r: np.ndarray) -> np.ndarray:
        b, x, y, z = np.empty((4, self.bounds[-1]))
        b[: r.size] = r
        self._cycle(0, b, x, y, z)
        return z[: r.size].copy()

    def _cycle(self, level: int, b, x, y, z) -> None:
        """`kernels.cycle`, with the loops over large levels shared among threads."""
        rows, members, visits, factors = self.rows, self.members, self.visits, self.factors
        here = _blocks(self.bounds, level)
        work = int(rows.ptr[here[-1]] - rows.ptr[here[0]] + here[-1] - here[0])
        if work < FEW or visits[level] == 0:
            kernels.cycle(
                level, self.bounds, visits, factors, rows, self.group, members, b, x, y, z
            )
            return
        below = _blocks(self.bounds, level + 1)
        over_bounds(kernels.sweep, here, work, rows, b, x)
        over_bounds(kernels.remainder, here, work, rows, x, z)
        over_bounds(kernels.restrict, below, work, members, z, b)
        self._cycle(level + 1, b, x, y, z)
        if visits[level] > 1:
            over_bounds(kernels.again, below, work, rows, z, b, y)
            self._cycle(level + 1, b, x, y, z)
            z[below[0] : below[-1]] += y[below[0] : below[-1]]
        over_bounds(kernels.prolong, here, work, self.group, factors[level], z, x)
        over_bounds(kernels.sweep_back, here, work, rows, b, x, z)


def _shifted(numbers: np.ndarray, by: np.integer) -> np.ndarray:
    return numbers + numbers.dtype.type(by)


def _blocks(bounds: np.ndarray, level: int) -> np.ndarray:
    """Return where the blocks of a level begin, and where the last one ends."""
    return np.append(np.arange(bounds[level], bounds[level + 1], BLOCK), bounds[level + 1])
