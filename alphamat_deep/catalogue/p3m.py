"""P3M-Net with ResNet-34."""

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
)
from alphamat_deep.catalogue.preset import Backbone, Preset, Weights, by_pixel
from alphamat_deep.fill import Names
from alphamat_deep.models.p3m import P3MNet, P3MNetConfig

CITATION = (
    'Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM Multimedia 2021, '
    "https://arxiv.org/abs/2104.14222"
)


# The authors' program for samples, with its test choice RESIZE. Its version of scikit-image mixes
# black into the outermost pixels of alpha, where portraits often end; ours does not.
RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    chain=(
        Resize(partial(floor_short_side_within, 1080)),
        Resize(partial(floor_halves, 32, most=1600), how=bilinear_over_black, back=bilinear),
    ),
)

NAMES = Names(
    ignore=(
        r"^encoder\d\.",  # the same tensors again
        r"^resnet\.fc\.",
    )
)

RESNET34_MP = Backbone(
    title="ResNet-34 of ImageNet (P3M-Net's r34mp_pretrained_imagenet, or torchvision's resnet34)",
    mark=r"^layer4\.2\.conv2\.weight$",
    names=Names(rename=((r"^", "resnet."),), ignore=(r"^fc\.",)),
    part=r"^resnet\.",
)

PRESETS = {
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
        warning=(
            "It is for portraits, and learnt from people with blurred faces. It sees pictures "
            "at half their size, as in the authors' test choice RESIZE. For photographs they "
            "recommend HYBRID, which runs it at half and at full size; that is not offered here."
        ),
        names=NAMES,
        backbones=(RESNET34_MP,),
    ),
}
