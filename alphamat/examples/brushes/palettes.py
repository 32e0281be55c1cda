"""Colours that go together."""

from __future__ import annotations

import numpy as np

MATERIALS = [  # dark and light
    ([0.25, 0.17, 0.10], [0.80, 0.68, 0.50]),  # earth
    ([0.08, 0.15, 0.05], [0.55, 0.68, 0.25]),  # leaves
    ([0.30, 0.40, 0.60], [0.85, 0.90, 0.97]),  # sky
    ([0.12, 0.10, 0.10], [0.60, 0.55, 0.50]),  # stone
    ([0.35, 0.08, 0.05], [0.90, 0.50, 0.30]),  # bricks
]


def palette(rng: np.random.Generator, count: int) -> np.ndarray:
    """Return colours that go together in one of seven ways, (count, 3)."""
    paint = rng.choice(7, p=[0.16, 0.16, 0.12, 0.16, 0.06, 0.14, 0.2])
    colours = (_one_hue, _few_hues, _grays, _material, _any, _between, _in_light)[paint](rng, count)
    return np.clip(colours, 0, 1).astype(np.float32)


def _one_hue(rng, count):
    hue = rng.uniform() + rng.normal(0, 0.04, count)
    saturation = rng.uniform(0.1, 0.9) + rng.normal(0, 0.15, count)
    return _of_hue(hue, np.clip(saturation, 0, 1), rng.uniform(0.05, 1, count))


def _few_hues(rng, count):
    hues = rng.uniform(0, 1, rng.integers(2, 5))
    hue = rng.choice(hues, count) + rng.normal(0, 0.03, count)
    return _of_hue(hue, rng.beta(1.5, 2, count), rng.beta(1.5, 1.2, count) + 0.02)


def _grays(rng, count):
    return rng.uniform(0, 1, (count, 1)) + rng.normal(0, 0.05, (count, 3))


def _material(rng, count):
    dark, light = np.array(MATERIALS[rng.integers(len(MATERIALS))])
    return dark + rng.uniform(0, 1, (count, 1)) * (light - dark) + rng.normal(0, 0.05, (count, 3))


def _any(rng, count):
    return rng.uniform(0, 1, (count, 3))


def _between(rng, count):
    return rng.dirichlet([0.5] * 3, count) @ rng.uniform(0, 1, (3, 3))


def _in_light(rng, count):
    """Return one colour in light and shade, whose hue drifts."""
    colour = _of_hue(rng.uniform(size=1), rng.uniform(0.05, 0.7), rng.uniform(0.3, 1))
    shade = np.exp(rng.normal(0, rng.uniform(0.1, 0.7), (count, 1)))
    return colour * shade * (1 + rng.normal(0, 0.08, (count, 3)))


def _of_hue(hue, saturation, value):
    """Return colours by hue, saturation and value, as of `colorsys.hsv_to_rgb`."""
    place = (np.array([5, 3, 1]) + 6 * np.asarray(hue)[..., None]) % 6
    lack = np.clip(np.minimum(place, 4 - place), 0, 1)
    return np.asarray(value)[..., None] * (1 - np.asarray(saturation)[..., None] * lack)


def gradient(rng: np.random.Generator, field: np.ndarray) -> np.ndarray:
    """Return the colours of a palette along the values of a field, (H, W, 3)."""
    colours = palette(rng, int(rng.integers(2, 6)))
    if rng.uniform() < 0.5:
        colours = colours[np.argsort(colours.sum(axis=1))]
    knots = np.linspace(0, 255, len(colours))
    table = [np.interp(np.arange(256), knots, channel) for channel in colours.T]
    level = np.clip(128 + 58 * field, 0, 255).astype(np.uint8)
    return np.take(np.stack(table, axis=1).astype(np.float32), level, axis=0)


def blend(first, second, share: np.ndarray) -> np.ndarray:
    """Return colours from the `first`, where the share is 0, to the `second`, where it is 1."""
    return first + share[..., None] * (second - first)
