"""Deep Image Matting.

Xu, Price, Cohen & Huang, "Deep Image Matting", CVPR 2017, equations 2 and 3, with the constants of
pytorch-deep-image-matting. Stage 0 trains the encoder and decoder on alpha alone, stage 1 on alpha
and composition; stage 2 trains the refinement, and stage 3 all of it.

`alpha`, `image`, `foreground` and `background` are in [0, 1], the trimap is 0, 0.5 or 1. There the
8-bit colours have been composited and rounded before: `image` is not exactly the composite.
"""

from __future__ import annotations

from jaxtyping import Array, Float

from alphamat_deep.models.dim import DIMOutput
from alphamat_deep.training.losses.terms import Mask, Scalar, charbonnier, composite

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]


def stage0(outputs: DIMOutput, alpha: Alpha, *, trimap: Alpha) -> dict[str, Scalar]:
    """Compare the unrefined alpha in the unknown region."""
    return {"total": charbonnier(outputs.alpha_raw, alpha, trimap == 0.5, mask_inside=True)}


def stage1(
    outputs: DIMOutput,
    alpha: Alpha,
    *,
    trimap: Alpha,
    image: Colours,
    foreground: Colours,
    background: Colours,
) -> dict[str, Scalar]:
    """Compare the unrefined alpha and its composite in the unknown region, half and half.

    Returns "alpha", "composition" and "total".
    """
    unknown, ours = trimap == 0.5, composite(outputs.alpha_raw, foreground, background)
    terms = {
        "alpha": charbonnier(outputs.alpha_raw, alpha, unknown),
        "composition": composition(ours, image, unknown),
    }
    return terms | {"total": 0.5 * terms["alpha"] + 0.5 * terms["composition"]}


def stage2(outputs: DIMOutput, alpha: Alpha, *, trimap: Alpha) -> dict[str, Scalar]:
    """Compare the refined alpha in the unknown region."""
    return {"total": charbonnier(outputs.alpha, alpha, trimap == 0.5)}


def stage3(
    outputs: DIMOutput, alpha: Alpha, *, trimap: Alpha, **colours: Colours
) -> dict[str, Scalar]:
    """Sum the losses of stages 1 and 2, with the arguments of `stage1`.

    Returns "alpha", "composition", "refined" and "total".
    """
    terms = stage1(outputs, alpha, trimap=trimap, **colours)
    refined = stage2(outputs, alpha, trimap=trimap)["total"]
    return terms | {"refined": refined, "total": terms["total"] + refined}


def composition(composited: Colours, image: Colours, mask: Mask) -> Scalar:
    """Compare colours in [0, 1], of which the authors take the root in 0 … 255."""
    return charbonnier(composited, image, mask, epsilon=1e-12 / 255**2) / 3
