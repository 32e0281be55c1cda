"""PP-Matting.

    alphamat train pp-matting-512 --foregrounds fg/ --backgrounds bg/ -o run/

Data: more than 10 000 private portraits for the networks of people (`pp-matting-512`, and
`pp-matting-1024` with crops of 1024), Adobe's foregrounds over COCO for
`pp-matting-composition1k`. PaddleSeg begins with an HRNet of ImageNet. SAD 31.56 on PPM-AIM-195,
and 46.22 on Composition-1k without trimaps.

Differences: image, foreground and background are changed alike (see `paddleseg`). Pictures smaller
than a crop are padded: arrays of a batch have one size.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import Sample, limit_short_side, pad, random_crop, resize
from alphamat_deep.training.inputs import inputs_of, normalised
from alphamat_deep.training.losses import pp
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import paddleseg

RULES = PRESETS["pp-matting-512"].preprocess
UNUSED = (r"^backbone\.st4\.3\.fuse_func\.[23]_",)
"""What makes branches 2 and 3 at the end of HRNet, which PP-Matting does not read."""


def loss(model, batch, rngs):
    layers = {name: normalised(RULES, batch[name]) for name in ("foreground", "background")}
    outputs = model(*inputs_of(RULES, batch))
    return pp.matting(outputs, batch["alpha"], trimap=batch["trimap"], **layers)


def compose_people(layers: Sample, rng: np.random.Generator, *, size: int = 512) -> Sample:
    sample = limit_short_side(paddleseg.composed(layers, rng), size)
    sample = pad(random_crop(sample, (size,), rng), size, size)
    return paddleseg.changed(sample, rng, degrade=True)


def compose_anything(layers: Sample, rng: np.random.Generator) -> Sample:
    sample = pad(paddleseg.composed(layers, rng), 512, 512)
    sample = random_crop(sample, (512, 640, 800), rng)
    return paddleseg.changed(resize(sample, 512, 512), rng)


PEOPLE_512 = Recipe(
    preset="pp-matting-512",
    losses=(loss,),
    optimiser=lambda steps: paddleseg.momentum(paddleseg.poly(steps), decay=4e-5),
    compose=compose_people,
    batch=4,
    steps=200_000,
    frozen=UNUSED,
    biased=True,
)
PEOPLE_1024 = replace(
    PEOPLE_512, preset="pp-matting-1024", compose=partial(compose_people, size=1024)
)
ANYTHING = replace(
    PEOPLE_512, preset="pp-matting-composition1k", compose=compose_anything, steps=300_000
)
