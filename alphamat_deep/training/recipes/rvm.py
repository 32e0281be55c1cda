"""Robust Video Matting in four stages.

    alphamat train rvm-stage1 --foregrounds clips/ --backgrounds bg/ -o stage1/
    alphamat train rvm-stage2 --foregrounds clips/ --backgrounds bg/ \\
        --weights stage1/rvm-mobilenetv3.safetensors -o stage2/

Stages 1 and 2 see small clips of 15 and of 50 frames, stages 3 and 4 clips of 40 and, after these,
large ones of 6. The authors train with four GPUs of 32 GB: 20 epochs, 2, 1 and 5.

Data: VideoMatte240K over 3 117 videos and 8 000 pictures, in stage 4 stills of Distinctions-646 and
AIM. The authors begin with a MobileNetV3 of ImageNet. They report MAD 6.08 and MSE 1.47 on
VideoMatte240K at 512 × 288; with the 200 public backgrounds others have found MAD 12.16.

Differences: every second update of the authors is of segmentation, with videos of YouTube-VIS and
pictures of COCO and Supervisely. Here it has the matting's own clips, where a person is where alpha
is above ½. Every batch of theirs has crops of another size; here all have the mean of these. A
still becomes a clip that stands still before it is moved.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import optax

from alphamat_deep.training.augment import (
    Sample,
    limit_short_side,
    random_affine,
    random_flip,
    random_grain,
    random_grey,
    random_motion,
    random_motion_blur,
    random_motion_jitter,
    random_pause,
    random_resized_crop,
    random_sharpness,
)
from alphamat_deep.training.augment import compose as composed
from alphamat_deep.training.losses import rvm
from alphamat_deep.training.optimisers import by_name
from alphamat_deep.training.recipe import Recipe

FRONT, SHOWN = ("foreground", "alpha"), ("image", "foreground", "alpha")


def matting(model, batch, rngs):
    outputs = of_clips(model, batch["image"], 1.0)
    return rvm.matting(outputs, batch["alpha"], foreground=batch["foreground"])


def large_matting(model, batch, rngs):
    outputs = of_clips(model, batch["large_image"], 0.25)
    return rvm.matting(outputs, batch["large_alpha"], foreground=batch["large_foreground"])


def segmentation(model, batch, rngs):
    return rvm.segmentation(of_clips(model, batch["image"], 1.0), batch["person"])


def of_clips(model, image, ratio):
    """Return the outputs for clips (B, T, H, W, 3), with the axis T."""
    frames, start = image.reshape(-1, *image.shape[2:]), model.initial_state(image[:, 0], ratio)
    outputs, clips = model(frames, start, ratio), {}
    for name in ("alpha", "foreground", "segmentation"):
        value = getattr(outputs, name)
        clips[name] = value.reshape(*image.shape[:2], *value.shape[1:])
    return outputs._replace(**clips)


def compose(
    layers: Sample, rng: np.random.Generator, *, frames: int, large_frames: int = 0
) -> Sample:
    still = layers["alpha"].ndim == 3
    sample = moved(clip(layers, frames), rng, 384, still)
    sample["person"] = (sample["alpha"] > 0.5).astype(np.float32)
    if large_frames:
        large = moved(clip(layers, large_frames), rng, 1536, still)
        sample |= {f"large_{name}": large[name] for name in SHOWN}
    return {name: pixels for name, pixels in sample.items() if name != "background"}


def clip(layers: Sample, frames: int) -> Sample:
    """Return layers of so many frames: a still again and again, a clip from its start."""
    clips = {name: x if x.ndim == 4 else x[None] for name, x in layers.items()}
    return {name: x[np.arange(frames) % len(x)] for name, x in clips.items()}


def moved(layers: Sample, rng: np.random.Generator, size: int, still: bool) -> Sample:
    often = {"probability": 0.05 if still else 0.1}
    front = limit_short_side({name: layers[name] for name in FRONT}, size)
    behind = limit_short_side({"background": layers["background"]}, size)
    front = random_motion(front, rng, probability=0.95 if still else 0.3)
    behind = random_motion(behind, rng, probability=0.075)
    alike = int(rng.integers(2**32))
    front, behind = (
        random_motion(x, np.random.default_rng(alike), probability=0.075) for x in (front, behind)
    )
    front = seen(front, rng, size, (0.5, 1))
    sample = random_grain(front | seen(behind, rng, size, (1, 1.5)), rng, **often)
    sample = random_motion_jitter(sample, rng, names=("foreground",))
    sample = random_motion_jitter(sample, rng, names=("background",))
    sample = random_grey(sample, rng, probability=0.03 if still else 0.02)
    sample = random_sharpness(sample, rng, **often)
    for names in FRONT, ("background",), None:
        sample = random_motion_blur(sample, rng, names=names)
    return composed(random_pause(sample, rng))


def seen(layer: Sample, rng: np.random.Generator, size: int, scale: tuple[float, float]) -> Sample:
    layer = random_affine(layer, rng, scale=scale)
    layer = random_resized_crop(layer, size, size, rng, scale=(1, 1), ratio=(0.9, 1.1))
    return random_flip(layer, rng)


def adam(
    backbone: float, aspp: float, decoder: float, refiner: float | None = None
) -> optax.GradientTransformation:
    """Return an Adam for each part; without a rate the refiner is frozen.

    The authors' PyTorch leaves a parameter out until its first gradient, and then moves it in every
    update: one without a gradient follows its moments. So counts differ between parts.
    """

    def since(update, rate):
        return optax.conditionally_mask(optax.adam(rate), lambda step: step >= update)

    parts = {
        r"^backbone\.": optax.adam(backbone),
        r"^aspp\.": optax.adam(aspp),
        r"^project_seg\.": since(2 if refiner else 1, decoder),
        r"^(decoder|project_mat)\.": optax.adam(decoder),
    }
    return by_name(parts | ({r"^refiner\.": since(1, refiner)} if refiner else {}))


STAGE1 = Recipe(
    preset="rvm-mobilenetv3",
    losses=(matting, segmentation),
    optimiser=lambda steps: adam(1e-4, 2e-4, 2e-4),
    compose=partial(compose, frames=15),
    batch=4,
    steps=80_000,
    frozen=(r"^refiner\.",),
)
STAGE2 = replace(
    STAGE1,
    optimiser=lambda steps: adam(5e-5, 1e-4, 1e-4),
    compose=partial(compose, frames=50),
    steps=2_400,
)
STAGE3 = replace(
    STAGE1,
    losses=(matting, large_matting, segmentation),
    optimiser=lambda steps: adam(1e-5, 1e-5, 1e-5, 2e-4),
    compose=partial(compose, frames=40, large_frames=6),
    steps=1_500,
    frozen=(),
)
STAGE4 = replace(STAGE3, optimiser=lambda steps: adam(1e-5, 1e-5, 5e-5, 2e-4), steps=750)
