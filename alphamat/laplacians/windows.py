"""Laplacians that are sums over small windows, one around each pixel that has room for one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from alphamat import memory
from alphamat.door.parameters import as_count, as_positive
from solvers import Preconditioner, Solver, StencilMatrix, cg, multigrid, quickest
from solvers.grid import Region, dilate, offsets
from solvers.loops import over_strips
from solvers.runs import Y, find_runs, find_stored

STRIP = 16  # rows of windows that one thread works on, at least as high as a window


@dataclass(frozen=True, eq=False)
class Windows:
    """All windows of an (H, W) image, 2 `radius` + 1 pixels wide, that touch an unknown pixel."""

    region: Region
    """The unknown pixels. All pixels that the windows cover are stored."""
    runs: np.ndarray
    """Runs of window centres, with where the rows of a window are stored; see solvers.runs."""
    strips: np.ndarray
    """Cuts the runs into strips for threads."""

    @classmethod
    def touching(cls, unknown: np.ndarray, radius: int) -> Windows:
        """Return the windows that touch a pixel of an (H, W) bool mask."""
        region = Region.of(unknown, 2 * radius)
        inside = slice(radius, -radius)
        centres = np.zeros_like(unknown)
        centres[inside, inside] = dilate(unknown, radius)[inside, inside]
        runs = find_stored(find_runs(centres), region.stored, margin=region.reach, reach=radius)
        height = max(STRIP, 2 * radius + 1)
        strips = np.searchsorted(runs[:, Y], np.arange(0, len(unknown) + height, height))
        return cls(region, runs, strips)

    def planes(self, kernel: Callable, *arguments: Any) -> np.ndarray:
        """Sum up a stencil matrix's planes by kernel(first, last, runs, *arguments, planes)."""
        planes = np.zeros((len(offsets(self.region.reach)), self.region.stored_size))
        over_strips(kernel, self.strips, 20 * planes.size, self.runs, *arguments, planes)
        return planes


def parse_parameters(shape: tuple[int, int], epsilon: float, radius: int) -> tuple[float, int]:
    """Return ε > 0 and a radius whose windows fit into an image of this shape, or raise."""
    epsilon, radius = as_positive(epsilon, "epsilon"), as_count(radius, "radius")
    if min(shape) < 2 * radius + 1:
        raise ValueError(
            f"`image` is {shape[0]} × {shape[1]} (height × width), smaller than one window of "
            f"{2 * radius + 1} × {2 * radius + 1} pixels; pass a larger image or a smaller "
            "`radius`."
        )
    return epsilon, radius


def quickest_in_memory(
    A: StencilMatrix, *, otherwise: Preconditioner = multigrid
) -> Callable[[np.ndarray], np.ndarray]:
    """Return `solvers.quickest(A)`, whose factors take at most half of the memory that is left."""
    allowed, _ = min(memory.limits())
    return quickest(A, otherwise=otherwise, most=allowed / 2)


SOLVER: Solver = partial(cg, preconditioner=quickest_in_memory)
"""Of the methods whose matrix couples the pixels of small windows."""


def bytes_of_system(unknowns: int, radius: int, stored: int) -> int:
    """Return what a stencil matrix and its multigrid take."""
    planes = ((4 * radius + 1) ** 2 + 1) // 2
    return 12 * planes * stored + 330 * unknowns  # in float64 and float32; coarse lattices


def refuse_beyond_memory(unknowns: int, radius: int, stored: int = 0) -> None:
    """Raise MemoryError if this machine cannot hold the stencil matrix and its multigrid.

    `stored` counts the unknown pixels and their halo; it is at least a square around one of them.
    """
    stored = max(stored, unknowns, (4 * radius + 1) ** 2 if unknowns else 0)
    memory.refuse_beyond(
        bytes_of_system(unknowns, radius, stored),
        f"The system of {unknowns:,} unknown pixels at radius {radius}",
        "Narrow the unknown region, or make the image smaller.",
    )
