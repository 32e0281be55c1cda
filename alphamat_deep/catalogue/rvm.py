"""Robust Video Matting: its authors' networks, and PaddleSeg's copy of one."""

from functools import partial

from alphamat.rules import Preprocess
from alphamat_deep.backbones.resnet import resnet50
from alphamat_deep.catalogue.backbones import MOBILENETV3, PADDLE_MOBILENETV3, RESNET
from alphamat_deep.catalogue.preset import Preset, Weights, by_pixel, by_small_frame
from alphamat_deep.catalogue.sources import PADDLESEG_MODELS
from alphamat_deep.fill import Names
from alphamat_deep.models.rvm import RVM, RVMConfig

CITATION = (
    'Lin, Yang, Saleemi & Sengupta, "Robust High-Resolution Video Matting with Temporal Guidance", '
    "WACV 2022, https://arxiv.org/abs/2108.11515"
)
WARNING = (
    "The authors' code and weights are under the GNU General Public License 3.0. It holds for "
    "whatever you distribute with the weights in it; it does not hold for the code here, which is "
    "written from the paper. The weights were trained on Adobe's and other data as well."
)
PADDLE_WARNING = (
    "PaddleSeg's network is that of the authors, whose code and weights are under the GNU General "
    "Public License 3.0; so assume it for these, too. It sees the frame at a quarter of the size."
)
RELEASE = "https://github.com/PeterL1n/RobustVideoMatting/releases/download/v1.0.0/"

RULES = Preprocess((0, 0, 0), (1, 1, 1))

NAMES = Names(rename=((r"^backbone\.features\.", "backbone.layers."),))
PADDLE_NAMES = Names(rename=PADDLE_MOBILENETV3)

PRESETS = {
    "rvm-mobilenetv3": Preset(
        model=RVM,
        config=RVMConfig(),
        preprocess=RULES,
        memory=by_small_frame,
        weights=Weights(
            url=RELEASE,
            file="rvm_mobilenetv3.pth",
            format="PyTorch",
            licence="GPL-3.0",
            commercial=None,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
        backbones=(MOBILENETV3,),
    ),
    "rvm-resnet50": Preset(
        model=RVM,
        config=RVMConfig(backbone=resnet50, context=256, features=(128, 64, 32, 16)),
        preprocess=RULES,
        memory=by_small_frame,
        weights=Weights(
            url=RELEASE,
            file="rvm_resnet50.pth",
            format="PyTorch",
            licence="GPL-3.0",
            commercial=None,
        ),
        citation=CITATION,
        warning=WARNING,
        backbones=(RESNET,),
    ),
    "pp-rvm-mobilenetv3": Preset(
        model=RVM,
        config=RVMConfig(downsample_ratio=0.25),
        preprocess=RULES,
        memory=partial(by_pixel, 110),
        weights=Weights(
            url=PADDLESEG_MODELS,
            file="rvm-mobilenetv3.pdparams",
            format="Paddle",
            licence="unstated; the code that reads them is under GPL-3.0",
            commercial=None,
        ),
        citation=CITATION,
        warning=PADDLE_WARNING,
        names=PADDLE_NAMES,
        backbones=(MOBILENETV3,),
    ),
}
