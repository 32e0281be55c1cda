"""F, B, Alpha Matting."""

from functools import partial

import numpy as np

from alphamat_deep.catalogue.preset import Backbone, Preset, Score, Weights, by_pixel
from alphamat_deep.catalogue.sources import ADOBE_LICENCE
from alphamat_deep.fill import Names
from alphamat_deep.models.fba import FBA, FBAConfig
from alphamat_deep.preprocess import Preprocess, Resize, Size, bilinear, ceil_sides, lanczos

WIDTHS = 6.4, 25.6, 51.2  # pixels: 2, 8 and 16 % of the 320 that the network was trained on


def known_parts(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8 → (H, W, 2): background and foreground, each 0 or 1."""
    return (trimap[..., None] == np.array([0, 255])).astype(np.float32)


def resize_parts(trimap: np.ndarray, size: Size) -> np.ndarray:
    """(H, W) uint8 → (h, w, 2): background and foreground, resized like the image."""
    return lanczos(known_parts(trimap), size)


def known_and_near(trimap: np.ndarray) -> np.ndarray:
    """(H, W) uint8, or what `resize_parts` made of it → (H, W, 8), as the network takes it.

    The background and the foreground come first, then how near the background is, then how near
    the foreground is. Near is exp(-d² / 2 w²) at a distance of d pixels, for each of `WIDTHS`.
    """
    known = trimap if trimap.ndim == 3 else known_parts(trimap)
    return np.concatenate([known, *(nearness(part) for part in np.moveaxis(known, -1, 0))], axis=-1)


def nearness(part: np.ndarray) -> np.ndarray:
    """(H, W) → (H, W, 3) by `WIDTHS`; 0 where there is no such part."""
    import cv2

    if not part.any():
        return np.zeros((*part.shape, len(WIDTHS)), np.float32)
    # As in 8 bits: resized edges that miss 1 by a level lie outside the part.
    outside = (np.abs(1 - part) * 255 >= 1).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.exp(-np.square(distance[..., None] / np.array(WIDTHS, np.float32)) / 2)


# The authors' program names Lanczos for the way back, too, in a place where OpenCV does not read
# it; so OpenCV interpolates bilinearly.
RULES = Preprocess(
    (0, 0, 0),
    (1, 1, 1),
    encode=known_and_near,
    chain=(Resize(partial(ceil_sides, 8), how=lanczos, how_trimap=resize_parts, back=bilinear),),
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
