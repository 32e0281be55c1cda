"""Two updates of the parameters are those of the authors' programs: loss, gradient, statistics."""

from dataclasses import replace

import numpy as np
import optax
import pytest

from alphamat.rules import IMAGENET_MEAN, IMAGENET_STD
from alphamat_deep.training.optimisers import by_name
from alphamat_deep.training.recipes import (
    bgmv2,
    dim,
    gca,
    modnet,
    paddleseg,
    pp_matting,
    pp_mattingv2,
    rvm,
    vitmatte,
)
from tests.alphamat_deep.training.oracles import arrays, document
from tests.alphamat_deep.training.original_steps import Case, sampled, steps, weights


def moved_by(recipe, optimiser, **changes):
    """Return a recipe whose rates are those of the stored run."""
    return replace(recipe, optimiser=lambda steps: optimiser, **changes)


def layers(inputs, **theirs):
    """Return the arrays of a batch, given their names for ours."""
    named = {"image": "image", "alpha": "alpha", "foreground": "fg", "background": "bg"} | theirs
    batch = {ours: inputs[name] for ours, name in named.items() if name in inputs}
    if "trimap" in inputs:
        batch["trimap"] = np.round(2 * inputs["trimap"] / inputs["trimap"].max()) / 2
    return batch


def of_imagenet(inputs, image="image_n"):
    # Their image was normalised in float32; this is exactly what it was made of.
    return layers(inputs) | {"image": inputs[image] * IMAGENET_STD + IMAGENET_MEAN}


def of_dim(inputs):
    colours = {name: inputs[f"{theirs}255"] / 255 for name, theirs in LAYERS.items()}
    return of_imagenet(inputs, "img_norm") | colours


def of_halves(inputs):
    return layers(inputs) | {"image": (inputs["image_n"] + 1) / 2}


def of_paddleseg(inputs):
    colours = {"image": "img", "foreground": "fg", "background": "bg"}
    return layers(inputs) | {ours: (inputs[name] + 1) / 2 for ours, name in colours.items()}


def of_plates(inputs):
    return layers(inputs, image="src", plate="bgr")


def of_clips(inputs):
    return layers(inputs, image="src", person="seg")


LAYERS = {"alpha": "alpha", "foreground": "fg", "background": "bg"}
DIM_TERMS = {"alpha": "alpha", "comp": "composition"}
MODNET_TERMS = {name: name for name in ("semantic", "detail", "matte")}
VITMATTE_TERMS = {
    "unknown_l1_loss": "unknown",
    "known_l1_loss": "known",
    "loss_pha_laplacian": "laplacian",
}
RVM_TERMS = {
    "pha_l1": "alpha",
    "pha_laplacian": "laplacian",
    "pha_coherence": "coherence",
    "fgr_l1": "foreground",
    "fgr_coherence": "foreground_coherence",
}
SEGMENTING = by_name({r"^backbone\.": optax.adam(1e-4), "": optax.adam(2e-4)})
PP_MODNET_TERMS = {
    "semantic": "semantic",
    "detail": "detail",
    "fusion_l1": "fusion_l1",
    "fusion_comp": "fusion_comp",
    "fusion_con_sem": "fusion_semantic",
}

CASES = [
    Case("step_dim_stage1", dim.STAGE1, of_dim, DIM_TERMS),
    Case("step_dim_stage3", dim.STAGE3, of_dim, DIM_TERMS | {"refined": "refined"}),
    Case("step_gca", moved_by(gca.GCA, gca.adam(4e-4)), of_imagenet),
    Case(
        "step_modnet_lr1e-4",
        moved_by(modnet.MODNET, modnet.momentum(1e-4)),
        of_halves,
        MODNET_TERMS,
    ),
    Case(
        "step_vitmatte_s",
        moved_by(vitmatte.SMALL, vitmatte.optimiser(5e-4)),
        layers,
        VITMATTE_TERMS,
        noise=(1e-6, 3e-3),
        precise=True,
    ),
    Case("step_bgmv2_base", bgmv2.BASE, of_plates, attributes={"rate": 0.0}),
    Case("step_rvm_matting", replace(rvm.STAGE1, losses=(rvm.matting,)), of_clips, RVM_TERMS),
    Case(
        "step_rvm_segmentation",
        moved_by(rvm.STAGE1, SEGMENTING, losses=(rvm.segmentation,)),
        of_clips,
    ),
    Case(
        "step_ppmattingv2_lr1e-4",
        moved_by(pp_mattingv2.PP_MATTINGV2, paddleseg.momentum(1e-4, decay=5e-4)),
        of_paddleseg,
    ),
    Case(
        "step_pmodnet_mobilenetv2",
        moved_by(modnet.PADDLE, paddleseg.momentum(1e-3, decay=4e-5)),
        of_paddleseg,
        PP_MODNET_TERMS,
        blur="blurer.op.1.weight",
    ),
    Case(
        "step_ppmatting_hrnet_w18_lr1e-4",
        moved_by(pp_matting.PEOPLE_512, paddleseg.momentum(1e-4, decay=4e-5)),
        of_paddleseg,
    ),
]
pytestmark = pytest.mark.slow  # minutes, or gigabytes
ALTERNATING = Case("step_rvm_alternate", rvm.STAGE1, of_clips)
each_case = pytest.mark.parametrize(
    "case", [pytest.param(case, id=f"@{case.name}") for case in CASES]
)


def close(ours, theirs, case, update, scale=None):
    """Assert that numbers differ by no more than the noise, relative to the largest of theirs."""
    noise = case.noise[min(update, 1)]
    scale = np.abs(theirs).max() if scale is None else scale
    np.testing.assert_allclose(ours, theirs, rtol=noise, atol=noise * scale)


@each_case
def test_losses_and_their_terms(case):
    run, made = steps(case), document(case.name)
    for update, scalars in enumerate(run.scalars):
        close(scalars["total"], made["loss"][update], case, update)
        for theirs, ours in case.terms.items():
            close(scalars[ours], made["components"][update][theirs], case, update)


@each_case
def test_gradients(case):
    run, made, stored = steps(case), document(case.name), arrays(case.name)
    for update, norm in enumerate(made["grad_norm"]):
        close(run.scalars[update]["gradient"], norm, case, update)
        gradients, norms = run.gradients[update], stored[f"step{update + 1}/grad_norms"]
        for name, theirs in zip(made["param_names"], norms, strict=True):
            if theirs >= 0:
                close(np.linalg.norm(gradients[name]), theirs, case, update, 1e-2 * norm)
        for name in made["chosen"]:
            entries = stored[f"step{update + 1}/grad/{name}"]
            largest = made["chosen_info"][name]["grad_max"]
            close(sampled(name, gradients[name]), entries, case, update, largest)


@each_case
def test_parameters(case):
    run, made, stored = steps(case), document(case.name), arrays(case.name)
    before = weights(made["weights"])
    for update in range(len(made["grad_norm"])):
        for name in made["chosen"]:
            moved = run.tensors[update][name] - before[name]
            # Adam divides by gradients, so that small ones spread their noise.
            close(sampled(name, moved), stored[f"step{update + 1}/delta/{name}"], case, 1)
        for name in made["param_without_gradient"]:
            np.testing.assert_array_equal(run.tensors[update][name], before[name])


@each_case
def test_statistics_and_singular_vectors(case):
    run, made, stored = steps(case), document(case.name), arrays(case.name)
    for update in range(len(made["grad_norm"])):
        check_statistics(case, run.tensors[update], update, made, stored)
    for name in made.get("extra", ()):
        close(run.tensors[-1][name], stored[f"extra/{name}"], case, 1)


def check_statistics(case, tensors, update, made, stored):
    for layer in made.get("bn_layers", ()):
        for kind, paddle in ("mean", "_mean"), ("var", "_variance"):
            name = f"{layer}.running_{kind}"
            ours = tensors[name if name in tensors else f"{layer}.{paddle}"]
            close(ours, stored[f"step{update + 1}/bn/{layer}/{kind}"], case, update)


def test_a_parameter_without_a_gradient_follows_its_moments_as_in_old_pytorch():
    case = ALTERNATING
    run, made, stored = steps(case), document(case.name), arrays(case.name)
    first, second = run.scalars
    totals = first["total"], first["total_2"], second["total"]
    for update, (ours, theirs) in enumerate(zip(totals, made["loss"], strict=True)):
        close(ours, theirs, case, update)
    tensors, before = run.tensors[0], weights(made["weights"])
    for name in made["chosen"]:
        moved = sampled(name, tensors[name] - before[name])
        close(moved, stored[f"step2/delta/{name}"], case, 1)
    check_statistics(case, tensors, 1, made, stored)
