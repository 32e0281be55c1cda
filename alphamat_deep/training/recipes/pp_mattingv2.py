"""PP-MattingV2.

    alphamat train pp-mattingv2-512 --foregrounds fg/ --backgrounds bg/ -o run/

Data: more than 10 000 private portraits. PaddleSeg begins with an STDC-1 of ImageNet. A head for
alpha at 1/8 of the size is trained with the rest, and is not used afterwards.

Differences: image, foreground and background are changed alike (see `paddleseg`).
"""

from __future__ import annotations

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import Sample, limit_short_side, pad, random_crop
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import pp
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import paddleseg

RULES = PRESETS["pp-mattingv2-512"].preprocess


def loss(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return pp.mattingv2(outputs, batch["alpha"], trimap=batch["trimap"])


def compose(layers: Sample, rng: np.random.Generator, *, size: int = 512) -> Sample:
    sample = limit_short_side(paddleseg.composed(layers, rng), size)
    sample = pad(random_crop(sample, (size,), rng), size, size)
    return paddleseg.changed(sample, rng, sharpen=True, degrade=True)


def rates(steps: int) -> optax.Schedule:
    warm = steps // 100
    rise = optax.linear_schedule(1e-5, 0.01, warm)
    return optax.join_schedules([rise, paddleseg.poly(steps - warm)], [warm])


PP_MATTINGV2 = Recipe(
    preset="pp-mattingv2-512",
    losses=(loss,),
    optimiser=lambda steps: paddleseg.momentum(rates(steps), decay=5e-4),
    compose=compose,
    batch=16,
    steps=100_000,
    config={"supervise": True},
    fresh=(r"^matting_head_mlff8x\.",),
    biased=True,
)
