"""BackgroundMattingV2, with the settings that its authors recommend for HD and for 4K."""

from functools import partial

from alphamat_deep.backbones.resnet import resnet50, resnet101
from alphamat_deep.catalogue.backbones import TORCHVISION_MOBILENETV2
from alphamat_deep.catalogue.preset import Preset, Weights, by_patches
from alphamat_deep.fill import Names
from alphamat_deep.models.bgmv2 import BGMv2, BGMv2Config
from alphamat_deep.preprocess import Pad, Preprocess

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
HD, UHD = 80_000, 320_000  # pixels to refine

PRESETS = {
    "bgmv2-mobilenetv2": Preset(
        model=BGMv2,
        config=BGMv2Config(refine_sample_pixels=HD),
        preprocess=RULES,
        memory=partial(by_patches, HD),
        weights=Weights(
            url=RELEASE,
            file="pytorch_mobilenetv2.pth",
            format="PyTorch",
            licence="MIT",
            commercial=True,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
    ),
    "bgmv2-mobilenetv2-4k": Preset(
        model=BGMv2,
        config=BGMv2Config(backbone_scale=0.125, refine_sample_pixels=UHD),
        preprocess=RULES,
        memory=partial(by_patches, UHD),
        weights=Weights(
            url=RELEASE,
            file="pytorch_mobilenetv2.pth",
            format="PyTorch",
            licence="MIT",
            commercial=True,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
    ),
    "bgmv2-resnet50": Preset(
        model=BGMv2,
        config=BGMv2Config(backbone=resnet50, refine_sample_pixels=HD),
        preprocess=RULES,
        memory=partial(by_patches, HD),
        weights=Weights(
            url=RELEASE,
            file="pytorch_resnet50.pth",
            format="PyTorch",
            licence="MIT",
            commercial=True,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
    ),
    "bgmv2-resnet50-4k": Preset(
        model=BGMv2,
        config=BGMv2Config(backbone=resnet50, backbone_scale=0.125, refine_sample_pixels=UHD),
        preprocess=RULES,
        memory=partial(by_patches, UHD),
        weights=Weights(
            url=RELEASE,
            file="pytorch_resnet50.pth",
            format="PyTorch",
            licence="MIT",
            commercial=True,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
    ),
    "bgmv2-resnet101": Preset(
        model=BGMv2,
        config=BGMv2Config(backbone=resnet101, refine_sample_pixels=HD),
        preprocess=RULES,
        memory=partial(by_patches, HD),
        weights=Weights(
            url=RELEASE,
            file="pytorch_resnet101.pth",
            format="PyTorch",
            licence="MIT",
            commercial=True,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
    ),
    "bgmv2-resnet101-4k": Preset(
        model=BGMv2,
        config=BGMv2Config(backbone=resnet101, backbone_scale=0.125, refine_sample_pixels=UHD),
        preprocess=RULES,
        memory=partial(by_patches, UHD),
        weights=Weights(
            url=RELEASE,
            file="pytorch_resnet101.pth",
            format="PyTorch",
            licence="MIT",
            commercial=True,
        ),
        citation=CITATION,
        warning=WARNING,
        names=NAMES,
    ),
}
