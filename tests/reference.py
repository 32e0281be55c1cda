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
