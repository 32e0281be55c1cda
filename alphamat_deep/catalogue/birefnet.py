"""BiRefNet, for the object of any picture in high resolution; for portraits; for matting."""

from functools import partial
from math import isqrt

import numpy as np
from jax import Array

from alphamat.rules import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    Preprocess,
    Resize,
    Size,
    exactly,
    pillow_bicubic,
    pillow_bilinear,
)
from alphamat_deep.catalogue.preset import Backbone, Preset, Weights, by_pixel
from alphamat_deep.catalogue.u2net import MASK
from alphamat_deep.fill import Names
from alphamat_deep.models.birefnet import BiRefNet, BiRefNetConfig

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
CLEAR = 0.01  # by which likenesses must differ; those of random weights are 0.001

SWIN = Backbone(
    title="Swin of ImageNet (Microsoft's, of the same size and windows)",
    mark=r"^layers\.0\.blocks\.0\.attn\.relative_position_bias_table$",
    names=Names(
        rename=((r"^", "bb."),),
        ignore=(r"^(norm|head)\.", r"\.relative_position_index$", r"\.attn_mask$"),
    ),
    part=r"^bb\.(?!norm)",
)

GENERAL = "DIS5K, for one, is non-commercial"
MATTING = "P3M-10k, AM-2k, AIM-500, Human-2k, Distinctions-646, HIM2K and PPM-100 are among them"


def doubt(model: BiRefNet) -> str:
    """Return a warning if weights look as if they were trained for the other order of channels.

    In pictures, neighbouring pixels are alike, and so are the three colours of a pixel. Training
    makes their weights alike, too; so in the right order neighbours are more alike. It was tried on
    two such convolutions, trained for 200 steps on photographs, not on the published weights.
    """
    blocks = model.decoder.ipt_blk5, model.decoder.ipt_blk4
    kernels = [block.conv1.kernel[...] for block in blocks]
    old, new = (sum(likeness(kernel, order) for kernel in kernels) / 2 for order in (False, True))
    used, other = (new, old) if model.decoder.colours_first else (old, new)
    if other < used + CLEAR:
        return ""
    return (
        "The weights look as if they were trained for the other order of a patch's channels: "
        f"neighbours are alike by {other:.3f} there, by {used:.3f} here. Try "
        f"`colours_first={not model.decoder.colours_first}`, and keep what gives the better alpha."
    )


def likeness(kernel: Array, colours_first: bool) -> float:
    """Return how much weights of neighbouring pixels and colours are alike, at most 1."""
    size, _, channels, features = kernel.shape
    side = isqrt(channels // 3)
    axes = (3, side, side) if colours_first else (side, side, 3)
    weights = np.asarray(kernel, np.float32).reshape(size**2, *axes, features)
    steps = [np.square(np.diff(weights, axis=axis)).mean() for axis in (1, 2, 3)]
    return float(1 - np.mean(steps) / (2 * weights.var()))


def published(
    name: str, data: str, size: Size = (1024, 1024), *, lite: bool = False, mask: bool = True
) -> Preset:
    """Return the row of the weights that are at Hugging Face under a name.

    The author cuts alpha off to 8 bits before he resizes it; here it stays as it is.
    """
    step = Resize(partial(exactly, *size), how=pillow_bilinear, back=pillow_bicubic)
    return Preset(
        model=BiRefNet,
        config=LITE if lite else BiRefNetConfig(),
        preprocess=Preprocess(IMAGENET_MEAN, IMAGENET_STD, chain=(step,)),
        memory=partial(by_pixel, 700 if lite else 1400),
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
        doubt=doubt,
        backbones=(SWIN,),
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
