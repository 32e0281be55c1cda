"""P3M-Net, and its kin AIM and GFM: terms of "glance and focus" networks.

Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM MM 2021; Li, Zhang, Maybank & Tao,
"Bridging Composite and Real: Towards End-to-End Deep Image Matting", IJCV 2022 (GFM); Li, Zhang &
Tao, "Deep Automatic Natural Image Matting", IJCAI 2021 (AIM). Their Laplacian is
`pyramids.laplacian_aim`. The catalogue has P3M-Net alone, whose objective is `supervised`. GFM
minimises a quarter of the sum of semantic, local, fusion and composition.
"""

from __future__ import annotations

from jaxtyping import Array, Float

from alphamat_deep.models.p3m import P3MNetOutput
from alphamat_deep.training.losses.arithmetic import add_up
from alphamat_deep.training.losses.pyramids import laplacian_aim
from alphamat_deep.training.losses.terms import (
    Mask,
    Scalar,
    charbonnier,
    classes_of,
    composite,
    cross_entropy,
)

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]


def supervised(
    outputs: P3MNetOutput,
    truth: Alpha,
    *,
    trimap: Alpha,
    image: Colours,
    foreground: Colours,
    background: Colours,
) -> dict[str, Scalar]:
    """Compare P3M-Net's classes, its alpha in the transition, and alpha with its composite.

    Colours are ImageNet-normalised, as the network sees them.

    Returns
    -------
    "semantic", of which the scores are a half and the sides the other, "local", "fusion",
    "composition", and "total", in which "local" counts twice and "fusion" three times.
    """
    unknown = trimap == 0.5
    sides = add_up(semantic(side, trimap) for side in outputs.sides)
    composed = composition(outputs.alpha, image, foreground=foreground, background=background)
    terms = {
        "semantic": (3 * semantic(outputs.scores, trimap) + sides) / 6,
        "local": alpha(outputs.local, truth, unknown)
        + laplacian_aim(outputs.local, truth, unknown),
        "fusion": alpha(outputs.alpha, truth) + laplacian_aim(outputs.alpha, truth),
        "composition": composed,
    }
    return terms | {"total": add_up(terms.values()) + terms["local"] + 2 * terms["fusion"]}


def alpha(prediction: Alpha, truth: Alpha, mask: Mask | None = None) -> Scalar:
    """Compare alpha everywhere or over a mask; each pixel outside adds 1e-6 to the sum."""
    return charbonnier(prediction, truth, mask, mask_inside=True)


def composition(
    prediction: Alpha,
    image: Colours,
    *,
    foreground: Colours,
    background: Colours,
    epsilon: float = 1e-12,
) -> Scalar:
    """Compare the composite with the image: the sum of the three colours' means.

    P3M-Net and AIM take ImageNet-normalised colours. GFM takes colours in 0 … 255 and divides the
    loss by 255: for colours in [0, 1] that is `epsilon` 1e-12 / 255².
    """
    ours = composite(prediction, foreground, background)
    return image.shape[-1] * charbonnier(ours, image, epsilon=epsilon)


def semantic(logits: Float[Array, "B H W 3"], trimap: Alpha) -> Scalar:
    """Cross-entropy of background, unknown and foreground, of a trimap of 0, 0.5 and 1."""
    return cross_entropy(logits, classes_of(trimap))


def semantic_foreground(logits: Float[Array, "B H W C"], trimap: Alpha) -> Scalar:
    """Cross-entropy of foreground, class 1, and all else, class 0: GFM's "FT" representation."""
    return cross_entropy(logits, (trimap == 1).astype(int))
