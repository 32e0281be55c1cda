"""P3M-Net.

    alphamat train p3m --foregrounds fg/ --backgrounds bg/ -o run/

Data: the 9421 portraits of P3M-10k with blurred faces, with colours of both layers by the closed
form. The authors take 150 passes in batches of 8, and begin with a ResNet-34 of ImageNet. SAD 8.73
on P3M-500-P.

Differences: foregrounds here are put over other backgrounds, and the square around an unknown pixel
has it in its middle, not in its corner.
"""

from __future__ import annotations

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import (
    Sample,
    p3m_trimap,
    random_crop,
    random_crop_around_unknown,
    random_flip,
    resize,
)
from alphamat_deep.training.inputs import inputs_of, normalised
from alphamat_deep.training.losses import p3m
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes.layers import put_over

RULES = PRESETS["p3m"].preprocess
SIZES = 512, 768, 1024


def loss(model, batch, rngs):
    layers = {name: normalised(RULES, batch[name]) for name in ("foreground", "background")}
    (image,) = inputs_of(RULES, batch)
    outputs = model(image)
    return p3m.supervised(outputs, batch["alpha"], trimap=batch["trimap"], image=image, **layers)


def compose(layers: Sample, rng: np.random.Generator) -> Sample:
    sample = p3m_trimap(put_over(layers), rng)
    crop = random_crop_around_unknown if rng.random() < 0.5 else random_crop
    return resize(random_flip(crop(sample, SIZES, rng), rng), 512, 512)


P3M = Recipe(
    preset="p3m",
    losses=(loss,),
    optimiser=lambda steps: optax.adam(1e-5),
    compose=compose,
    batch=8,
    steps=177_000,
)
