"""Deep Image Matting in four stages, as pytorch-deep-image-matting trains it.

    alphamat train dim-stage1 --foregrounds fg/ --backgrounds bg/ \\
        --weights stage0/dim-skip.safetensors -o stage1/

Stage 0 compares alpha, stage 1 alpha and composition; stage 2 trains the refinement only, stage 3
everything. Each begins with the weights of the one before; the authors begin stage 0 with VGG-16's
of ImageNet.

Data: Adobe's 431 foregrounds over 100 pictures of COCO each. A stage takes its authors about a day
on one GPU. Composition-1k: SAD 54.4 after stage 1 without skip connections, 53.0 with them
(`dim-skip`, which is trained here).

Differences: pictures are composed while training, not beforehand, so that every epoch has new
pairs of foreground and background.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import (
    Sample,
    dim_trimap,
    random_crop_around_unknown,
    random_flip,
    resize,
)
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import dim
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes.layers import put_over

RULES = PRESETS["dim-skip"].preprocess
COLOURS = "image", "foreground", "background"


def stage0(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return dim.stage0(outputs, batch["alpha"], trimap=batch["trimap"])


def stage1(model, batch, rngs):
    outputs, colours = model(*inputs_of(RULES, batch)), {name: batch[name] for name in COLOURS}
    return dim.stage1(outputs, batch["alpha"], trimap=batch["trimap"], **colours)


def stage2(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return dim.stage2(outputs, batch["alpha"], trimap=batch["trimap"])


def stage3(model, batch, rngs):
    outputs, colours = model(*inputs_of(RULES, batch)), {name: batch[name] for name in COLOURS}
    return dim.stage3(outputs, batch["alpha"], trimap=batch["trimap"], **colours)


def compose(layers: Sample, rng: np.random.Generator) -> Sample:
    sample = random_crop_around_unknown(put_over(layers), (320, 480, 640), rng)
    # The authors' pictures are composed before, so that the image is resized itself.
    sample = resize(random_flip(sample, rng), 320, 320, separately=True)
    return dim_trimap(sample, rng)


def optimiser(steps: int) -> optax.GradientTransformation:
    return optax.adam(1e-5)


stage = partial(Recipe, optimiser=optimiser, compose=compose, batch=1, steps=12 * 43_100)

STAGE0 = stage(preset="dim-skip", losses=(stage0,))
STAGE1 = stage(preset="dim-skip", losses=(stage1,))
STAGE2 = stage(preset="dim-refine", losses=(stage2,), frozen=(r"^(de)?conv",), fresh=(r"^refine_",))
STAGE3 = stage(preset="dim-refine", losses=(stage3,))
