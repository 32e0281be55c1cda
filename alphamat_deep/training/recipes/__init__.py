"""How the published networks were trained: one file for each publication, and `fine_tune`.

`learned` trains the library's own network.

The authors begin with backbones that were trained on ImageNet: here `--backbone FILE`. A run may
also begin with the weights of the whole network, or with fresh ones, which need more data and time,
and may end worse.
"""

from alphamat_deep.catalogue import PRESETS
from alphamat_deep.training.recipes import (
    bgmv2,
    birefnet,
    dim,
    gca,
    learned,
    modnet,
    p3m,
    pp_humanmatting,
    pp_matting,
    pp_mattingv2,
    rvm,
    vitmatte,
)
from alphamat_deep.training.recipes.fine_tune import fine_tune as fine_tune

RECIPES = {
    "dim-stage0": dim.STAGE0,
    "dim-stage1": dim.STAGE1,
    "dim-stage2": dim.STAGE2,
    "dim-stage3": dim.STAGE3,
    "gca": gca.GCA,
    "vitmatte-s": vitmatte.SMALL,
    "vitmatte-b": vitmatte.BASE,
    "modnet": modnet.MODNET,
    "modnet-adaptation": modnet.ADAPTATION,
    "modnet-mobilenetv2": modnet.PADDLE,
    "pp-matting-512": pp_matting.PEOPLE_512,
    "pp-matting-1024": pp_matting.PEOPLE_1024,
    "pp-matting-composition1k": pp_matting.ANYTHING,
    "pp-mattingv2-512": pp_mattingv2.PP_MATTINGV2,
    "pp-humanmatting": pp_humanmatting.PP_HUMANMATTING,
    "p3m": p3m.P3M,
    "bgmv2-base": bgmv2.BASE,
    "bgmv2-refine": bgmv2.REFINE,
    "rvm-stage1": rvm.STAGE1,
    "rvm-stage2": rvm.STAGE2,
    "rvm-stage3": rvm.STAGE3,
    "rvm-stage4": rvm.STAGE4,
    "birefnet": birefnet.MASKS,
    "birefnet-lite": birefnet.LITE,
    "birefnet-matting": birefnet.MATTING,
    "learned": learned.LEARNED,
    **{f"fine-tune-{preset}": fine_tune(preset) for preset in PRESETS},
}
"""Recipes by the names that the command line has for them."""
