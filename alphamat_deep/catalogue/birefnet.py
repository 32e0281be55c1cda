"""BiRefNet, for the object of any picture in high resolution; for portraits; for matting."""

from functools import partial

from alphamat_deep.catalogue.preset import Preset, Weights, by_pixel
from alphamat_deep.catalogue.u2net import MASK
from alphamat_deep.fill import Names
from alphamat_deep.models.birefnet import BiRefNet, BiRefNetConfig
from alphamat_deep.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess, Resize, Size, pillow

CITATION = (
    'Zheng et al., "Bilateral Reference for High-Resolution Dichotomous Image Segmentation", '
    "CAAI Artificial Intelligence Research 3, 2024, https://arxiv.org/abs/2401.03407"
)
LICENCE = "MIT as its author says; he grants that some of the training data has stricter terms"
TERMS = (
    "The code is MIT, and its author says that the weights are, too (issue 316 of "
    "ZhengPeng7/BiRefNet). He grants that sets among the training data have stricter terms of "
    "their own (issue 306): {}."
)
ORDER = (
    "The author's program changed an order of channels in November 2024, and a file does not say "
    "which it needs: if alpha is poor, load it with `colours_first=False`. The same weights are in "
    "his release on GitHub, as .pth: these load, too."
)

NAMES = Names(
    rename=((r"^_orig_mod\.(module\.)?", ""),),
    ignore=(r"\.relative_position_index$",),
    spare=(r"\bdecoder\.(conv_ms_spvn|gdt_convs_pred)_",),  # only training needs them
)

LITE = BiRefNetConfig(features=96, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24), window=7)


GENERAL = "DIS5K, for one, is non-commercial"
MATTING = "P3M-10k, AM-2k, AIM-500, Human-2k, Distinctions-646, HIM2K and PPM-100 are among them"


def fixed(rows: int, columns: int, height: int, width: int) -> Size:
    """Resize to one size, whatever the proportions."""
    return rows, columns


def published(
    name: str, data: str, size: Size = (1024, 1024), *, lite: bool = False, mask: bool = True
) -> Preset:
    """Return the row of the weights that are at Hugging Face under a name.

    The author cuts alpha off to 8 bits before he resizes it; here it stays as it is.
    """
    step = Resize(
        partial(fixed, *size), how=partial(pillow, "BILINEAR"), back=partial(pillow, "BICUBIC")
    )
    return Preset(
        model=BiRefNet,
        config=LITE if lite else BiRefNetConfig(),
        preprocess=Preprocess(IMAGENET_MEAN, IMAGENET_STD, chain=(step,)),
        memory=partial(by_pixel, 1500 if lite else 2000),
        weights=Weights(
            url=f"https://huggingface.co/ZhengPeng7/{name}/resolve/main/",
            file="model.safetensors",
            format="PyTorch",
            licence=LICENCE,
            commercial=None,
        ),
        citation=CITATION,
        warning=" ".join([MASK] * mask + [TERMS.format(data), ORDER]),
        names=NAMES,
    )


PRESETS = {
    "birefnet": published("BiRefNet", GENERAL),
    "birefnet-hr": published("BiRefNet_HR", GENERAL, (2048, 2048)),
    "birefnet-lite": published("BiRefNet_lite", GENERAL, lite=True),
    "birefnet-lite-2k": published("BiRefNet_lite-2K", GENERAL, (1440, 2560), lite=True),
    "birefnet-matting": published("BiRefNet-matting", MATTING, mask=False),
    "birefnet-hr-matting": published("BiRefNet_HR-matting", MATTING, (2048, 2048), mask=False),
    "birefnet-portrait": published("BiRefNet-portrait", "P3M-10k is one of them", mask=False),
}
