"""PaddleSeg's own networks, and its versions of others' losses.

Chen, Liu, Wang, Peng, Hao, Chu, Tang, Wu, Chen, Yu, Du, Dang, Hu & Yu, "PP-Matting: High-Accuracy
Natural Image Matting", 2022; the other losses are PaddleSeg's programs (folder Matting). `alpha` is
in [0, 1] and the trimap 0, 0.5 or 1. `image`, `foreground` and `background` are in [-1, 1], as the
networks see them.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from alphamat_deep.layers import resize
from alphamat_deep.models.gca import GCAOutput
from alphamat_deep.models.modnet import MODNetOutput
from alphamat_deep.models.pp_dim import PPDIMOutput
from alphamat_deep.models.pp_humanmatting import PPHumanMattingOutput
from alphamat_deep.models.pp_matting import PPMattingOutput
from alphamat_deep.models.pp_matting_v2 import PPMattingV2Output
from alphamat_deep.training.losses import modnet as author
from alphamat_deep.training.losses.arithmetic import absolute, add_up
from alphamat_deep.training.losses.filters import average_area
from alphamat_deep.training.losses.terms import (
    Scalar,
    classes_of,
    composite,
    gradient_l1,
    l1,
    mrsd,
    mse,
    pick,
)

Alpha = Float[Array, "B H W 1"]
Colours = Float[Array, "B H W 3"]


def matting(
    outputs: PPMattingOutput,
    alpha: Alpha,
    *,
    trimap: Alpha,
    foreground: Colours,
    background: Colours,
) -> dict[str, Scalar]:
    """Compare PP-Matting's classes, its detail in the transition, and alpha with its composite.

    Alpha's composite is compared with the truth's, not with the image.

    Returns
    -------
    "semantic", "detail" and "fusion", of whose sum "total" is a quarter; "detail_alpha",
    "detail_gradient", "fusion_alpha", "fusion_composition" and "fusion_gradient", their parts.
    """
    transition = trimap == 0.5
    ours, true = (composite(x, foreground, background) for x in (outputs.alpha, alpha))
    parts = {
        "detail_alpha": mrsd(outputs.detail, alpha, transition),
        "detail_gradient": gradient_l1(outputs.detail, alpha, transition),
        "fusion_alpha": mrsd(outputs.alpha, alpha),
        "fusion_composition": mrsd(ours, true),
        "fusion_gradient": gradient_l1(outputs.alpha, alpha),
    }
    terms = {
        "semantic": likelihood(outputs.semantic, classes(trimap)),
        "detail": parts["detail_alpha"] + parts["detail_gradient"],
        "fusion": add_up(term for name, term in parts.items() if name.startswith("fusion")),
    }
    return terms | parts | {"total": 0.25 * add_up(terms.values())}


def mattingv2(outputs: PPMattingV2Output, alpha: Alpha, *, trimap: Alpha) -> dict[str, Scalar]:
    """Compare PP-MattingV2's alpha, twice more in the unknown region, and its alpha at 1/8.

    The network needs `supervise=True`, which adds the head for 1/8.

    Returns "alpha", "gradient", "alpha_8x", "gradient_8x" and "total", their sum.
    """
    if outputs.alpha_8x is None:
        raise ValueError("`outputs.alpha_8x` is None; build the network with `supervise=True`.")
    unknown, small = trimap == 0.5, average_area(alpha, *outputs.alpha_8x.shape[1:3])
    terms = {
        "alpha": mrsd(outputs.alpha, alpha) + 2 * mrsd(outputs.alpha, alpha, unknown),
        "gradient": gradient_l1(outputs.alpha, alpha)
        + 2 * gradient_l1(outputs.alpha, alpha, unknown),
        "alpha_8x": mrsd(outputs.alpha_8x, small),
        "gradient_8x": gradient_l1(outputs.alpha_8x, small),
    }
    return terms | {"total": add_up(terms.values())}


def humanmatting(
    outputs: PPHumanMattingOutput, alpha: Alpha, *, trimap: Alpha
) -> dict[str, Scalar]:
    """Compare PP-HumanMatting's classes and alphas at 1/4, its expected error, and alpha.

    Returns "glance", "focus" and "raw", of which "total" has a quarter, and "error" and "refined",
    of which it has all.
    """
    size, small = alpha.shape[1:3], outputs.glance.shape[1:3]
    glance, coarse = classes(nearest(trimap, *small)), resize(alpha, *small)
    error = absolute(resize(outputs.alpha_raw, *size) - alpha)
    terms = {
        "glance": likelihood(outputs.glance, glance),
        "focus": mrsd(outputs.focus, coarse, glance == 1),
        "raw": mrsd(outputs.alpha_raw, coarse),
        "error": mse(resize(outputs.error, *size), error),
        "refined": l1(outputs.alpha, alpha),
    }
    quarter = 0.25 * (terms["glance"] + terms["focus"] + terms["raw"])
    return terms | {"total": quarter + terms["error"] + terms["refined"]}


def modnet(
    outputs: MODNetOutput, alpha: Alpha, *, trimap: Alpha, image: Colours
) -> dict[str, Scalar]:
    """Compare MODNet's semantics, detail and alpha, as PaddleSeg does.

    Unlike in `modnet.supervised` the semantics weigh 1, the detail is divided by the boundary's
    share, and alpha must be consistent with the semantics away from the boundary.

    Returns "semantic", "detail", "fusion" and "total", their sum; and "fusion_l1", "fusion_comp"
    and "fusion_semantic", the parts of the fusion.
    """
    boundary, semantic = trimap == 0.5, outputs.semantic
    sums = author.matte(outputs.alpha, alpha, boundary=boundary, outside=alpha, image=image)
    coarse = nearest(boundary, *semantic.shape[1:3])
    smooth = jnp.where(coarse, lax.stop_gradient(semantic), author.shrink(outputs.alpha, semantic))
    parts = {
        "fusion_l1": sums[0],
        "fusion_comp": sums[1],
        "fusion_semantic": mse(smooth, semantic),
    }
    share = boundary.astype(alpha.dtype).mean() + 1e-6
    terms = {
        "semantic": mse(semantic, author.shrink(alpha, semantic)),
        "detail": 10 * l1(boundary * outputs.detail, boundary * alpha) / share,
        "fusion": add_up(parts.values()),
    }
    return terms | parts | {"total": add_up(terms.values())}


def dim_stage1(
    outputs: PPDIMOutput,
    alpha: Alpha,
    *,
    trimap: Alpha,
    image: Colours,
    foreground: Colours,
    background: Colours,
) -> dict[str, Scalar]:
    """Compare the unrefined alpha and its composite in the unknown region, half and half.

    Composition sums three colours. PaddleSeg's program itself computes it in stage 3 only.

    Returns "alpha_raw" and "composition", which are weighted, and "total".
    """
    unknown, ours = trimap == 0.5, composite(outputs.alpha_raw, foreground, background)
    terms = {
        "alpha_raw": 0.5 * mrsd(outputs.alpha_raw, alpha, unknown),
        "composition": 0.5 * mrsd(ours, image, unknown),
    }
    return terms | {"total": terms["alpha_raw"] + terms["composition"]}


def dim_stage2(outputs: PPDIMOutput, alpha: Alpha, *, trimap: Alpha) -> dict[str, Scalar]:
    """Compare the refined alpha in the unknown region."""
    return {"total": mrsd(outputs.alpha, alpha, trimap == 0.5)}


def dim_stage3(
    outputs: PPDIMOutput, alpha: Alpha, *, trimap: Alpha, **colours: Colours
) -> dict[str, Scalar]:
    """Sum the losses of stages 1 and 2, with the arguments of `dim_stage1`.

    Returns "alpha_raw", "composition", "refined" and "total".
    """
    terms = dim_stage1(outputs, alpha, trimap=trimap, **colours)
    refined = dim_stage2(outputs, alpha, trimap=trimap)["total"]
    return terms | {"refined": refined, "total": terms["total"] + refined}


def gca(outputs: GCAOutput, alpha: Alpha) -> dict[str, Scalar]:
    """Compare alpha over all pixels, known or not."""
    return {"total": l1(outputs.alpha, alpha)}


def likelihood(probabilities: Float[Array, "B H W 3"], classes: Int[Array, "B H W 1"]) -> Scalar:
    """Average -log(p + 1e-6) of each pixel's true class."""
    return -jnp.log(pick(probabilities, classes) + 1e-6).mean()


def classes(trimap: Alpha) -> Int[Array, "B H W 1"]:
    """Return 0 for foreground, 1 for transition and 2 for background."""
    return 2 - classes_of(trimap)


def nearest(x: Array, height: int, width: int) -> Array:
    """Resize to the pixels at ⌊i H / h⌋, as PyTorch and Paddle do."""
    rows, columns = (
        jnp.arange(n) * side // n for n, side in zip((height, width), x.shape[1:3], strict=True)
    )
    return x[:, rows][:, :, columns]
