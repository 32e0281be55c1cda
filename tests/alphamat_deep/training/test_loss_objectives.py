"""Whole objectives: what is minimal at the truth, what gradients reach, and what is refused."""

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
from alphamat_deep.training.losses import bgmv2, dim, gca, modnet, pp, rvm, vitmatte
from tests.alphamat_deep.networks import jit

HEIGHT, WIDTH = 64, 96


def batch():
    """Return arrays of a batch: a blurred disc, and a trimap that knows all but its rim."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    alpha = np.clip((20 - np.hypot(y - 30, x - 45)) / 6 + 0.5, 0, 1)
    trimap = np.select([alpha == 0, alpha == 1], [0, 1], 0.5)
    rng = np.random.default_rng(47)
    colours = rng.random((2, 1, HEIGHT, WIDTH, 3))
    alpha, trimap = (jnp.asarray(array, jnp.float32)[None, ..., None] for array in (alpha, trimap))
    foreground, background = jnp.asarray(colours, jnp.float32)
    image = alpha * foreground + (1 - alpha) * background
    return {
        "alpha": alpha,
        "trimap": trimap,
        "image": image,
        "foreground": foreground,
        "background": background,
    }


def some(kind, **fields):
    return kind(**{field: fields.get(field) for field in kind._fields})


def one_hot(trimap):
    """Return the probabilities 1 and 0 of foreground, transition and background."""
    return (trimap == jnp.array([1, 0.5, 0])).astype(trimap.dtype)


def true_dim(b):
    return DIMOutput(b["alpha"], b["alpha"])


def true_modnet(b):
    semantic = modnet.shrink(b["alpha"], jnp.zeros((1, HEIGHT // 16, WIDTH // 16, 1)))
    return MODNetOutput(b["alpha"], semantic, b["alpha"])


def true_bgmv2(b, scale):
    size = HEIGHT // scale, WIDTH // scale
    small = [bgmv2.resize(b[name], *size) for name in ("alpha", "foreground")]
    error = jnp.abs(bgmv2.resize(small[0], HEIGHT, WIDTH) - b["alpha"])
    return some(
        BGMv2Output,
        alpha=b["alpha"],
        foreground=b["foreground"],
        alpha_small=small[0],
        foreground_small=small[1],
        error_small=bgmv2.resize(error, *size),
    )


def true_rvm(b):
    alpha, foreground = (jnp.stack([b[name]] * 2, 1) for name in ("alpha", "foreground"))
    return some(RVMOutput, alpha=alpha, foreground=foreground), alpha, foreground


def pick(b, *names):
    return {name: b[name] for name in names}


COLOURS = "image", "foreground", "background"

# (outputs that are the truth, and what an objective makes of outputs and the batch)
OBJECTIVES = {
    "dim.stage0": (true_dim, lambda o, b: dim.stage0(o, b["alpha"], trimap=b["trimap"])),
    "dim.stage1": (
        true_dim,
        lambda o, b: dim.stage1(o, b["alpha"], **pick(b, "trimap", *COLOURS)),
    ),
    "dim.stage2": (true_dim, lambda o, b: dim.stage2(o, b["alpha"], trimap=b["trimap"])),
    "dim.stage3": (
        true_dim,
        lambda o, b: dim.stage3(o, b["alpha"], **pick(b, "trimap", *COLOURS)),
    ),
    "gca": (
        lambda b: some(GCAOutput, alpha=b["alpha"]),
        lambda o, b: gca.supervised(o, b["alpha"], trimap=b["trimap"]),
    ),
    "modnet": (
        true_modnet,
        lambda o, b: modnet.supervised(o, b["alpha"], **pick(b, "trimap", "image")),
    ),
    "bgmv2.base": (
        lambda b: true_bgmv2(b, 1),
        lambda o, b: bgmv2.base(o, b["alpha"], foreground=b["foreground"]),
    ),
    "vitmatte": (
        lambda b: GCAOutput(b["alpha"], None, None, None),
        lambda o, b: vitmatte.supervised(o.alpha, b["alpha"], trimap=b["trimap"]),
    ),
    "pp.matting": (
        lambda b: PPMattingOutput(b["alpha"], one_hot(b["trimap"]), b["alpha"]),
        lambda o, b: pp.matting(o, b["alpha"], **pick(b, "trimap", "foreground", "background")),
    ),
    "pp.mattingv2": (
        lambda b: PPMattingV2Output(
            b["alpha"], pp.average_area(b["alpha"], HEIGHT // 8, WIDTH // 8)
        ),
        lambda o, b: pp.mattingv2(o, b["alpha"], trimap=b["trimap"]),
    ),
    "pp.dim_stage3": (
        lambda b: PPDIMOutput(b["alpha"], b["alpha"]),
        lambda o, b: pp.dim_stage3(o, b["alpha"], **pick(b, "trimap", *COLOURS)),
    ),
    "pp.gca": (lambda b: some(GCAOutput, alpha=b["alpha"]), lambda o, b: pp.gca(o, b["alpha"])),
}
# What is left at the truth: the roots' ε, and ViTMatte's own slopes.
LEFT = {"pp.matting": 2e-3, "pp.mattingv2": 5e-3, "pp.dim_stage3": 4e-3, "vitmatte": 10.0}
each_objective = pytest.mark.parametrize("name", OBJECTIVES)


@each_objective
def test_objectives_are_least_at_the_truth(name):
    truth, objective = OBJECTIVES[name]
    compiled, b = jit(objective), batch()
    outputs = truth(b)
    least = compiled(outputs, b)["total"]
    assert 0 <= least < LEFT.get(name, 1e-4)
    moved = jax.tree.map(lambda x: 0.9 * x + 0.05, outputs)
    assert compiled(moved, b)["total"] > least + 1e-3


@each_objective
def test_objectives_return_scalars(name):
    truth, objective = OBJECTIVES[name]
    b = batch()
    found = jax.eval_shape(lambda b: objective(truth(b), b), b)
    assert {(x.shape, x.dtype) for x in found.values()} == {((), jnp.dtype(jnp.float32))}


@each_objective
def test_objectives_refuse_a_truth_of_another_size(name):
    truth, objective = OBJECTIVES[name]
    b = batch()
    outputs = truth(b)
    b["alpha"] = b["alpha"][:, :, :1]  # would be repeated along the rows
    with pytest.raises(ValueError, match=r"\(1, 64, 1, 1\)"):
        jax.eval_shape(objective, outputs, b)


def gradients(objective, outputs, *arguments, of="total", **more):
    """Return the gradients of a component to outputs."""
    return jit(jax.grad(lambda outputs: objective(outputs, *arguments, **more)[of]))(outputs)


def test_bgmv2s_error_moves_alpha_in_refinement_only():
    b = batch()
    for objective, scale, expected in ((bgmv2.base, 1, False), (bgmv2.refine, 4, True)):
        outputs = jax.tree.map(lambda x: 0.9 * x + 0.01, true_bgmv2(b, scale))
        moved = gradients(objective, outputs, b["alpha"], of="error", foreground=b["foreground"])
        assert bool(jnp.any(moved.alpha_small != 0)) is expected
        assert moved.error_small.any()


def test_bgmv2_sees_the_foreground_where_alpha_is_not_0():
    b = batch()
    outputs = true_bgmv2(b, 4)
    outputs = outputs._replace(foreground=jnp.where(b["alpha"] == 0, 7.0, b["foreground"]))
    terms = jit(bgmv2.refine)(outputs, b["alpha"], foreground=b["foreground"])
    assert terms["foreground"] == 0
    assert terms["total"] == sum(term for name, term in terms.items() if name != "total")


def test_rvm_is_0_at_the_truth_and_refuses_single_frames():
    outputs, alpha, foreground = true_rvm(batch())
    assert jit(rvm.matting)(outputs, alpha, foreground=foreground)["total"] < 1e-6
    flicker = outputs._replace(alpha=alpha * jnp.array([1, 0.9])[:, None, None, None])
    assert jit(rvm.matting)(flicker, alpha, foreground=foreground)["coherence"] > 1e-3
    outputs = outputs._replace(alpha=alpha[:, :1], foreground=foreground[:, :1])
    with pytest.raises(ValueError, match="1 frame"):
        rvm.matting(outputs, alpha[:, :1], foreground=foreground[:, :1])


def noisy(x, seed=53):
    """Return an array that is up to 0.2 off."""
    noise = np.random.default_rng(seed).uniform(-0.2, 0.2, x.shape)
    return jnp.asarray(x + noise, jnp.float32)


def wide(*arrays):
    return [np.asarray(array, np.float64) for array in arrays]


def test_dims_stages_are_their_formulas():
    b = batch()
    outputs = DIMOutput(noisy(b["alpha"], 59), noisy(b["alpha"]))
    refined, raw, alpha, trimap = wide(*outputs, b["alpha"], b["trimap"])
    image, foreground, background = wide(*(b[name] for name in COLOURS))
    unknown = trimap == 0.5
    count = unknown.sum() + 1
    ours = raw * foreground + (1 - raw) * background
    alphas = (unknown * np.abs(raw - alpha)).sum() / count
    colours = (unknown * np.abs(ours - image)).sum() / count / 3
    last = (unknown * np.abs(refined - alpha)).sum() / count
    expected = alphas + 1e-6 * (~unknown).sum() / count, (alphas + colours) / 2, last
    totals = [OBJECTIVES[f"dim.stage{k}"][1](outputs, b)["total"] for k in range(4)]
    np.testing.assert_allclose(totals, [*expected, sum(expected[1:])], rtol=1e-6)


def test_modnets_terms_are_their_formulas():
    b = batch()
    true = true_modnet(b)
    outputs = MODNetOutput(*(noisy(x) for x in true))
    alpha, semantic, detail = wide(*outputs)
    truth, coarse, trimap, image = wide(b["alpha"], true.semantic, b["trimap"], b["image"])
    near = np.where(trimap == 0.5, alpha, trimap)
    expected = {
        "semantic": 10 * ((semantic - coarse) ** 2).mean(),
        "detail": 10 * (np.abs(detail - truth) * (trimap == 0.5)).mean(),
        "matte": np.abs(alpha - truth).mean()
        + 4 * np.abs(near - truth).mean()
        + np.abs(image * (alpha - truth)).mean()
        + 4 * np.abs(image * (near - truth)).mean(),
    }
    expected["total"] = sum(expected.values())
    terms = OBJECTIVES["modnet"][1](outputs, b)
    assert terms.keys() == expected.keys()
    for name, term in terms.items():
        np.testing.assert_allclose(term, expected[name], rtol=1e-5, err_msg=name)


def test_pp_mattingv2_counts_the_unknown_three_times():
    b = batch()
    outputs = PPMattingV2Output(noisy(b["alpha"]), noisy(b["alpha"][:, ::8, ::8]))
    small = pp.average_area(b["alpha"], HEIGHT // 8, WIDTH // 8)
    given, unknown = (outputs.alpha, b["alpha"]), b["trimap"] == 0.5
    expected = sum(
        loss(*given) + 2 * loss(*given, unknown) + loss(outputs.alpha_8x, small)
        for loss in (losses.mrsd, losses.gradient_l1)
    )
    total = OBJECTIVES["pp.mattingv2"][1](outputs, b)["total"]
    np.testing.assert_allclose(total, expected, rtol=1e-6)


def test_rvm_sees_the_foreground_where_alpha_is_above_0():
    outputs, alpha, foreground = true_rvm(batch())
    unseen = outputs._replace(foreground=jnp.where(alpha == 0, 7.0, foreground))
    assert jit(rvm.matting)(unseen, alpha, foreground=foreground)["foreground"] == 0
    off = outputs._replace(foreground=foreground + 0.1)
    terms = jit(rvm.matting)(off, alpha, foreground=foreground)
    np.testing.assert_allclose(terms["foreground"], 0.1 * (alpha > 0).mean(), rtol=1e-5)
    np.testing.assert_allclose(terms["total"], terms["foreground"], rtol=1e-5)


def test_rvms_segmentation_is_a_binary_cross_entropy():
    logits = jnp.array([-300.0, -1.0, 0.0, 2.0, 300.0]).reshape(1, 1, 1, 5, 1)
    person = jnp.array([0.0, 1, 1, 0, 1]).reshape(logits.shape)
    likely = 1 / (1 + np.exp(-np.array([1000.0, -1, 0, -2, 1000])))
    loss = rvm.segmentation(some(RVMOutput, segmentation=logits), person)["total"]
    np.testing.assert_allclose(loss, -np.log(likely).mean(), rtol=1e-6)


def test_modnets_soft_truth_off_the_boundary_adds_a_constant():
    b = batch()
    known = jnp.where(b["alpha"] > 0.5, 1.0, 0.0)  # no boundary at all
    terms = modnet.supervised(true_modnet(b), b["alpha"], trimap=known, image=b["image"])
    assert terms["detail"] == 0
    off = jnp.abs(known - b["alpha"])
    expected = 4 * off.mean() + 4 * (b["image"] * off).mean()
    np.testing.assert_allclose(terms["matte"], expected, rtol=1e-5)
    ours = pp.modnet(true_modnet(b), b["alpha"], trimap=known, image=b["image"])
    assert ours["fusion_l1"] == 0


def test_modnet_adapts_outputs_that_disagree():
    b = batch()
    agreeing = true_modnet(b)
    assert jit(modnet.adapt)(agreeing, agreeing)["total"] < 1e-2  # [x > 0.01] cuts some
    torn = agreeing._replace(semantic=1 - agreeing.semantic, detail=agreeing.detail + 0.1)
    terms = jit(modnet.adapt)(torn, agreeing)
    assert terms["semantic"] > 10
    boundary = modnet.boundaries(torn.alpha, torn.semantic)
    assert boundary.any()
    np.testing.assert_allclose(terms["detail"], 0.1, rtol=1e-5)
    moved = jit(jax.grad(lambda x: modnet.adapt(agreeing, x)["total"]))(torn)
    assert not any(x.any() for x in moved)  # the backup is frozen


def test_pp_mattings_fusion_does_not_move_the_semantics():
    b = batch()
    noisy = 0.6 * one_hot(b["trimap"]) + 0.1
    colours = pick(b, "trimap", "foreground", "background")

    def objective(outputs, alpha, **more):
        fused = fuse_semantic_and_detail(outputs.semantic, outputs.detail)
        return pp.matting(outputs._replace(alpha=fused), alpha, **more)

    outputs = PPMattingOutput(b["alpha"], noisy, 0.9 * b["alpha"])
    moved = gradients(objective, outputs, b["alpha"], of="fusion", **colours)
    assert not moved.semantic.any()
    assert moved.detail.any()
    moved = gradients(objective, outputs, b["alpha"], **colours)
    picked = one_hot(b["trimap"])
    expected = -0.25 * picked / (noisy + 1e-6) / picked[..., 0].size
    np.testing.assert_allclose(moved.semantic, expected, rtol=1e-5)


def test_pp_humanmatting_sums_its_parts():
    b = batch()
    small = pp.resize(b["alpha"], HEIGHT // 4, WIDTH // 4)
    glance = one_hot(pp.nearest(b["trimap"], HEIGHT // 4, WIDTH // 4))
    outputs = PPHumanMattingOutput(b["alpha"] + 0.2, small, glance, small + 0.3, 0 * small)
    terms = jit(pp.humanmatting)(outputs, b["alpha"], trimap=b["trimap"])
    np.testing.assert_allclose(terms["refined"], 0.2, rtol=1e-5)
    np.testing.assert_allclose(terms["focus"], np.hypot(0.3, 1e-3), rtol=1e-5)
    np.testing.assert_allclose(terms["raw"], 1e-3, rtol=1e-4)
    wrong = (pp.resize(small, HEIGHT, WIDTH) - b["alpha"]) ** 2
    np.testing.assert_allclose(terms["error"], wrong.mean(), rtol=1e-5)
    total = 0.25 * (terms["glance"] + terms["focus"] + terms["raw"])
    np.testing.assert_allclose(terms["total"], total + terms["error"] + terms["refined"])


def test_pp_mattingv2_wants_its_second_head():
    b = batch()
    with pytest.raises(ValueError, match="supervise=True"):
        pp.mattingv2(PPMattingV2Output(b["alpha"], None), b["alpha"], trimap=b["trimap"])


def test_vitmatte_without_known_pixels_has_no_known_term():
    b = batch()
    half = jnp.full_like(b["alpha"], 0.5)
    terms = jit(vitmatte.supervised)(0.9 * b["alpha"], b["alpha"], trimap=half)
    assert terms["known"] == 0
    expected = 512**2 / (HEIGHT * WIDTH) * 0.1 * b["alpha"].mean()
    np.testing.assert_allclose(terms["unknown"], expected, rtol=1e-5)
