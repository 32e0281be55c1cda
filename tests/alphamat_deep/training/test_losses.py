"""Losses against the authors' programs: all values and gradients that are stored."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from alphamat_deep.layers import fuse_semantic_and_detail
from alphamat_deep.models.bgmv2 import BGMv2Output
from alphamat_deep.models.dim import DIMOutput
from alphamat_deep.models.gca import GCAOutput
from alphamat_deep.models.modnet import MODNetOutput
from alphamat_deep.models.pp_dim import PPDIMOutput
from alphamat_deep.models.pp_humanmatting import PPHumanMattingOutput
from alphamat_deep.models.pp_matting import PPMattingOutput
from alphamat_deep.models.pp_matting_v2 import PPMattingV2Output
from alphamat_deep.models.rvm import RVMOutput
from alphamat_deep.training import losses
from alphamat_deep.training.losses import bgmv2, dim, gca, modnet, p3m, pp, rvm, vitmatte
from tests.alphamat_deep.networks import jit
from tests.alphamat_deep.training.oracles import documents, loss_cases


def some(kind, **fields):
    """Return outputs of a network of which a loss reads only some."""
    return kind(**{field: fields.get(field) for field in kind._fields})


def levels(trimap):
    """Turn 0, 128 and 255, to which the authors set trimaps, to 0, 0.5 and 1."""
    return jnp.round(2 * trimap / 255) / 2


def dim_stage(stage, colours=True):
    def loss(a):
        outputs = some(
            DIMOutput, alpha=getattr(a, "pred2", None), alpha_raw=getattr(a, "pred", None)
        )
        more = {}
        if colours:
            names = {"image": "image255", "foreground": "fg255", "background": "bg255"}
            more = {ours: getattr(a, theirs) / 255 for ours, theirs in names.items()}
        return stage(outputs, a.alpha255 / 255, trimap=levels(a.trimap), **more)

    return loss


def gca_mask(a):
    return a.trimap3[..., 1:2]


def modnet_outputs(a):
    return some(MODNetOutput, alpha=a.matte, semantic=a.semantic, detail=a.detail)


def modnet_adapt(a):
    backup = some(MODNetOutput, alpha=a.backup_matte, detail=a.backup_detail)
    return modnet.adapt(modnet_outputs(a), backup)


def bgmv2_base(a):
    outputs = some(
        BGMv2Output, alpha_small=a.pred_pha, foreground_small=a.pred_fgr, error_small=a.pred_err
    )
    return bgmv2.base(outputs, a.true_pha, foreground=a.true_fgr)


def bgmv2_refine(a):
    outputs = some(
        BGMv2Output,
        alpha=a.pred_pha,
        foreground=a.pred_fgr,
        alpha_small=a.pred_pha_sm,
        foreground_small=a.pred_fgr_sm,
        error_small=a.pred_err_sm,
    )
    return bgmv2.refine(outputs, a.true_pha, foreground=a.true_fgr)


def rvm_matting(a):
    outputs = some(RVMOutput, alpha=a.pred_pha, foreground=a.pred_fgr)
    return rvm.matting(outputs, a.true_pha, foreground=a.true_fgr)


def vitmatte_supervised(a):
    return vitmatte.supervised(a.pred, a.alpha, trimap=0.5 * a.sample_map)


def pp_dim(stage, colours=True):
    def loss(a):
        outputs = some(PPDIMOutput, alpha=a.alpha_pred, alpha_raw=a.alpha_raw)
        pictures = {"foreground": a.fg, "background": a.bg, "image": a.img} if colours else {}
        return stage(outputs, a.alpha, trimap=levels(a.trimap), **pictures)

    return loss


def pp_modnet(a):
    return pp.modnet(modnet_outputs(a), a.alpha, trimap=levels(a.trimap), image=a.img)


def pp_matting(a):
    fusion = getattr(a, "fusion", None)
    if fusion is None:
        fusion = fuse_semantic_and_detail(a.semantic, a.detail)
    outputs = PPMattingOutput(fusion, a.semantic, a.detail)
    pictures = {"foreground": a.fg, "background": a.bg}
    return pp.matting(outputs, a.alpha, trimap=levels(a.trimap), **pictures)


def pp_mattingv2(a):
    return pp.mattingv2(PPMattingV2Output(a.pred, a.alpha_8x), a.alpha, trimap=levels(a.trimap))


def pp_humanmatting(a):
    outputs = PPHumanMattingOutput(a.refine, a.fusion, a.glance, a.focus, a.error)
    return pp.humanmatting(outputs, a.alpha, trimap=levels(a.trimap))


def alone(loss):
    return lambda a: {"total": loss(a)}


def vitmatte_term(name):
    return lambda a: {"total": vitmatte_supervised(a)[name]}


# By document and case: our loss of the authors' arguments.
LOSSES = {
    "bgmv2/base": bgmv2_base,
    "bgmv2/refine": bgmv2_refine,
    "bgmv2/sobel_sum": alone(lambda a: losses.sobel_magnitude(a.pred).sum()),
    "dim/stage0": dim_stage(dim.stage0, colours=False),
    "dim/stage1": dim_stage(dim.stage1),
    "dim/stage2": dim_stage(dim.stage2, colours=False),
    "dim/stage3": dim_stage(dim.stage3),
    "gca/rec_pred": lambda a: gca.supervised(
        some(GCAOutput, alpha=a.pred), a.alpha, trimap=0.5 * gca_mask(a)
    ),
    "gca/mse": alone(lambda a: losses.mse(a.pred, a.alpha, gca_mask(a))),
    "gca/smooth_l1": alone(lambda a: gca.smooth_l1(a.pred, a.alpha, gca_mask(a))),
    "gca/grad": alone(lambda a: gca.gradient(a.pred, a.alpha, gca_mask(a))),
    "gca/gabor": alone(lambda a: gca.gabor(a.pred, a.alpha, gca_mask(a))),
    "gca/comp": alone(
        lambda a: gca.composition(
            a.pred, a.image_n, gca_mask(a), foreground=a.fg_n, background=a.bg_n
        )
    ),
    "gfm/composition": alone(
        lambda a: p3m.composition(
            a.pred,
            a.image / 255,
            foreground=a.fg / 255,
            background=a.bg / 255,
            epsilon=1e-12 / 255**2,
        )
    ),
    "gfm/crossentropy3": alone(lambda a: p3m.semantic(a.pred, levels(a.trimap))),
    "gfm/crossentropy2": alone(lambda a: p3m.semantic_foreground(a.pred, levels(a.trimap))),
    "modnet/supervised": lambda a: modnet.supervised(
        modnet_outputs(a), a.alpha, trimap=a.trimap, image=a.image
    ),
    "modnet/soc": modnet_adapt,
    "p3m/alpha": alone(lambda a: p3m.alpha(a.pred, a.alpha255 / 255, levels(a.trimap) == 0.5)),
    "p3m/alpha_whole": alone(lambda a: p3m.alpha(a.pred, a.alpha255 / 255)),
    "p3m/laplacian": alone(
        lambda a: losses.laplacian_aim(a.pred, a.alpha255 / 255, levels(a.trimap) == 0.5)
    ),
    "p3m/laplacian_whole": alone(lambda a: losses.laplacian_aim(a.pred, a.alpha255 / 255)),
    "p3m/composition": alone(
        lambda a: p3m.composition(a.pred, a.image, foreground=a.fg, background=a.bg)
    ),
    "p3m/crossentropy": alone(lambda a: p3m.semantic(a.pred, levels(a.trimap))),
    "paddleseg_dim/stage1": pp_dim(pp.dim_stage1),
    "paddleseg_dim/stage2": pp_dim(pp.dim_stage2, colours=False),
    "paddleseg_dim/stage3": pp_dim(pp.dim_stage3),
    "paddleseg_humanmatting/total": pp_humanmatting,
    "paddleseg_modnet/total": pp_modnet,
    "paddleseg_ppmatting/total": pp_matting,
    "paddleseg_ppmatting/fused": pp_matting,
    "paddleseg_ppmattingv2/total": pp_mattingv2,
    "paddleseg_terms/mrsd": alone(lambda a: losses.mrsd(a.pred, a.alpha)),
    "paddleseg_terms/mrsd_mask": alone(lambda a: losses.mrsd(a.pred, a.alpha, a.mask)),
    "paddleseg_terms/gradient": alone(lambda a: losses.gradient_l1(a.pred, a.alpha)),
    "paddleseg_terms/gradient_mask": alone(lambda a: losses.gradient_l1(a.pred, a.alpha, a.mask)),
    "paddleseg_terms/laplacian": alone(lambda a: losses.laplacian_aim(a.pred, a.alpha)),
    "paddleseg_terms/laplacian_mask": alone(
        lambda a: losses.laplacian_aim(a.pred, a.alpha, a.mask)
    ),
    "rvm/matting": rvm_matting,
    "rvm/segmentation": lambda a: rvm.segmentation(
        some(RVMOutput, segmentation=a.pred_seg), a.true_seg
    ),
    "rvm/laplacian": alone(lambda a: losses.laplacian_rvm(a.pred_pha, a.true_pha)),
    "vitmatte/criterion": vitmatte_supervised,
    "vitmatte/unknown_l1_loss": vitmatte_term("unknown"),
    "vitmatte/known_l1_loss": vitmatte_term("known"),
    "vitmatte/loss_pha_laplacian": vitmatte_term("laplacian"),
    "vitmatte/loss_gradient_penalty": vitmatte_term("gradient"),
}
# Cases that differ from another by their inputs alone.
LOSSES |= {
    "gca/rec_predc": LOSSES["gca/rec_pred"],
    "modnet/supervised_thin": LOSSES["modnet/supervised"],
    "paddleseg_terms/gradient_clipped": LOSSES["paddleseg_terms/gradient"],
    "vitmatte/criterion_all_unknown": LOSSES["vitmatte/criterion"],
}

# By document: our names of components, where they differ.
NAMES = {
    "dim": {"comp": "composition"},
    "modnet": {"soc_semantic": "semantic", "soc_detail": "detail"},
    "paddleseg_dim": {"comp": "composition", "alpha_pred": "refined"},
    "paddleseg_humanmatting": {"cm": "raw", "err": "error", "refine": "refined"},
    "paddleseg_modnet": {"fusion_con_sem": "fusion_semantic"},
    "paddleseg_ppmattingv2": {
        "alpha_8x_mrsd": "alpha_8x",
        "alpha_8x_grad": "gradient_8x",
        "alpha_mrsd": "alpha",
        "alpha_grad": "gradient",
    },
    "rvm": {
        "pha_l1": "alpha",
        "pha_laplacian": "laplacian",
        "pha_coherence": "coherence",
        "fgr_l1": "foreground",
        "fgr_coherence": "foreground_coherence",
    },
    "vitmatte": {
        "unknown_l1_loss": "unknown",
        "known_l1_loss": "known",
        "loss_pha_laplacian": "laplacian",
        "loss_gradient_penalty": "gradient",
    },
}
# Components that are sums of others of theirs, and are none of ours.
SUMS = {
    "paddleseg_dim": {"stage2": {"alpha_pred"}},
    "paddleseg_ppmattingv2": {"total": {"alpha_8x", "alpha_sum"}},
}


def test_every_stored_loss_is_tested():
    stored = {
        f"{name.removeprefix('loss_')}/{case.name.partition('/')[2]}"
        for name in documents("loss")
        for case in loss_cases(name)
    }
    assert stored == set(LOSSES)


# What takes seconds to compile. All terms of COVERED are in other cases, too.
COVERED = {name for name in LOSSES if "lap" in name or name.startswith("vitmatte/")}
COVERED -= {"p3m/laplacian", "vitmatte/criterion"}
COSTLY = COVERED | {"p3m/laplacian", "vitmatte/criterion", "rvm/matting", "bgmv2/refine"}
COSTLY |= {name for name in LOSSES if name.startswith("paddleseg_pp")}


def except_slow(slow):
    return [pytest.param(name, marks=[pytest.mark.slow] * (name in slow)) for name in LOSSES]


@pytest.mark.parametrize("name", except_slow(COVERED))
def test_losses_are_the_authors(name):
    for case in of_name(name):
        check(name, case, np.float64, 1e-6)


@pytest.mark.parametrize("name", except_slow(COSTLY))
def test_losses_are_the_authors_in_float32(name):
    for case in of_name(name):
        check(name, case, np.float32, 1e-5)


def test_modnets_boundaries_are_the_authors():
    for case in of_name("modnet/soc"):
        ours = modnet.boundaries(*(jnp.asarray(case.arguments[x]) for x in ("matte", "semantic")))
        np.testing.assert_array_equal(ours, case.more["boundaries"])


def of_name(name):
    """Return one case for each set of inputs."""
    document, what = name.split("/")
    cases = [case for case in loss_cases(f"loss_{document}") if case.name.split("/")[1] == what]
    assert len(cases) == 2
    return cases


def check(name, case, dtype, tolerance):
    """Compare a loss, its components and its gradients with the authors' in float64."""
    components, gradients = differentiated(LOSSES[name], case, dtype)
    document, what = name.split("/")
    for theirs, number in case.loss.items():
        if theirs in SUMS.get(document, {}).get(what, ()):
            continue
        ours = components[NAMES.get(document, {}).get(theirs, theirs)]
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours, number, rtol=tolerance, err_msg=f"{case.name}, {theirs}")
    for argument, expected in case.gradients.items():
        error, message = gradients[argument] - expected, f"{case.name}, {argument}"
        if dtype == np.float64:
            assert np.abs(error).max() <= 1e-5 * np.abs(expected).max(), message
        else:  # an L1 has another sign where rounding decides
            limit = max(2e-5, 3 * case.float32[argument])
            assert np.linalg.norm(error) <= limit * np.linalg.norm(expected), message


def differentiated(loss, case, dtype):
    """Return a loss's components, and the gradient of its total by argument."""
    with jax.enable_x64(dtype == np.float64):
        arguments = {name: jnp.asarray(array, dtype) for name, array in case.arguments.items()}
        moved = {name: arguments[name] for name in case.gradients}

        def total(moved, arguments):
            components = loss(SimpleNamespace(**arguments | moved))
            return components["total"], components

        function = jit(jax.grad(total, has_aux=True))
        gradients, components = function(moved, arguments)
        return jax.tree.map(np.asarray, components), jax.tree.map(np.asarray, gradients)
