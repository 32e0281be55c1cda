"""Sessions: whatever is painted, alpha is what a new solve of the trimap gives."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import alphamat
from alphamat.interactive import Area, Session, session
from solvers import cg, multigrid

H, W = 61, 94
METHODS = [alphamat.closed_form, alphamat.learning_based]
exact = partial(cg, preconditioner=multigrid, rtol=1e-9, xtol=1e-6)


def picture():
    """A soft edge between two grainy colours, and a trimap whose middle half is unknown."""
    rng = np.random.default_rng(83)
    x, y = np.arange(W), np.arange(H)[:, None]
    truth = np.clip((x + 4 * np.sin(y / 5) - W / 3) / (W / 3), 0, 1)[..., None]
    image = truth * [0.9, 0.5, 0.2] + (1 - truth) * [0.1, 0.3, 0.7]
    trimap = np.full((H, W), 128, np.uint8)
    trimap[:, : W // 4], trimap[:, -W // 4 :] = 0, 255
    levels = np.rint(255 * np.clip(image + 0.05 * rng.random(image.shape), 0, 1))
    return levels.astype(np.uint8), trimap


IMAGE, TRIMAP = picture()
POINT = st.tuples(st.integers(-5, W + 5), st.integers(-5, H + 5))
STROKE = st.tuples(
    st.lists(POINT, min_size=1, max_size=3),
    st.sampled_from(["foreground", "background", "unknown"]),
    st.floats(1, 20),
    st.sampled_from([None, 0]),
)
DEED = st.one_of(STROKE, st.sampled_from(["undo", "redo"]))


def do(painted, deed):
    if isinstance(deed, str):
        getattr(painted, deed)()
    else:
        points, label, width, seconds = deed
        painted.paint(points, label, width=width, seconds=seconds)


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=15, deadline=None)
@given(st.lists(DEED, min_size=1, max_size=6), st.booleans())
def test_alpha_is_that_of_a_new_solve(method, deeds, bare):
    painted = Session(IMAGE, None if bare else TRIMAP, method=method)
    for deed in deeds:
        do(painted, deed)
    painted.settle()
    trimap = painted.trimap
    if not ((trimap == 0).any() and (trimap == 255).any()):
        np.testing.assert_array_equal(painted.alpha[trimap == 128], 0.5)
        return
    expected = method(IMAGE, trimap, solver=exact)
    np.testing.assert_allclose(painted.alpha, expected, rtol=0, atol=1e-3)


def test_many_strokes_do_not_add_up_to_an_error():
    painted, rng = Session(IMAGE, TRIMAP), np.random.default_rng(29)
    for label in 8 * ["foreground", "background", "unknown"]:
        painted.paint(rng.uniform(0, 1, (2, 2)) * [W, H], label, width=5)
    expected = alphamat.closed_form(IMAGE, painted.trimap, solver=exact)
    np.testing.assert_allclose(painted.alpha, expected, rtol=0, atol=1e-3)


def test_a_stroke_of_no_seconds_solves_one_window_and_settles_later(monkeypatch):
    painted = Session(IMAGE, TRIMAP)
    monkeypatch.setattr(session, "SHARE", 1)
    before = painted.alpha
    painted.paint([(40, 30)], "background", width=4, seconds=0)
    assert painted.error == np.inf
    assert painted.alpha[30, 40] == 0
    assert (painted.alpha != before)[26:35, 36:45].any()
    painted.settle()
    assert painted.error <= session.ALLOWED
    assert painted.settle() is None


def test_the_rectangle_holds_all_that_changes_visibly():
    painted = Session(IMAGE, TRIMAP)
    before = painted.alpha
    left, top, right, bottom = painted.paint([(45, 20), (50, 40)], "foreground", width=6)
    outside = np.ones((H, W), bool)
    outside[top:bottom, left:right] = False
    assert np.abs(painted.alpha - before)[outside].max() <= session.SEEN
    assert (painted.alpha - before).max() > 0.1


def test_undo_and_redo_go_through_the_strokes():
    painted = Session(IMAGE, TRIMAP)
    trimaps = [painted.trimap]
    for x, label in ((30, "foreground"), (12, "unknown"), (60, "background")):
        painted.paint([(x, 10), (x, 50)], label, width=9)
        trimaps.append(painted.trimap)
    for trimap in trimaps[-2::-1]:
        painted.undo()
        np.testing.assert_array_equal(painted.trimap, trimap)
    assert painted.undo() is None
    for trimap in trimaps[1:]:
        painted.redo()
        np.testing.assert_array_equal(painted.trimap, trimap)
    painted.undo()
    painted.paint([(3, 3)], "foreground", width=3)
    assert painted.redo() is None


def test_a_line_marks_the_pixels_within_half_its_width():
    painted = Session(IMAGE)
    area = painted.paint([(20, 30), (40, 30), (40, 50)], "foreground", width=7)
    y, x = np.mgrid[:H, :W]
    across = np.hypot(x - np.clip(x, 20, 40), y - 30) <= 3.5
    down = np.hypot(x - 40, y - np.clip(y, 30, 50)) <= 3.5
    np.testing.assert_array_equal(painted.trimap == 255, across | down)
    assert area == Area(17, 27, 44, 54)


def test_a_mask_and_a_line_of_the_same_pixels_are_one_stroke():
    line, mask = Session(IMAGE, TRIMAP), Session(IMAGE, TRIMAP)
    line.paint([(45, 20), (50, 40)], "foreground", width=6)
    assert mask.paint(line.trimap != TRIMAP, "foreground") is not None
    np.testing.assert_array_equal(mask.trimap, line.trimap)
    np.testing.assert_array_equal(mask.alpha, line.alpha)


@pytest.mark.parametrize("points", [[(-50, -50)], [(500, 20)]])
def test_strokes_outside_the_picture_change_nothing(points):
    painted = Session(IMAGE, TRIMAP)
    assert painted.paint(points, "foreground") is None
    assert painted.undo() is None


@pytest.mark.parametrize(
    ("stroke", "label", "options", "named"),
    [
        ([(1, 2)], "white", {}, "`label` is 'white'"),
        ([(1, 2, 3)], "foreground", {}, "`stroke` is an array of int64 and shape"),
        (np.zeros((3, 3), bool), "foreground", {}, "`stroke` is an array of bool"),
        ([(np.nan, 2)], "foreground", {}, "`stroke` is"),
        ([(1, 2)], "foreground", {"width": 0}, "`width` is 0"),
        ([(1, 2)], "foreground", {"seconds": -1}, "`seconds` is -1"),
    ],
)
def test_what_is_no_stroke_is_refused(stroke, label, options, named):
    with pytest.raises(ValueError, match=named):
        Session(IMAGE, TRIMAP).paint(stroke, label, **options)


def test_a_trimap_that_leaves_nothing_unknown_can_be_erased():
    painted = Session(IMAGE, np.where(TRIMAP == 128, 255, TRIMAP).astype(np.uint8))
    painted.paint([(45, 20), (50, 40)], "unknown", width=9)
    expected = alphamat.closed_form(IMAGE, painted.trimap, solver=exact)
    np.testing.assert_allclose(painted.alpha, expected, rtol=0, atol=1e-3)


def test_other_methods_are_refused():
    with pytest.raises(ValueError, match="`method` is knn; expected closed_form"):
        Session(IMAGE, TRIMAP, method=alphamat.knn)


def test_flat_pictures_are_solved_as_by_the_method():
    image = np.where(np.arange(W) < W // 2, 40, 200) * np.ones((H, 1))
    image = np.repeat(image[..., None], 3, axis=2).astype(np.uint8)
    painted = Session(image, TRIMAP)
    painted.paint([(40, 20)], "background", width=8)
    expected = alphamat.closed_form(image, painted.trimap)
    np.testing.assert_allclose(painted.alpha, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["dandelion_clipped", "teddy_ear"])
def test_scribbles_alone_give_the_authors_alpha(shared, name):
    folder = shared / "closed_form_matlab" / "levin_exact"
    image, scribbled, expected = (
        np.asarray(Image.open(folder / f"{name}{end}.bmp")) for end in ("", "_m", "_res_alpha")
    )
    trimap = alphamat.trimap.from_scribbles(scribbled, image=image)
    painted = Session(image)
    painted.paint(trimap == 255, "foreground")
    painted.paint(trimap == 0, "background")
    np.testing.assert_allclose(painted.alpha, expected / 255, rtol=0, atol=0.006)
