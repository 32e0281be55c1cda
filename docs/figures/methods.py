"""Each method on two crops: `python -m docs.figures.methods`.

One is the astronaut's hair, the other that painted scene on which the method errs most. A third
sheet has the alphas of all methods for one hard crop.
"""

from __future__ import annotations

from functools import cache

import numpy as np

import alphamat
from alphamat import examples
from alphamat.metrics import sad
from docs.figures.style import PLAIN, write_sheet

METHODS = (
    alphamat.learned,
    alphamat.closed_form,
    alphamat.learning_based,
    alphamat.learning_based_global,
    alphamat.fast,
    alphamat.knn,
    alphamat.random_walk,
    alphamat.shared_sampling,
    alphamat.information_flow,
)
SIDE = 200


def main() -> None:
    errors = {}
    for method in METHODS:
        of = {scene: sad(found(method, scene), painted(scene).alpha) for scene in examples.SCENES}
        errors[method] = of
        worst = max(of, key=of.get)
        print(method.__name__, {scene.__name__: round(float(e), 2) for scene, e in of.items()})
        write_sheet(
            f"method-{method.__name__.replace('_', '-')}",
            [hair_of_astronaut(method), row(method, worst)],
        )
    scene = painted(examples.hair)
    alphas = {m.__name__: found(m, examples.hair) for m in METHODS}
    cells = {"painted": scene.image, "trimap": scene.trimap, "true alpha": scene.alpha, **alphas}
    labels = list(cells)
    write_sheet("methods", [{n: cells[n] for n in labels[at : at + 4]} for at in range(0, 12, 4)])


@cache
def painted(scene):
    return examples.synthetic(scene, SIDE, SIDE, seed=11)


@cache
def found(method, scene):
    return method(painted(scene).image, painted(scene).trimap)


def row(method, scene) -> dict[str, np.ndarray]:
    of = painted(scene)
    alpha = found(method, scene)
    return {
        f"{scene.__name__}, painted": of.image,
        "trimap": of.trimap,
        "alpha": alpha,
        "true alpha": of.alpha,
        "cut out": cut(of.image, alpha),
    }


def hair_of_astronaut(method) -> dict[str, np.ndarray]:
    image, trimap = examples.astronaut()
    alpha = method(image, trimap)
    crop = np.s_[10 : 10 + SIDE, 110 : 110 + SIDE]
    cells = {
        "astronaut": image,
        "trimap": trimap,
        "alpha": alpha,
        "cut out": cut(image, alpha),
        "before a sky": before(image, alpha, examples.sky(*alpha.shape)),
    }
    return {label: picture[crop] for label, picture in cells.items()}


def cut(image, alpha) -> np.ndarray:
    return before(image, alpha, PLAIN)


def before(image, alpha, background) -> np.ndarray:
    """Return the foreground, with its colours estimated, before something else."""
    return alphamat.composite(
        alphamat.estimate_foreground(image, alpha).foreground, alpha, background
    )


if __name__ == "__main__":
    main()
