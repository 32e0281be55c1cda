"""A k-d tree: points sorted so that near ones lie together, and searches for the nearest of them.

Bentley, "Multidimensional Binary Search Trees Used for Associative Searching", Communications of
the ACM 18(9), 1975. Points are named by their row in an (n, d) float64 array, d ≥ 2.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat.laplacians import _tree_kernels as kernels
from solvers.loops import over_range

LEAF = 32  # points in a leaf, at most


class Tree(NamedTuple):
    """Some of the points, in leaves: halves of halves, each cut across its longest side."""

    order: np.ndarray
    """(n,) int32, the points leaf by leaf."""
    blocks: np.ndarray
    """(leaves, d, places) coordinates, leaf by leaf; infinite where a leaf has a place to spare."""
    boxes: np.ndarray
    """(nodes, 2, d, 8) least and greatest coordinates of the points in each node's children."""

    @classmethod
    def of(cls, points: np.ndarray, among: np.ndarray) -> Tree:
        """Sort points[among]; `among` has no point twice, and at least one."""
        n, dims = len(among), points.shape[1]
        depth = max(0, int(np.ceil(np.log2(n / LEAF))))
        levels = -(-depth // 3)
        order, rows = among.astype(np.int32), points[among]
        boxes = np.empty(((8**levels - 1) // 7, 2, dims, 8))
        total = 1
        for level in range(levels):
            parts = 8 if level else 2 ** (depth - 3 * (levels - 1))
            arguments = (8**level - 1) // 7, parts, total, rows, order, boxes
            over_range(kernels.split, total, 15 * rows.size, *arguments)
            total *= parts
        blocks = np.empty((total, dims, -(-n // total)))
        over_range(kernels.pack, total, rows.size, rows, blocks)
        return cls(order, blocks, boxes)

    def near(self, points: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        """Return (m,) numbers of leaves near pixels."""
        leaves = np.empty(len(pixels), np.int32)
        work = 500 * len(pixels)
        over_range(kernels.locate, len(pixels), work, points, pixels, self.boxes, leaves)
        return leaves

    def nearest(
        self, points: np.ndarray, pixels: np.ndarray, held: np.ndarray, count: int
    ) -> np.ndarray:
        """Return (m, count) points nearest to pixels, nearest first.

        Pixels that follow each other should be near each other. Those that are `held` by the tree
        are not their own neighbours. The tree must have `count` others.
        """
        members = np.empty((len(pixels), count), np.int32)
        work = (2000 + 500 * count) * len(pixels)
        arguments = points, pixels, held, *self, members
        over_range(kernels.search, len(pixels), work, *arguments)
        return members

    def within(self, points: np.ndarray, pixels: np.ndarray, limits: np.ndarray) -> np.ndarray:
        """Return (m,) whether one of the tree's points is nearer to a pixel than its limit."""
        near = np.empty(len(pixels), bool)
        arguments = points, pixels, limits, self.blocks, self.boxes, near
        over_range(kernels.reach, len(pixels), 1000 * len(pixels), *arguments)
        return near
