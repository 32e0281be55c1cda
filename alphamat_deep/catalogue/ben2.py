"""BEN2, for the object of any picture."""

from functools import partial

from alphamat.rules import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocess,
    Resize,
    Stretch,
    bilinear,
    pillow_lanczos,
    square,
)
from alphamat_deep.catalogue.preset import Preset, Weights, by_pixel
from alphamat_deep.fill import Names
from alphamat_deep.models.ben2 import BEN2, BEN2Config

RULES = Preprocess(
    IMAGENET_MEAN,
    IMAGENET_STD,
    chain=(Stretch(), Resize(partial(square, 1024), how=pillow_lanczos, back=bilinear)),
)

NAMES = Names(
    rename=((r"\.in_proj_(weight|bias)$", r".in_proj.\1"),),
    ignore=(r"^sideout\d\.", r"\.relative_position_index$"),
)

PRESETS = {
    "ben2": Preset(
        model=BEN2,
        config=BEN2Config(),
        preprocess=RULES,
        memory=partial(by_pixel, 1800),
        weights=Weights(
            url="https://huggingface.co/PramaLLC/BEN2",
            file="BEN2_Base.pth",
            format="PyTorch",
            licence="MIT as the code: the authors call the base model open source; the training "
            "data DIS5K is non-commercial",
            commercial=None,
        ),
        citation=(
            'Meyer & Spruyt, "BEN: Using Confidence-Guided Matting for Dichotomous Image '
            'Segmentation", 2025, https://arxiv.org/abs/2501.06230'
        ),
        warning=(
            "This is the base network: the refiner of the paper is not published. It sees every "
            "picture at 1024 × 1024 pixels. It was trained on DIS5K, whose terms restrict "
            "commercial use, and on 22,000 private pictures."
        ),
        names=NAMES,
    ),
}
