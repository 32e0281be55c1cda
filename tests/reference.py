"""Definitions, transcribed from the papers: dense, slow and plain."""

from __future__ import annotations

import numpy as np


def grid_laplacian(right: np.ndarray, down: np.ndarray) -> np.ndarray:
    """D - W of a grid, from its edges' weights.

    right : (H, W - 1) weights between horizontal neighbours; down : (H - 1, W) between vertical.
    """
    height, width = right.shape[0], down.shape[1]
    index = np.arange(height * width).reshape(height, width)
    W = np.zeros((index.size, index.size))
    W[index[:, :-1], index[:, 1:]] = right
    W[index[:-1], index[1:]] = down
    W += W.T
    return np.diag(W.sum(axis=1)) - W


def incomplete_cholesky(A: np.ndarray, threshold: float, shift: float = 0.0) -> np.ndarray:
    """L of A + shift diag(A), without the entries whose square is ≤ threshold² A[i, i].

    Saad, "Iterative Methods for Sparse Linear Systems", section 10.4, for a symmetric A.
    """
    size = np.sqrt(np.diag(A))
    L = np.tril(A + shift * np.diag(np.diag(A)))
    for j in range(len(A)):
        L[j:, j] -= L[j:, :j] @ L[j, :j]
        L[j, j] = np.sqrt(L[j, j])
        L[j + 1 :, j] /= L[j, j]
        L[j + 1 :, j][np.abs(L[j + 1 :, j]) <= threshold * size[j + 1 :]] = 0
    return L


def multilevel_system(image, alpha, regularization, gradient_weight):
    """A and b (2HW, channels) of the cost that `estimate_foreground` lowers, foreground first.

    Germer et al., ICPR 2020, equations 3 and 4; with `gradient_weight` 1 it is equation 19 of
    Levin, Lischinski & Weiss, TPAMI 2008, with |α_x| + ε in the place of |α_x|.
    """
    S = grid_laplacian(
        regularization + gradient_weight * np.abs(np.diff(alpha, axis=1)),
        regularization + gradient_weight * np.abs(np.diff(alpha, axis=0)),
    )
    mix = np.hstack([np.diag(alpha.ravel()), np.diag(1 - alpha.ravel())])
    A = mix.T @ mix + np.kron(np.eye(2), S)
    return A, mix.T @ image.reshape(alpha.size, -1)


def closed_form_layers(image, alpha, regularization):
    """The minimum of equation 19, with F = I held where α = 1 and B = I where α = 0."""
    A, b = multilevel_system(image, alpha, regularization, 1.0)
    held = np.concatenate([alpha.ravel() == 1, alpha.ravel() == 0])
    A[held] = np.eye(len(A))[held]
    b[held] = np.tile(image.reshape(alpha.size, -1), (2, 1))[held]
    return np.linalg.solve(A, b).reshape(2, *image.shape)


def matting_laplacian(image, *, epsilon, radius):
    """L of closed-form matting: Levin, Lischinski & Weiss, TPAMI 2008, equation 12."""
    height, width = image.shape[:2]
    index = np.arange(height * width).reshape(height, width)
    size = (2 * radius + 1) ** 2
    L = np.zeros((index.size, index.size))
    for y in range(radius, height - radius):
        for x in range(radius, width - radius):
            window = index[y - radius : y + radius + 1, x - radius : x + radius + 1].ravel()
            colours = image.reshape(-1, 3)[window]
            centred = colours - colours.mean(axis=0)
            Sigma = centred.T @ centred / size
            whitened = np.linalg.solve(Sigma + epsilon / size * np.eye(3), centred.T)
            L[np.ix_(window, window)] += np.eye(size) - (1 + centred @ whitened) / size
    return L


def pinned_solution(L, trimap):
    """The alpha that minimises αᵀ L α where the trimap is 0 or 1 on known pixels, in [0, 1]."""
    alpha = trimap.ravel().astype(float)
    known = (alpha == 0) | (alpha == 1)
    alpha[~known] = np.linalg.solve(L[~known][:, ~known], -L[~known][:, known] @ alpha[known])
    return np.clip(alpha, 0, 1).reshape(trimap.shape)
