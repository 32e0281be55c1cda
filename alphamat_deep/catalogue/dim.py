"""Deep Image Matting: the authors of pytorch-deep-image-matting, and PaddleSeg's network."""

from functools import partial

from alphamat.rules import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocess,
    Resize,
    bilinear,
    floor_sides,
    levels,
    raw_levels,
    within,
)
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import ADOBE_LICENCE, PADDLESEG_LICENCE, PADDLESEG_MODELS
from alphamat_deep.fill import Names
from alphamat_deep.models.dim import DIM, ENCODER, DIMConfig
from alphamat_deep.models.pp_dim import PPDIM, PPDIMConfig

CITATION = 'Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017'
RELEASES = "https://github.com/huochaitiantang/pytorch-deep-image-matting/releases/download/"

RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    encode=levels,
    chain=(Resize(partial(floor_sides, 32, most=1600), how_trimap=bilinear),),
)
PADDLE_RULES = Preprocess(HALF, HALF, encode=raw_levels, chain=(Resize(partial(within, 3840)),))

# torchvision counts rectifiers and pooling, too.
_PLACES = 0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28
_LAYERS = [
    f"conv{stage}_{layer}"
    for stage, features in enumerate(ENCODER, start=1)
    for layer in range(1, len(features) + 1)
]
VGG16 = Backbone(
    title="VGG-16 of ImageNet (torchvision's vgg16)",
    mark=r"^features\.2\.weight$",
    names=Names(
        rename=tuple(
            (rf"^features\.{at}\.", f"{name}.") for at, name in zip(_PLACES, _LAYERS, strict=True)
        ),
        ignore=(r"^classifier\.",),
    ),
    part=r"^conv[1-5]_",
    widened=(r"^conv1_1\.weight$",),
)
PADDLE_VGG16 = Backbone(
    title="VGG-16 of ImageNet (PaddlePaddle's VGG16)",
    mark=r"^_conv_block_1\._conv_1\.weight$",
    names=Names(rename=((r"^_conv_", "backbone._conv_"),), ignore=(r"^_(fc\d|out)\.",)),
    part=r"^backbone\._conv_block_",
    widened=(r"^backbone\._conv_block_1\._conv_1\.weight$",),
)

PRESETS = {
    "dim": Preset(
        model=DIM,
        config=DIMConfig(skip=False),
        preprocess=RULES,
        memory=partial(by_pixel, 800),
        weights=Weights(
            url=f"{RELEASES}v1.4/",
            file="stage1_sad_54.4.pth",
            format="PyTorch",
            licence=ADOBE_LICENCE,
            commercial=False,
        ),
        citation=CITATION,
        scores=(Score("Composition-1k", sad=54.42, mse=0.0175, grad=35.01, conn=54.85),),
        backbones=(VGG16,),
    ),
    "dim-skip": Preset(
        model=DIM,
        config=DIMConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 800),
        weights=Weights(
            url=f"{RELEASES}V1.5/",
            file="stage1_skip_sad_52.9.pth",
            format="PyTorch",
            licence=ADOBE_LICENCE,
            commercial=False,
        ),
        citation=CITATION,
        scores=(Score("Composition-1k", sad=52.99, mse=0.0171, grad=31.56, conn=53.24),),
        backbones=(VGG16,),
    ),
    "dim-refine": Preset(
        model=DIM,
        config=DIMConfig(refine=True),
        preprocess=RULES,
        memory=partial(by_pixel, 800),
        weights=None,
        citation=CITATION,
        backbones=(VGG16,),
    ),
    "pp-dim": Preset(
        model=PPDIM,
        config=PPDIMConfig(),
        preprocess=PADDLE_RULES,
        memory=partial(by_pixel, 800),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="dim-vgg16.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(
            Score(
                "PPM-AIM-195",
                sad=32.31,
                mse=0.0233,
                grad=28.89,
                conn=31.45,
                note="within 25 px of 0 < alpha < 1",
            ),
        ),
        backbones=(PADDLE_VGG16,),
    ),
}
