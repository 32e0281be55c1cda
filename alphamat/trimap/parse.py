"""Trimaps: known foreground, known background, and the unknown region between."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from alphamat.door.image import Pixels, as_array, as_plane, refuse_other_size
from alphamat.door.parameters import as_count, shown


class Trimap(NamedTuple):
    """A parsed trimap: two disjoint (H, W) bool masks. What neither covers is unknown."""

    foreground: np.ndarray
    background: np.ndarray

    @classmethod
    def of(cls, levels: np.ndarray) -> Trimap:
        """Split levels in [0, 1], (H, W): 1 is foreground, 0 background, between is unknown."""
        return cls(foreground=levels == 1, background=levels == 0)

    @property
    def known(self) -> np.ndarray:
        """Pixels whose alpha is given: 1 on the foreground, 0 on the background."""
        return self.foreground | self.background

    @property
    def unknown(self) -> np.ndarray:
        """Pixels whose alpha is to be found."""
        return ~self.known

    @property
    def levels(self) -> np.ndarray:
        """(H, W) uint8: 255 on the foreground, 0 on the background, 128 between."""
        levels = np.full(self.foreground.shape, 128, np.uint8)
        levels[self.foreground] = 255
        levels[self.background] = 0
        return levels


def as_trimap(trimap: Pixels, *, shape: tuple[int, int] | None = None) -> Trimap:
    """Parse a trimap.

    Parameters
    ----------
    trimap : (H, W) array_like, or PIL image
        uint8, uint16, or floating point in [0, 1]. Full scale (255, 65535, 1.0) is known
        foreground, 0 known background, and everything strictly between is unknown. Colour images
        with equal channels are accepted.
    shape : (H, W), optional
        Size that the trimap must have.

    Raises
    ------
    TypeError
        If the trimap is a bool mask or of another dtype.
    ValueError
        If its size, its values or its channels do not fit, or if it marks no foreground or no
        background.

    Examples
    --------
    >>> import numpy as np
    >>> import alphamat
    >>> trimap = alphamat.as_trimap(np.array([[0, 128, 255]], np.uint8))
    >>> trimap.unknown
    array([[False,  True, False]])
    """
    levels = trimap_levels(trimap, None if shape is None else _as_shape(shape))
    parsed = Trimap.of(levels)
    for part, level in (("foreground", "white: 255, or 1.0"), ("background", "black: 0")):
        if not getattr(parsed, part).any():
            raise ValueError(
                f"`trimap` marks no {part} ({level}), so alpha is not determined; its values run "
                f"from {levels.min():.3g} to {levels.max():.3g} of full scale. Mark at least one "
                f"pixel that is certainly {part}."
            )
    return parsed


def _as_shape(shape: tuple[int, int]) -> tuple[int, int]:
    sides = tuple(shape) if isinstance(shape, Iterable) else ()
    if len(sides) != 2:
        raise TypeError(f"`shape` is {shown(shape)}; expected (height, width).")
    return as_count(sides[0], "shape[0]"), as_count(sides[1], "shape[1]")


def trimap_levels(trimap: Pixels | None, shape: tuple[int, int] | None = None) -> np.ndarray:
    """Return a trimap's levels as (H, W) float64 in [0, 1]; it may lack any of its parts."""
    if trimap is None:
        raise ValueError(
            "`trimap` is missing, and this method needs one. `alphamat.trimap`, and the command "
            "`alphamat trimap`, make trimaps from masks."
        )
    array = as_array(trimap, name="trimap")
    if array.dtype == bool:
        raise TypeError(
            "`trimap` is a bool mask, which has no unknown region; expected 0 (background), "
            "128 (unknown) and 255 (foreground). Make one of it, with a band of unknown pixels "
            "along its edge: alphamat.trimap.from_mask(mask, inner=10, outer=10)."
        )
    levels = as_plane(array, name="trimap")
    if shape is not None:
        refuse_other_size(levels.shape, shape, "trimap")
    return levels
