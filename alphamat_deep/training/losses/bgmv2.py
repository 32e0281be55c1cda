"""BackgroundMattingV2.

Lin, Ryabtsev, Sengupta, Curless, Seitz & Kemelmacher-Shlizerman, "Real-Time High-Resolution
Background Matting", CVPR 2021, section 4, with weights of 1 as in the authors' program. `alpha` and
`foreground` are the truth, in [0, 1].
"""

from __future__ import annotations

from jax import lax
from jaxtyping import Array, Float

from alphamat_deep.layers import resize
from alphamat_deep.models.bgmv2 import BGMv2Output
from alphamat_deep.training.losses.arithmetic import absolute, add_up
from alphamat_deep.training.losses.terms import Scalar, gradient_l1, l1, mse

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]


def base(outputs: BGMv2Output, alpha: Alpha, *, foreground: Colours) -> dict[str, Scalar]:
    """Compare what the base network gives at its own size.

    The truth has that size: build the network with `backbone_scale=1` and `refine_mode="none"`.

    Returns "alpha", "gradient", "foreground", "error" and "total".
    """
    matte = lax.stop_gradient(outputs.alpha_small)
    terms = matting(outputs.alpha_small, alpha, outputs.foreground_small, foreground)
    terms["error"] = mse(outputs.error_small, absolute(matte - alpha))
    return terms | {"total": add_up(terms.values())}


def refine(outputs: BGMv2Output, alpha: Alpha, *, foreground: Colours) -> dict[str, Scalar]:
    """Compare the refined matte, and the base network's with the truth at its size.

    The error is compared at full size and, unlike in `base`, moves alpha too.

    Returns "alpha", "gradient" and "foreground", the same with "_small", "error" and "total".
    """
    size, small = alpha.shape[1:3], outputs.alpha_small.shape[1:3]
    terms = matting(outputs.alpha, alpha, outputs.foreground, foreground)
    truth = resize(alpha, *small), resize(foreground, *small)
    coarse = matting(outputs.alpha_small, truth[0], outputs.foreground_small, truth[1])
    terms |= {f"{name}_small": term for name, term in coarse.items()}
    error = absolute(resize(outputs.alpha_small, *size) - alpha)
    terms["error"] = mse(resize(outputs.error_small, *size), error)
    return terms | {"total": add_up(terms.values())}


def matting(
    prediction: Alpha, alpha: Alpha, predicted_foreground: Colours, foreground: Colours
) -> dict[str, Scalar]:
    """Compare alpha, its slopes, and the foreground where alpha is not 0.

    The foreground's is a mean over all pixels: a small object weighs little.
    """
    seen = alpha != 0
    return {
        "alpha": l1(prediction, alpha),
        "gradient": gradient_l1(prediction, alpha),
        "foreground": l1(predicted_foreground * seen, foreground * seen),
    }
