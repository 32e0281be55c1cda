# pyright: strict
"""A user's program: what the public functions take, and of which types their results are.

A type checker reads it, and it runs as well.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, assert_type

import numpy as np
from flax import nnx
from PIL import Image

import alphamat
import alphamat_deep
import solvers
from alphamat import datasets, evaluation, examples, metrics, trimap, video
from alphamat.method import Matte, Takes, run, takes


def stills(folder: Path) -> np.ndarray:
    """Read, matte, put over something else, write and score."""
    scene = examples.synthetic(examples.hair, 40, 48, seed=3)
    alphamat.write_image(folder / "hair.png", scene.image, bits=16)
    image = assert_type(alphamat.read_image(folder / "hair.png"), np.ndarray)
    hint = trimap.from_alpha(scene.alpha, inner=2, outer=trimap.Ellipse(3))
    remarks = assert_type(trimap.check(hint), list[str])
    assert_type(trimap.overlay(image, hint, strength=0.3), np.ndarray)
    tight = partial(solvers.cg, preconditioner=solvers.multigrid, rtol=1e-5)
    alpha = assert_type(alphamat.closed_form(image, hint, solver=tight), np.ndarray)
    assert_type(alphamat.learned(image, hint, mirrored=True), np.ndarray)
    layers = assert_type(alphamat.estimate_foreground(image, alpha), alphamat.Layers)
    over = alphamat.composite(layers.foreground, alpha, (0.2, 0.4, 0.8), linear_light=True)
    alphamat.write_image(folder / "cut.png", alphamat.cutout(layers.foreground, alpha))
    alphamat.knn(
        Image.fromarray((255 * over).astype(np.uint8)), Image.fromarray(hint), rounds=[(5, 1.0)]
    )
    scores = assert_type(metrics.all(alpha, scene.alpha, hint, quantise=True), metrics.Scores)
    assert_type(scores.sad + metrics.mse(alpha, scene.alpha), float)
    return alpha if not remarks else scene.alpha


def systems(image: np.ndarray, hint: np.ndarray) -> alphamat.System:
    """Solve again, with another trimap and another solver."""
    system = assert_type(alphamat.closed_form_system(image, hint, radius=2), alphamat.System)
    alpha, solution = system.solve()
    assert_type(alpha, np.ndarray)
    assert_type(solution, solvers.Solution)
    again = system.again(hint).solve(solvers.direct).alpha
    assert_type(system.residual(again), float)
    x, iterations, residual, converged, error = solvers.cg(system.matrix, system.right_hand_side)
    assert_type(x, np.ndarray)
    assert_type((iterations, residual, error, converged), tuple[int, float, float, bool])
    return system


def half(image: np.ndarray, trimap: np.ndarray) -> np.ndarray:
    """A method of the user's own."""
    return np.asarray(0.5 * (trimap + image.mean(axis=2)))


def many(folder: Path) -> str:
    """Evaluate methods on a data set, and matte a clip."""
    assert_type(takes(half), Takes)
    dataset = assert_type(datasets.synthetic(40, 40, scenes=[examples.smoke]), datasets.Dataset)
    sample = assert_type(dataset[0], datasets.Sample)
    assert_type(dataset[:1], datasets.Dataset)
    assert_type(run(half, sample.image, sample.trimap), Matte)
    methods = {"half": half, "fast": partial(alphamat.fast, radius=3)}
    result = evaluation.evaluate(methods, dataset, progress=False)
    assert_type(result, evaluation.Evaluation)
    frames = [(255 * sample.image).astype(np.uint8)] * 2
    video.write_video(folder / "clip", frames, rate=25)
    clip = assert_type(video.read_video(folder / "clip", rate="25"), video.Video)
    for matte in video.matte_video(clip, alphamat.fast, trimaps=sample.trimap):
        assert_type(matte, Matte)
    return str(result)


def networks(weights: Path | None, image: np.ndarray, hint: np.ndarray) -> None:
    """Load a network, which is a method like any other; build one with fresh parameters."""
    if weights is not None:
        network = assert_type(alphamat_deep.load("dim", weights), alphamat_deep.Matting)
        assert_type(network(image, hint), np.ndarray)
        assert_type(network.layers(image, hint), Matte)
    model = assert_type(alphamat_deep.build("modnet", rngs=nnx.Rngs(0)), nnx.Module)
    f, state = alphamat_deep.pure(model)
    assert_type(f, Callable[..., Any])
    assert_type(state, nnx.State[Any, Any])


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        stills(Path(made))
        many(Path(made))
        systems(*examples.astronaut())
        networks(None, *examples.astronaut())
