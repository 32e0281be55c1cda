"""Deep Image Matting, as pytorch-deep-image-matting trains it: stages 0 to 3."""

from __future__ import annotations

import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import dim

RULES = PRESETS["dim"].preprocess


def stage0(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return dim.stage0(outputs, batch["alpha"], trimap=batch["trimap"])


def stage1(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return dim.stage1(outputs, batch["alpha"], **given(batch))


def stage2(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return dim.stage2(outputs, batch["alpha"], trimap=batch["trimap"])


def stage3(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch))
    return dim.stage3(outputs, batch["alpha"], **given(batch))


def given(batch):
    return {name: batch[name] for name in ("trimap", "image", "foreground", "background")}


def optimiser(steps: int) -> optax.GradientTransformation:
    return optax.adam(1e-5)
