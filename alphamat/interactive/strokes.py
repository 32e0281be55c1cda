"""Strokes of a brush: masks, or lines with a width."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from alphamat.door.parameters import as_positive, shown
from alphamat.interactive.area import Area


def as_stroke(stroke: Any, width: float, shape: tuple[int, ...]) -> tuple[np.ndarray, Area]:
    """Return the mask of a rectangle that holds all pixels of a stroke, and the rectangle.

    The rectangle has no pixels where the stroke lies outside the picture.
    """
    stroke = np.asarray(stroke)
    if stroke.dtype == bool and stroke.shape == shape:
        whole = Area(0, 0, shape[1], shape[0])
        area = whole.around(stroke) or Area(0, 0, 0, 0)
        return stroke[area.slices], area
    if stroke.dtype.kind not in "iuf" or stroke.ndim != 2 or stroke.shape[1:] != (2,):
        raise ValueError(
            f"`stroke` is an array of {stroke.dtype} and shape {stroke.shape}; expected a bool "
            f"mask of shape {shape}, or points of shape (N, 2), each with its x and y."
        )
    points = stroke.astype(np.float64)
    if not len(points) or not np.isfinite(points).all():
        raise ValueError(
            f"`stroke` is {shown(stroke.tolist())}; expected one or more finite points."
        )
    return _line(points, as_positive(width, "width", "such as 20 pixels") / 2, shape)


def _line(points: np.ndarray, radius: float, shape: tuple[int, ...]) -> tuple[np.ndarray, Area]:
    """Mark the pixels whose centres lie within `radius` of a line through the points."""
    area = _reached(points, radius, shape)
    mask = np.zeros((area.bottom - area.top, area.right - area.left), bool)
    for first, last in pairwise(points if len(points) > 1 else np.repeat(points, 2, axis=0)):
        part = _reached(np.stack([first, last]), radius, shape)
        y, x = np.ogrid[part.top : part.bottom, part.left : part.right]
        x, y, (dx, dy) = x - first[0], y - first[1], last - first
        along = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-300), 0, 1)
        near = (x - along * dx) ** 2 + (y - along * dy) ** 2 <= radius**2
        mask[part.within(area)] |= near
    return mask, area


def _reached(points: np.ndarray, radius: float, shape: tuple[int, ...]) -> Area:
    """Return the pixels of the picture in the least rectangle around some discs."""
    most = np.array(shape[::-1])
    low = np.clip(np.floor(points.min(axis=0) - radius), 0, most).astype(int)
    high = np.clip(np.ceil(points.max(axis=0) + radius) + 1, low, most).astype(int)
    return Area(*low.tolist(), *high.tolist())
