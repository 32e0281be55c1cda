"""A network that trains in milliseconds, its recipe, its batches, and runs of them.

`python -m tests.alphamat_deep.training.small OUT KEY=VALUE…` trains it in a process of its own.
"""

import json
import sys
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

import alphamat_deep
from alphamat.rules import Preprocess, Resize, bilinear, floor_sides, levels
from alphamat_deep.catalogue import Preset
from alphamat_deep.catalogue.preset import by_pixel
from alphamat_deep.layers import Conv, batch_norm
from alphamat_deep.training.loop import train
from alphamat_deep.training.recipe import Recipe


@dataclass(frozen=True)
class SmallConfig:
    width: int = 4


class SmallOutput(NamedTuple):
    alpha: jax.Array


class Small(nnx.Module):
    def __init__(self, config=SmallConfig(), *, rngs):
        self.first = Conv(4, config.width, 3, padding=1, bias=False, rngs=rngs)
        self.norm = batch_norm(config.width, rngs=rngs)
        self.last = Conv(config.width, 1, 3, padding=1, rngs=rngs)

    def __call__(self, image, trimap):
        x = nnx.relu(self.norm(self.first(jnp.concatenate([image, trimap], axis=-1))))
        return SmallOutput(nnx.sigmoid(self.last(x)))


SMALL = Preset(
    model=Small,
    config=SmallConfig(),
    preprocess=Preprocess(
        (0.0, 0.0, 0.0),
        (1.0, 1.0, 1.0),
        levels,
        (Resize(partial(floor_sides, 8, most=64), how_trimap=bilinear),),
    ),
    memory=partial(by_pixel, 100),
    weights=None,
    citation="Nobody, 2021",
)


def loss(model, batch, rngs):
    """Also something random, which a run that goes on has to draw again."""
    alpha = model(batch["image"], batch["trimap"]).alpha
    error = jnp.abs(alpha - batch["alpha"]).mean()
    noise = jax.random.normal(rngs.default.key[...], alpha.shape)
    return {"error": error, "total": error + 1e-3 * (alpha * noise).mean()}


def adam(steps):
    return optax.adam(optax.linear_schedule(1e-2, 0.0, steps))


def as_it_is(sample, rng):
    return sample


RECIPE = Recipe(
    preset="small",
    losses=(loss,),
    optimiser=adam,
    compose=as_it_is,
    batch=8,
    steps=12,
    average=0.9,
)


def sample(position, at=0, height=8, width=10):
    """Return a picture that is brighter where alpha is higher."""
    rng = np.random.default_rng([position, at])
    alpha = rng.random((height, width, 1), np.float32)
    image = np.clip(alpha + rng.normal(0, 0.1, (height, width, 3)), 0, 1).astype(np.float32)
    trimap = rng.integers(0, 3, (height, width, 1)).astype(np.float32) / 2
    return {"image": image, "alpha": alpha, "trimap": trimap}


def batches(start, shard, size=8, poison=None):
    """Yield batches; that of step `poison`, counted from 1, has a NaN in it."""
    index, parts = shard
    for position in count(start):
        share = size // parts
        samples = [sample(position, at) for at in range(index * share, (index + 1) * share)]
        batch = {name: np.stack([x[name] for x in samples]) for name in samples[0]}
        if position + 1 == poison:
            batch["image"][0, 0, 0] = np.nan
        yield batch


HELD = [sample(10**6, at, 11, 14) for at in range(2)]


def main(out, *options):
    """Train in a process of its own; `kill=N` kills it hard, and `stop=N` asks it to stop."""
    import os
    import signal

    given = {key: json.loads(value) for key, _, value in (x.partition("=") for x in options)}
    alphamat_deep.PRESETS["small"] = SMALL
    if "process" in given:
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
        port, number = given.pop("port"), given.pop("process")
        jax.distributed.initialize(f"localhost:{port}", 2, number)
    kill, stop = given.pop("kill", None), given.pop("stop", None)

    def hear(line):
        if line["step"] == kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if line["step"] == stop:
            os.kill(os.getpid(), signal.SIGTERM)

    train(RECIPE, batches, out=out, validation=HELD, callback=hear, **given)


if __name__ == "__main__":
    main(*sys.argv[1:])
