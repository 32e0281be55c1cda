"""BiRefNet, for masks of any object and for matting.

    alphamat train birefnet-matting --foregrounds fg/ --backgrounds bg/ \\
        --backbone swin_large_patch4_window12_384_22k.pth -o run/

Data: for masks DIS5K, DUTS, HRSOD, UHRSD, HRS10K, P3M-10k and others; for matting P3M-10k, AM-2k,
AIM-500, Human-2k, Distinctions-646, HIM2K and PPM-100. The author begins with a Swin of ImageNet,
takes batches of 4 on each GPU, 8 GPUs in his example, and a constant rate.

Differences: the number of steps is ours. Colours are not changed, and pictures not rotated. In the
author's last 20 passes some weights of the loss fall; here they stay. The author starts the offsets
of deformable convolutions at 0; here they start at random.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import Sample, random_flip, resize
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import birefnet
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes.layers import put_over

RULES = PRESETS["birefnet"].preprocess


def loss(model, batch, rngs, *, compare):
    (image,) = inputs_of(RULES, batch)
    return compare(model(image, rngs), batch["alpha"], image=image)


def compose(layers: Sample, rng: np.random.Generator, *, size: int = 1024) -> Sample:
    return resize(random_flip(put_over(layers), rng), size, size)


MASKS = Recipe(
    preset="birefnet",
    losses=(partial(loss, compare=birefnet.masks),),
    optimiser=lambda steps: optax.adamw(1e-5, weight_decay=0.01),
    compose=compose,
    batch=4,
    steps=200_000,
    config={"supervise": True},
    fresh=(r"^decoder\.(conv_ms_spvn|gdt_convs_pred)_",),
)
LITE = replace(MASKS, preset="birefnet-lite")
MATTING = replace(
    MASKS, preset="birefnet-matting", losses=(partial(loss, compare=birefnet.matting),)
)
