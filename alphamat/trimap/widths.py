"""How far the unknown region reaches: the widths of a trimap's bands.

A width is a number of pixels, or a function that grows a mask, region (H, W) bool → (H, W) bool,
such as the two here, or `functools.partial(scipy.ndimage.binary_dilation, iterations=5)`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real

import numpy as np

from alphamat.door.parameters import refuse_unless_counting, refuse_unless_positive

Width = float | Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Diagonal:
    """A width as a share of the image's diagonal: 0.01 is 1 %, whatever the resolution."""

    share: float

    def __post_init__(self):
        refuse_unless_positive("share", self.share, "such as 0.01")

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
        refuse_unless_counting("size", self.size)
        refuse_unless_counting("iterations", self.iterations)

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
        return cv2.dilate(region.astype(np.uint8), kernel, iterations=self.iterations) > 0


def grow(region: np.ndarray, width: Width, name: str) -> np.ndarray:
    """Return `region` with all that lies within `width` of it; errors call the width `name`."""
    if not callable(width):
        if not isinstance(width, Real):
            raise TypeError(
                f"`{name}` is {width!r}; expected a number of pixels, or a function that grows a "
                "mask, such as alphamat.trimap.Ellipse(7, iterations=6)."
            )
        if not (math.isfinite(width) and width >= 0):
            raise ValueError(f"`{name}` is {width}; expected a number of pixels of at least 0.")
        return _within(region, float(width))
    grown = np.asarray(width(region))
    if grown.dtype != bool or grown.shape != region.shape:
        raise ValueError(
            f"`{name}` returned an array of shape {grown.shape} and dtype {grown.dtype}; expected "
            f"the mask that it was given, grown: {region.shape} and bool."
        )
    return region | grown


def depth(region: np.ndarray) -> float:
    """Return the greatest distance in pixels from within a region to the rest of the picture."""
    return float(_distance_to(~region).max())


def _within(region: np.ndarray, width: float) -> np.ndarray:
    if not region.any():
        return region  # OpenCV gives no distance to nothing
    # Squared distances are whole numbers; half way to the next, rounding does not matter.
    squared = math.floor(min(width, math.hypot(*region.shape)) ** 2 + 1e-9)
    return _distance_to(region) < math.sqrt(squared + 0.5)


def _distance_to(region: np.ndarray) -> np.ndarray:
    """Return the Euclidean distance from each pixel's centre to the nearest in a region."""
    import cv2

    return cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
