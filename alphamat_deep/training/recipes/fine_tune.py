"""Fine-tuning of any published network with one's own cut-outs.

    alphamat train fine-tune-modnet --foregrounds fg/ --backgrounds bg/ \\
        --weights modnet.ckpt -o run/

Losses and data are those of the network's own recipe, some with smaller pictures. A network without
one learns alpha by L1 and by its Laplacian pyramid. The rate is small and constant after a hundred
steps, normalisation keeps the published statistics, and the result is an average of parameters.
Nobody has measured what it gives on your pictures: validate.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import optax

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.augment import (
    Sample,
    gca_trimap,
    random_crop_around_unknown,
    random_flip,
    resize,
)
from alphamat_deep.training.compositions import compose_square
from alphamat_deep.training.inputs import inputs_of
from alphamat_deep.training.losses import l1, laplacian_rvm
from alphamat_deep.training.recipe import Recipe
from alphamat_deep.training.recipes import (
    bgmv2,
    birefnet,
    dim,
    gca,
    learned,
    modnet,
    p3m,
    pp_humanmatting,
    pp_matting,
    pp_mattingv2,
    rvm,
    vitmatte,
)
from alphamat_deep.training.recipes.layers import put_over

PLATES = replace(bgmv2.REFINE, compose=partial(bgmv2.compose, size=768, scale=(0.3, 1)))
CLIPS = replace(rvm.STAGE1, compose=partial(rvm.compose, frames=8))
ORIGINALS = {
    "dim": dim.STAGE1,
    "dim-skip": dim.STAGE1,
    "dim-refine": dim.STAGE3,
    "gca": gca.GCA,
    "learned": replace(learned.LEARNED, bank=None, broken=0, compose=compose_square),
    "vitmatte-s": vitmatte.SMALL,
    "vitmatte-b": vitmatte.BASE,
    "modnet": modnet.MODNET,
    "modnet-webcam": modnet.MODNET,
    "modnet-mobilenetv2": modnet.PADDLE,
    "modnet-resnet50_vd": modnet.PADDLE,
    "modnet-hrnet_w18": modnet.PADDLE,
    "pp-matting-512": pp_matting.PEOPLE_512,
    "pp-matting-1024": pp_matting.PEOPLE_1024,
    "pp-matting-composition1k": pp_matting.ANYTHING,
    "pp-matting-distinctions646": pp_matting.ANYTHING,
    "pp-mattingv2-512": pp_mattingv2.PP_MATTINGV2,
    "pp-humanmatting": replace(
        pp_humanmatting.PP_HUMANMATTING, compose=partial(pp_humanmatting.compose, size=1024)
    ),
    "p3m": p3m.P3M,
    "p3m-vitae-s": p3m.P3M,
    "p3m-hybrid": p3m.P3M,
    "p3m-vitae-s-hybrid": p3m.P3M,
    "bgmv2-mobilenetv2": PLATES,
    "bgmv2-resnet50": PLATES,
    "bgmv2-resnet101": PLATES,
    "rvm-mobilenetv3": CLIPS,
    "rvm-resnet50": CLIPS,
    "pp-rvm-mobilenetv3": replace(CLIPS, biased=True),
    "birefnet": birefnet.MASKS,
    "birefnet-hr": birefnet.MASKS,
    "birefnet-lite": birefnet.MASKS,
    "birefnet-lite-2k": birefnet.MASKS,
    "birefnet-matting": birefnet.MATTING,
    "birefnet-hr-matting": birefnet.MATTING,
    "birefnet-portrait": birefnet.MATTING,
}


def fine_tune(
    preset: str,
    *,
    rate: float = 1e-5,
    batch: int = 4,
    steps: int = 2_000,
    frozen: tuple[str, ...] = (),
    frozen_statistics: bool = True,
    average: float = 0.999,
) -> Recipe:
    """Return a recipe that goes on from the published weights of a network.

    Parameters
    ----------
    preset : str
        One of `alphamat_deep.PRESETS`.
    rate : float
        Of Adam. The authors' last rates are as small.
    batch, steps : int
    frozen : tuple of str
        Regular expressions of parameters that stay as they are, such as r"^backbone\\.".
    frozen_statistics : bool
        Whether normalisation keeps the published statistics. Those of a few samples are worse.
    average : float
        Decay of the exponential average of the parameters.

    Examples
    --------
    >>> recipe = fine_tune("gca", steps=500)
    >>> recipe.preset, recipe.batch, recipe.steps
    ('gca', 4, 500)
    """
    if preset not in PRESETS:
        raise ValueError(f"`preset` is {preset!r}; expected one of: {', '.join(PRESETS)}.")
    original = ORIGINALS[preset] if preset in ORIGINALS else _general(preset)
    return replace(
        original,
        preset=preset,
        optimiser=lambda steps: optax.adam(optax.linear_schedule(0.0, rate, min(100, steps))),
        batch=batch,
        steps=steps,
        frozen=original.frozen + frozen,
        frozen_statistics=frozen_statistics,
        average=average,
    )


def _general(preset: str) -> Recipe:
    row = PRESETS[preset]

    def loss(model, batch, rngs):
        alpha, truth = model(*inputs_of(row.preprocess, batch)).alpha, batch["alpha"]
        terms = {"alpha": l1(alpha, truth), "laplacian": laplacian_rvm(alpha, truth)}
        return terms | {"total": terms["alpha"] + terms["laplacian"]}

    return Recipe(
        preset=preset,
        losses=(loss,),
        optimiser=optax.adam,
        compose=compose,
        batch=4,
        steps=2_000,
        biased=row.weights is not None and row.weights.format == "Paddle",
    )


def compose(layers: Sample, rng: np.random.Generator) -> Sample:
    sample = random_crop_around_unknown(put_over(layers), (512, 768, 1024), rng)
    return gca_trimap(resize(random_flip(sample, rng), 512, 512), rng)
