"""Sums over square windows of a grid, and their adjoint.

These are the definitions, as array expressions that NumPy and JAX both run. Sums are doubled: two
neighbouring sums of 2ᵏ cells make one of 2ᵏ⁺¹. The binary digits of a window's width say which of
them add up to it. This takes log₂(width) steps. Integral images and running sums would lose more
digits, the larger the grid is, and too many in float32.
"""

from __future__ import annotations

from typing import Any


def box_sum(field: Any, radius: int) -> Any:
    """Return the sums of a (…, H, W) array over all windows that lie inside it.

    Windows are 2 `radius` + 1 cells wide; the result is (…, H - 2 `radius`, W - 2 `radius`).
    """
    width = 2 * radius + 1
    return _runs(_runs(field, width).mT, width).mT


def spread(sums: Any, radius: int) -> Any:
    """Return, at each cell, the sum of the values of all windows that hold it.

    The adjoint of `box_sum`: (…, H - 2 `radius`, W - 2 `radius`) to (…, H, W).
    """
    margin = 2 * radius
    around = [(0, 0)] * (sums.ndim - 2) + [(margin, margin)] * 2
    return box_sum(sums.__array_namespace__().pad(sums, around), radius)


def _runs(cells: Any, width: int) -> Any:
    """Return the sums of `width` neighbours along the last axis."""
    count = cells.shape[-1] - width + 1
    run, length, begin, total = cells, 1, 0, 0
    while True:
        if width & length:
            total = total + run[..., begin : begin + count]
            begin += length
        if 2 * length > width:
            return total
        run = run[..., :-length] + run[..., length:]
        length *= 2
