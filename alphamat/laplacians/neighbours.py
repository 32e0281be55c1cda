"""Pixels that look alike, wherever they lie: nearest neighbours, and the graphs they make.

Pixels are named by their flat index in an (H, W) image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat import memory
from alphamat.laplacians import _neighbours_kernels as kernels
from alphamat.laplacians.tree import Tree
from solvers.loops import over_range
from solvers.operators import Pinned

SLACK = 1e-6  # relative; larger than the rounding of a distance, also in float32


class Edges(NamedTuple):
    """Some pixels, pixels that each of them is joined to, and how strongly."""

    centres: np.ndarray
    """(m,) pixels."""
    members: np.ndarray
    """(m, k) pixels."""
    weights: np.ndarray
    """(m, k) numbers ≥ 0."""


def with_position(features: np.ndarray, step: tuple[float, float]) -> np.ndarray:
    """Return (H, W, c) features as H W points, followed by row and column times `step`."""
    height, width, channels = features.shape
    points = np.empty((height, width, channels + 2))
    points[..., :channels] = features
    points[..., channels] = step[0] * np.arange(height)[:, None]
    points[..., channels + 1] = step[1] * np.arange(width)
    return points.reshape(height * width, channels + 2)


def nearest(points: np.ndarray, pixels: np.ndarray, among: np.ndarray, count: int) -> np.ndarray:
    """Return for each of some pixels the `count` nearest among others, nearest first.

    Parameters
    ----------
    points : (n, d) float64 array
        Distances between them are Euclidean; d is at least 2.
    pixels, among : (m,), (l,) int arrays
        `among` has no pixel twice. A pixel is not its own neighbour.
    count : int
        All of `among` are returned if they are fewer.

    Returns
    -------
    (m, count) int32 array. Neighbours at equal distances are common in flat regions. The search
    tree, which depends on `points` and `among` alone, decides between them.
    """
    held = _mask(among, len(points))[pixels]
    count = min(count, len(among) - int(held.any()))
    if count == 0 or len(pixels) == 0:
        return np.empty((len(pixels), count), np.int32)
    tree = Tree.of(points, among)
    alike = np.argsort(tree.near(points, pixels), kind="stable")
    members = np.empty((len(pixels), count), np.int32)
    members[alike] = _search(tree, points, pixels[alike], held[alike], count)
    return members


def neighbourhoods(
    points: np.ndarray, count: int, marked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Find the neighbourhoods with marked pixels: a pixel and the `count` others nearest to it.

    Parameters
    ----------
    points : (H W, d) float64 array
        Features `with_position`.
    count : int
        All others are taken if the image has fewer.
    marked : (H, W) bool array
        Most other pixels have all their neighbours nearer than any marked pixel. To find that out
        takes a fraction of the time of a search.

    Returns
    -------
    centres, members : (m,) and (m, count) arrays of pixels
        Marked pixels and those that have one among their neighbours, as `nearest` finds them.
    """
    everything, flat = np.arange(marked.size, dtype=np.int32), marked.ravel()
    if not flat.any():
        return everything[:0], np.empty((0, count), np.int32)
    count = min(count, marked.size - 1)
    tree = Tree.of(points, everything)
    chosen = flat[tree.order]  # leaf by leaf: pixels that are alike follow each other
    chosen[_may_choose(tree, points, count, marked)] = True
    centres = tree.order[chosen]
    members = _search(tree, points, centres, np.ones(len(centres), bool), count)
    hold = flat[centres] | flat[members].any(axis=1)
    return centres[hold], members[hold]


def _may_choose(tree: Tree, points: np.ndarray, count: int, marked: np.ndarray) -> np.ndarray:
    """Return which pixels are not marked and may have a marked one among their nearest.

    They are places in the order of the tree. A pixel is left out if enough others are nearer than
    any marked one. The pixels beside it in the tree bound its neighbours' distances from above. The
    way across the image to the next marked pixel bounds the distances of marked ones from below.
    """
    import cv2

    order = tree.order
    if marked.all():
        return np.empty(0, int)
    steps = cv2.distanceTransform((~marked).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    apart = steps.ravel()[order] * ((1 - SLACK) * _smaller_step(points, marked.shape))
    limits = np.zeros(len(order))
    work = (100 + count * count // 10) * len(order)
    over_range(kernels.limit_reach, len(order), work, points, order, count, apart, limits)
    undecided = np.flatnonzero(limits)
    limits = limits[undecided] * (1 + SLACK)
    targets = Tree.of(points, np.flatnonzero(marked))
    return undecided[targets.within(points, order[undecided], limits)]


def _smaller_step(points: np.ndarray, shape: tuple[int, int]) -> float:
    """Return the least distance, by position alone, of two pixels side by side."""
    extent = np.abs(points[-1, -2:] - points[0, -2:])
    return min(
        (far / (side - 1) for far, side in zip(extent, shape, strict=True) if side > 1), default=0.0
    )


def _search(tree: Tree, points, pixels, held, count: int) -> np.ndarray:
    """`nearest`, in a tree that holds some of the pixels; pixels that are alike should follow."""
    memory.refuse_beyond(
        60 * len(pixels) * count,  # and the matrix that is made of them
        f"The search for {count:,} neighbours of {len(pixels):,} pixels",
        "Ask for fewer neighbours, or make the image smaller.",
    )
    return tree.nearest(points, pixels, held, count)


def _mask(pixels: np.ndarray, size: int) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[pixels] = True
    return mask


def graph_laplacian(graphs: list[Edges], free: np.ndarray, known: np.ndarray) -> Pinned:
    """Return the rows of D - W that belong to free pixels; W is the graphs' symmetric sum.

    An edge counts in both directions, and edges between the same two pixels add up. A free pixel
    without a path of edges to a known one could have any alpha. It is joined, with weight 1, to
    the pixels beside it in the image.

    Parameters
    ----------
    graphs : list of Edges
        All edges that begin or end at a free pixel; others are ignored.
    free, known : (H, W) bool arrays
        Pixels to solve for, and those whose alpha is given.
    """
    laplacian = assemble(graphs, free)
    lost = _cut_off(laplacian, known)
    if not lost.any():
        return laplacian
    return assemble([*graphs, _beside(np.flatnonzero(free)[lost], free.shape)], free)


def assemble(graphs: list[Edges], free: np.ndarray) -> Pinned:
    """`graph_laplacian`, but pixels without a path to known ones are left as they are."""
    from scipy.sparse import csr_array

    n = int(np.count_nonzero(free))
    others = free.size - n
    number = np.empty(free.size, np.int32)  # free pixels come first
    number[free.ravel()] = np.arange(n)
    number[~free.ravel()] = np.arange(n, free.size)
    counts = np.zeros(n, np.int64)
    for edges in graphs:
        kernels.count_edges(edges.centres, edges.members, number, counts)
    starts = _offsets(counts)
    ends, indices, values = starts[:-1].copy(), np.empty(starts[-1], np.int32), np.empty(starts[-1])
    for edges in graphs:
        kernels.place_edges(*edges, number, ends, indices, values)
    inner, outer = np.empty(n, np.int64), np.empty(n, np.int64)
    work = 4 * len(indices)
    over_range(kernels.merge_edges, n, work, starts, free.size, indices, values, inner, outer)
    matrix, boundary = (
        (np.empty(rows[-1]), np.empty(rows[-1], np.int32), rows)
        for rows in (_offsets(inner + 1), _offsets(outer))
    )
    over_range(kernels.split_rows, n, work, starts, indices, values, *matrix, *boundary)
    return Pinned(csr_array(matrix, shape=(n, n)), csr_array(boundary, shape=(n, others)), free)


def _offsets(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)])


def _cut_off(laplacian: Pinned, known: np.ndarray) -> np.ndarray:
    """Return which rows have no path of edges to a known pixel."""
    matrix, free = laplacian.matrix, laplacian.free
    outward = laplacian.boundary.sum(axis=1) < 0
    reached = outward | known[free]
    kernels.flood(matrix.indptr, matrix.indices, matrix.data, reached)
    return ~reached


def _beside(pixels: np.ndarray, shape: tuple[int, int]) -> Edges:
    """Join pixels to the four beside each, or fewer at the border."""
    y, x = np.divmod(pixels, shape[1])
    centres, members = [], []
    for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1)):
        inside = (y >= -dy) & (y < shape[0] - dy) & (x >= -dx) & (x < shape[1] - dx)
        centres.append(pixels[inside])
        members.append(pixels[inside] + dy * shape[1] + dx)
    members = np.concatenate(members)[:, None]
    return Edges(np.concatenate(centres), members, np.ones(members.shape))
