"""The catalogue: one row per published checkpoint.

Weights are never downloaded. A row says where their authors publish them and on what terms; scores
are those that the authors report, by their protocol, and not ours.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from alphamat_deep import renames
from alphamat_deep.fill import Names
from alphamat_deep.models.dim import DIM, DIMConfig
from alphamat_deep.models.gca import GCA, GCAConfig
from alphamat_deep.models.pp_dim import PPDIM, PPDIMConfig
from alphamat_deep.preprocess import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Pad,
    Preprocess,
    Resize,
    floor_sides,
    levels,
    one_hot,
    raw_levels,
    within,
)


class Weights(NamedTuple):
    """A checkpoint as its authors publish it."""

    url: str
    format: str
    licence: str
    commercial: bool | None
    """Whether its terms allow commercial use; None where they do not say."""
    size: str = ""
    sha256: str = ""
    """Where it is truly known."""


@dataclass(frozen=True)
class Preset:
    """A published network: what it is, what it takes, and where its weights are."""

    model: Callable[..., Any]
    config: Any
    preprocess: Preprocess
    memory: Callable[[int, int], float]
    """Bytes that a float32 run takes beside the weights, from the network's height and width."""
    weights: Weights | None
    citation: str
    scores: str = ""
    warning: str = ""
    """What someone who uses it has to know."""
    names: Names = Names()
    """How the checkpoint's names become the model's, where they differ."""


def by_pixel(count: float, height: int, width: int) -> float:
    return count * height * width


ADOBE = "non-commercial: trained on Adobe's Deep Image Matting data set"

XU = 'Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017'
LI = (
    'Li & Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020, '
    "https://arxiv.org/abs/2001.04069"
)

DIM_RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    encode=levels,
    chain=(Resize(partial(floor_sides, 32, most=1600), smooth_trimap=True),),
)
DIM_RELEASES = "https://github.com/huochaitiantang/pytorch-deep-image-matting/releases/download/"

PRESETS = {
    "dim": Preset(
        DIM,
        DIMConfig(skip=False),
        DIM_RULES,
        partial(by_pixel, 800),
        Weights(f"{DIM_RELEASES}v1.4/stage1_sad_54.4.pth", "PyTorch", ADOBE, False),
        XU,
        "Composition-1k: SAD 54.42, MSE .0175, Grad 35.01, Conn 54.85",
    ),
    "dim-skip": Preset(
        DIM,
        DIMConfig(),
        DIM_RULES,
        partial(by_pixel, 800),
        Weights(f"{DIM_RELEASES}V1.5/stage1_skip_sad_52.9.pth", "PyTorch", ADOBE, False),
        XU,
        "Composition-1k: SAD 52.99, MSE .0171, Grad 31.56, Conn 53.24",
    ),
    "dim-refine": Preset(
        DIM,
        DIMConfig(refine=True),
        DIM_RULES,
        partial(by_pixel, 800),
        None,
        XU,
    ),
    "pp-dim": Preset(
        PPDIM,
        PPDIMConfig(),
        Preprocess(HALF, HALF, encode=raw_levels, chain=(Resize(partial(within, 3840)),)),
        partial(by_pixel, 800),
        Weights(
            "https://paddleseg.bj.bcebos.com/matting/models/dim-vgg16.pdparams",
            "Paddle",
            "Apache-2.0 as PaddleSeg; terms of the training data unstated",
            None,
        ),
        XU,
        "PPM-AIM-195, within 25 px of 0 < alpha < 1: SAD 32.31, MSE .0233, Grad 28.89, Conn 31.45",
    ),
    "gca": Preset(
        GCA,
        GCAConfig(),
        Preprocess(IMAGENET_MEAN, IMAGENET_STD, encode=one_hot, chain=(Pad(32, 32),)),
        partial(by_pixel, 550),
        Weights(
            "https://drive.google.com/open?id=1ti_a46lKEH2Hk2fAB11BbyKfYj0rxNK0",
            "PyTorch",
            ADOBE,
            False,
            "96.5 MB",
        ),
        LI,
        "Composition-1k: SAD 35.28, MSE .0091, Grad 16.92, Conn 32.53",
        names=renames.GCA,
    ),
    "pp-gca": Preset(
        GCA,
        GCAConfig(
            one_hot=False, foreground_as_unknown=True, ban_by_share=True, norm_by_feature=True
        ),
        Preprocess(HALF, HALF, encode=raw_levels, chain=(Pad(32, 32),)),
        partial(by_pixel, 550),
        None,
        LI,
        warning=(
            "PaddleSeg publishes no weights for it and no configuration; pictures are padded as "
            "GCA-Matting's. As there, the attention takes the foreground for the unknown, and "
            "weakens its ban on the own place by the share of it around. Unlike there, it never "
            "mixes the pictures of a batch. `foreground_as_unknown=False` mends the first."
        ),
        names=renames.PP_GCA,
    ),
}
