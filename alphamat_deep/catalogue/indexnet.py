"""IndexNet Matting."""

from collections.abc import Iterator
from functools import partial

from alphamat.rules import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocess,
    Resize,
    bicubic,
    ceil_sides,
    levels,
)
from alphamat_deep.backbones.mobilenet_v2 import STAGES
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.fill import Names
from alphamat_deep.models.indexnet import IndexNet, IndexNetConfig

RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    encode=levels,
    chain=(Resize(partial(ceil_sides, 32), how=bicubic),),
)

NAMES = Names(rename=((r"\.(atrous_conv|dconv)\.", "."),))


def _blocks() -> Iterator[tuple[str, str]]:
    at = 1
    for stage, (_, _, count, _) in enumerate(STAGES, start=1):
        for block in range(count):
            yield rf"^features\.{at}\.", f"layer{stage}.{block}."
            at += 1


MOBILENETV2 = Backbone(
    title="MobileNetV2 of ImageNet (tonylins' mobilenet_v2.pth.tar)",
    mark=r"^features\.2\.conv\.0\.weight$",
    names=Names(
        rename=((r"^features\.0\.", "layer0."), *_blocks()),
        ignore=(r"^features\.18\.", r"^classifier\."),
    ),
    part=r"^layer\d\.",
    widened=(r"^layer0\.0\.weight$",),
)

PRESETS = {
    "indexnet": Preset(
        model=IndexNet,
        config=IndexNetConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 700),
        weights=Weights(
            url="https://github.com/poppinace/indexnet_matting/tree/master/pretrained",
            file="indexnet_matting.pth.tar",
            format="PyTorch",
            licence="non-commercial: its authors' terms, and Adobe's for Deep Image Matting's data",
            commercial=False,
        ),
        citation=(
            'Lu, Dai, Shen & Xu, "Indices Matter: Learning to Index for Deep Image Matting", ICCV '
            "2019, https://arxiv.org/abs/1908.00672"
        ),
        scores=(Score("Composition-1k", sad=45.8, mse=0.013, grad=25.9, conn=43.7),),
        names=NAMES,
        backbones=(MOBILENETV2,),
    ),
}
