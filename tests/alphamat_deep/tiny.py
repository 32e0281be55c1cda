"""A network small enough to see through, its row in the catalogue and its weights."""

from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from alphamat.rules import HALF, Preprocess, Resize, bilinear, floor_sides, levels
from alphamat_deep.catalogue import Preset, Score, Weights
from alphamat_deep.catalogue.preset import by_pixel
from alphamat_deep.layers import Conv


@dataclass(frozen=True)
class TinyConfig:
    size: int = 3


class TinyOutput(NamedTuple):
    alpha: jax.Array


class Tiny(nnx.Module):
    def __init__(self, config=TinyConfig(), *, rngs):
        self.conv = Conv(4, 1, config.size, padding=config.size // 2, rngs=rngs)
        self.activation = jax.nn.sigmoid

    def __call__(self, image, trimap):
        return TinyOutput(self.activation(self.conv(jnp.concatenate([image, trimap], axis=-1))))


RULES = Preprocess(
    HALF,
    HALF,
    levels,
    (Resize(partial(floor_sides, 8, most=64), how_trimap=bilinear),),
)
TINY = Preset(
    model=Tiny,
    config=TinyConfig(),
    preprocess=RULES,
    memory=partial(by_pixel, 100),
    weights=Weights("https://example.org/tiny.pth", "PyTorch", "MIT", True),
    citation="Nobody, 2021",
    scores=(Score("Nothing", sad=0, mse=0.0050, grad=1, conn=31.8, note="by nobody"),),
)


def tensors():
    rng = np.random.default_rng(37)
    weight = rng.normal(size=(1, 4, 3, 3)).astype(np.float32)
    return {"module.conv.weight": weight, "module.conv.bias": np.float32([0.1])}


def picture(height=21, width=34):
    rng = np.random.default_rng(41)
    image = rng.integers(0, 256, (height, width, 3), np.uint8)
    return image, rng.choice(np.array([0, 128, 255], np.uint8), (height, width))
