"""Small samples, methods and tables that several tests of evaluation need."""

import numpy as np

from alphamat.datasets import Sample
from alphamat.evaluation import Evaluation, Row


def sample(name="disc", group="", seed=3, shape=(11, 14)):
    """A red disc before blue, with noise."""
    rng = np.random.default_rng([seed, *name.encode(errors="replace")])
    y, x = np.mgrid[: shape[0], : shape[1]]
    distance = np.hypot(y - 5, x - 6)
    alpha = np.clip(4 - distance, 0, 1)
    image = alpha[..., None] * [0.9, 0.2, 0.1] + (1 - alpha[..., None]) * [0.1, 0.2, 0.8]
    image = np.clip(image + rng.normal(scale=0.03, size=image.shape), 0, 1)
    trimap = np.select([distance < 2, distance > 5], [255, 0], default=128)
    return Sample(
        name,
        np.rint(255 * image).astype(np.uint8),
        trimap.astype(np.uint8),
        np.rint(255 * alpha).astype(np.uint8),
        group,
    )


def samples():
    """Two pictures with two trimaps each."""
    return [sample(name, group) for name in ("disc", "moon") for group in ("fine", "coarse")]


def red(image, trimap):
    """Near enough: the disc is red."""
    return np.where((trimap > 0) & (trimap < 1), image[..., 0], trimap)


def half(image, trimap):
    return np.where((trimap > 0) & (trimap < 1), 0.5, trimap)


def choosy(image, trimap):
    """Fail on pictures whose corner is bright in green."""
    if image[0, 0, 1] > 0.2:
        raise RuntimeError("not <this>\none")
    return red(image, trimap)


def table(scores, labels, **fields):
    """Return an evaluation with given SADs, {method: one per sample}; NaN is a failure."""
    rows = [
        Row(
            method,
            *label,
            *[float(values[at])] * 5,
            seconds=at + 1.0,
            error="no" if np.isnan(values[at]) else "",
        )
        for at, label in enumerate(labels)
        for method, values in scores.items()
    ]
    defaults = {
        "quantise": True,
        "region": None,
        "unit": "name",
        "dataset": [sample(*label) for label in labels],
        "alphas": {},
    }
    return Evaluation(tuple(rows), {method: method for method in scores}, **{**defaults, **fields})
