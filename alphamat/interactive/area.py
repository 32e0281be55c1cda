"""Rectangles of pixels, which grow around a stroke as far as it changes alpha."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

MARGIN = 32  # pixels around a stroke, at first
SEEN = 1 / 512  # of alpha: half a level of 255


class Area(NamedTuple):
    """A rectangle of pixels; right and bottom are outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def slices(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def size(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    def grown(self, by: tuple[int, ...], shape: tuple[int, ...]) -> Area:
        """Grow to the left, top, right and bottom, as far as the picture goes."""
        left, top = max(self.left - by[0], 0), max(self.top - by[1], 0)
        return Area(
            left, top, min(self.right + by[2], shape[1]), min(self.bottom + by[3], shape[0])
        )

    def within(self, outer: Area) -> tuple[slice, slice]:
        """Return where this area lies in an outer one."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        return rows, slice(self.left - outer.left, self.right - outer.left)

    def joined(self, other: Area | None) -> Area:
        """Return the least area around both."""
        if other is None:
            return self
        return Area(*map(min, self[:2], other[:2]), *map(max, self[2:], other[2:]))

    def around(self, mask: np.ndarray) -> Area | None:
        """Return the least area around the marked pixels of a mask of this area."""
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if not rows.size:
            return None
        left, top = self.left + int(columns[0]), self.top + int(rows[0])
        return Area(left, top, self.left + int(columns[-1]) + 1, self.top + int(rows[-1]) + 1)


def sides_to_grow(difference: np.ndarray) -> tuple[int, ...]:
    """Return how far a window has to grow to the left, top, right and bottom."""
    half, (height, width) = MARGIN // 2, difference.shape
    sides = difference[:, :half], difference[:half], difference[:, -half:], difference[-half:]
    lengths = width, height, width, height
    grow = [bool((side > SEEN).any()) for side in sides]
    return tuple(max(MARGIN, n // 2) * g for n, g in zip(lengths, grow, strict=True))
