"""P3M-Net, and its kin AIM and GFM: terms of "glance and focus" networks.

Li, Ma, Zhang & Tao, "Privacy-Preserving Portrait Matting", ACM MM 2021; Li, Zhang, Maybank & Tao,
"Bridging Composite and Real: Towards End-to-End Deep Image Matting", IJCV 2022 (GFM); Li, Zhang &
Tao, "Deep Automatic Natural Image Matting", IJCAI 2021 (AIM). Their Laplacian is
`pyramids.laplacian_aim`. The catalogue has none of these networks; P3M-Net minimises

    (CE₂ + CE₁ + CE₀ + 3 CE) / 6 + 2 (alpha + laplacian)(local, unknown)
        + 3 (alpha + laplacian)(fusion) + composition(fusion)

where CE of the semantics are of the sides and of the output, and GFM a quarter of
CE + local + fusion + composition.
"""

from __future__ import annotations

from jaxtyping import Array, Float

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
