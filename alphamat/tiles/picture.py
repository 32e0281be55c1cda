"""The picture and the trimap of a matte that is made in pieces, and the system of a piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alphamat.door.image import as_image
from alphamat.io.stored import Windows
from alphamat.io.windows import bands, copy_to
from alphamat.system import System, alpha_system
from alphamat.tiles.plan import Cells
from alphamat.tiles.state import Box
from alphamat.trimap.parse import Trimap, as_trimap, trimap_levels
from solvers import Solver, StencilMatrix

Rows = Callable[[np.ndarray, np.ndarray], StencilMatrix]
"""From an image, (H, W, 3) float64, and a mask to the rows of the pixels that the mask marks."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is given."""

    image: Windows
    levels: Windows
    """Of the trimap: 0, 128 and 255, (H, W) uint8."""
    rows: Rows
    solver: Solver

    def colours(self, box: Box) -> np.ndarray:
        """Return the colours of a box, float64."""
        return as_image(self.image.read(*box))

    def system(self, box: Box, inside: np.ndarray, alpha: np.ndarray) -> System:
        """Return the system of the unknown pixels of a box that lie inside a mask.

        All others are held: the known ones to the trimap, the unknown ones to `alpha`.
        """
        levels = self.levels.read(*box)
        return self.held(self.colours(box), levels, inside, alpha)

    def held(
        self, image: np.ndarray, levels: np.ndarray, inside: np.ndarray, alpha: np.ndarray
    ) -> System:
        """Return that system for colours and levels of a trimap."""
        unknown = levels == 128
        place = unknown & inside
        trimap = Trimap(foreground=~place & (levels > 0), background=~place & (levels == 0))
        made = alpha_system(
            lambda _, mask: self.rows(image, mask), trimap, confidence=None, solver=self.solver
        )
        given = made.given
        beside = unknown & ~inside
        given[beside] = alpha[beside]
        return replace(made, given=given)


def copy_trimap(trimap: Windows, path: Path, size: tuple[int, int]) -> Windows:
    """Copy the levels of a trimap, 0, 128 and 255, to a file of which any part can be read."""
    if trimap.size != size:
        raise ValueError(
            f"`trimap` is {trimap.size[0]} × {trimap.size[1]} (height × width) and the image "
            f"{size[0]} × {size[1]}; they have to be of one size."
        )
    low, high = 1.0, 0.0

    def read(rows: slice, columns: slice) -> np.ndarray:
        nonlocal low, high
        levels = trimap_levels(trimap.read(rows, columns))
        low, high = min(low, float(levels.min())), max(high, float(levels.max()))
        return Trimap.of(levels).levels

    copy = copy_to(trimap._replace(read=read), path)
    if low <= high and (low > 0 or high < 1):  # it was read in this run
        path.unlink()
        as_trimap(np.array([[low, high]]))  # which says what is missing
    return copy


def count_unknown(levels: Windows, reach: int) -> Cells:
    """Return how many unknown pixels are in each cell."""
    cells = Cells.empty(levels.size, reach)
    for rows in bands(levels):
        cells.add(rows.start, levels.read(rows, slice(0, levels.size[1])) == 128)
    return cells
