"""PP-HumanMatting of PaddleSeg."""

from functools import partial

from alphamat.rules import HALF, Preprocess, Resize, floor_sides, short_side
from alphamat_deep.catalogue.backbones import PADDLE_RESNET_VD
from alphamat_deep.catalogue.preset import Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import PADDLESEG, PADDLESEG_LICENCE, PADDLESEG_MODELS
from alphamat_deep.fill import Names
from alphamat_deep.models.pp_humanmatting import PPHumanMatting, PPHumanMattingConfig

RULES = Preprocess(
    HALF, HALF, chain=(Resize(partial(short_side, 2048)), Resize(partial(floor_sides, 128)))
)

NAMES = Names(
    rename=(
        (r"^(psp\d)\.0\.", r"\1."),
        (r"^decoder(\d)_g\.", r"glance.stages.\1."),
        (r"^decoder(\d)_f\.", r"focus.stages.\1."),
    )
)

PRESETS = {
    "pp-humanmatting": Preset(
        model=PPHumanMatting,
        config=PPHumanMattingConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 300),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="human_matting-resnet34_vd.pdparams",
            format="Paddle",
            licence=PADDLESEG_LICENCE,
            commercial=None,
        ),
        citation=PADDLESEG,
        scores=(Score("PPM-AIM-195", sad=53.15, mse=0.0054, grad=43.75, conn=52.03),),
        names=NAMES,
        backbones=(PADDLE_RESNET_VD,),
    ),
}
