"""F, B, Alpha Matting."""

from functools import partial

from alphamat.rules import (
    Preprocess,
    Resize,
    bilinear,
    ceil_sides,
    known_and_near,
    lanczos,
    lanczos_parts,
)
from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import ADOBE_LICENCE
from alphamat_deep.fill import Names
from alphamat_deep.models.fba import FBA, FBAConfig

# The authors' program names Lanczos for the way back, too, in a place where OpenCV does not read
# it; so OpenCV interpolates bilinearly.
RULES = Preprocess(
    (0, 0, 0),
    (1, 1, 1),
    encode=known_and_near,
    chain=(Resize(partial(ceil_sides, 8), how=lanczos, how_trimap=lanczos_parts, back=bilinear),),
    keep_image=True,
)

RESNET50 = Backbone(
    title="ResNet-50 of ImageNet with group normalisation and standardised weights (Qiao's "
    "R-50-GN-WS)",
    mark=r"^(module\.)?layer4\.2\.conv3\.weight$",
    names=Names(rename=((r"^", "encoder."),), ignore=(r"^(module\.)?fc\.",)),
    part=r"^encoder\.",
    widened=(r"^encoder\.conv1\.weight$",),
)

PRESETS = {
    "fba": Preset(
        model=FBA,
        config=FBAConfig(),
        preprocess=RULES,
        memory=partial(by_pixel, 1000),
        weights=Weights(
            url="https://drive.google.com/file/d/1T_oiKDE_biWf2kqexMEN7ObWqtXAzbB1",
            file="FBA.pth",
            format="PyTorch",
            licence=ADOBE_LICENCE,
            commercial=False,
            size="139 MB",
        ),
        citation='Forte & Pitié, "F, B, Alpha Matting", 2020, https://arxiv.org/abs/2003.07711',
        scores=(Score("Composition-1k", sad=26.4, mse=0.0054, grad=10.6, conn=21.5),),
        warning="The code is MIT. Its authors have not published how they trained it.",
        backbones=(RESNET50,),
    ),
}
