"""Guided contextual attention: its authors' network, and PaddleSeg's."""

from functools import partial

from alphamat.rules import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Pad,
    Preprocess,
    one_hot,
    raw_levels,
)
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import ADOBE_LICENCE
from alphamat_deep.fill import Names
from alphamat_deep.models.gca import GCA, GCAConfig

CITATION = (
    'Li & Lu, "Natural Image Matting via Guided Contextual Attention", AAAI 2020, '
    "https://arxiv.org/abs/2001.04069"
)

RULES = Preprocess(IMAGENET_MEAN, IMAGENET_STD, encode=one_hot, chain=(Pad(32, 32),))
PADDLE_RULES = Preprocess(HALF, HALF, encode=raw_levels, chain=(Pad(32, 32),))

# The authors repeat pixels first, ours last.
_REPEATED_LAST = ((r"upsample\.1\.", "upsample.0."), (r"upsample\.2\.", "upsample.1."))
NAMES = Names(rename=((r"\.module\.weight_", ".weight_"), *_REPEATED_LAST))
PADDLE_NAMES = Names(rename=((r"\.out_conv\.", ".W."), *_REPEATED_LAST))

RESNET34 = Backbone(
    title="ResNet-34 of ImageNet (GCA-Matting's ResNet34_En_nomixup)",
    mark=r"conv1\.module\.weight_(bar|orig)$",
    names=Names(
        rename=((r"\.module\.weight_", ".weight_"), (r"^", "encoder.")),
        ignore=(r"^(module\.)?fc\.",),
    ),
    part=r"^encoder\.(conv|bn|layer)",
    widened=(r"^encoder\.conv1\.weight_(bar|v)$",),
)
# Its first layers are others, and its last stages are longer.
TORCHVISION_RESNET34 = Backbone(
    title="ResNet-34 of ImageNet (torchvision's resnet34)",
    mark=r"^layer4\.2\.conv2\.weight$",
    names=Names(
        rename=(
            (r"^layer4\.", "layer_bottleneck."),
            (r"downsample\.1\.", "downsample.2."),
            (r"downsample\.0\.", "downsample.1."),
            (r"(conv\d|downsample\.1)\.weight$", r"\1.weight_bar"),
            (r"^", "encoder."),
        ),
        ignore=(r"^(conv1|bn1|fc)\.", r"^layer3\.[45]\.", r"^layer4\.2\."),
    ),
    part=r"^encoder\.layer(?!.*\.weight_[uv]$)",
)
BACKBONES = RESNET34, TORCHVISION_RESNET34

PRESETS = {
    "gca": Preset(
        model=GCA,
        config=GCAConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 550),
        weights=Weights(
            url="https://drive.google.com/open?id=1ti_a46lKEH2Hk2fAB11BbyKfYj0rxNK0",
            format="PyTorch",
            licence=ADOBE_LICENCE,
            commercial=False,
            size="96.5 MB",
        ),
        citation=CITATION,
        scores=(Score("Composition-1k", sad=35.28, mse=0.0091, grad=16.92, conn=32.53),),
        names=NAMES,
        backbones=BACKBONES,
    ),
    "pp-gca": Preset(
        model=GCA,
        config=GCAConfig(
            one_hot=False, foreground_as_unknown=True, ban_by_share=True, norm_by_feature=True
        ),
        preprocess=PADDLE_RULES,
        memory=partial(by_pixel, 550),
        weights=None,
        citation=CITATION,
        warning=(
            "PaddleSeg publishes no weights and no configuration for it; pictures are padded as in "
            "GCA-Matting. As in PaddleSeg, the attention treats the foreground as unknown, and the "
            "penalty on a place's attention to itself is in proportion to the unknown share around "
            "it. Unlike in PaddleSeg, pictures of a batch are never mixed. "
            "`foreground_as_unknown=False` corrects the first."
        ),
        names=PADDLE_NAMES,
        backbones=BACKBONES,
    ),
}
