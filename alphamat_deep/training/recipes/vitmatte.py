"""ViTMatte.

    alphamat train vitmatte-s --foregrounds fg/ --backgrounds bg/ \\
        --backbone dino_deitsmall16_pretrain.pth -o run/

Data: Adobe's 431 foregrounds over COCO, as for GCA Matting. The authors take 100 passes over 43 100
compositions on two GPUs, the small network in batches of 32, the base one in batches of 20. They
begin with DINO's or MAE's transformer. Composition-1k: SAD 21.46 and 20.33.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import vitmatte_trimap
from alphamat_deep.training.inputs import normalised
from alphamat_deep.training.losses import vitmatte
from alphamat_deep.training.optimisers import adamw, by_depth
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import gca

RULES = PRESETS["vitmatte-s"].preprocess
DEPTH = (
    r"^backbone\.(pos|patch)_embed\.",
    *(rf"^backbone\.blocks\.{at}\.(?!residual)" for at in range(12)),
)
# The norms of residual blocks are decayed: they are of another class, and the authors' rule
# does not know it.
UNDECAYED = r"^backbone\.pos_embed|^backbone\.blocks\.\d+\.norm|\.bn\.|\.matting_convs\.1\."


def loss(model, batch, rngs):
    # In training their unknown is 0.5; their program for samples gives the network 128/255.
    outputs = model(normalised(RULES, batch["image"]), batch["trimap"])
    return vitmatte.supervised(outputs.alpha, batch["alpha"], trimap=batch["trimap"])


def rates(steps: int) -> optax.Schedule:
    warm = max(1, min(250, steps // 500))
    rise = optax.linear_schedule(5e-7, 5e-4, warm)
    drops = {int(0.3 * steps) - warm: 0.1, int(0.9 * steps) - warm: 0.5}
    return optax.join_schedules([rise, optax.piecewise_constant_schedule(5e-4, drops)], [warm])


def optimiser(rates: optax.ScalarOrSchedule) -> optax.GradientTransformation:
    return optax.chain(adamw(rates, decay=0.1, undecayed=UNDECAYED), by_depth(DEPTH, 0.65))


SMALL = Recipe(
    preset="vitmatte-s",
    losses=(loss,),
    optimiser=lambda steps: optimiser(rates(steps)),
    compose=partial(gca.compose, trimap=vitmatte_trimap),
    batch=32,
    steps=134_687,
)
BASE = replace(SMALL, preset="vitmatte-b", batch=20, steps=215_500)
