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


def factor_for(cells: Cells, some: np.ndarray, box: Box, room: Room) -> int:
    """Return by which power of two the picture has to be smaller to have room."""
    area = (box[0].stop - box[0].start) * (box[1].stop - box[1].start)
    factor = 2
    while BESIDE * area + 1.5 * room.each * cells.unknowns(some) > room.memory * factor**2:
        factor *= 2
    return factor


def small_alpha(picture: Picture, box: Box, factor: int) -> np.ndarray:
    """Return the float32 alpha of a box that is `factor` times smaller."""
    colours, levels = [], []
    step = factor * max(1, 2**21 // (box[1].stop - box[1].start) // factor)
    for top in range(box[0].start, box[0].stop, step):
        part = slice(top, min(top + step, box[0].stop)), box[1]
        colours.append(_means(picture.colours(part), factor))
        levels.append(_merged(picture.levels.read(*part), factor))
    image, trimap = np.concatenate(colours), np.concatenate(levels)
    system = picture.held(image, trimap, np.ones(trimap.shape, bool), np.zeros(trimap.shape))
    alpha = system.given.astype(np.float32)
    alpha[system.place], _ = quietly(system)
    return alpha


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
