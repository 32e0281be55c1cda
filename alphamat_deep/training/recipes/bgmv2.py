"""BackgroundMattingV2: its base network, then all of it.

    alphamat train bgmv2-base --foregrounds fg/ --backgrounds bg/ -o base/
    alphamat train bgmv2-refine --foregrounds fg/ --backgrounds bg/ \\
        --weights base/bgmv2-mobilenetv2.safetensors -o run/

Data: the frames of VideoMatte240K over crawled pictures, 8 epochs for the base and one more for all
of it; then PhotoMatte13K, which is private, or Distinctions-646. The authors begin with
DeepLabV3 of Pascal VOC. The paper's errors on PhotoMatte85 are SAD 8.65 and MSE 9.57.

Differences: every batch of the authors has crops of another size, 256 … 511 (to refine, 1024 …
2047) pixels on each side; here all have the mean of these, because JAX compiles for a size.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import (
    Sample,
    add_plate,
    random_affine_and_resize,
    random_box_blur,
    random_flip,
    random_jitter,
    random_pillow_sharpen,
    random_plate_affine,
    random_plate_jitter,
    random_plate_noise,
    random_shadow,
)
from alphamat_deep.training.augment import compose as composed
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import bgmv2
from alphamat_deep.training.optimisers import by_name
from alphamat_deep.training.recipe import Recipe

RULES = PRESETS["bgmv2-mobilenetv2"].preprocess


def base(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch), rngs)
    return bgmv2.base(outputs, batch["alpha"], foreground=batch["foreground"])


def refine(model, batch, rngs):
    outputs = model(*inputs_of(RULES, batch), rngs)
    return bgmv2.refine(outputs, batch["alpha"], foreground=batch["foreground"])


def compose(
    layers: Sample,
    rng: np.random.Generator,
    *,
    size: int = 384,
    scale: tuple[float, float] = (0.4, 1),
) -> Sample:
    front = {name: layers[name] for name in ("foreground", "alpha")}
    sample = _seen(front, rng, size, scale, "foreground")
    sample |= _seen({"background": layers["background"]}, rng, size, (1, 2), "background")
    sample = composed(random_shadow(add_plate(sample), rng))
    return random_plate_affine(random_plate_jitter(random_plate_noise(sample, rng), rng), rng)


def _seen(
    layer: Sample, rng: np.random.Generator, size: int, scale: tuple[float, float], colours: str
) -> Sample:
    layer = random_flip(random_affine_and_resize(layer, size, size, rng, scale=scale), rng)
    layer = random_box_blur(layer, rng, names=tuple(layer))
    layer = random_pillow_sharpen(layer, rng, names=tuple(layer))
    return random_jitter(layer, rng, names=(colours,))


def adam(rates: Mapping[str, float]) -> optax.GradientTransformation:
    return by_name({f"^{name}\\.": optax.adam(rate) for name, rate in rates.items()})


BASE = Recipe(
    preset="bgmv2-mobilenetv2",
    losses=(base,),
    optimiser=lambda steps: adam({"backbone": 1e-4, "aspp": 5e-4, "decoder": 5e-4}),
    compose=compose,
    batch=8,
    steps=8 * 30_000,
    config={"backbone_scale": 1.0, "refine_mode": "none"},
)
REFINE = replace(
    BASE,
    losses=(refine,),
    optimiser=lambda steps: adam(
        {"backbone": 5e-5, "aspp": 5e-5, "decoder": 1e-4, "refiner": 3e-4}
    ),
    compose=partial(compose, size=1536, scale=(0.3, 1)),
    batch=4,
    steps=60_000,
    config={"refine_threshold": 0.7},
    fresh=(r"^refiner\.",),
)
