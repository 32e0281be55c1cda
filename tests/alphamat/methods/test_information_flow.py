from functools import partial

import numpy as np
import pytest

import alphamat
from alphamat.methods.information_flow import (
    embed,
    is_highly_transparent,
    patches,
    trim_by_patches,
)
from alphamat.trimap import as_trimap
from solvers import cg
from tests.reference import information_flow_energy

H, W = 13, 17


def noise(seed=8):
    return np.random.default_rng(seed).random((H, W, 3))


def bands():
    trimap = np.full((H, W), 0.5)
    trimap[:, :4], trimap[:, -5:] = 0, 1
    return trimap


@pytest.mark.parametrize("known_flow", [False, True])
def test_alpha_is_the_minimum_of_the_papers_energy(known_flow):
    image, trimap = noise(), bands()
    A, b = information_flow_energy(image, trimap, known_flow=known_flow)
    unknown = trimap.ravel() == 0.5
    known = np.where(unknown, 0, trimap.ravel())
    expected = trimap.ravel().copy()
    expected[unknown] = np.linalg.solve(A[unknown][:, unknown], (b - A @ known)[unknown])
    alpha = alphamat.information_flow(
        image, trimap, known_flow=known_flow, solver=partial(cg, rtol=1e-11)
    )
    np.testing.assert_allclose(alpha.ravel(), np.clip(expected, 0, 1), rtol=0, atol=1e-6)


def test_confidence_is_the_papers_lambda():
    image, trimap = noise(), bands()
    A, b = information_flow_energy(image, trimap, known_flow=True)
    D = np.diag(100.0 * (trimap != 0.5).ravel())
    expected = np.linalg.solve(A + D, b + D @ trimap.ravel())
    alpha = alphamat.information_flow(
        image, trimap, known_flow=True, confidence=100, solver=partial(cg, rtol=1e-11)
    )
    np.testing.assert_allclose(alpha.ravel(), np.clip(expected, 0, 1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("count", [2, 7, 20])
def test_embedding_minimises_the_ridged_distance_of_the_mixture(count):
    rng = np.random.default_rng(5)
    colours = rng.random((40, 3))
    pixels, members = np.array([3, 17]), rng.integers(20, 40, (2, count))
    weights = embed(colours, pixels, members)
    for w, pixel, row in zip(weights, pixels, members, strict=True):
        N = colours[row].T
        square = N.T @ N + 1e-10 * np.eye(count)  # with Lagrange's multiplier of Σ w = 1
        system = np.block([[square, -np.ones((count, 1))], [np.ones((1, count)), np.zeros((1, 1))]])
        expected = np.linalg.solve(system, np.append(N.T @ colours[pixel], 1))[:count]
        np.testing.assert_allclose(w, expected, rtol=0, atol=1e-4)
        assert w.sum() == pytest.approx(1)


def test_embedding_of_a_flat_neighbourhood_is_even():
    weights = embed(np.full((9, 3), 0.3), np.array([0]), np.arange(1, 9)[None])
    np.testing.assert_allclose(weights, 1 / 8)


def test_patches_are_means_and_covariances_of_nine_pixels():
    image = noise()
    mean, covariance = patches(image)
    window = image[4:7, 8:11].reshape(-1, 3)
    np.testing.assert_allclose(mean[5 * W + 9], window.mean(axis=0))
    expected = np.cov(window.T, bias=True) + 1e-8 * np.eye(3)
    np.testing.assert_allclose(covariance[5 * W + 9], expected[np.triu_indices(3)], atol=1e-12)


def two_layers():
    """Reddish and bluish halves with grain; the trimap does not know the middle."""
    image = np.where(np.arange(W)[:, None] < W // 2, [0.2, 0.3, 0.8], [0.8, 0.3, 0.2])
    return np.clip(image + 0.1 * (noise() - 0.5), 0, 1), bands()


def test_trimming_gives_pixels_whose_patch_is_like_one_layer_to_it():
    image, trimap = two_layers()
    trimmed = trim_by_patches(image, as_trimap(trimap))
    left, right = trimap == 0.5, trimap == 0.5
    left[:, W // 2 - 1 :], right[:, : W // 2 + 1] = False, False
    assert trimmed.background[left].mean() > 0.5
    assert trimmed.foreground[right].mean() > 0.5
    assert not trimmed.background[right].any()
    assert not trimmed.foreground[left].any()


def test_colours_that_no_layer_has_are_highly_transparent():
    image, trimap = two_layers()
    assert not is_highly_transparent(image, as_trimap(trimap))
    image[trimap == 0.5] = [0.1, 0.9, 0.5]
    assert is_highly_transparent(image, as_trimap(trimap))


def test_reaches_into_holes_that_nothing_known_surrounds():
    image, trimap = two_layers()
    image[:, :] = np.where(np.arange(W)[:, None] < W // 2, [0.2, 0.3, 0.8], [0.8, 0.3, 0.2])
    image[6, W - 7] = [0.2, 0.3, 0.8]  # a hole of one pixel within the foreground
    alpha = alphamat.information_flow(image, trimap)
    assert alpha[6, W - 7] < 0.2
    assert alpha[6, W - 6] > 0.8


@pytest.mark.parametrize(
    ("argument", "value", "error"),
    [
        ("mixture_neighbours", 0, ValueError),
        ("known_neighbours", 2.5, TypeError),
        ("similar_neighbours", -1, ValueError),
        ("known_weight", 0, ValueError),
        ("similarity_weight", np.nan, ValueError),
        ("local_weight", "much", TypeError),
        ("epsilon", -1e-6, ValueError),
    ],
)
def test_refuses_with_a_message_that_names_the_argument(argument, value, error):
    with pytest.raises(error, match=f"`{argument}` is"):
        alphamat.information_flow(noise(), bands(), **{argument: value})


def test_refuses_a_system_that_no_memory_holds(monkeypatch):
    monkeypatch.setattr("alphamat.memory.physical", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"\d+ unknown pixels with 39 neighbours each"):
        alphamat.information_flow(noise(), bands())
