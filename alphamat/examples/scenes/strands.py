"""Bodies and strands in space, lit, for hair and fur.

Points are y, downwards, x, to the right, and z, towards the eye, which looks along z.
"""

from __future__ import annotations

import numpy as np

from alphamat.examples.painting import Canvas, lay

LIGHT = np.array([-0.62, -0.45, 0.64])  # the way to it: up, left and out of the picture


def unit(vectors: np.ndarray) -> np.ndarray:
    """Return vectors, (…, 3), of length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def lit(colours: np.ndarray, nodes: np.ndarray, *, gloss: float) -> np.ndarray:
    """Return the colours of strands in light, (n, m, 4), opaque (Kajiya & Kay, SIGGRAPH 1989).

    The light that a strand scatters goes with the sine of its angle to the light, and its shine
    with a power of the sine of its angle to the direction halfway between light and eye.
    """
    along = unit(np.gradient(nodes, axis=1))
    halfway = unit(LIGHT + np.array([0, 0, 1]))
    diffuse = np.sqrt(np.maximum(1 - (along @ LIGHT) ** 2, 0))
    shine = np.maximum(1 - (along @ halfway) ** 2, 0) ** 30
    bright = (0.35 + 0.75 * diffuse)[..., None] * colours
    bright += gloss * (shine * colours.mean(axis=2))[..., None]
    return np.concatenate([np.clip(bright, 0, 1), np.ones((*shine.shape, 1))], axis=2)


def lay_ellipsoid(layer: np.ndarray, canvas: Canvas, centre, radii, colour) -> None:
    """Lay a shaded ellipsoid over a layer."""
    v, u = (canvas.y - centre[0]) / radii[0], (canvas.x - centre[1]) / radii[1]
    far = np.hypot(v, u)
    out = np.sqrt(np.maximum(1 - far**2, 0))
    shade = 0.45 + 0.55 * np.maximum(LIGHT[0] * v + LIGHT[1] * u + LIGHT[2] * out, 0)
    colours = shade[..., None] * np.asarray(colour)
    lay(layer, colours, canvas.inside((far - 1) * min(radii[:2])))
