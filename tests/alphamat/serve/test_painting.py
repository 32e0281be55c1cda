"""Live painting: strokes solved in windows, against the same system solved as a whole."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from alphamat.laplacians.colour_line import colour_line_laplacian
from alphamat.methods.learned import confidence
from alphamat.serve import painting as module
from alphamat.serve.painting import SEEN, Area, Painting
from solvers import direct

H, W = 61, 94


def picture(height=H, width=W):
    """A soft edge between two grainy colours, and a trimap whose middle half is unknown."""
    rng = np.random.default_rng(83)
    x, y = np.arange(width), np.arange(height)[:, None]
    truth = np.clip((x + 4 * np.sin(y / 5) - width / 3) / (width / 3), 0, 1)[..., None]
    image = truth * [0.9, 0.5, 0.2] + (1 - truth) * [0.1, 0.3, 0.7]
    trimap = np.full((height, width), 128, np.uint8)
    trimap[:, : width // 4], trimap[:, -width // 4 :] = 0, 255
    levels = np.rint(255 * np.clip(image + 0.05 * rng.random(image.shape), 0, 1))
    return levels.astype(np.uint8), trimap, truth[..., 0]


def painting(trust=0.02, **size):
    """A painting whose first alpha is not what the matting Laplacian would give."""
    image, trimap, truth = picture(**size)
    opinion = np.clip(truth + 0.1 * np.sin(np.arange(truth.shape[1]) / 3), 0, 1)
    alpha = np.where(trimap == 128, opinion, trimap / 255).astype(np.float32)
    weights = np.where(trimap == 128, trust * confidence(alpha), 0).astype(np.float32)
    return Painting(image, trimap, alpha.copy(), alpha, weights)


def as_a_whole(painted, inside=True):
    """Solve (L + W) (α - α₀) = 0 where the method was asked, and L α = 0 where it was not.

    Alpha is held to α₀ where it is unknown and not `inside`.
    """
    unknown = (painted.trimap == 128) & inside
    L = colour_line_laplacian(painted.image / 255, unknown, epsilon=1e-7, radius=1)
    given = painted.given.astype(float)
    start = np.where(painted.trimap == 128, given, painted.trimap / 255)
    w = painted.weights[unknown].astype(float)
    b = L.couple(given) * (w > 0) - L.couple(start) + w * (given - start)[unknown]
    start[unknown] += direct(L.shifted(w), b).x
    return start


def patch(level, height=9, width=14):
    return np.full((height, width), level, np.uint8)


STROKES = [(0, 40, 20), (255, 35, 44), (128, 10, 5), (0, 60, 50), (255, 30, 0), (128, 80, 40)]


def test_strokes_in_windows_give_what_the_whole_system_gives():
    painted = painting()
    for level, x, y in STROKES:
        painted.stroke(patch(level), x, y, seconds=inf)
    expected = as_a_whole(painted)
    assert np.abs(expected - painted.given).max() > 0.5
    np.testing.assert_allclose(painted.alpha, expected, rtol=0, atol=2e-3)


def test_one_window_is_solved_as_if_all_else_were_known():
    painted = painting(trust=1e-4, height=200, width=300)
    painted.stroke(patch(255), 130, 80, seconds=0)
    window = np.zeros(painted.alpha.shape, bool)
    window[48:121, 98:176] = True
    expected = as_a_whole(painted, window)
    assert np.abs(expected - painted.given)[48:121, 175].max() > 4e-3
    np.testing.assert_allclose(painted.alpha, expected, rtol=0, atol=2e-4)


def test_a_window_grows_only_where_alpha_changes_at_its_side(monkeypatch):
    solved = []
    solve = Painting._solve

    def spy(self, window, rtol):
        solved.append(window)
        return solve(self, window, rtol)

    monkeypatch.setattr(Painting, "_solve", spy)
    painting(trust=30, height=200, width=300).stroke(patch(255), 130, 80, seconds=inf)
    assert solved == [Area(98, 48, 176, 121)]
    solved.clear()
    painting(trust=1e-4, height=200, width=300).stroke(patch(255), 130, 80, seconds=inf)
    assert len(solved) > 1
    solved.clear()
    painting(trust=1e-4, height=200, width=300).stroke(patch(255), 130, 80, seconds=0)
    assert len(solved) == 1


def test_a_stroke_is_exact_on_its_own_pixels_and_touches_none_far_off():
    painted = painting(trust=30, height=200, width=300)
    before = painted.alpha.copy()
    alpha, area = painted.stroke(patch(255), 130, 80)
    assert (painted.alpha[80:89, 130:144] == 1).all()
    assert (painted.trimap[80:89, 130:144] == 255).all()
    outside = np.ones(before.shape, bool)
    outside[48:121, 98:176] = False
    np.testing.assert_array_equal(painted.alpha[outside], before[outside])
    np.testing.assert_array_equal(alpha, np.clip(painted.alpha[area.slices], 0, 1))


@pytest.mark.parametrize(("level", "x", "y"), STROKES)
def test_the_rectangle_holds_all_that_changes_visibly(level, x, y):
    painted = painting()
    before = painted.alpha.copy()
    _, area = painted.stroke(patch(level), x, y, seconds=inf)
    painted.alpha[area.slices] = before[area.slices]
    assert np.abs(painted.alpha - before).max() <= SEEN * 1.5


def test_what_is_undone_leaves_no_trace():
    painted = painting()
    before = painted.trimap[15:24, 35:49].copy()
    painted.stroke(patch(0), 35, 15, seconds=inf)
    assert np.abs(painted.alpha - painted.given).max() > 0.2
    painted.stroke(before, 35, 15, seconds=inf)
    np.testing.assert_allclose(painted.alpha, painted.given, rtol=0, atol=2e-3)


def test_a_stroke_that_changes_nothing_solves_nothing(monkeypatch):
    painted = painting()
    monkeypatch.setattr(Painting, "_solve", None)
    alpha, area = painted.stroke(painted.trimap[3:12, 20:34].copy(), 20, 3)
    assert area == (20, 3, 34, 12)
    np.testing.assert_array_equal(alpha, painted.alpha[3:12, 20:34])


def test_where_the_method_was_not_asked_colours_decide():
    painted = painting()
    painted.stroke(patch(128, 20, 20), 2, 20, seconds=inf)  # the trimap said background
    np.testing.assert_allclose(painted.alpha, as_a_whole(painted), rtol=0, atol=2e-3)
    assert np.abs(painted.alpha[20:40, 2:22]).max() < 0.2


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (3, 3)])
def test_the_smallest_pictures_can_be_painted_on(size):
    image = np.zeros((*size, 3), np.uint8)
    zeros = np.zeros(size, np.float32)
    painted = Painting(image, np.full(size, 128, np.uint8), zeros.copy(), zeros, zeros + 1)
    alpha, area = painted.stroke(patch(255, 1, 1), 0, 0)
    assert alpha[0, 0] == 1
    assert area[:2] == (0, 0)


def test_too_much_to_be_solved_at_once_waits_for_the_method(monkeypatch):
    monkeypatch.setattr(module, "MOST_UNKNOWN", 100)
    painted = painting()
    before = painted.alpha.copy()
    painted.stroke(patch(0), 40, 20, seconds=inf)
    changed = painted.alpha != before
    assert changed[20:29, 40:54].any()
    changed[20:29, 40:54] = False
    assert not changed.any()


def test_a_gray_picture_is_painted_as_its_three_equal_channels():
    painted = painting()
    gray = painted.image[..., 0]
    alphas = []
    for image in (gray, np.repeat(gray[..., None], 3, axis=2)):
        own = replace(
            painted, image=image, trimap=painted.trimap.copy(), alpha=painted.alpha.copy()
        )
        own.stroke(patch(0), 40, 20, seconds=inf)
        alphas.append(own.alpha)
    np.testing.assert_array_equal(*alphas)
