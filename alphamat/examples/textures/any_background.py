"""Any background."""

from __future__ import annotations

import math

import numpy as np

from alphamat.examples.brushes.chance import chance, choose, log_uniform
from alphamat.examples.brushes.fields import bend, fractal
from alphamat.examples.brushes.focus import defocus, lit, motion, soften
from alphamat.examples.brushes.palettes import blend
from alphamat.examples.painting import Canvas
from alphamat.examples.textures.bokeh import bokeh
from alphamat.examples.textures.cells import cells
from alphamat.examples.textures.land import land
from alphamat.examples.textures.leaves import leaves
from alphamat.examples.textures.mottle import flat, mottle
from alphamat.examples.textures.pattern import pattern
from alphamat.examples.textures.rooms import rooms
from alphamat.examples.textures.straw import straw

TEXTURES = {  # and how many in a hundred `any_background` paints
    leaves: 30,
    mottle: 10,
    cells: 5,
    pattern: 9,
    straw: 9,
    land: 9,
    bokeh: 7,
    rooms: 12,
    flat: 9,
}


def texture(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint one of the textures."""
    return choose(rng, TEXTURES)(canvas, rng)


def any_background(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint one or two textures, perhaps bent, out of focus or moved, in uneven light."""
    picture = texture(canvas, rng)
    if chance(rng, 0.3):  # the nearer one has an edge
        if chance(rng, 0.5):
            picture = defocus(canvas, picture, log_uniform(rng, 0.002, 0.03))
        field = fractal(canvas, rng, rng.uniform(1, 6), int(rng.integers(1, 6)))
        edge = (field + rng.normal(0, 0.7)) / log_uniform(rng, 0.008, 0.16)
        picture = blend(picture, texture(canvas, rng), np.clip(0.5 + edge, 0, 1))
    if chance(rng, 0.3):
        picture = bend(canvas, rng, picture)
    how = rng.uniform()
    if how < 0.3:
        picture = defocus(canvas, picture, log_uniform(rng, 0.0014, 0.027))
    elif how < 0.6:
        picture = soften(canvas, picture, log_uniform(rng, 0.0008, 0.02))
    elif how < 0.65:
        picture = motion(canvas, picture, log_uniform(rng, 0.008, 0.08), rng.uniform(0, math.pi))
    return np.clip(lit(canvas, rng, picture), 0, 1)
