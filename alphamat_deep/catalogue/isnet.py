"""IS-Net, for the object of any picture in fine detail."""

from functools import partial

from alphamat.rules import HALF, Preprocess, Resize, Stretch, bilinear_cut_off, square
from alphamat_deep.catalogue.preset import Preset, Weights, by_pixel
from alphamat_deep.catalogue.u2net import MASK
from alphamat_deep.models.u2net import U2Net, U2NetConfig

RULES = Preprocess(
    HALF, (1, 1, 1), chain=(Stretch(), Resize(partial(square, 1024), how=bilinear_cut_off))
)

PRESETS = {
    "isnet": Preset(
        model=U2Net,
        config=U2NetConfig(halved=True),
        preprocess=RULES,
        memory=partial(by_pixel, 300),
        weights=Weights(
            url="https://github.com/xuebinqin/DIS",
            file="isnet-general-use.pth",
            format="PyTorch",
            licence="not stated; the code is Apache-2.0, the training data DIS5K non-commercial",
            commercial=None,
        ),
        citation=(
            'Qin et al., "Highly Accurate Dichotomous Image Segmentation", ECCV 2022, '
            "https://arxiv.org/abs/2203.03041"
        ),
        warning=(
            f"{MASK} The authors state terms of their code, and of their data set DIS5K, which "
            "restrict commercial use. They state none of the weights, and do not say what other "
            "pictures these were trained on."
        ),
    ),
}
