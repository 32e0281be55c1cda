"""PP-MattingV2 of PaddleSeg."""

from functools import partial

from alphamat.rules import HALF, Preprocess, Resize, floor_sides, short_side_within
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import PADDLESEG, PADDLESEG_LICENCE, PADDLESEG_MODELS
from alphamat_deep.fill import Names
from alphamat_deep.models.pp_matting_v2 import PPMattingV2, PPMattingV2Config

RULES = Preprocess(
    HALF,
    HALF,
    chain=(Resize(partial(short_side_within, 512)), Resize(partial(floor_sides, 32, least=64))),
)

_LAYERS = (r"\.(conv|c)\.weight$", "._conv.weight"), (r"\.bn\.", "._batch_norm.")
NAMES = Names(
    rename=(
        (r"^backbone\.features\.", "backbone.layers."),
        (r"\.transformer_blocks\.0\.", "."),
        *_LAYERS,
    ),
    spare=(r"^matting_head_mlff8x\.",),  # only training needs it
)

STDC1 = Backbone(
    title="STDC1 of ImageNet (PaddleSeg's PP_STDCNet1)",
    mark=r"^features\.2\.conv_list\.0\.conv\.weight$",
    names=Names(
        rename=((r"^features\.", "backbone.layers."), *_LAYERS),
        ignore=(r"^(conv_last|fc|bn|linear)\.",),
    ),
)

PRESETS = {
    "pp-mattingv2-512": Preset(
        model=PPMattingV2,
        config=PPMattingV2Config(),
        preprocess=RULES,
        memory=partial(by_pixel, 350),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="ppmattingv2-stdc1-human_512.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=PADDLESEG,
        scores=(Score("PPM-AIM-195", sad=40.59, mse=0.0038, grad=33.86, conn=38.90),),
        names=NAMES,
        backbones=(STDC1,),
    ),
}
