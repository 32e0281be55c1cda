import re
from functools import partial

import numpy as np
import pytest

import alphamat
import solvers
from alphamat.network.unet import shapes
from tests.alphamat.network.writers import stored
from tests.reference import matting_laplacian


def scene(height=37, width=50):
    rng = np.random.default_rng(29)
    image = rng.random((height, width, 3))
    trimap = np.full((height, width), 0.5)
    trimap[:5], trimap[-6:, 8:] = 0, 1
    return image, trimap


@pytest.mark.parametrize("axis", [0, 1])
def test_mirrored_pictures_have_mirrored_alphas(axis):
    image, trimap = scene()
    alpha = alphamat.learned(image, trimap, mirrored=True, trust=None)
    turned = np.flip(image, axis), np.flip(trimap, axis)
    other = alphamat.learned(*turned, mirrored=True, trust=None)
    np.testing.assert_allclose(np.flip(other, axis), alpha, rtol=0, atol=1e-6)
    once = alphamat.learned(image, trimap, trust=None)
    assert 1e-3 < np.abs(once - alpha).mean() < 0.2


def test_alpha_is_refined_by_closed_form_matting():
    image, trimap = scene(13, 15)
    start = alphamat.learned(image, trimap, trust=None)
    alpha = alphamat.learned(image, trimap, trust=0.5, epsilon=1e-3, solver=solvers.direct)
    L = matting_laplacian(image, epsilon=1e-3, radius=1)
    unknown = (trimap == 0.5).ravel()
    held = np.where(unknown, 0.5 * (0.03 + 0.97 * (2 * start.ravel() - 1) ** 4), 0)
    A, b = (L + np.diag(held))[unknown], (held * start.ravel())[unknown]
    b -= A[:, ~unknown] @ trimap.ravel()[~unknown]
    expected = np.clip(np.linalg.solve(A[:, unknown], b), 0, 1)
    np.testing.assert_allclose(alpha.ravel()[unknown], expected, rtol=0, atol=1e-6)
    assert np.abs(alpha - start).max() > 0.01


def test_much_trust_leaves_alpha_and_little_is_closed_form_matting():
    image, trimap = scene()
    start = alphamat.learned(image, trimap, trust=None)
    np.testing.assert_allclose(alphamat.learned(image, trimap, trust=1e7), start, atol=1e-4)
    tight = partial(solvers.cg, preconditioner=solvers.multigrid, rtol=1e-12)
    little = alphamat.learned(image, trimap, trust=1e-12, epsilon=1e-3, solver=tight)
    closed = alphamat.closed_form(image, trimap, epsilon=1e-3, solver=tight)
    np.testing.assert_allclose(little, closed, rtol=0, atol=1e-4)


def test_refuses_a_system_that_no_memory_holds_before_the_network_runs(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 100_000)
    monkeypatch.setattr("alphamat.methods.learned.estimate_by_looks", None)
    with pytest.raises(MemoryError, match=r"\d+ unknown pixels at radius 1 needs about"):
        alphamat.learned(*scene())


def test_the_system_can_be_solved_for_another_trimap():
    image, trimap = scene()
    other = trimap.copy()
    other[:, :4] = 0
    again = alphamat.learned_system(image, trimap).again(other).solve().alpha
    np.testing.assert_allclose(again, alphamat.learned(image, other), rtol=0, atol=1e-9)


def test_weights_of_ones_own_are_used(tmp_path):
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes().items()}
    tensors["head.bias"] += 0.3
    (tmp_path / "own.safetensors").write_bytes(stored(tensors))
    image, trimap = scene()
    weights = tmp_path / "own.safetensors"
    alpha = alphamat.learned(image, trimap, trust=None, weights=weights)
    np.testing.assert_allclose(alpha, np.where(trimap == 0.5, 0.3, trimap), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"trust": 0}, ValueError, "`trust` is 0; expected a positive number"),
        ({"trust": None, "epsilon": 0}, ValueError, "`epsilon` is 0; expected"),
        ({"trust": None, "solver": "cg"}, TypeError, "`solver` is 'cg'; expected a function"),
        ({"looks": 0}, ValueError, "`looks` is 0; expected a whole number"),
        ({"mirrored": 1}, TypeError, "`mirrored` is 1; expected True or False"),
        ({"weights": 1}, TypeError, "`weights` is 1; expected the path"),
        ({"weights": __file__}, ValueError, re.escape(f"{__file__} does not hold the network")),
    ],
)
def test_refuses_options_of_another_kind(options, error, message):
    with pytest.raises(error, match=message):
        alphamat.learned(*scene(), **options)
