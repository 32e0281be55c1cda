"""The matting Laplacian of large windows, as sums over boxes; no entry is ever stored.

He, Sun & Tang, "Fast Matting Using Large Kernel Matting Laplacian Matrices", CVPR 2010, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from alphamat import memory
from alphamat.laplacians import _boxes_kernels
from solvers.box import box_sum, spread
from solvers.grid import dilate
from solvers.loops import equal_parts, over_bounds
from solvers.parts import Parts, in_doubt
from solvers.runs import FIRST, RunsByRow, X, Y

TIED = 0.01  # |1 + zᵢ·zⱼ| of two pixels that a window ties; near 0 in windows of two colours


@dataclass(frozen=True, eq=False)
class ColourLineBoxes:
    """Rows of the matting Laplacian, as sums over windows; no entry is ever stored.

    L p = Σ_w (p - fit of p), over the windows that hold a pixel: the number of these windows times
    p, less their fits, which are the guided filter of p before its last division.

    Under NumPy a product runs in compiled loops along the rows. For arrays of other kinds it is
    written in array expressions, without writing in place, on the whole grid.
    """

    image: np.ndarray
    at: np.ndarray
    """Flat indices of the pixels to solve for."""
    number: np.ndarray
    """(H, W): the number of each of these pixels; their count at all others."""
    boxes: tuple[Boxes, ...]
    degree: np.ndarray
    """Number of windows that hold each pixel, by their weights, and what `shifted` added."""
    main: np.ndarray
    """The diagonal."""

    @classmethod
    def of(
        cls, image: np.ndarray, unknown: np.ndarray, radii: np.ndarray, *, epsilon: float
    ) -> ColourLineBoxes:
        """Return the rows of unknown pixels, with the radius of the window around each pixel.

        Where radii differ, each window's terms are multiplied by the area of the smallest window
        over its own.
        """
        sizes = [int(radius) for radius in np.flatnonzero(np.bincount(radii.ravel())) if radius]
        chosen = {radius: (radii == radius) & dilate(unknown, radius) for radius in sizes}
        _refuse_beyond_memory(unknown, chosen)
        boxes = tuple(
            Boxes.of(
                image,
                unknown,
                centres,
                radius=radius,
                weight=((2 * sizes[0] + 1) / (2 * radius + 1)) ** 2,
                epsilon=epsilon,
            )
            for radius, centres in chosen.items()
            if centres.any()
        )
        at, number = _numbered(unknown)
        degree_and_main = np.zeros((2, at.size))
        for box in boxes:
            box.cover(image, degree_and_main)
        return cls(image, at, number, boxes, *degree_and_main)

    @property
    def shape(self) -> tuple[int, int]:
        return (self.at.size, self.at.size)

    def __matmul__(self, x: Any) -> Any:
        if not isinstance(x, np.ndarray):
            return self.by_expressions(x)
        p, out = np.ascontiguousarray(x, np.float64), self.degree * x
        for box in self.boxes:
            box.subtract_fits(self.image, box.pixels, p, out)
        return out

    def by_expressions(self, x: Any) -> Any:
        """Return A @ x by array expressions, in the precision and on the device of x."""
        xp = x.__array_namespace__()
        p = xp.concat([x, xp.zeros_like(x[:1])])[self.number]
        red, green, blue = (self.image[..., channel] for channel in range(3))
        planes = xp.stack([p, p * red, p * green, p * blue])
        fits: Any = sum(box.fits(self.image, planes) for box in self.boxes)
        field = fits[0] + fits[1] * red + fits[2] * green + fits[3] * blue
        return self.degree * x - field.reshape(-1)[self.at]

    @cached_property
    def weak_parts(self) -> Parts | None:
        """The parts that known pixels hold weakly, such as areas of flat colour."""
        leader = np.arange(self.at.size, dtype=np.int32)
        for box in self.boxes:
            box.join(self.image, self.number, leader)
        return in_doubt(self, leader, self.image.reshape(-1, 3)[self.at].T)

    def couple(self, field: np.ndarray) -> np.ndarray:
        """Apply all rows, with their entries at all other pixels, to an (H, W) field."""
        p = np.ascontiguousarray(field, np.float64).ravel()
        everywhere = RunsByRow.of(np.ones(field.shape, bool))
        out = self.degree * p[self.at]
        for box in self.boxes:
            box.subtract_fits(self.image, everywhere, p, out)
        return out

    def diagonal(self) -> np.ndarray:
        return self.main

    def shifted(self, shift: np.ndarray) -> ColourLineBoxes:
        """Return this matrix plus diag(shift)."""
        return replace(self, degree=self.degree + shift, main=self.main + shift)


class Boxes(NamedTuple):
    """The windows of one size, and what they need to fit an affine function of colour.

    `number` (H - 2 radius, W - 2 radius) numbers the windows, in reading order of their centres; it
    is their count where there is none, and `at` lists its flat indices where there is one.
    `whitening` (9, windows) holds the coefficients of z = G⁻¹ (I - μ), with G Gᵀ = Σ + ε/|w|.
    `pixels` are the pixels to solve for that some window holds; `bounds` cuts the rows into parts
    with equally many windows.
    """

    at: np.ndarray
    number: np.ndarray
    whitening: np.ndarray
    weight: np.ndarray
    """Factor of each window's sum of squares, ()."""
    centres: RunsByRow
    pixels: RunsByRow
    bounds: np.ndarray

    @classmethod
    def of(
        cls,
        image: np.ndarray,
        unknown: np.ndarray,
        centres: np.ndarray,
        *,
        radius: int,
        weight: float,
        epsilon: float,
    ) -> Boxes:
        """Return the windows of an image around chosen centres, an (H, W) bool mask."""
        at, number = _numbered(centres[radius:-radius, radius:-radius])
        windows, pixels = RunsByRow.of(centres), RunsByRow.of(unknown & dilate(centres, radius))
        runs = pixels.runs
        runs[:, FIRST] = _numbered(unknown)[1][runs[:, Y], runs[:, X]]  # among all to solve for
        bounds = equal_parts(np.count_nonzero(centres, axis=1))
        bounds[-1] = len(centres)  # pixels may lie below the last centre
        whitening = np.empty((9, at.size))
        kernel, work = _boxes_kernels.whiten, 20 * centres.size
        over_bounds(kernel, bounds, work, image, radius, epsilon, *windows, whitening)
        return cls(at, number, whitening, np.array(weight), windows, pixels, bounds)

    def radius(self, image: np.ndarray) -> int:
        return (len(image) - len(self.number)) // 2

    def subtract_fits(
        self, image: np.ndarray, sources: RunsByRow, p: np.ndarray, out: np.ndarray
    ) -> None:
        """Subtract what the windows fit to p, values at `sources`, from `out` at `pixels`."""
        kernel, work = _boxes_kernels.subtract_fits, 40 * self.at.size
        windows = self.radius(image), *self.centres, self.whitening, float(self.weight)
        over_bounds(kernel, self.bounds, work, image, *windows, *sources, p, *self.pixels, out)

    def join(self, image: np.ndarray, number: np.ndarray, leader: np.ndarray) -> None:
        """Join pixels to solve for that a window ties, in a forest of their numbers."""
        radius = self.radius(image)
        across = (0, -1, 1, -radius, radius)
        steps = np.array(list(dict.fromkeys((dy, dx) for dy in across for dx in across)))
        runs = self.centres.runs, self.centres.starts
        _boxes_kernels.join(image, radius, steps, *runs, number, self.whitening, TIED, leader)

    def cover(self, image: np.ndarray, out: np.ndarray) -> None:
        """Add how many windows hold each pixel, and the diagonal of their L, to `out` (2, n)."""
        kernel, work = _boxes_kernels.cover, 100 * self.at.size
        windows = self.radius(image), *self.centres, self.whitening, float(self.weight)
        over_bounds(kernel, self.bounds, work, image, *windows, *self.pixels, out)

    def fits(self, image: np.ndarray, planes: Any) -> Any:
        """Return the sum of the fits of all windows that hold a pixel; planes of p (1, R, G, B).

        A fit is (1, R, G, B) Tᵀ T s / |w|, with s the sums of p (1, R, G, B) over the window and T
        the rows that turn (1, R, G, B) into (1, z).
        """
        xp = planes.__array_namespace__()
        radius, w = self.radius(image), self.whitening
        s, r, g, b = box_sum(planes, radius).reshape(4, -1)[:, self.at]
        z1 = w[0] * s + w[3] * r
        z2 = w[1] * s + w[4] * r + w[5] * g
        z3 = w[2] * s + w[6] * r + w[7] * g + w[8] * b
        ones = s + w[0] * z1 + w[1] * z2 + w[2] * z3
        red, green, blue = w[3] * z1 + w[4] * z2 + w[6] * z3, w[5] * z2 + w[7] * z3, w[8] * z3
        fits = xp.stack([ones, red, green, blue]) * (self.weight / (2 * radius + 1) ** 2)
        nothing = xp.zeros_like(fits[:, :1])
        return spread(xp.concat([fits, nothing], axis=1)[:, self.number], radius)


def _numbered(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the flat indices of the cells that a mask marks, and their numbers as an (H, W) array.

    At other cells the number is the count of marked cells.
    """
    at = np.flatnonzero(mask)
    number = np.full(mask.shape, at.size, np.int32)
    number[mask] = np.arange(at.size)
    return at, number


def _refuse_beyond_memory(unknown: np.ndarray, chosen: dict[int, np.ndarray]) -> None:
    windows = sum(int(np.count_nonzero(centres)) for centres in chosen.values())
    unknowns = int(np.count_nonzero(unknown))
    memory.refuse_beyond(
        80 * windows + 100 * unknowns + 6 * unknown.size * (1 + len(chosen)),
        f"The system of {unknowns:,} unknown pixels under {windows:,} windows",
        "Narrow the unknown region, or make the image smaller.",
    )
