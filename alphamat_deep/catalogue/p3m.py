"""P3M-Net with ResNet-34, and with ViTAE-S."""

from dataclasses import replace
from functools import partial

from alphamat.rules import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocess,
    Resize,
    bilinear,
    bilinear_over_black,
    floor_halves,
    floor_short_side_within,
    floor_sides,
)
from alphamat_deep.backbones.vitae import ViTAE
from alphamat_deep.catalogue.preset import Backbone, Preset, Weights, by_pixel
from alphamat_deep.fill import Names
from alphamat_deep.models.p3m import P3MNet, P3MNetConfig

CITATION = (
    'Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM Multimedia 2021, '
    "https://arxiv.org/abs/2104.14222"
)
RETHINKING = (
    'Ma, Li, Zhang, Zhang & Tao, "Rethinking Portrait Matting with Privacy Preserving", '
    "International Journal of Computer Vision 131, 2023, https://arxiv.org/abs/2203.16828"
)
PORTRAITS = "It is for portraits, and learnt from people with blurred faces."
RESIZED = (
    "It sees pictures at half their size, as in the authors' test choice RESIZE. Their other one "
    "is {}-hybrid"
)
HALVED = (
    "It finds the person at half the picture's size, and alpha at its full size, as in the "
    "authors' test choice HYBRID."
)
DRAWN = (
    "Two layers use random numbers that the authors' file does not hold. Their program draws them "
    "anew each time, so that its alpha is a little different each time; here they are always the "
    "same."
)


_limit = Resize(partial(floor_short_side_within, 1080))
_shrink = partial(Resize, how=bilinear_over_black, back=bilinear)
_halved = partial(floor_halves, 32, most=1600)

# The authors' program for samples, with its test choice RESIZE. Its version of scikit-image mixes
# black into the outermost pixels of alpha, where portraits often end; ours does not.
RULES = Preprocess(IMAGENET_MEAN, IMAGENET_STD, chain=(_limit, _shrink(_halved)))

# HYBRID: they bring the parts and alpha to the picture's size before they join them. Here they are
# joined at the network's size, which is the same where the sides are multiples of 32.
HYBRID = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    chain=(_limit, _shrink(partial(floor_sides, 32, most=1600))),
    coarse=(_limit, _shrink(_halved)),
)

NAMES = Names(
    rename=(
        (r"^resnet\.", "encoder."),
        (r"^decoder\.", ""),
    ),
    ignore=(
        r"^encoder\d\.",  # the same tensors again
        r"^resnet\.fc\.",
        r"^encoder\.head\.",
        r"\.NC\.\d+\.attn\.norm1\.",
    ),
)

RESNET34_MP = Backbone(
    title="ResNet-34 of ImageNet (P3M-Net's r34mp_pretrained_imagenet, or torchvision's resnet34)",
    mark=r"^layer4\.2\.conv2\.weight$",
    names=Names(rename=((r"^", "encoder."),), ignore=(r"^fc\.",)),
    part=r"^encoder\.",
)

VITAE_S = Backbone(
    title="ViTAE-S of ImageNet (P3M-Net's)",
    mark=r"^layers\.3\.NC\.1\.PCM\.6\.weight$",
    names=Names(rename=((r"^", "encoder."),), ignore=(r"^head\.", r"\.attn\.norm1\.")),
    part=r"^encoder\.",
)

_RESIZE = {
    "p3m": Preset(
        model=P3MNet,
        config=P3MNetConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 800),
        weights=Weights(
            url="https://drive.google.com/uc?export=download&id=1smX2YQGIpzKbfwDYHAwete00a_YMwoG1",
            file="p3mnet_pretrained_on_p3m10k.pth",
            format="PyTorch",
            licence="MIT as P3M and its data set P3M-10k; terms of the weights alone unstated",
            commercial=True,
        ),
        citation=CITATION,
        warning=f"{PORTRAITS} {RESIZED.format('p3m')}, which they recommend for photographs.",
        names=NAMES,
        backbones=(RESNET34_MP,),
    ),
    "p3m-vitae-s": Preset(
        model=P3MNet,
        config=P3MNetConfig(encoder=ViTAE, narrow_first=True),
        preprocess=RULES,
        memory=partial(by_pixel, 1100),
        weights=Weights(
            url="https://drive.google.com/file/d/1QbSjPA_Mxs7rITp_a9OJiPeFRDwxemqK",
            file="P3M-Net_ViTAE-S_trained_on_P3M-10k.pth",
            format="PyTorch",
            licence="MIT as P3M-Net and its data set P3M-10k; terms of the weights alone unstated",
            commercial=True,
        ),
        citation=RETHINKING,
        warning=f"{PORTRAITS} {RESIZED.format('p3m-vitae-s')}. {DRAWN}",
        names=NAMES,
        backbones=(VITAE_S,),
    ),
}

PRESETS = _RESIZE | {
    "p3m-hybrid": replace(
        _RESIZE["p3m"],
        preprocess=HYBRID,
        memory=partial(by_pixel, 900),
        warning=f"{PORTRAITS} {HALVED}",
    ),
    "p3m-vitae-s-hybrid": replace(
        _RESIZE["p3m-vitae-s"],
        preprocess=HYBRID,
        warning=f"{PORTRAITS} {HALVED} {DRAWN}",
    ),
}
