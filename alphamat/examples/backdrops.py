"""The backgrounds of the synthetic scenes: a garden, hills, a brick wall, a bookshelf."""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, mix, noise


def backdrop(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Return one of the backgrounds, (H, W, 3) in [0, 1]."""
    paint = (garden, hills, wall, shelf)[rng.integers(4)]
    return np.clip(paint(canvas, rng), 0, 1)


def garden(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Leaves in shade and sun, far out of focus, and the discs that points of light become."""
    y, x, _ = canvas
    shade, leaf, sun = [0.05, 0.10, 0.07], [0.24, 0.36, 0.14], [0.78, 0.72, 0.42]
    light = noise(rng, 4 * y, 4 * x, octaves=3)
    picture = mix(mix(shade, leaf, 0.5 + 0.3 * light), sun, 0.35 * light - 0.25 - 0.3 * (y - 0.5))
    for _ in range(90):
        radius = rng.uniform(0.012, 0.06)
        top, left = rng.uniform([y[0, 0], x[0, 0]], [y[-1, 0], x[0, -1]])
        tint = mix(leaf, [1.0, 0.9, 0.7], rng.uniform(0.1, 1))
        strength = rng.uniform(0.08, 0.45)
        part, near = canvas.window(top, left, 1.3 * radius)
        distance = np.hypot(near.y - top, near.x - left)
        rim = 0.75 + 0.25 * (distance / radius) ** 4  # lenses gather light there
        cover = strength * np.minimum(rim, 1) * canvas.inside(distance - radius, 0.15 * radius)
        picture[part] += cover[..., None] * (tint - picture[part])
    return picture


def hills(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Ranges of hills under a sky with clouds, the nearer the darker."""
    y, x, _ = canvas
    warm = rng.uniform()
    haze = mix([0.80, 0.86, 0.92], [0.98, 0.80, 0.62], warm)
    zenith = mix([0.24, 0.45, 0.75], [0.35, 0.40, 0.62], warm)
    sky = mix(zenith, haze, 2 * y + 0 * x)
    clouds = noise(rng, 7 * y, 2.5 * x, octaves=5)
    picture = mix(sky, [1.0, 0.98, 0.96], 0.45 * clouds - 0.05)
    near = mix([0.10, 0.17, 0.07], [0.20, 0.15, 0.10], rng.uniform())
    for depth in np.linspace(0, 1, 5):
        ridge = 0.42 + 0.45 * depth**1.3 + 0.05 * noise(rng, 9.5 * depth, (2 + 3 * depth) * x, 6)
        bumps = noise(rng, (10 + 30 * depth) * y, (8 + 16 * depth) * x, octaves=4)
        slope = mix(haze, near, 0.25 + 0.75 * depth)
        colour = slope * (1 + (0.02 + 0.25 * depth**2) * bumps)[..., None]
        cover = canvas.inside(ridge - y, 0.002)[..., None]
        picture += cover * (colour - picture)
    return picture


def wall(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Old bricks in slanting light."""
    y, x, _ = canvas
    course, long = 0.075, 0.21
    row = np.floor(y / course)
    along = x / long + 0.5 * (row % 2)
    column = np.floor(along)
    # Distance to the edge of its brick, whose corners are worn.
    down = np.maximum(0.012 - 0.5 * course + abs(y - course * (row + 0.5)), 0)
    aside = np.maximum(0.012 - 0.5 * long + long * abs(along - column - 0.5), 0)
    wear = 0.0015 * noise(rng, 40 * y, 40 * x, octaves=2)
    brick = canvas.inside(np.hypot(down, aside) - 0.008 + wear, 0.004)
    tones = rng.standard_normal((64, 64))[row.astype(int) % 64, column.astype(int) % 64]
    hue = mix([0.50, 0.24, 0.17], [0.55, 0.44, 0.32], rng.uniform())
    grain = noise(rng, 25 * y, 25 * x, octaves=4)
    colour = hue * (1 + 0.16 * tones + 0.09 * grain)[..., None]
    mortar = np.array([0.62, 0.58, 0.52]) * (0.85 + 0.06 * grain)[..., None]
    light = 0.75 + 0.3 * (x - y) + 0.12 * noise(rng, 1.5 * y, 1.5 * x)
    return mix(mortar, colour, brick) * light[..., None]


def shelf(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Books on shelves, a little out of focus."""
    y, x, _ = canvas
    board, high, soft = 0.02, 0.36, 0.006
    picture = np.tile([0.10, 0.07, 0.05], (y.size, x.size, 1))
    light = 1.3 + 0.3 * noise(rng, 1.5 * y, 1.5 * x)
    for shelf in range(int(np.floor(y[0, 0] / high)), int(np.floor(y[-1, 0] / high)) + 1):
        foot = (shelf + 1) * high - board
        edges = np.cumsum(rng.uniform(0.02, 0.06, 64))
        along = x % edges[-1]
        book = np.minimum(np.searchsorted(edges, along[0], side="right"), 63)
        wide = np.diff(edges, prepend=0)[book]
        across = (along - edges[book]) / wide + 0.5  # from -0.5 to 0.5 on each spine
        tall = rng.uniform(0.2, 0.32, 64)[book]
        cloth = mix([0.30, 0.06, 0.05], [0.10, 0.16, 0.22], rng.uniform(size=64))
        cloth = (cloth + rng.uniform(0, 1, (64, 1)) ** 3 * [0.75, 0.65, 0.5])[book]
        title = canvas.inside(abs(foot - y - 0.7 * tall) - rng.uniform(0, 0.03, 64)[book], soft)
        colour = mix(cloth * (1 - 2 * across**2)[..., None], [0.75, 0.6, 0.3], 0.6 * title)
        outside = np.maximum(wide * (abs(across) - 0.5), np.maximum(foot - tall - y, y - foot))
        picture = mix(picture, colour, canvas.inside(outside, soft))
        plank = canvas.inside(abs(y - foot - board / 2) - board / 2, soft)
        picture = mix(picture, [0.36, 0.23, 0.13], plank + 0 * x)
    return picture * light[..., None]
