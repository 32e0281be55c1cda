"""Two steps of training are those of the authors' programs."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import optax
import pytest

from alphamat_deep.training.recipes import dim, modnet
from tests.alphamat_deep.training.original_steps import Case, maker, run, theirs
from alphamat_deep.training.recipe import Recipe

def R(preset, loss, opt, **kw):
    return Recipe(preset=preset, losses=(loss,), optimiser=lambda s: opt, compose=None, batch=2, steps=3, **kw)

def layers(x, image="image", **names):
    found = {"image": "image", "foreground": "fg", "background": "bg", "alpha": "alpha"} | names
    return {ours: x[name] for ours, name in found.items() if name in x}

def trimap(x):
    t = x["trimap"]
    return {"trimap": np.where(t == t.max(), 1.0, np.where(t == 0, 0.0, 0.5))}

IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])

def dim_batch(x):
    return layers(x) | trimap(x) | {"image": x["img_norm"] * IMAGENET[1] + IMAGENET[0]} | {k: x[k + "255"][...] / 255 for k in ("alpha",)} | {"foreground": x["fg255"]/255, "background": x["bg255"]/255}

def half_batch(x):
    return layers(x) | trimap(x) | {"image": x["image_n"] / 2 + .5}

CASES = [
    Case("step_dim_stage1", R("dim-skip", dim.stage1, optax.adam(1e-5)), dim_batch, {"alpha": ("alpha", 1), "comp": ("composition", 1)}),
    Case("step_dim_stage3", R("dim-refine", dim.stage3, optax.adam(1e-5)), dim_batch, {"alpha": ("alpha", 1), "comp": ("composition", 1), "refined": ("refined", 1)}),
    Case("step_modnet", R("modnet", modnet.supervised, modnet.momentum(1e-2)), half_batch, {k: (k, 1) for k in ("semantic", "detail", "matte")}),
    Case("step_modnet_lr1e-4", R("modnet", modnet.supervised, modnet.momentum(1e-4)), half_batch, {k: (k, 1) for k in ("semantic", "detail", "matte")}),
]

@lru_cache(maxsize=1)
def both(case):
    return run(case), *theirs(case.name)

each_case = pytest.mark.parametrize("case", CASES, ids=lambda c: c.name)

@each_case
def test_losses(case):
    import time; t=time.time()
    ours, document, stored = both(case)
    print(case.name, "time", time.time()-t)
    for k, (s, l) in enumerate(zip(ours.scalars, document["loss"])):
        print(k, s["total"]/l-1, [s[a]*f/document["components"][k][c]-1 for c,(a,f) in case.terms.items()], s["gradient"]/document["grad_norm"][k]-1 if k<len(document["grad_norm"]) else "")
    for k in (1,2):
        norms = stored[f"step{k}/grad_norms"]
        g = [np.linalg.norm(ours.gradients[k-1][n]) for n in document["param_names"]]
        rel = [abs(a-b)/b for a,b in zip(g,norms) if b>1e-6*document["grad_norm"][k-1]]
        print("norms", k, np.median(rel), max(rel))
        for what in ("grad","after","delta"):
            errs=[]
            for n in document["chosen"]:
                a = (ours.gradients if what=="grad" else ours.after)[k-1][n].reshape(-1)
                b = stored[f"step{k}/{what}/{n}"]
                i = maker().sample_index(n, a.size)
                if what=="delta":
                    from tests.alphamat_deep import reference_networks as r
                    a = a - W(document["weights"])[n].reshape(-1)
                m = document["chosen_info"][n]["grad_max"] if what=="grad" else np.abs(b).max()
                errs.append(np.abs(a[i]-b).max()/m)
            print(what,k,["%.0e"%e for e in errs])
        for l in document.get("bn_layers", []):
            for x, y in (("mean","running_mean"),("var","running_var")):
                nn = [q for q in ours.after[0] if q.startswith(l+".") and (q.endswith(y) or q.endswith({"mean":"_mean","var":"_variance"}[x]))][0]
                a, b = ours.after[k-1][nn], stored[f"step{k}/bn/{l}/{x}"]
                print("bn",k,l,x,np.abs(a-b).max()/np.abs(b).max())

@lru_cache
def W(name):
    from tests.alphamat_deep import reference_networks as r
    return r.weights(name)
