"""BackgroundMattingV2, with the settings that its authors recommend for HD and for 4K."""

from functools import partial
from typing import Any

from alphamat.rules import Pad, Preprocess
from alphamat_deep.backbones.resnet import resnet50, resnet101
from alphamat_deep.catalogue.backbones import MOBILENETV2, RESNET, TORCHVISION_MOBILENETV2
from alphamat_deep.catalogue.preset import Backbone, Preset, Weights, by_patches
from alphamat_deep.fill import Names
from alphamat_deep.models.bgmv2 import BGMv2, BGMv2Config

CITATION = (
    'Lin, Ryabtsev, Sengupta, Curless, Seitz & Kemelmacher-Shlizerman, "Real-Time High-Resolution '
    'Background Matting", CVPR 2021, https://arxiv.org/abs/2012.07810'
)
WARNING = (
    "It needs a plate: the same scene without the foreground, from the same camera and place. Its "
    "settings are those that the authors recommend for HD or for 4K. Their code refuses sides that "
    "are no multiples of 4; here they are padded by mirroring, and the result is cropped."
)
RELEASE = "https://github.com/PeterL1n/BackgroundMattingV2/releases/download/v1.0.0/"

RULES = Preprocess((0, 0, 0), (1, 1, 1), chain=(Pad(0, 4),), plate=True)
NAMES = Names(
    rename=TORCHVISION_MOBILENETV2,
    spare=(r"^refiner\.",),  # the base network does without
)
# The first layer takes six channels, and starts fresh: the authors take what has its shape.
_ASPP = (r"^classifier\.classifier\.0\.", "aspp.")
DEEPLAB = "DeepLabV3 of Pascal VOC (of VainF's DeepLabV3Plus-Pytorch)"
OF_MOBILENETV2 = (
    Backbone(
        title=DEEPLAB,
        mark=r"^backbone\.low_level_features\.",
        names=Names(
            rename=(
                (r"^backbone\.(low|high)_level_f", "backbone.f"),
                _ASPP,
                *TORCHVISION_MOBILENETV2,
            ),
            ignore=(r"^backbone\.low_level_features\.0\.0\.", r"^classifier\.classifier\.[1-9]"),
        ),
        part=r"^(backbone\.(?!blocks\.0\.0\.)|aspp\.)",
    ),
    MOBILENETV2._replace(
        names=MOBILENETV2.names._replace(
            ignore=(*MOBILENETV2.names.ignore, r"^features\.0\.0\.", r"^features\.18\.")
        ),
        part=r"^backbone\.(?!blocks\.0\.0\.)",
    ),
)
OF_RESNET = (
    Backbone(
        title=DEEPLAB,
        mark=r"^backbone\.layer4\.",
        names=Names(
            rename=(_ASPP,), ignore=(r"^backbone\.conv1\.", r"^classifier\.classifier\.[1-9]")
        ),
        part=r"^(backbone\.(?!conv1\.)|aspp\.)",
    ),
    RESNET._replace(
        names=RESNET.names._replace(ignore=(*RESNET.names.ignore, r"^conv1\.")),
        part=r"^backbone\.(?!conv1\.)",
    ),
)
AT_4K = {"backbone_scale": 0.125, "refine_sample_pixels": 320_000}


def _row(file: str, **fields: Any) -> Preset:
    """Return the row of a network that differs in its weights and settings."""
    config = BGMv2Config(**fields)
    return Preset(
        model=BGMv2,
        config=config,
        preprocess=RULES,
        memory=partial(by_patches, config.refine_sample_pixels),
        weights=Weights(url=RELEASE, file=file, format="PyTorch", licence="MIT", commercial=True),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
        backbones=OF_RESNET if "backbone" in fields else OF_MOBILENETV2,
    )


PRESETS = {
    "bgmv2-mobilenetv2": _row("pytorch_mobilenetv2.pth"),
    "bgmv2-mobilenetv2-4k": _row("pytorch_mobilenetv2.pth", **AT_4K),
    "bgmv2-resnet50": _row("pytorch_resnet50.pth", backbone=resnet50),
    "bgmv2-resnet50-4k": _row("pytorch_resnet50.pth", backbone=resnet50, **AT_4K),
    "bgmv2-resnet101": _row("pytorch_resnet101.pth", backbone=resnet101),
    "bgmv2-resnet101-4k": _row("pytorch_resnet101.pth", backbone=resnet101, **AT_4K),
}
