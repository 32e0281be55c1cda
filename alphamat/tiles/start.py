"""Where pieces that overlap start: the alpha of a smaller picture, enlarged."""

from __future__ import annotations

import warnings
from contextvars import Context
from typing import Any

import numpy as np

from alphamat.system import ConvergenceWarning, System
from alphamat.tiles.picture import Picture
from alphamat.tiles.plan import BESIDE, Cells, Room
from alphamat.tiles.state import Box
from solvers import Solution

LEAST = 4


def factor_for(cells: Cells, some: np.ndarray, box: Box, room: Room) -> int:
    """Return by which power of two the picture has to be smaller to have room."""
    area = (box[0].stop - box[0].start) * (box[1].stop - box[1].start)
    factor = LEAST
    # The edges of thin areas have a pixel in every block, so unknown ones become fewer more slowly.
    while BESIDE * area / factor**2 + 2 * room.each * cells.unknowns(some) / factor > room.memory:
        factor *= 2
    return factor


def small_alpha(picture: Picture, cells: Cells, box: Box, factor: int, margin: int) -> np.ndarray:
    """Return the float32 alpha of a box that is `factor` times smaller.

    Its pixels see others within `margin`.
    """
    shape = [-(-(span.stop - span.start) // factor) for span in box]
    image, levels = np.zeros((*shape, 3)), np.empty(shape, np.uint8)
    height = max(1, 2**22 // (factor * (box[1].stop - box[1].start)))
    for top in range(0, shape[0], height):
        part = slice(top, min(top + height, shape[0])), slice(0, shape[1])
        levels[part] = _merged(picture.levels.read(*_enlarged(part, factor, box)), factor)
    for window in cells.windows(cells.inside(box), factor * margin):
        part = _reduced(window, factor, box)
        if all(span.start < span.stop for span in part):
            image[part] = _means(picture.pixels(_enlarged(part, factor, box)), factor)
    system = picture.held(image, levels, np.ones(levels.shape, bool), None)
    alpha = system.given.astype(np.float32)
    alpha[system.place], _ = quietly(system)
    return alpha


def _reduced(window: Box, factor: int, box: Box) -> Box:
    """Return where a window lies in a box that is `factor` times smaller."""
    y, x = (
        slice(
            max(span.start - whole.start, 0) // factor,
            -(-(min(span.stop, whole.stop) - whole.start) // factor),
        )
        for span, whole in zip(window, box, strict=True)
    )
    return y, x


def _enlarged(part: Box, factor: int, box: Box) -> Box:
    """Return where a part of the smaller box lies in the picture."""
    y, x = (
        slice(whole.start + factor * span.start, min(whole.start + factor * span.stop, whole.stop))
        for span, whole in zip(part, box, strict=True)
    )
    return y, x


def quietly(system: System, **options: Any) -> tuple[np.ndarray, Solution]:
    """Return the alpha of a system's unknown pixels, not clipped; tell and warn of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        solution = Context().run(system.solution, **options)
    return system.given[system.place] + solution.x, solution


def _blocks(field: np.ndarray, factor: int) -> np.ndarray:
    height, width = (-(-n // factor) for n in field.shape[:2])
    beyond = [(0, height * factor - field.shape[0]), (0, width * factor - field.shape[1])]
    padded = np.pad(field, beyond + [(0, 0)] * (field.ndim - 2), mode="edge")
    return padded.reshape(height, factor, width, factor, *field.shape[2:])


def _means(image: np.ndarray, factor: int) -> np.ndarray:
    return _blocks(image, factor).mean(axis=(1, 3))


def _merged(levels: np.ndarray, factor: int) -> np.ndarray:
    """Return 0 and 255 where all of a block is, else 128."""
    blocks = _blocks(levels, factor)
    low, high = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    return np.where(low == high, low, 128).astype(np.uint8)


def enlarged(small: np.ndarray, factor: int, origin: tuple[int, int], box: Box) -> np.ndarray:
    """Return the alpha of a box of the picture; `origin` is where the smaller one begins."""
    for axis, span in enumerate(box):
        at = (np.arange(span.start, span.stop) - origin[axis] + 0.5) / factor - 0.5
        at = np.clip(at, 0, small.shape[axis] - 1)
        before = np.minimum(at.astype(int), max(small.shape[axis] - 2, 0))
        share = (at - before).astype(np.float32)
        share = share[:, None] if axis == 0 else share
        behind = np.minimum(before + 1, small.shape[axis] - 1)
        small = small.take(before, axis) * (1 - share) + small.take(behind, axis) * share
    return small
