"""The tools that paint the synthetic scenes.

A layer is an (H, W, 4) array of floats: colours times alpha, and alpha. Colours are as files store
them, in [0, 1].
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from alphamat.examples import _painting_kernels
from solvers.loops import over_range

BATCH = 200  # strokes


class Canvas(NamedTuple):
    """The places of a picture's pixels.

    Lengths are shares of the picture's shorter side. The unit square stands at the middle of the
    lower edge, so that a scene is the same at any size and has its place in any format.
    """

    y: np.ndarray  # (H, 1), from 1 at the lower edge upwards to 0 and beyond
    x: np.ndarray  # (1, W), 0.5 in the middle
    pixel: float  # the side of a pixel

    @staticmethod
    def of(height: int, width: int) -> Canvas:
        """Return the canvas of a picture."""
        pixel = 1 / min(height, width)
        y = 1 - pixel * (height - np.arange(height) - 0.5)
        x = 0.5 + pixel * (np.arange(width) - 0.5 * (width - 1))
        return Canvas(y[:, None], x[None, :], pixel)

    def blank(self, dtype: type = np.float64) -> np.ndarray:
        """Return a layer on which nothing is painted."""
        return np.zeros((self.y.size, self.x.size, 4), dtype)

    def window(self, y: float, x: float, radius: float) -> tuple[tuple[slice, slice], Canvas]:
        """Return the part of the picture about a point, as an index and as a canvas."""
        rows = slice(*np.searchsorted(self.y[:, 0], [y - radius, y + radius]))
        columns = slice(*np.searchsorted(self.x[0], [x - radius, x + radius]))
        return (rows, columns), Canvas(self.y[rows], self.x[:, columns], self.pixel)

    def inside(self, distance: np.ndarray, soft: float = 0.0) -> np.ndarray:
        """Return the share of each pixel that lies inside an outline.

        `distance` is from the pixel's centre to the outline, negative inside. The edge is one pixel
        wide, plus `soft`.
        """
        return np.clip(0.5 - distance / (self.pixel + soft), 0, 1)

    def near(self, distance: np.ndarray, width: float) -> np.ndarray:
        """Return the share of each pixel that a thread covers, by the distance to its middle."""
        return np.minimum(self.inside(distance - width / 2), width / self.pixel)


def lay(layer: np.ndarray, colour, cover: np.ndarray) -> None:
    """Lay a colour, (3,) or (H, W, 3), over a layer, as opaque as `cover`, (H, W).

    Colours brighter than white become white.
    """
    layer[..., :3] += cover[..., None] * (np.clip(colour, 0, 1) - layer[..., :3])
    layer[..., 3] += cover * (1 - layer[..., 3])


def draw_strokes(layer: np.ndarray, canvas: Canvas, nodes: np.ndarray, widths, colours) -> None:
    """Draw smooth strokes over a layer, in their order.

    Parameters
    ----------
    layer : (H, W, 4) array
        Changed in place.
    canvas : Canvas
        Of the layer.
    nodes : (n, m, 2) array
        y and x of each stroke's m nodes.
    widths : array_like that broadcasts to (n, m)
        A stroke narrower than a pixel covers its share of the pixel.
    colours : array_like that broadcasts to (n, m, 4)
        Red, green, blue and opacity, in [0, 1].
    """
    corner = np.array([canvas.y[0, 0], canvas.x[0, 0]])
    count = nodes.shape[:2]
    nodes, widths = (nodes - corner) / canvas.pixel, np.broadcast_to(widths, count) / canvas.pixel
    colours = np.array(np.broadcast_to(colours, (*count, 4)), dtype=np.float64)
    for first in range(0, len(nodes), BATCH):  # Python heeds Ctrl-C between them
        batch = slice(first, first + BATCH)
        _painting_kernels.draw(nodes[batch], widths[batch], colours[batch], layer)


def noise(rng: np.random.Generator, y, x, octaves: int = 1) -> np.ndarray:
    """Return smooth noise at the points (y, x), with a standard deviation of about 1.

    A hill is about two units wide; each further octave has hills half as wide and half as high.
    """
    shape = np.broadcast_shapes(np.shape(y), np.shape(x))
    y, x = (np.broadcast_to(points, shape).ravel() for points in (y, x))
    total = np.zeros(y.size)
    for octave in range(octaves):
        lattice = rng.standard_normal((128, 128))
        scale = 2.0**octave
        arguments = lattice, scale * y, scale * x, 2 / scale, total
        over_range(_painting_kernels.add_bumps, total.size, 16 * total.size, *arguments)
    return total.reshape(shape)


def mix(first, second, share) -> np.ndarray:
    """Return colours from the `first`, at a share of 0, to the `second`, at 1."""
    share = np.asarray(np.clip(share, 0, 1))[..., None]
    return (1 - share) * np.asarray(first) + share * np.asarray(second)
