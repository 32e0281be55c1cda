"""MODNet: its authors' network, and PaddleSeg's with three backbones."""

from functools import partial

from alphamat.rules import (
    HALF,
    Preprocess,
    Resize,
    area,
    floor_short_side,
    floor_short_side_unless_between,
    floor_sides,
    short_side,
)
from alphamat_deep.backbones.hrnet import hrnet_w18
from alphamat_deep.backbones.mobilenet_v2 import MobileNetV2
from alphamat_deep.backbones.resnet_vd import resnet50_vd
from alphamat_deep.catalogue.backbones import (
    HRNET,
    MOBILENETV2,
    PADDLE_HRNET,
    PADDLE_MOBILENETV2,
    PADDLE_MOBILENETV2_ALONE,
    PADDLE_RESNET_VD,
)
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import PADDLESEG_LICENCE, PADDLESEG_MODELS
from alphamat_deep.fill import Names
from alphamat_deep.models.modnet import MODNet, MODNetConfig

CITATION = (
    'Ke, Sun, Li, Yan & Lau, "MODNet: Real-Time Trimap-Free Portrait Matting via Objective '
    'Decomposition", AAAI 2022, https://arxiv.org/abs/2011.11961'
)

RULES = Preprocess(
    HALF, HALF, chain=(Resize(partial(floor_short_side_unless_between, 512, 32), how=area),)
)
VIDEO_RULES = Preprocess(HALF, HALF, chain=(Resize(partial(floor_short_side, 512, 32)),))
PADDLE_RULES = Preprocess(
    HALF, HALF, chain=(Resize(partial(short_side, 512)), Resize(partial(floor_sides, 32)))
)

NAMES = Names(
    rename=((r"backbone\.model\.features\.", "backbone.blocks."),),
    ignore=(r"lr_branch\.backbone\.",),  # the same tensors again
)
_PADDLE = (r"^head\.", ""), (r"se_block\.conv\.", "se_block.fc.")
_LOSS = (r"^blurer\.",)
PADDLE_NAMES = Names(rename=_PADDLE, ignore=_LOSS)
PADDLE_MOBILENETV2_NAMES = Names(rename=(*_PADDLE, *PADDLE_MOBILENETV2), ignore=_LOSS)
PADDLE_HRNET_NAMES = Names(rename=(*_PADDLE, *HRNET), ignore=_LOSS)

HUMAN_MOBILENETV2 = Backbone(
    title="MobileNetV2 of people (MODNet's mobilenetv2_human_seg.ckpt)",
    mark=r"^features\.2\.conv\.0\.weight$",
    names=Names(rename=((r"^features\.", "backbone.blocks."),), ignore=(r"^classifier\.",)),
)
BACKBONES = HUMAN_MOBILENETV2, MOBILENETV2

PRESETS = {
    "modnet": Preset(
        model=MODNet,
        config=MODNetConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 350),
        weights=Weights(
            url="https://drive.google.com/drive/folders/1umYmlCulvIFNaqPjwod1SayFmSRHziyR",
            file="modnet_photographic_portrait_matting.ckpt",
            format="PyTorch",
            licence="Apache-2.0",
            commercial=True,
        ),
        citation=CITATION,
        names=NAMES,
        backbones=BACKBONES,
    ),
    "modnet-webcam": Preset(
        model=MODNet,
        config=MODNetConfig(),
        preprocess=VIDEO_RULES,
        memory=partial(by_pixel, 350),
        weights=Weights(
            url="https://drive.google.com/file/d/1Nf1ZxeJZJL8Qx9KadcYYyEmmlKhTADxX",
            file="modnet_webcam_portrait_matting.ckpt",
            format="PyTorch",
            licence="Apache-2.0",
            commercial=True,
        ),
        citation=CITATION,
        names=NAMES,
        backbones=BACKBONES,
    ),
    "modnet-mobilenetv2": Preset(
        model=MODNet,
        config=MODNetConfig(backbone=partial(MobileNetV2, expand_first=True), affine=True),
        preprocess=PADDLE_RULES,
        memory=partial(by_pixel, 350),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="modnet-mobilenetv2.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(Score("PPM-AIM-195", sad=50.07, mse=0.0053, grad=35.55, conn=48.37),),
        names=PADDLE_MOBILENETV2_NAMES,
        backbones=(PADDLE_MOBILENETV2_ALONE,),
    ),
    "modnet-resnet50_vd": Preset(
        model=MODNet,
        config=MODNetConfig(backbone=resnet50_vd, affine=True),
        preprocess=PADDLE_RULES,
        memory=partial(by_pixel, 900),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="modnet-resnet50_vd.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(Score("PPM-AIM-195", sad=39.01, mse=0.0038, grad=32.29, conn=37.38),),
        names=PADDLE_NAMES,
        backbones=(PADDLE_RESNET_VD,),
    ),
    "modnet-hrnet_w18": Preset(
        model=MODNet,
        config=MODNetConfig(backbone=hrnet_w18, affine=True),
        preprocess=PADDLE_RULES,
        memory=partial(by_pixel, 400),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="modnet-hrnet_w18.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        scores=(Score("PPM-AIM-195", sad=35.55, mse=0.0035, grad=31.73, conn=34.07),),
        names=PADDLE_HRNET_NAMES,
        backbones=(PADDLE_HRNET,),
    ),
}
