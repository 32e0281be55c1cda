"""Fields of noise, and pictures bent by them.

Fields draw their numbers from a generator of their own, so that what is painted after them does not
depend on the size of the picture.
"""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import log_uniform
from alphamat.examples.painting import Canvas

CELL = 8  # pixels that a hill needs at least, to be enlarged afterwards


def points(canvas: Canvas) -> tuple[np.ndarray, np.ndarray]:
    """Return y, (H, 1), and x, (1, W), of the pixels."""
    return canvas.y.astype(np.float32), canvas.x.astype(np.float32)


def smooth(canvas: Canvas, rng: np.random.Generator, hills: float, channels: int = 1):
    """Return noise with about so many hills along the shorter side, (H, W) or (H, W, channels)."""
    field = _lattice(canvas, np.random.default_rng(rng.integers(2**63)), hills, channels)
    return _enlarged(field, canvas.y.size, canvas.x.size)


def fractal(
    canvas: Canvas, rng: np.random.Generator, hills: float, octaves: int = 4, gain: float = 0.5
) -> np.ndarray:
    """Return noise with hills on hills, each octave half as wide and `gain` times as high."""
    rng = np.random.default_rng(rng.integers(2**63))
    total, variance = np.zeros((1, 1), np.float32), 0.0
    for octave in range(octaves):
        fine = hills * 2**octave
        if octave and fine * canvas.pixel > 0.5:
            break
        field = _lattice(canvas, rng, fine, 1)
        total = _enlarged(total, *field.shape) + gain**octave * field
        variance += gain ** (2 * octave)
    return _enlarged(total, canvas.y.size, canvas.x.size) / math.sqrt(variance)


def _lattice(canvas, rng, hills, channels):
    """Interpolate random numbers, in a picture that is as small as their hills allow."""
    import cv2

    height, width = canvas.y.size, canvas.x.size
    small = min(1.0, CELL * hills * canvas.pixel)
    rows, columns = math.ceil(small * height), math.ceil(small * width)
    high, wide = hills * canvas.pixel * height, hills * canvas.pixel * width
    count = math.ceil(high) + 4, math.ceil(wide) + 4, channels
    knots = 1.2 * rng.standard_normal(count, np.float32)
    at = rng.uniform(0.5, 1.5, 2) + 0.5 * np.array([wide / columns, high / rows])
    matrix = np.array([[wide / columns, 0, at[0]], [0, high / rows, at[1]]])
    how = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(knots, matrix, (columns, rows), None, how, cv2.BORDER_REFLECT)


def _enlarged(field, height, width):
    import cv2

    if field.shape[:2] == (height, width):
        return field
    return cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)


def spectral(
    canvas: Canvas,
    rng: np.random.Generator,
    power: float,
    *,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> np.ndarray:
    """Return noise whose amplitude falls with the frequency to a power, perhaps stretched.

    Its grain is that of the pixels: it is another one in a picture of another size.
    """
    from scipy import fft

    rng = np.random.default_rng(rng.integers(2**63))
    shape = tuple(fft.next_fast_len(n, real=True) for n in (canvas.y.size, canvas.x.size))
    v = fft.fftfreq(shape[0], canvas.pixel).astype(np.float32)[:, None]
    u = fft.rfftfreq(shape[1], canvas.pixel).astype(np.float32)[None]
    c, s = math.cos(angle), math.sin(angle)
    along, across = c * u + s * v, c * v - s * u
    frequency = np.sqrt(along**2 * stretch + across**2 / stretch)
    parts = rng.standard_normal((2, *frequency.shape), np.float32) * (frequency + 2) ** -power
    waves = parts[0] + 1j * parts[1]
    waves[0, 0] = 0
    field = fft.irfft2(waves, shape)[: canvas.y.size, : canvas.x.size]
    return field / np.maximum(field.std(), 1e-9)


def streaked(canvas: Canvas, rng: np.random.Generator, power: float, most: float = 30.0):
    """Return spectral noise that is the same in all directions, or stretched up to `most`."""
    if rng.uniform() < 0.6:
        return spectral(canvas, rng, power)
    stretch, angle = log_uniform(rng, 1.5, most), rng.uniform(0, math.pi)
    return spectral(canvas, rng, power, stretch=stretch, angle=angle)


def bend(canvas: Canvas, rng: np.random.Generator, picture: np.ndarray, strength: float = 0.0):
    """Return a picture as if it were printed on rubber; by chance as strongly, by default."""
    hills = log_uniform(rng, 1.5, 8)
    reach = (strength or log_uniform(rng, 0.03, 0.25)) / hills
    return moved(canvas, picture, reach * smooth(canvas, rng, hills, 2))


def moved(canvas: Canvas, picture: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return for each pixel the picture at a place that is `by`, (H, W, 2), away."""
    import cv2

    height, width = picture.shape[:2]
    down = by[..., 0] / canvas.pixel + np.arange(height, dtype=np.float32)[:, None]
    along = by[..., 1] / canvas.pixel + np.arange(width, dtype=np.float32)
    picture = picture.astype(np.float32, copy=False)
    return cv2.remap(picture, along, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def slope(field: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return eight times how fast a field rises downwards, and to the right, per pixel."""
    import cv2

    return cv2.Sobel(field, -1, 0, 1, ksize=3), cv2.Sobel(field, -1, 1, 0, ksize=3)
