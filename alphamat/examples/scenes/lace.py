"""Lace."""

from __future__ import annotations

from itertools import product

import numpy as np

from alphamat.examples.painting import Canvas, lay, mix, noise

PERIOD = 0.25  # of the pattern, in both directions


def lace(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint the hem of a curtain in folds: plain cloth, net with flowers, scallops."""
    cloth = mix([0.95, 0.93, 0.88], [0.12, 0.10, 0.12], rng.choice([0.0, 0.1, 0.9]))
    petals = int(rng.integers(5, 9))
    folds = noise(rng, 0.7 * canvas.y, 7 * canvas.x)
    u = canvas.x + 0.012 * folds
    v = canvas.y + 0.008 * noise(rng, 0.7 * canvas.y, 7 * canvas.x)

    # Meshes are as small as the pixels of a small picture, each of which is the mean of parts.
    count = min(8, int(np.ceil(480 * canvas.pixel)))
    part = canvas._replace(pixel=canvas.pixel / count)
    shifts = (np.arange(count) - 0.5 * (count - 1)) * part.pixel
    layers = (
        _woven(part, u + dx, v + dy, cloth, folds, petals) for dy, dx in product(shifts, shifts)
    )
    return sum(layers, canvas.blank()) / count**2


def _woven(canvas, u, v, cloth, folds, petals):
    solid, below = _embroidery(u, v, petals)
    threads = canvas.near(_honeycomb(u, v, 0.024), 0.0032)
    cover = np.maximum(threads, canvas.inside(solid)) * canvas.inside(below)
    weave = np.sin(2 * np.pi * u / 0.006) * np.sin(2 * np.pi * v / 0.006)
    relief = np.clip(-solid / 0.004, 0, 1)  # cords stand out
    shade = 0.76 + 0.12 * folds + 0.12 * relief + 0.04 * weave * canvas.inside(-0.01 - solid)
    layer = canvas.blank()
    lay(layer, shade[..., None] * cloth + 0.2 * (shade[..., None] - 0.66), cover)
    return layer


def _embroidery(u, v, petals):
    """Return how far points lie outside the dense cloth, and below the hem."""
    below = v - 0.78 - 0.05 * np.sqrt(abs(np.sin(2 * np.pi * u / PERIOD)))
    row = v % PERIOD - PERIOD / 2
    column = (u + PERIOD / 2 * (np.floor(v / PERIOD) % 2)) % PERIOD - PERIOD / 2
    between = column % PERIOD - PERIOD / 2
    step = PERIOD / 12
    eyelets = np.hypot(u % step - step / 2, below + 0.024) - 0.006
    border = np.maximum(abs(below + 0.0225) - 0.0225, -eyelets)
    plain = np.minimum(v - 0.26, abs(v - 0.28) - 0.004)
    flowers = np.minimum(_flower(row, column, 0.085, petals), _flower(row, between, 0.035, 5))
    return np.minimum(np.minimum(plain, flowers), border), below


def _flower(y, x, size, petals):
    """Return about how far points lie outside a flower, open in its middle and between petals."""
    far, turn = np.hypot(y, x), petals / 2 * np.arctan2(y, x)
    outline = size * (0.72 + 0.28 * abs(np.cos(turn)))
    slits = np.minimum(0.1 * size - abs(np.sin(turn)) * far, 0.5 * size - far)
    return np.maximum(far - outline, np.maximum(0.22 * size - far, slits))


def _honeycomb(u, v, size):
    """Return the distance to the sides of hexagons, whose centres are `size` apart."""
    wide, high = size, np.sqrt(3) * size
    far = np.inf
    for shift in (0.0, 0.5):  # two rectangular lattices of centres
        a = abs((u / wide + shift) % 1 - 0.5) * wide
        b = abs((v / high + shift) % 1 - 0.5) * high
        far = np.minimum(far, np.maximum(a, 0.5 * a + np.sqrt(0.75) * b))
    return size / 2 - far
