"""PP-HumanMatting.

    alphamat train pp-humanmatting --foregrounds fg/ --backgrounds bg/ -o run/

Data: private portraits of high resolution. PaddleSeg begins with a ResNet-34-vd of ImageNet. A
sample has 2048 × 2048 pixels: four of them need tens of gigabytes.

Differences: image, foreground and background are changed alike (see `paddleseg`).
"""

from __future__ import annotations

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import Sample, pad, random_crop, random_resize
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import pp
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import paddleseg

RULES = PRESETS["pp-humanmatting"].preprocess


def loss(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return pp.humanmatting(outputs, batch["alpha"], trimap=batch["trimap"])


def compose(layers: Sample, rng: np.random.Generator, *, size: int = 2048) -> Sample:
    sample = random_resize(paddleseg.composed(layers, rng), size, rng, scale=(0.3, 1.5))
    sample = paddleseg.changed(random_crop(sample, (size,), rng), rng)
    return pad(sample, size, size)


def rates(steps: int) -> optax.Schedule:
    return optax.piecewise_constant_schedule(1e-3, {3 * steps // 5: 0.1, 4 * steps // 5: 0.1})


PP_HUMANMATTING = Recipe(
    preset="pp-humanmatting",
    losses=(loss,),
    optimiser=lambda steps: paddleseg.momentum(rates(steps), decay=4e-5),
    compose=compose,
    batch=4,
    steps=50_000,
    biased=True,
)
