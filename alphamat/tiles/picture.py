"""The picture and the trimap of a matte that is made in pieces, and the system of a piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from alphamat.door.image import as_image
from alphamat.io.profiles import as_rgb, convert_colours, fitting
from alphamat.io.stored import Windows
from alphamat.io.windows import bands, copy_to
from alphamat.system import System, alpha_system
from alphamat.tiles.plan import Cells
from alphamat.tiles.state import Box
from alphamat.trimap.parse import Trimap, as_trimap, trimap_levels
from solvers import Solver, StencilMatrix, cg

Rows = Callable[[np.ndarray, np.ndarray], StencilMatrix]
"""From an image, (H, W, 3) float64, and a mask to the rows of the pixels that the mask marks."""


@dataclass(frozen=True, eq=False)
class Picture:
    """What is given."""

    image: Windows
    levels: Windows
    """Of the trimap: 0, 128 and 255, (H, W) uint8."""
    rows: Rows | None = None
    """None where no system is solved."""
    solver: Solver = cg

    def pixels(self, box: Box) -> np.ndarray:
        """Return the colours of a box in sRGB, (h, w, 3) float64 in [0, 1]."""
        pixels = self.image.read(*box)
        profile = as_rgb(fitting(self.image.profile, pixels), name="image")
        return convert_colours(as_image(pixels), profile, None)

    def colours(self, box: Box, windows: Iterable[Box]) -> np.ndarray:
        """Return the colours of a box, float64, where it lies in windows of the picture; else 0.

        Memory that is not written is not taken.
        """
        y, x = box
        colours = np.zeros((y.stop - y.start, x.stop - x.start, 3))
        for window in windows:
            rows, columns = (
                slice(max(a.start, b.start), min(a.stop, b.stop))
                for a, b in zip(window, box, strict=True)
            )
            if rows.start < rows.stop and columns.start < columns.stop:
                place = colours[rows.start - y.start :, columns.start - x.start :]
                pixels = self.pixels((rows, columns))
                place[: pixels.shape[0], : pixels.shape[1]] = pixels
        return colours

    def held(
        self, image: np.ndarray, levels: np.ndarray, inside: np.ndarray, alpha: np.ndarray | None
    ) -> System:
        """Return the system of the unknown pixels inside a mask, from colours and trimap levels.

        All others are held: the known ones to the trimap, the unknown ones to `alpha`, or to 0.
        """
        assert self.rows is not None
        unknown = levels == 128
        place = unknown & inside
        trimap = Trimap(foreground=~place & (levels > 0), background=~place & (levels == 0))
        rows = self.rows(image, place)
        made = alpha_system(lambda *_: rows, trimap, confidence=None, solver=self.solver)
        if alpha is None:
            return made
        given, beside = made.given, unknown & ~inside
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


def count_unknown(levels: Windows, reach: int, rows: int) -> Cells:
    """Return how many unknown pixels are in each cell; see `Cells.empty`."""
    cells = Cells.empty(levels.size, reach, rows)
    for band in bands(levels):
        cells.add(band.start, levels.read(band, slice(0, levels.size[1])) == 128)
    return cells
