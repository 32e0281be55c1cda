"""U²-Net, for the salient object of any picture, and a small one."""

from functools import partial

from alphamat.rules import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Brighten,
    Preprocess,
    Resize,
    Stretch,
    bilinear_over_black,
    pillow_bilinear,
    square,
)
from alphamat_deep.catalogue.preset import Preset, Weights, by_pixel
from alphamat_deep.models.u2net import U2Net, U2NetConfig

CITATION = (
    'Qin et al., "U²-Net: Going Deeper with Nested U-Structure for Salient Object Detection", '
    "Pattern Recognition 2020, https://arxiv.org/abs/2005.09007"
)
LICENCE = "Apache-2.0 as its author says; he refers to the terms of the training data, DUTS-TR"
MASK = (
    "It was trained on masks: its alpha says where the object is, and little about its outline. "
    "Give it as `segment`, so that another method finds alpha along the outline."
)
WARNING = (
    f"{MASK} Its author says that the weights have the licence of the code, and asks their users "
    "to check the licences of the training data (issue 208 of xuebinqin/U-2-Net)."
)

RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    chain=(
        Resize(partial(square, 320), how=bilinear_over_black, back=pillow_bilinear),
        Brighten(),
        Stretch(),
    ),
)

PRESETS = {
    "u2net": Preset(
        model=U2Net,
        config=U2NetConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 1100),
        weights=Weights(
            url="https://drive.google.com/file/d/1ao1ovG1Qtx4b7EoskHXmi2E9rp5CHLcZ",
            file="u2net.pth",
            format="PyTorch",
            licence=LICENCE,
            commercial=None,
            size="176.3 MB",
        ),
        citation=CITATION,
        warning=WARNING,
    ),
    "u2netp": Preset(
        model=U2Net,
        config=U2NetConfig(encoder=((16, 64),) * 6, decoder=((16, 64),) * 5),
        preprocess=RULES,
        memory=partial(by_pixel, 1100),
        weights=Weights(
            url="https://drive.google.com/file/d/1rbSTGKAE-MTxBYHd-51l2hMOQPT_7EPy",
            file="u2netp.pth",
            format="PyTorch",
            licence=LICENCE,
            commercial=None,
            size="4.7 MB",
        ),
        citation=CITATION,
        warning=WARNING,
    ),
}
