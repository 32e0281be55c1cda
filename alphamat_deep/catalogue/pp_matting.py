"""PP-Matting, for people and for anything."""

from functools import partial

from alphamat.rules import HALF, Preprocess, Resize, floor_sides, short_side_within
from alphamat_deep.backbones.hrnet import hrnet_w48
from alphamat_deep.catalogue.backbones import HRNET, PADDLE_HRNET
from alphamat_deep.catalogue.preset import Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import ADOBE_LICENCE, PADDLESEG_LICENCE, PADDLESEG_MODELS
from alphamat_deep.fill import Names
from alphamat_deep.models.pp_matting import PPMatting, PPMattingConfig

CITATION = (
    'Chen et al., "PP-Matting: High-Accuracy Natural Image Matting", 2022, '
    "https://arxiv.org/abs/2204.09433"
)

RULES = {
    most: Preprocess(
        HALF,
        HALF,
        chain=(Resize(partial(short_side_within, most)), Resize(partial(floor_sides, 32))),
    )
    for most in (512, 1024, 1536)
}

NAMES = Names(rename=HRNET)

PRESETS = {
    "pp-matting-512": Preset(
        model=PPMatting,
        config=PPMattingConfig(),
        preprocess=RULES[512],
        memory=partial(by_pixel, 2000),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="ppmatting-hrnet_w18-human_512.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(Score("PPM-AIM-195", sad=31.56, mse=0.0022, grad=31.80, conn=30.13),),
        names=NAMES,
        backbones=(PADDLE_HRNET,),
    ),
    "pp-matting-1024": Preset(
        model=PPMatting,
        config=PPMattingConfig(),
        preprocess=RULES[1024],
        memory=partial(by_pixel, 2000),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="ppmatting-hrnet_w18-human_1024.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(Score("PPM-AIM-195", sad=66.22, mse=0.0088, grad=32.90, conn=64.80),),
        names=NAMES,
        backbones=(PADDLE_HRNET,),
    ),
    "pp-matting-composition1k": Preset(
        model=PPMatting,
        config=PPMattingConfig(backbone=hrnet_w48),
        preprocess=RULES[1536],
        memory=partial(by_pixel, 2400),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="ppmatting-hrnet_w48-composition.pdparams",
            format="Paddle",
            licence=ADOBE_LICENCE,
            commercial=False,
        ),
        citation=CITATION,
        scores=(
            Score(
                "Composition-1k",
                sad=46.22,
                mse=0.005,
                grad=22.69,
                conn=45.40,
                note="without trimaps",
            ),
        ),
        names=NAMES,
        backbones=(PADDLE_HRNET,),
    ),
    "pp-matting-distinctions646": Preset(
        model=PPMatting,
        config=PPMattingConfig(backbone=hrnet_w48),
        preprocess=RULES[1536],
        memory=partial(by_pixel, 2400),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="ppmatting-hrnet_w48-distinctions.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(
            Score(
                "Distinctions-646",
                sad=40.69,
                mse=0.009,
                grad=43.91,
                conn=40.56,
                note="without trimaps",
            ),
        ),
        names=NAMES,
        backbones=(PADDLE_HRNET,),
    ),
}
