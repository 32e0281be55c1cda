"""The library's own network, from nothing, on painted scenes only.

    alphamat train learned --minutes 10 --bfloat16 --workers 14 -o run/  # a GPU
    alphamat train learned --steps 400 --batch 8 --size 128 --bank 64 -o run/  # two cores, a look

Data: no photograph, no file at all. Processes paint layers, which stay on the device as bytes. Each
step cuts its crops out of the newest 6 000 foregrounds and 6 000 backgrounds, changes them, and
draws their trimaps, all on the device. Four new ones of each come with a step of 64 crops; where
painters are slower than that, the device waits for them, and the run says for how long.

Time: the prototype made 5 872 steps in 376 s on one H200, and began after 87 s; this recipe has not
been run on a GPU yet. Validation: SAD of 16 painted scenes with other seeds.

Muon moves the kernels, Adam the first and the last layer and all biases. The network is an average
of parameters, over about 500 steps at the end.

A run goes on as if it had never stopped: it paints the layers again that were there. With --minutes
the number of steps is fixed after an eighth of the time; two runs differ as their numbers of steps
do, and one that goes on keeps its own.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax import Array

from alphamat_deep.models.learned import features
from alphamat_deep.training.bank import Bank
from alphamat_deep.training.compositions import pack_layers
from alphamat_deep.training.losses import learned
from alphamat_deep.training.optimisers import by_name, muon, warm_up_and_cosine_to_a_hundredth
from alphamat_deep.training.recipe import Recipe


def loss(model, batch, rngs):
    # Whatever the type of the network, features are computed in float32.
    outputs = model.from_features(*features(batch["image"], batch["trimap"]))
    given = {name: batch[name] for name in ("trimap", "foreground", "background")}
    return learned.supervised(outputs, batch["alpha"], **given)


def optimiser(steps: int) -> optax.GradientTransformation:
    rates = warm_up_and_cosine_to_a_hundredth(2.5e-3, 150, steps)

    def kernels(parameters):
        return jax.tree.map(lambda x: x.ndim > 1, parameters)

    adam = optax.adamw(rates, b2=0.99, weight_decay=0.01, mask=kernels)
    kinds = by_name({r"^(stem|head)\.|bias$": adam, "": muon(rates)})
    return optax.chain(optax.clip_by_global_norm(1.0), kinds)


def average(updates: Array) -> Array:
    return jnp.minimum(0.998, (1 + updates) / (10 + updates))


LEARNED = Recipe(
    preset="learned",
    losses=(loss,),
    optimiser=optimiser,
    compose=pack_layers,
    batch=64,
    steps=6000,
    average=average,
    broken=40,
    bank=Bank(),
)
