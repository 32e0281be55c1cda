"""MODNet."""

from __future__ import annotations

import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import modnet

RULES = PRESETS["modnet"].preprocess


def supervised(model, batch, rngs):
    (image,) = inputs_of(RULES, batch)
    return modnet.supervised(model(image), batch["alpha"], trimap=batch["trimap"], image=image)


def adaptation(model, batch, rngs, backup):
    (image,) = inputs_of(RULES, batch)
    return modnet.adapt(model(image), backup(image))


def momentum(rates) -> optax.GradientTransformation:
    return optax.sgd(rates, momentum=0.9)
