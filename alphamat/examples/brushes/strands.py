"""Curved strands, and where they grow."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.fields import slope
from alphamat.examples.brushes.focus import soften
from alphamat.examples.painting import Canvas, draw_strokes


def curves(
    rng: np.random.Generator,
    roots: np.ndarray,
    angle: np.ndarray,
    length: np.ndarray,
    *,
    steps: int = 14,
    bend: float = 0.6,
    wave: float = 0.15,
    curl: float = 0.0,
    lock: np.ndarray | None = None,
) -> np.ndarray:
    """Return the nodes of strands, (n, steps, 2).

    They set out from `roots` at `angle`, are bent by about `bend` over their length, wave and curl,
    all in radians. Strands with the same `lock`, a whole number each, run side by side.
    """
    count, t = len(roots), np.linspace(0, 1, steps)
    bent, phase, turns = _manner(rng, count, bend)
    if lock is not None:
        ours = _manner(rng, int(lock.max()) + 1, bend)
        bent = ours[0][lock] + 0.25 * bent
        phase, turns = ours[1][lock] + 0.3 * phase, ours[2][lock]
    jitter = 0.025 * rng.standard_normal((count, steps)).cumsum(axis=1)
    swing = wave * np.sin(2 * math.pi * turns * t + phase)
    swing += curl * np.sin(8 * math.pi * turns * t + phase)
    heading = np.reshape(angle, (-1, 1)) + bent * t + swing + jitter
    step = np.reshape(length, (-1, 1, 1)) / (steps - 1)
    along = step * np.stack([np.sin(heading), np.cos(heading)], axis=2)
    along[:, 0] = 0
    return roots[:, None] + np.cumsum(along, axis=1)


def _manner(rng, count, bend):
    bent = rng.normal(0, bend, (count, 1))
    return bent, rng.uniform(0, 2 * math.pi, (count, 1)), rng.uniform(0.5, 2.5, (count, 1))


def draw(
    layer: np.ndarray,
    canvas: Canvas,
    nodes: np.ndarray,
    widths: np.ndarray,
    colours: np.ndarray,
    opacity: float = 1.0,
) -> None:
    """Draw strands over a layer.

    nodes : (n, m, 2). widths : (n,) or (n, m). colours : (n, 3) or (n, m, 3).
    """
    inks = np.empty((*nodes.shape[:2], 4))
    inks[..., :3] = np.clip(colours[:, None] if colours.ndim == 2 else colours, 0, 1)
    inks[..., 3] = opacity
    draw_strokes(layer, canvas, nodes, widths[:, None] if widths.ndim == 1 else widths, inks)


def tapered(rng: np.random.Generator, widths: np.ndarray, steps: int) -> np.ndarray:
    """Return widths, (n, steps), that go down to a share of the widths, (n,), at the tips."""
    t, tip = np.linspace(0, 1, steps), rng.uniform(0.1, 0.7)
    return widths[:, None] * (1 - (1 - tip) * t ** rng.uniform(0.7, 2.5))


def spindle(roots: np.ndarray, tips: np.ndarray, half: np.ndarray, steps: int = 9, *, full=1.0):
    """Return nodes and widths of leaves, drops and discs, which are strokes that swell.

    roots, tips : (n, 2). half : (n,), half the width of each. Of `full` 1, a leaf that is as wide
    as it is long is a disc; smaller ones are fuller, larger ones more pointed.
    """
    turn = np.linspace(0, math.pi, steps)
    t = 0.5 - 0.5 * np.cos(turn)
    nodes = roots[:, None] + t[:, None] * (tips - roots)[:, None]
    return nodes, 2 * half[:, None] * np.sin(turn) ** full


def away(canvas: Canvas, outside: np.ndarray) -> np.ndarray:
    """Return the angle of the way out of a body, (H, W)."""
    return np.arctan2(*slope(soften(canvas, outside, 0.012)))


def at(canvas: Canvas, field: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return a field, (H, W, …), at the nearest pixels of points, (…, 2)."""
    corner = np.array([canvas.y[0, 0], canvas.x[0, 0]])
    pixels = np.round((where - corner) / canvas.pixel).astype(int)
    rows, columns = (np.clip(pixels[..., k], 0, field.shape[k] - 1) for k in range(2))
    return field[rows, columns]


def scattered(canvas: Canvas, rng: np.random.Generator, region: np.ndarray, count: int):
    """Return points of a region, (H, W) bool, chosen by chance, (count, 2)."""
    rows, columns = np.nonzero(region)
    if not rows.size:
        return np.zeros((0, 2))
    chosen = (rng.uniform(size=count) * rows.size).astype(int)
    shift = canvas.pixel * rng.uniform(-0.5, 0.5, (count, 2))
    return np.stack([canvas.y[rows[chosen], 0], canvas.x[0, columns[chosen]]], axis=1) + shift
