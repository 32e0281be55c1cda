"""Pictures of few colours: alpha is that of a direct solution, or a warning says that it is not.

Flat colours, and noise that is saturated, leave parts of a picture that hang on the rest by ε alone
(condition numbers of 1e7 to 1e9), and the residual does not show their error. Each method that
solves a system is given such pictures, and its alpha is compared with the dense solution of the
same system. A case is right if they differ by at most 1e-3 everywhere. Otherwise the method has to
warn. `learning_based`, whose matrix has ε², has condition numbers up to 5e15: double precision does
not determine alpha there, so that only a warning is right.
"""

import warnings

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import alphamat
from alphamat.method import SYSTEMS

H, W = 14, 19
Y, X = np.mgrid[:H, :W]
RED, BLUE, GREEN = [0.9, 0.5, 0.1], [0.1, 0.2, 0.6], [0.2, 0.8, 0.3]


def painted(*layers):
    """Blue, and over it colours where masks are True."""
    image = np.full((H, W, 3), BLUE)
    for mask, colour in layers:
        image[mask] = colour
    return image


def rings():
    """Frames two pixels wide, one within the other."""
    depth = np.maximum(abs(Y - (H - 1) / 2), abs(X - (W - 1) / 2)).astype(int)
    return painted((depth // 2 % 2 == 0, RED))


def mosaic():
    """Flat tiles of 3 by 3 pixels, each of its own colour."""
    tiles = np.random.default_rng(8).random((H // 3 + 1, W // 3 + 1, 3))
    return tiles.repeat(3, axis=0).repeat(3, axis=1)[:H, :W]


def noise():
    return np.random.default_rng(5).random((H, W, 3))


def patch_in_noise():
    """Noise that holds a flat patch."""
    image = noise()
    image[4:9, 6:12] = GREEN
    return image


def letters():
    """Thin strokes, dark on light."""
    stroke = (X % 9 < 2) | ((abs(Y - H // 2) < 1) & (X % 9 < 6)) | ((X % 9 == 5) & (Y % 7 < 4))
    return painted((~stroke, [0.98, 0.98, 0.98]))


def logo():
    """A disc with a hole, and a bar across it."""
    r = np.hypot(Y - H / 2, X - W / 2)
    ring, bar = (r < 6) & (r > 3), (abs(Y - H / 2) < 2) & (abs(X - W / 2) < 7)
    return painted((r < 99, [1, 1, 1]), (ring, RED), (bar, BLUE))


def posterised():
    """A smooth picture in a few levels."""
    waves = 0.15 * np.sin(X / 5) * np.cos(Y / 7)
    return np.clip(np.round(4 * (SMOOTH + waves[..., None])) / 4.25, 0, 1)


SMOOTH = np.stack([0.2 + 0.6 * X / W, 0.7 - 0.3 * Y / H, 0.4 + 0.2 * X * Y / (H * W)], axis=2)
PICTURES = {
    "one colour": painted(),
    "two halves": painted((X < 8, RED)),
    "gray ramp": np.full((H, W, 3), np.linspace(0.1, 0.9, W)[:, None]),
    "smooth ramp in 8 bits": np.round(255 * SMOOTH) / 255,
    "saturated noise": np.round(noise()),
    "checkerboard": painted(((X + Y) % 2 == 0, RED)),
    "stripes": painted((Y // 3 % 2 == 0, RED)),
    "odd pixel": painted(((Y == 6) & (X == 8), RED)),
    "patch": painted(((abs(Y - 5.5) < 3) & (abs(X - 8.5) < 3), RED)),
    "patch in noise": patch_in_noise(),
    "rings": rings(),
    "mosaic": mosaic(),
    "discs": painted((np.hypot(Y % 12 - 6, X % 12 - 6) < 3, RED)),
    "dots": painted((np.random.default_rng(9).random((H, W)) < 0.1, RED)),
    "letters": letters(),
    "logo": logo(),
    "posterised": posterised(),
}


def bands():
    """Background on the left, foreground on the right, and between a region with a ragged edge."""
    trimap = np.full((H, W), 0.5)
    trimap[:, :3], trimap[:, -4:] = 0, 1
    trimap[H // 2 :, :5] = 0
    return trimap


def corner():
    """Foreground in a corner, background along an edge, and all else unknown."""
    trimap = np.full((H, W), 0.5)
    trimap[:2, :2], trimap[0, 5:] = 1, 0
    return trimap


def scattered():
    """Known pixels here and there."""
    drawn = np.random.default_rng(6).random((H, W))
    return np.select([drawn < 0.04, drawn > 0.96], [0, 1], 0.5)


TRIMAPS = {"bands": bands(), "corner": corner(), "scattered": scattered()}


def dense_alpha(system):
    """Alpha by elimination, of a matrix made by products with unit vectors."""
    A = np.stack([system.matrix @ unit for unit in np.eye(system.matrix.shape[0])], axis=1)
    alpha = system.given.copy()
    alpha[system.place] += np.linalg.solve(A, system.right_hand_side)
    return np.clip(alpha, 0, 1)


def outcome(system):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        alpha = system.solve().alpha
    if np.abs(alpha - dense_alpha(system)).max() <= 1e-3:  # of NaN, this is False
        return "right"
    return "warned" if caught else "silently wrong"


@pytest.mark.parametrize("trimap", TRIMAPS)
@pytest.mark.parametrize("picture", PICTURES)
@pytest.mark.parametrize(
    ("method", "make"), SYSTEMS.items(), ids=[method.__name__ for method in SYSTEMS]
)
def test_alpha_is_right_or_a_warning_says_that_it_is_not(method, make, picture, trimap):
    found = outcome(make(PICTURES[picture], TRIMAPS[trimap]))
    assert found == "right" or (found, method) == ("warned", alphamat.learning_based)


def posters():
    """Larger pictures of few colours, whose areas hang together in windows of three or four."""
    height, width = 29, 37
    for seed in (14, 18):
        draw = np.random.default_rng(seed).random((height, width, 3))
        yield pytest.param(np.round(draw), id=f"saturated noise {seed}")
    for seed in (2, 10):
        blurred = gaussian_filter(
            np.random.default_rng(seed).standard_normal((height, width, 3)), (2, 2, 0)
        )
        levels = (blurred - blurred.min()) / np.ptp(blurred)
        yield pytest.param(np.round(3 * levels) / 3, id=f"posterised {seed}")


@pytest.mark.parametrize("picture", [*posters()])
@pytest.mark.parametrize(
    "method",
    [alphamat.closed_form, alphamat.fast, alphamat.learning_based],
    ids=lambda method: method.__name__,
)
def test_what_no_residual_shows_is_right_or_warned_of(method, picture):
    trimap = np.full(picture.shape[:2], 0.5)
    trimap[:, :4], trimap[:, -4:] = 0, 1
    found = outcome(SYSTEMS[method](picture, trimap))
    assert found == "right" or (found, method) == ("warned", alphamat.learning_based)
