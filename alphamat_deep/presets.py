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
from alphamat_deep.backbones.hrnet import hrnet_w18, hrnet_w48
from alphamat_deep.backbones.mobilenet_v2 import MobileNetV2
from alphamat_deep.backbones.resnet import resnet50, resnet101
from alphamat_deep.backbones.resnet_vd import resnet50_vd
from alphamat_deep.fill import Names
from alphamat_deep.models.bgmv2 import BGMv2, BGMv2Config
from alphamat_deep.models.dim import DIM, DIMConfig
from alphamat_deep.models.gca import GCA, GCAConfig
from alphamat_deep.models.modnet import MODNet, MODNetConfig
from alphamat_deep.models.pp_dim import PPDIM, PPDIMConfig
from alphamat_deep.models.pp_humanmatting import PPHumanMatting, PPHumanMattingConfig
from alphamat_deep.models.pp_matting import PPMatting, PPMattingConfig
from alphamat_deep.models.pp_matting_v2 import PPMattingV2, PPMattingV2Config
from alphamat_deep.models.rvm import RVM, RVMConfig
from alphamat_deep.preprocess import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Pad,
    Preprocess,
    Resize,
    area,
    floor_short_side,
    floor_short_side_unless_between,
    floor_sides,
    levels,
    one_hot,
    raw_levels,
    short_side,
    short_side_within,
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


def by_patches(sampled: int, height: int, width: int) -> float:
    """Much of it is for the pixels that are sampled."""
    return 1000 * min(height * width, sampled) + 70 * height * width


def by_small_frame(height: int, width: int) -> float:
    """Most of it is for a frame of at most 512 × 512 pixels."""
    return 700 * min(height * width, 512**2) + 60 * height * width


ADOBE = "non-commercial: trained on Adobe's Deep Image Matting data set"

XU = 'Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017'
LI = (
    'Li & Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020, '
    "https://arxiv.org/abs/2001.04069"
)
KE = (
    'Ke, Sun, Li, Yan & Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective '
    'Decomposition", AAAI 2022, https://arxiv.org/abs/2011.11961'
)
CHEN = (
    'Chen et al., "PP-Matting: High-Accuracy Natural Image Matting", 2022, '
    "https://arxiv.org/abs/2204.09433"
)
LIN = (
    'Lin, Ryabtsev, Sengupta, Curless, Seitz & Kemelmacher-Shlizerman, "Real-Time High-Resolution '
    'Background Matting", CVPR 2021, https://arxiv.org/abs/2012.07810'
)
RVM_AUTHORS = (
    'Lin, Yang, Saleemi & Sengupta, "Robust High-Resolution Video Matting with Temporal Guidance", '
    "WACV 2022, https://arxiv.org/abs/2108.11515"
)
PADDLESEG = "PaddleSeg's matting, https://github.com/PaddlePaddle/PaddleSeg/tree/develop/Matting"

DIM_RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    encode=levels,
    chain=(Resize(partial(floor_sides, 32, most=1600), smooth_trimap=True),),
)
DIM_RELEASES = "https://github.com/huochaitiantang/pytorch-deep-image-matting/releases/download/"
MODNET_RULES = Preprocess(
    HALF, HALF, chain=(Resize(partial(floor_short_side_unless_between, 512, 32), how=area),)
)
MODNET_VIDEO_RULES = Preprocess(HALF, HALF, chain=(Resize(partial(floor_short_side, 512, 32)),))
PP_MODNET_RULES = Preprocess(
    HALF, HALF, chain=(Resize(partial(short_side, 512)), Resize(partial(floor_sides, 32)))
)
PP_MATTING_RULES = {
    most: Preprocess(
        HALF,
        HALF,
        chain=(Resize(partial(short_side_within, most)), Resize(partial(floor_sides, 32))),
    )
    for most in (512, 1024, 1536)
}
PP_MATTINGV2_RULES = Preprocess(
    HALF,
    HALF,
    chain=(Resize(partial(short_side_within, 512)), Resize(partial(floor_sides, 32, least=64))),
)
PP_HUMANMATTING_RULES = Preprocess(
    HALF, HALF, chain=(Resize(partial(short_side, 2048)), Resize(partial(floor_sides, 128)))
)
MODNET_FOLDER = "https://drive.google.com/drive/folders/1umYmlCulvIFNaqPjwod1SayFmSRHziyR"
PP_MODELS = "https://paddleseg.bj.bcebos.com/matting/models/"
PP_LICENCE = "Apache-2.0 as PaddleSeg; terms of the training data unstated"
BGMV2_RULES = Preprocess((0, 0, 0), (1, 1, 1), chain=(Pad(0, 4),), plate=True)
BGMV2_RELEASE = "https://github.com/PeterL1n/BackgroundMattingV2/releases/download/v1.0.0/"
AT_4K = {"backbone_scale": 0.125, "refine_sample_pixels": 320_000}
RVM_RULES = Preprocess((0, 0, 0), (1, 1, 1))
RVM_RELEASE = "https://github.com/PeterL1n/RobustVideoMatting/releases/download/v1.0.0/"
RVM_WARNING = (
    "The authors' code and weights are under the GNU General Public License 3.0, and so is what "
    "you pass on with the weights in it; the code here is written from the paper and is not. "
    "They were trained on Adobe's and other data as well."
)


def bgmv2(file: str, **fields) -> Preset:
    config = BGMv2Config(**fields)
    return Preset(
        BGMv2,
        config,
        BGMV2_RULES,
        partial(by_patches, config.refine_sample_pixels),
        Weights(BGMV2_RELEASE + file, "PyTorch", "MIT", True),
        LIN,
        warning=(
            "It needs the empty background from the same camera and place. Set as its authors "
            "recommend, for HD or for 4K. They refuse sides that are no multiples of 4; here such "
            "are filled up by mirroring, and cut again."
        ),
        names=renames.BGMV2,
    )


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
    "modnet": Preset(
        MODNet,
        MODNetConfig(),
        MODNET_RULES,
        partial(by_pixel, 350),
        Weights(
            f"{MODNET_FOLDER} (modnet_photographic_portrait_matting.ckpt)",
            "PyTorch",
            "Apache-2.0",
            True,
        ),
        KE,
        names=renames.MODNET,
    ),
    "modnet-webcam": Preset(
        MODNet,
        MODNetConfig(),
        MODNET_VIDEO_RULES,
        partial(by_pixel, 350),
        Weights(
            "https://drive.google.com/file/d/1Nf1ZxeJZJL8Qx9KadcYYyEmmlKhTADxX"
            " (modnet_webcam_portrait_matting.ckpt)",
            "PyTorch",
            "Apache-2.0",
            True,
        ),
        KE,
        names=renames.MODNET,
    ),
    "modnet-mobilenetv2": Preset(
        MODNet,
        MODNetConfig(partial(MobileNetV2, expand_first=True), affine=True),
        PP_MODNET_RULES,
        partial(by_pixel, 350),
        Weights(f"{PP_MODELS}modnet-mobilenetv2.pdparams", "Paddle", PP_LICENCE, None),
        KE,
        "PPM-AIM-195: SAD 50.07, MSE .0053, Grad 35.55, Conn 48.37",
        names=renames.PP_MODNET_MOBILENETV2,
    ),
    "modnet-resnet50_vd": Preset(
        MODNet,
        MODNetConfig(resnet50_vd, affine=True),
        PP_MODNET_RULES,
        partial(by_pixel, 900),
        Weights(f"{PP_MODELS}modnet-resnet50_vd.pdparams", "Paddle", PP_LICENCE, None),
        KE,
        "PPM-AIM-195: SAD 39.01, MSE .0038, Grad 32.29, Conn 37.38",
        names=renames.PP_MODNET_RESNET_VD,
    ),
    "modnet-hrnet_w18": Preset(
        MODNet,
        MODNetConfig(hrnet_w18, affine=True),
        PP_MODNET_RULES,
        partial(by_pixel, 400),
        Weights(f"{PP_MODELS}modnet-hrnet_w18.pdparams", "Paddle", PP_LICENCE, None),
        KE,
        "PPM-AIM-195: SAD 35.55, MSE .0035, Grad 31.73, Conn 34.07",
        names=renames.PP_MODNET_HRNET,
    ),
    "pp-matting-512": Preset(
        PPMatting,
        PPMattingConfig(),
        PP_MATTING_RULES[512],
        partial(by_pixel, 2000),
        Weights(f"{PP_MODELS}ppmatting-hrnet_w18-human_512.pdparams", "Paddle", PP_LICENCE, None),
        CHEN,
        "PPM-AIM-195: SAD 31.56, MSE .0022, Grad 31.80, Conn 30.13",
        names=renames.PP_MATTING,
    ),
    "pp-matting-1024": Preset(
        PPMatting,
        PPMattingConfig(),
        PP_MATTING_RULES[1024],
        partial(by_pixel, 2000),
        Weights(f"{PP_MODELS}ppmatting-hrnet_w18-human_1024.pdparams", "Paddle", PP_LICENCE, None),
        CHEN,
        "PPM-AIM-195: SAD 66.22, MSE .0088, Grad 32.90, Conn 64.80",
        names=renames.PP_MATTING,
    ),
    "pp-matting-composition1k": Preset(
        PPMatting,
        PPMattingConfig(hrnet_w48),
        PP_MATTING_RULES[1536],
        partial(by_pixel, 2400),
        Weights(f"{PP_MODELS}ppmatting-hrnet_w48-composition.pdparams", "Paddle", ADOBE, False),
        CHEN,
        "Composition-1k, without trimaps: SAD 46.22, MSE .005, Grad 22.69, Conn 45.40",
        names=renames.PP_MATTING,
    ),
    "pp-matting-distinctions646": Preset(
        PPMatting,
        PPMattingConfig(hrnet_w48),
        PP_MATTING_RULES[1536],
        partial(by_pixel, 2400),
        Weights(
            f"{PP_MODELS}ppmatting-hrnet_w48-distinctions.pdparams", "Paddle", PP_LICENCE, None
        ),
        CHEN,
        "Distinctions-646, without trimaps: SAD 40.69, MSE .009, Grad 43.91, Conn 40.56",
        names=renames.PP_MATTING,
    ),
    "pp-mattingv2-512": Preset(
        PPMattingV2,
        PPMattingV2Config(),
        PP_MATTINGV2_RULES,
        partial(by_pixel, 350),
        Weights(f"{PP_MODELS}ppmattingv2-stdc1-human_512.pdparams", "Paddle", PP_LICENCE, None),
        PADDLESEG,
        "PPM-AIM-195: SAD 40.59, MSE .0038, Grad 33.86, Conn 38.90",
        names=renames.PP_MATTINGV2,
    ),
    "pp-humanmatting": Preset(
        PPHumanMatting,
        PPHumanMattingConfig(),
        PP_HUMANMATTING_RULES,
        partial(by_pixel, 300),
        Weights(f"{PP_MODELS}human_matting-resnet34_vd.pdparams", "Paddle", PP_LICENCE, None),
        PADDLESEG,
        "PPM-AIM-195: SAD 53.15, MSE .0054, Grad 43.75, Conn 52.03",
        names=renames.PP_HUMANMATTING,
    ),
    "bgmv2-mobilenetv2": bgmv2("pytorch_mobilenetv2.pth"),
    "bgmv2-mobilenetv2-4k": bgmv2("pytorch_mobilenetv2.pth", **AT_4K),
    "bgmv2-resnet50": bgmv2("pytorch_resnet50.pth", backbone=resnet50),
    "bgmv2-resnet50-4k": bgmv2("pytorch_resnet50.pth", backbone=resnet50, **AT_4K),
    "bgmv2-resnet101": bgmv2("pytorch_resnet101.pth", backbone=resnet101),
    "bgmv2-resnet101-4k": bgmv2("pytorch_resnet101.pth", backbone=resnet101, **AT_4K),
    "rvm-mobilenetv3": Preset(
        RVM,
        RVMConfig(),
        RVM_RULES,
        by_small_frame,
        Weights(f"{RVM_RELEASE}rvm_mobilenetv3.pth", "PyTorch", "GPL-3.0", None),
        RVM_AUTHORS,
        warning=RVM_WARNING,
        names=renames.RVM,
    ),
    "rvm-resnet50": Preset(
        RVM,
        RVMConfig(resnet50, context=256, features=(128, 64, 32, 16)),
        RVM_RULES,
        by_small_frame,
        Weights(f"{RVM_RELEASE}rvm_resnet50.pth", "PyTorch", "GPL-3.0", None),
        RVM_AUTHORS,
        warning=RVM_WARNING,
    ),
    "pp-rvm-mobilenetv3": Preset(
        RVM,
        RVMConfig(downsample_ratio=0.25),
        RVM_RULES,
        partial(by_pixel, 110),
        Weights(
            f"{PP_MODELS}rvm-mobilenetv3.pdparams",
            "Paddle",
            "unstated; the code that reads them is under GPL-3.0",
            None,
        ),
        RVM_AUTHORS,
        warning=(
            "PaddleSeg's network is that of the authors, whose code and weights are under the GNU "
            "General Public License 3.0; so take these to be. It looks at a quarter of the size."
        ),
        names=renames.PP_RVM,
    ),
}
