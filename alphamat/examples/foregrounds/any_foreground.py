"""Any foreground."""

from __future__ import annotations

import numpy as np

from alphamat.examples.brushes.chance import chance, choose, log_uniform
from alphamat.examples.brushes.fields import bend
from alphamat.examples.brushes.focus import varied_focus
from alphamat.examples.foregrounds.bits import bits
from alphamat.examples.foregrounds.bodies import fuzzy, holes, solid
from alphamat.examples.foregrounds.feather import feather
from alphamat.examples.foregrounds.film import film
from alphamat.examples.foregrounds.furry import furry
from alphamat.examples.foregrounds.hairy import hairy
from alphamat.examples.foregrounds.materials import either_over
from alphamat.examples.foregrounds.net import net
from alphamat.examples.foregrounds.plant import plant
from alphamat.examples.foregrounds.smoky import smoky
from alphamat.examples.foregrounds.strands import strands
from alphamat.examples.foregrounds.tubes import tubes
from alphamat.examples.foregrounds.web import web
from alphamat.examples.painting import Canvas

# How many in a hundred `any_foreground` paints. Of fuzzy, solid, furry, hairy, bits and holes there
# are pixels of alpha 1, but for the smallest pictures.
FOREGROUNDS = {
    fuzzy: 13,
    solid: 10,
    furry: 17,
    hairy: 16,
    strands: 6,
    tubes: 5,
    plant: 6,
    feather: 5,
    net: 8,
    web: 2,
    smoky: 4,
    film: 4,
    bits: 2,
    holes: 2,
}
TRIES = 6


def any_foreground(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Paint one of the foregrounds, perhaps bent, with another, out of focus or moved.

    One with hardly any mixed pixels, or hardly any background, is painted again.
    """
    layer = canvas.blank(np.float32)
    for _ in range(TRIES):
        layer = choose(rng, FOREGROUNDS)(canvas, rng)
        if chance(rng, 0.25):
            layer = bend(canvas, rng, layer, log_uniform(rng, 0.02, 0.12))
        if chance(rng, 0.12):
            other = (fuzzy, solid, furry, strands, film)[rng.integers(5)](canvas, rng)
            layer = either_over(rng, layer, other)
        layer = varied_focus(canvas, rng, layer)
        alpha = layer[..., 3]
        if ((alpha > 0.03) & (alpha < 0.97)).mean() > 0.0015 and (alpha < 0.02).mean() > 0.05:
            break
    return layer
