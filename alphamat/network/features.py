"""What the network sees beside the picture: models of the known colours around each pixel.

Moments of the known colours of either layer are averaged over ever larger cells, and brought back
down, so that each place has a Gaussian model of foreground and background, made of what is known
nearby or, where nothing is, farther away. Nothing here is learnt.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from alphamat.network import _features_kernels as kernels
from alphamat.trimap import Trimap
from solvers.loops import over_range

MULTIPLE = 32  # pixels: the side of the largest cells, and of what the network works on
FULL, HALF = 19, 38  # features at full and at half size
CARRIED = 0.03  # weight of what comes from larger cells
EPSILON = 4e-4  # added to each colour's variance
MARGIN = 2  # cells around a tile, so that its models are those of the whole picture

Area = tuple[slice, slice]


class Models(NamedTuple):
    """The colours of both layers as far as they are known, for a whole picture.

    Of `quarter`, `eighth` and `sixteenth`, each pixel (20,) is a model: of foreground the mean (3)
    and the inverse covariance (6, its upper triangle), the same of background, and how well either
    is known, in [0, 1].
    """

    image: np.ndarray
    labels: np.ndarray
    quarter: np.ndarray
    eighth: np.ndarray
    sixteenth: np.ndarray
    cells: list[np.ndarray]
    """Of cells of 8, 16 and 32 pixels (h, w, 2, 4): both layers' mean known colours, and weights
    in [0, 1]."""

    @classmethod
    def of(cls, image: np.ndarray, trimap: Trimap) -> Models:
        """Make the models of an image (H, W, 3) in [0, 1].

        With s the mean moments in cells, those that are carried down from larger cells are
        e₃₂ = blur(s₃₂) + 0.001 mean(s₃₂), and e₁₆ = blur(s₁₆) + 0.03 upsample(e₃₂), and so on.
        """
        labels = np.full(trimap.foreground.shape, kernels.UNKNOWN, np.uint8)
        labels[trimap.background] = kernels.BACKGROUND
        labels[trimap.foreground] = kernels.FOREGROUND
        sums = [cell_moments(image, labels)]
        for _ in range(3):
            sums.append(pool(sums[-1]))
        carried = blur(sums[3]) + np.float32(1e-3) * sums[3].mean((0, 1))
        models = []
        for moments in sums[2::-1]:
            carried = blur(moments) + np.float32(CARRIED) * upsample(carried)
            models.append(colour_models(carried))
        sixteenth, eighth, quarter = models
        cells = [known_cells(moments) for moments in sums[1:]]
        return cls(image, labels, quarter, eighth, sixteenth, cells)


def cell_moments(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (1, I, I Iᵀ) of the known pixels in each 4 × 4 pixels, over 16: (h, w, 20) float32.

    First the ten numbers of foreground, then those of background. The picture is continued to
    multiples of 32 by its edge.
    """
    size = [-(-side // MULTIPLE) * MULTIPLE // kernels.CELL for side in labels.shape]
    moments = np.empty((*size, 20), np.float32)
    over_range(kernels.sum_moments, size[0], 20 * labels.size, image, labels, moments)
    return moments


def pool(x: np.ndarray) -> np.ndarray:
    """Return the means of 2 × 2 pixels of (h, w, c)."""
    height, width, channels = x.shape
    return x.reshape(height // 2, 2, width // 2, 2, channels).mean((1, 3))


def blur(x: np.ndarray) -> np.ndarray:
    """Return (h, w, c) convolved with (1/4, 1/2, 1/4) along both sides; edges are repeated."""
    for axis in (0, 1):
        before, after = _neighbours(x, axis)
        x = np.float32(0.25) * (before + after) + np.float32(0.5) * x
    return x


def upsample(x: np.ndarray) -> np.ndarray:
    """Return (h, w, c) at twice the size, interpolated linearly; edges are repeated."""
    for axis in (0, 1):
        before, after = _neighbours(x, axis)
        own = np.float32(0.75) * x
        pair = own + np.float32(0.25) * before, own + np.float32(0.25) * after
        shape = [(2 - (k != axis)) * side for k, side in enumerate(x.shape)]
        x = np.stack(pair, axis=axis + 1).reshape(shape)
    return x


def _neighbours(x: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return for each place along an axis what lies before it, and after it."""
    at = np.arange(x.shape[axis])
    before, after = np.maximum(at - 1, 0), np.minimum(at + 1, at[-1])
    return x.take(before, axis=axis), x.take(after, axis=axis)


def colour_models(moments: np.ndarray) -> np.ndarray:
    """Return models (h, w, 20), as in `Models`, of moments (h, w, 20).

    Of a layer's moments m₀, m₁ and m₂ they are μ = m₁ / m₀, the inverse of Σ = m₂ / m₀ - μ μᵀ, and
    1 + log₁₀(m₀) / 6. Covariances are shrunk to 95 %, and variances grow by ε.
    """
    models = np.empty_like(moments)
    for layer in range(2):
        sums, out = moments[..., 10 * layer :][..., :10], models[..., 9 * layer :][..., :9]
        weight = np.maximum(sums[..., :1], np.float32(1e-9))
        r, g, b = np.moveaxis(sums[..., 1:4] / weight, -1, 0)
        rr, rg, rb, gg, gb, bb = np.moveaxis(sums[..., 4:] / weight, -1, 0)
        epsilon, shrunk = np.float32(EPSILON), np.float32(0.95)
        a, d, f = (np.maximum(v, 0) + epsilon for v in (rr - r * r, gg - g * g, bb - b * b))
        b_, c, e = (shrunk * v for v in (rg - r * g, rb - r * b, gb - g * b))
        aa, ab, ac = d * f - e * e, c * e - b_ * f, b_ * e - c * d  # the adjugate
        determinant = np.maximum(a * aa + b_ * ab + c * ac, np.float32(EPSILON**3 / 20))
        triangle = (aa, ab, ac, a * f - c * c, b_ * c - a * e, a * d - b_ * b_)
        out[..., :3] = np.stack((r, g, b), -1)
        out[..., 3:] = np.stack(triangle, -1) / determinant[..., None]
        known = np.log10(sums[..., 0] + np.float32(1e-6)) / 6 + 1
        models[..., 18 + layer] = np.clip(known, 0, 1)
    return models


def known_cells(moments: np.ndarray) -> np.ndarray:
    """Return the colour and the weight of each layer's known pixels in cells: (h, w, 2, 4)."""
    sums = moments.reshape(*moments.shape[:2], 2, 10)[..., :4]
    share = sums[..., :1]
    colours = sums[..., 1:] / np.maximum(share, np.float32(1e-6))
    return np.concatenate([colours, np.minimum(4 * share, 1)], axis=-1)


def features(models: Models, tile: Area) -> Iterator[np.ndarray]:
    """Yield what the network takes for a tile: (19, h, w), then (38, h / 2, w / 2), of float32.

    A tile's sides are at multiples of 32. What it gets does not depend on how a picture is cut.
    """
    yield full_features(models, tile)
    yield half_features(models, tile)


def size_of(area: Area) -> tuple[int, int]:
    """Return the height and the width of an area."""
    return area[0].stop - area[0].start, area[1].stop - area[1].start


def full_features(models: Models, tile: Area) -> np.ndarray:
    """Return the features at full size, (19, h, w).

    The colour less ½ (3), whether the pixel is foreground, background, unknown (3), the means of
    foreground and of background less the colour (6), and what `kernels.compare` says.
    """
    top, left = (side.start for side in tile)
    height, width = size_of(tile)
    found, start = _around(models.quarter, tile, cell=4, times=1)
    out = np.empty((FULL, height, width), np.float32)
    arguments = top, left, models.image, models.labels, found, start, out
    over_range(kernels.describe, height, 50 * height * width, *arguments)
    return out


def half_features(models: Models, tile: Area) -> np.ndarray:
    """Return the features at half size, (38, h / 2, w / 2).

    What `kernels.compare` says of the models of 8 and of 16 pixels (14), then what `attend` finds
    among cells of 8, of 16 (20) and of 32 pixels, of which only its first four (4).
    """
    top, left = (side.start for side in tile)
    height, width = (side // 2 for side in size_of(tile))
    pixels = np.empty((height, width, 3), np.float32)
    over_range(kernels.halve, height, 3 * pixels.size, top, left, models.image, pixels)
    out = np.empty((HALF, height, width), np.float32)
    for at, (grid, cell) in enumerate([(models.eighth, 8), (models.sixteenth, 16)]):
        found, start = _around(grid, tile, cell, times=at + 1)
        arguments = pixels, found, start, out[7 * at : 7 * at + 7]
        over_range(kernels.compare_all, height, 50 * height * width, *arguments)
    for at, cells in enumerate(models.cells):
        attend(pixels, cells, tile, 8 << at, out[14 + 10 * at :][:10])
    return out


def _around(
    models: np.ndarray, tile: Area, cell: int, times: int
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return models of a tile and a little around it, upsampled, and where the tile starts.

    The start is in pixels of a grid that is once more twice as fine.
    """
    margins = [min(side.start // cell, MARGIN) for side in tile]
    rows, columns = (
        slice(side.start // cell - margin, side.stop // cell + MARGIN)
        for side, margin in zip(tile, margins, strict=True)
    )
    found = np.ascontiguousarray(models[rows, columns])
    for _ in range(times):
        found = upsample(found)
    y, x = (2 ** (times + 1) * margin for margin in margins)
    return found, (y, x)


def attend(
    pixels: np.ndarray, cells: np.ndarray, tile: Area, cell: int, features: np.ndarray
) -> None:
    """Write what known cells nearby say of a tile's pixels (h, w, 3), which are at half size.

    Among the 7 × 7 cells around a pixel's own, those of about its colour count: a cell of colour c
    and weight v counts v / (|I - c|² + 0.001)². The ten features are 2 |I - c| of the nearest cell,
    for foreground and for background; α - ½ by the two mean colours, and twice the distance of the
    pixel from the line through them; and these colours less the pixel's. `features` (n, h, w) takes
    the first n of them.
    """
    top, left = (side.start // cell for side in tile)
    arguments = top, left, cell // 2, pixels, cells, features
    over_range(kernels.attend, 2 * len(pixels) // cell, 300 * pixels.size, *arguments)
