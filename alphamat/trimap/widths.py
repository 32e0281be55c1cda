"""How far the unknown region reaches: the widths of a trimap's bands.

A width is a number of pixels, or a function that grows a mask, region (H, W) bool → (H, W) bool,
such as the two here, or `functools.partial(scipy.ndimage.binary_dilation, iterations=5)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from alphamat.door.parameters import as_count, as_number, as_positive

WHOLE = 99  # size of a kernel, to which OpenCV takes less than a second with all of it

Width = float | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Diagonal:
    """A width as a share of the image's diagonal: 0.01 is 1 %, whatever the resolution."""

    share: float

    def __post_init__(self):
        object.__setattr__(self, "share", as_positive(self.share, "share", "such as 0.01"))

    def __call__(self, region: np.ndarray) -> np.ndarray:
        return _within(region, self.share * math.hypot(*region.shape))


@dataclass(frozen=True)
class Ellipse:
    """Growth by OpenCV's elliptic kernel, `size` × `size` pixels, `iterations` times.

    The region grows as by `cv2.dilate`, and the rest shrinks as by `cv2.erode`. A kernel of even
    size reaches one pixel farther right and down than left and up, each time.
    """

    size: int
    iterations: int = 1

    def __post_init__(self):
        advice = "For wide bands pass a number of pixels, which takes no longer for more."
        object.__setattr__(self, "size", as_count(self.size, "size", most=9999, advice=advice))
        object.__setattr__(self, "iterations", as_count(self.iterations, "iterations"))

    @classmethod
    def random(
        cls,
        rng: np.random.Generator,
        *,
        size: tuple[int, int] = (2, 4),
        iterations: tuple[int, int] = (5, 14),
    ) -> Ellipse:
        """Draw size and iterations, each uniformly from a range that includes both its ends."""
        return cls(
            int(rng.integers(*size, endpoint=True)), int(rng.integers(*iterations, endpoint=True))
        )

    def __call__(self, region: np.ndarray) -> np.ndarray:
        import cv2

        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (self.size, self.size))
        before, grown = None, region.astype(np.uint8)
        for _ in range(self.iterations):
            before, grown = grown, _dilated(grown, kernel)
            if np.array_equal(before, grown):
                break
        return grown > 0


def grow(region: np.ndarray, width: Width, name: str) -> np.ndarray:
    """Return `region` with all that lies within `width` of it; errors call the width `name`."""
    if not callable(width):
        expected = (
            "a number of pixels of at least 0, or a function that grows a mask, such as "
            "alphamat.trimap.Ellipse(7, iterations=6)"
        )
        return _within(region, as_number(width, name, expected, least=0))
    grown = np.asarray(width(region))
    if grown.dtype != bool or grown.shape != region.shape:
        raise ValueError(
            f"`{name}` returned an array of shape {grown.shape} and dtype {grown.dtype}; expected "
            f"the mask that it was given, grown: {region.shape} and bool."
        )
    return region | grown


def _dilated(region: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """`cv2.dilate`, by large kernels row after row: Python hears Ctrl-C between calls only."""
    import cv2

    size, height = len(kernel), len(region)
    if size <= WHOLE:
        return cv2.dilate(region, kernel)
    grown = np.zeros_like(region)
    for row in range(size):
        down = row - size // 2
        if abs(down) < height:
            wide = cv2.dilate(region, kernel[row : row + 1], anchor=(size // 2, 0))
            to, source = slice(max(0, -down), height - down), slice(max(0, down), height + down)
            grown[to] |= wide[source]
    return grown


def depth(region: np.ndarray) -> float:
    """Return the greatest distance in pixels from within a region to the rest of the picture."""
    return float(distance_to(~region).max())


def _within(region: np.ndarray, width: float) -> np.ndarray:
    if not region.any():
        return region  # OpenCV gives no distance to nothing
    # Squared distances are whole numbers; half way to the next, rounding does not matter.
    squared = math.floor(min(width, math.hypot(*region.shape)) ** 2 + 1e-9)
    return distance_to(region) < math.sqrt(squared + 0.5)


def distance_to(region: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance from each pixel's centre to the nearest in a region.

    It is very large where the region is empty.
    """
    import cv2

    return cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
