"""Steps from a picture to a network's size, and of alpha back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from alphamat.rules.filters import bilinear, nearest
from alphamat.rules.sizes import Size


class Resize(NamedTuple):
    """Resize the image, and alpha back."""

    size: Callable[[int, int], Size]
    """New height and width, from the old ones."""
    how: Callable[[np.ndarray, Size], np.ndarray] = bilinear
    how_trimap: Callable[[np.ndarray, Size], np.ndarray] = nearest
    back: Callable[[np.ndarray, Size], np.ndarray] | None = None
    """How alpha is resized; None where it is as the image is."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        size = self.size(*image.shape[:2])
        if image.shape[:2] == size:
            return image, trimap
        if trimap is not None:
            trimap = self.how_trimap(trimap, size)
        return self.how(image, size), trimap

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha if alpha.shape[:2] == size else (self.back or self.how)(alpha, size)


class Pad(NamedTuple):
    """Pad by mirroring at the borders, without repeating the border pixels."""

    border: int
    """Pixels added on every side."""
    multiple: int
    """Then height and width (without `border`) are padded at their ends to multiples of this."""
    mode: Literal["reflect", "edge"] = "reflect"
    """Of `numpy.pad`; "edge" repeats the border pixels instead."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        border = [(self.border, self.border + -side % self.multiple) for side in image.shape[:2]]
        return self._padded(image, border), None if trimap is None else self._padded(trimap, border)

    def _padded(self, pixels: np.ndarray, border: list[tuple[int, int]]) -> np.ndarray:
        return np.pad(pixels, [*border, *[(0, 0)] * (pixels.ndim - 2)], mode=self.mode)

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        y, x = (slice(self.border, self.border + side) for side in size)
        return alpha[y, x]


class Extend(NamedTuple):
    """Add pixels of one colour below and to the right. The trimap has them as background."""

    size: Callable[[int, int], Size]
    """New height and width, from the old ones."""
    colour: tuple[float, float, float]
    """In [0, 1]; so 8 bits become such numbers."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        height, width = image.shape[:2]
        size = self.size(height, width)
        if size == (height, width):
            return image, trimap
        wide = np.empty((*size, 3), np.float32)
        wide[:] = self.colour
        wide[:height, :width] = image / np.float32(255) if image.dtype == np.uint8 else image
        ends = [(0, size[0] - height), (0, size[1] - width)]
        return wide, None if trimap is None else np.pad(trimap, ends)

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha[: size[0], : size[1]]


class Repeat(NamedTuple):
    """Repeat the last row and column of pixels, down and to the right."""

    size: Callable[[int, int], Size]
    """New height and width, from the old ones."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        height, width = self.size(*image.shape[:2])
        ends = [(0, height - image.shape[0]), (0, width - image.shape[1])]
        more = None if trimap is None else np.pad(trimap, ends, mode="edge")
        return np.pad(image, [*ends, (0, 0)], mode="edge"), more

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha[: size[0], : size[1]]


class Brighten(NamedTuple):
    """Divide the image by its largest value."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return image / np.float32(max(image.max(), 1e-6)), trimap

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        return alpha


class Stretch(NamedTuple):
    """Stretch alpha: its smallest value becomes 0, its largest 1."""

    def apply(
        self, image: np.ndarray, trimap: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        return image, trimap

    def undo(self, alpha: np.ndarray, size: Size) -> np.ndarray:
        low, high = alpha.min(), alpha.max()
        return (alpha - low) / (high - low) if low < high else alpha


Step = Resize | Pad | Extend | Repeat | Brighten | Stretch
STEPS = {step.__name__.lower(): step for step in (Resize, Pad, Extend, Repeat, Brighten, Stretch)}
