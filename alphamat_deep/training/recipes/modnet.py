"""MODNet: trained with alphas, and adapted to pictures without ("SOC"); and PaddleSeg's.

    alphamat train modnet --foregrounds fg/ --backgrounds bg/ -o run/
    alphamat train modnet-adaptation --foregrounds fg/ --backgrounds bg/ \\
        --weights run/modnet.safetensors -o soc/
    alphamat train modnet-mobilenetv2 --foregrounds fg/ --backgrounds bg/ -o run/

Data: the authors take 40 epochs of portraits, and adapt to frames of videos for 10 epochs. Neither
is published, nor is the loader, and nobody has reached their weights from scratch. PaddleSeg's have
SAD 50.07 on PPM-AIM-195.

Differences: the authors' crops and colours are unknown, so PaddleSeg's for MODNet are used. The
weights of the losses are those of the authors' program, not of the paper (semantics 10, not 1).
An epoch has 6 400 samples here, of frames 50 000; the rate falls after each quarter of the run, as
theirs. The adaptation is meant for frames as they are: a picture with an `image` is not composed.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import Sample, limit_short_side, pad, random_crop
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import modnet, pp
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import paddleseg
from alphamat_deep.training.recipes.layers import put_over

RULES = PRESETS["modnet"].preprocess
EPOCH = 400  # steps


def supervised(model, batch, rngs):
    (image,) = inputs_of(RULES, batch)
    return modnet.supervised(model(image), batch["alpha"], trimap=batch["trimap"], image=image)


def adaptation(model, batch, rngs, backup):
    (image,) = inputs_of(RULES, batch)
    return modnet.adapt(model(image), backup(image))


def paddle(model, batch, rngs):
    (image,) = inputs_of(RULES, batch)
    return pp.modnet(model(image), batch["alpha"], trimap=batch["trimap"], image=image)


def compose(layers: Sample, rng: np.random.Generator, *, size: int = 512) -> Sample:
    sample = random_crop(paddleseg.composed(layers, rng), (size,), rng)
    return paddleseg.changed(pad(sample, size, size), rng)


def compose_frame(layers: Sample, rng: np.random.Generator, *, size: int = 512) -> Sample:
    """Return a crop of the picture, which needs no alpha."""
    picture = limit_short_side({"image": put_over(layers)["image"]}, size, least=size)
    return random_crop(picture, (size,), rng)


def rates(steps: int) -> optax.Schedule:
    return optax.piecewise_constant_schedule(0.01, {k * steps // 4: 0.1 for k in (1, 2, 3)})


def momentum(rates: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    return optax.sgd(rates, momentum=0.9)


def paddle_rates(steps: int) -> optax.Schedule:
    return optax.piecewise_constant_schedule(0.02, {2 * steps // 5: 0.1, 4 * steps // 5: 0.1})


MODNET = Recipe(
    preset="modnet",
    losses=(supervised,),
    optimiser=lambda steps: momentum(rates(steps)),
    compose=compose,
    batch=16,
    steps=40 * EPOCH,
)
ADAPTATION = replace(
    MODNET,
    losses=(adaptation,),
    optimiser=lambda steps: optax.adam(1e-5, b1=0.9, b2=0.99),
    compose=compose_frame,
    batch=1,
    steps=10 * 50_000,
    frozen_statistics=True,
    copy=50_000,  # an epoch
)
PADDLE = replace(
    MODNET,
    preset="modnet-mobilenetv2",
    losses=(paddle,),
    optimiser=lambda steps: paddleseg.momentum(paddle_rates(steps), decay=4e-5),
    steps=100_000,
    biased=True,
)
