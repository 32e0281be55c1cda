"""Every kernel, compiled so that it checks each index."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EVERYTHING = """
import importlib, pkgutil, warnings
from functools import partial
import numpy as np
import alphamat, solvers
from alphamat import examples, metrics
from alphamat.foreground import multigrid as layers_multigrid
from scipy import sparse
from solvers.envelope import envelope
from solvers.loops import Kernel

warnings.simplefilter("ignore", alphamat.ConvergenceWarning)
rng = np.random.default_rng(3)
trimap = np.full((21, 26), 0.5)
trimap[:6], trimap[-6:], trimap[9:11, 9:11] = 0, 1, 1
image = np.where(rng.random((21, 26, 3)) < 0.5, rng.random((21, 26, 3)), 0.3)
narrower = np.concatenate([trimap[:1].repeat(8, axis=0), trimap[8:]])
known, alpha = np.round(trimap), np.clip(trimap + 0.1 * rng.standard_normal(trimap.shape), 0, 1)
for pictures in (image, image[:, :1].repeat(26, axis=1)):
    alphamat.closed_form(pictures, trimap)
    alphamat.closed_form(pictures, trimap, radius=2, confidence=100)
    alphamat.closed_form_system(pictures, trimap).again(narrower)
    alphamat.fast(pictures, trimap)
    alphamat.fast(pictures, trimap, radius=10)
    alphamat.information_flow(pictures, trimap, known_flow=True)
    alphamat.knn(pictures, trimap)
    alphamat.knn(pictures, trimap, rounds=[(1000, 0.1)])
    alphamat.learned(pictures, trimap)
    alphamat.learning_based(pictures, trimap)
    alphamat.learning_based_global(pictures, trimap)
    alphamat.random_walk(pictures, trimap)
    alphamat.random_walk(pictures, trimap, radius=40)
    alphamat.shared_sampling(pictures, trimap, trust=0.1)
    alphamat.shared_sampling(pictures, trimap, reach=90, rays=9, sharing=9000, smoothing=1)
    for make in (alphamat.closed_form_system, alphamat.learning_based_system,
                 alphamat.random_walk_system):
        alphamat.uncertainty(make(pictures, trimap), probes=2)
    alphamat.uncertainty(pictures, trimap, exact=True)
    alphamat.closed_form_foreground(pictures, alpha)
    alphamat.estimate_foreground(pictures, alpha, small_iterations=25, big_iterations=25)
for preconditioner in (solvers.ichol, solvers.amg):
    solver = partial(solvers.cg, preconditioner=preconditioner)
    alphamat.closed_form(image, trimap, epsilon=1e-3, solver=solver)
alphamat.closed_form(image, trimap, solver=partial(solvers.cg, preconditioner=
                     partial(solvers.multigrid, spacing=4, coarsest=4)))
envelope(sparse.diags_array([9, -1, -1, -2, -2], offsets=[0, 1, -1, 7, -7], shape=(40, 40)).tocsr(),
         most=999)(known[0][:1].repeat(40))
metrics.all(alpha, trimap)
metrics.all(known, alpha)
for scene in (*examples.SCENES, *examples.FOREGROUNDS):
    examples.synthetic(scene, 33, 40, seed=1)
try:
    from alphamat.video.colour import to_frame, to_rgb
    pixels = rng.integers(0, 256, (21, 26, 4), dtype=np.uint8)
    for name in ("yuva420p", "yuv422p", "yuv444p10le"):
        to_rgb(to_frame(pixels, name, 1), 1)
except ModuleNotFoundError:
    pass

for package in (solvers, alphamat):
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.endswith("_kernels") and "video" not in module.name:
            for name, kernel in vars(importlib.import_module(module.name)).items():
                run = getattr(getattr(kernel, "_dispatcher", None), "overloads", None)
                if isinstance(kernel, Kernel) and not run:
                    print("not run:", module.name, name)
"""


@pytest.mark.slow
def test_no_kernel_leaves_its_arrays(tmp_path):
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", EVERYTHING]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
