"""BiRefNet's objective: its terms by their formulas, weighed as its author weighs them."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import correlate

from alphamat_deep.models.birefnet import BiRefNetOutput
from alphamat_deep.training.losses import birefnet
from tests.alphamat_deep.layers.reference import noise
from tests.alphamat_deep.networks import jit

SIDES = 24, 20


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def enlarged(x):
    """Return a picture (B, h, w, 1) at the full size, its corners in the corners."""
    for axis, count in ((1, SIDES[0]), (2, SIDES[1])):
        old = np.arange(x.shape[axis])
        at = np.linspace(0, old[-1], count)
        x = np.apply_along_axis(lambda line: np.interp(at, old, line), axis, x)  # noqa: B023
    return x


def entropy(probability, truth):
    return -(truth * np.log(probability) + (1 - truth) * np.log(1 - probability)).mean()


def no_overlap(alpha, truth):
    return sum(1 - (a * t).sum() / (a + t - a * t).sum() for a, t in zip(alpha, truth, strict=True))


def structure(alpha, truth):
    """Return 1 less SSIM, whose window is a Gaussian of 1.5 pixels, cut off at 11 × 11."""
    y, x = np.mgrid[-5:6, -5:6]
    bell = np.exp(-(x**2 + y**2) / (2 * 1.5**2))[None, ..., None]
    mean = lambda x: correlate(x, bell / bell.sum(), mode="constant")  # noqa: E731
    mx, my = mean(alpha), mean(truth)
    vx, vy = mean(alpha**2) - mx**2, mean(truth**2) - my**2
    both = mean(alpha * truth) - mx * my
    c1, c2 = 1e-4, 9e-4
    return (
        1 - ((2 * mx * my + c1) * (2 * both + c2) / ((mx**2 + my**2 + c1) * (vx + vy + c2))).mean()
    )


def edges(sides, found, image):
    ring = np.ones((1, 5, 5, 1))
    ring[0, 2, 2, 0] = -24
    changes = correlate(image.mean(-1, keepdims=True), ring / 48, mode="mirror")
    pairs = zip(sides, found, strict=True)
    return sum(entropy(sigmoid(enlarged(e)), sigmoid(changes * enlarged(s))) for s, e in pairs)


@pytest.mark.parametrize(("objective", "overlap"), [("masks", 0.5), ("matting", 0)])
def test_the_objective_adds_up_its_terms_at_four_sizes_with_their_weights(objective, overlap):
    logits, image = noise(2, *SIDES, 1, seed=1), noise(2, *SIDES, 3, seed=2)
    truth = jnp.asarray(np.random.default_rng(3).random((2, *SIDES, 1)), jnp.float32)
    sides, found = (
        tuple(noise(2, n, n + 1, 1, seed=seed + n) for n in (2, 3, 5)) for seed in (10, 20)
    )
    outputs = BiRefNetOutput(1 / (1 + jnp.exp(-logits)), logits, sides, found)
    terms = jit(getattr(birefnet, objective))(outputs, truth, image=image)

    sides, found = ([np.asarray(x, float) for x in pair] for pair in (sides, found))
    truth, image = np.asarray(truth, float), np.asarray(image, float)
    alphas = [sigmoid(x) for x in (*map(enlarged, sides), np.asarray(logits, float))]
    expected = {
        "entropy": 30 * sum(entropy(x, truth) for x in alphas),
        "structure": 10 * sum(structure(x, truth) for x in alphas),
        "distance": 100 * sum(np.abs(x - truth).mean() for x in alphas),
        "edges": edges(sides, found, image),
    }
    if overlap:
        expected["overlap"] = overlap * sum(no_overlap(x, truth) for x in alphas)
    assert terms.keys() == {*expected, "total"}
    for name, value in (expected | {"total": sum(expected.values())}).items():
        np.testing.assert_allclose(terms[name], value, rtol=1e-4, err_msg=name)
