"""The foreground by its colours, from a box or from strokes."""

import cv2
import numpy as np
import pytest

from alphamat.segmentation import Segmentation, grab_cut
from alphamat.segmentation.colours import _from_box, _from_strokes, _runs_out
from alphamat.segmentation.cut import (
    BACKGROUND,
    FOREGROUND,
    PERHAPS_BACKGROUND,
    PERHAPS_FOREGROUND,
)

HEIGHT, WIDTH = 61, 88


def noisy(foreground, red, green):
    """Return a picture of a red foreground before a green background, with some noise."""
    image = np.where(foreground[..., None], red, green)
    noise = np.random.default_rng(41).normal(0, 0.03, (*foreground.shape, 3))
    return np.clip(image + noise, 0, 1)


@pytest.fixture(scope="module")
def disc():
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot(y - 30, x - 40) < 18


@pytest.fixture(scope="module")
def image(disc):
    return noisy(disc, (0.8, 0.3, 0.2), (0.2, 0.6, 0.3))


@pytest.fixture
def scribbles():
    scribbles = np.full((HEIGHT, WIDTH), 128, np.uint8)
    scribbles[25:35, 40] = 255
    scribbles[5, 5:80] = 0
    return scribbles


def overlap(found, truth):
    found = found.foreground > 0.5
    return (found & truth).sum() / (found | truth).sum()


def test_a_box_finds_what_it_holds(image, disc):
    found = grab_cut(image, box=(18, 8, 64, 54))
    assert isinstance(found, Segmentation)
    assert found.foreground.shape == (HEIGHT, WIDTH)
    assert overlap(found, disc) > 0.95
    assert found.doubt < 0.1


def test_outside_the_box_all_is_background(image):
    found = grab_cut(image, box=(18, 8, 40, 54))
    assert (found.foreground[:, 40:] == 0).all()
    assert (found.foreground[:8] == 0).all()


@pytest.mark.parametrize("level", [0, 255])
def test_one_kind_of_strokes_is_enough(image, disc, scribbles, level):
    scribbles[scribbles == 255 - level] = 128
    assert overlap(grab_cut(image, scribbles=scribbles), disc) > 0.95


def test_strokes_keep_their_pixels(image, scribbles):
    scribbles[30, 70:75], scribbles[30, 30:33] = 255, 0
    foreground = grab_cut(image, scribbles=scribbles).foreground
    assert (foreground[scribbles == 255] == 1).all()
    assert (foreground[scribbles == 0] == 0).all()


def test_strokes_say_which_of_two_alike_things(disc, scribbles):
    two = disc | np.roll(disc, 40, axis=1)
    image = noisy(two, (0.8, 0.3, 0.2), (0.2, 0.6, 0.3))
    scribbles[30, 75:85] = 0
    found = grab_cut(image, scribbles=scribbles).foreground > 0.5
    assert found[30, 40]
    assert not found[30, 78]


def test_specks_are_dropped_and_small_holes_are_filled(disc):
    spotted = disc.copy()
    spotted[10:12, 20:22], spotted[29:31, 39:41] = True, False
    image = noisy(spotted, (0.8, 0.3, 0.2), (0.2, 0.6, 0.3))
    found = grab_cut(image, box=(14, 6, 68, 56)).foreground
    assert (found[10:12, 20:22] < 0.5).all()
    assert (found[29:31, 39:41] > 0.5).all()


def test_among_the_same_colours_the_nearest_stroke_counts():
    marks = np.full((12, 31), PERHAPS_FOREGROUND, np.uint8)
    marks[3:9, 5], marks[3:9, 25] = FOREGROUND, BACKGROUND
    for seeds in _from_strokes(np.full((12, 31, 3), 0.4), marks):
        assert (seeds[:, :15] % 2 == 1).all()
        assert (seeds[:, 16:] % 2 == 0).all()
        assert np.array_equal(seeds[marks == BACKGROUND], marks[marks == BACKGROUND])


def test_the_rim_of_a_box_may_be_background_but_not_at_the_lower_border():
    marks = np.full((40, 50), BACKGROUND, np.uint8)
    marks[10:, 10:40] = PERHAPS_FOREGROUND
    for seeds in _from_box(marks):
        assert (seeds[10, 10:40] == PERHAPS_BACKGROUND).all()
        assert (seeds[20:, [10, 39]] == PERHAPS_BACKGROUND).all()
        assert (seeds[39, 18:32] == PERHAPS_FOREGROUND).all()


def test_strokes_and_a_box_go_together(image, disc, scribbles):
    assert overlap(grab_cut(image, box=(18, 8, 64, 54), scribbles=scribbles), disc) > 0.95


def test_a_thin_stroke_counts_in_a_big_picture(image, disc):
    big = cv2.resize(image, None, fx=9, fy=9, interpolation=cv2.INTER_NEAREST)
    scribbles = np.full(big.shape[:2], 128, np.uint8)
    scribbles[270, 300:420] = 255
    found = grab_cut(big, scribbles=scribbles).foreground[4::9, 4::9]
    assert overlap(Segmentation(found), disc) > 0.9


def test_a_small_thing_in_a_big_picture_is_found(image, disc):
    big, truth = np.full((900, 1200, 3), (0.2, 0.6, 0.3)), np.zeros((900, 1200), bool)
    big += np.random.default_rng(2).normal(0, 0.03, big.shape)
    big[400 : 400 + HEIGHT, 700 : 700 + WIDTH] = image
    truth[400 : 400 + HEIGHT, 700 : 700 + WIDTH] = disc
    found = grab_cut(big.clip(0, 1), box=(715, 405, 765, 455))
    assert overlap(found, truth) > 0.95
    assert found.doubt < 0.1


def test_the_outline_of_a_big_picture_has_no_stair_steps(image):
    big = cv2.resize(image, None, fx=9, fy=9, interpolation=cv2.INTER_CUBIC).clip(0, 1)
    foreground = grab_cut(big, box=(162, 72, 576, 486)).foreground
    fractional = (foreground > 0.05) & (foreground < 0.95)
    level = np.diff(foreground, axis=0) == 0
    assert fractional.any()
    assert level[fractional[1:]].mean() < 0.1


def test_the_result_is_the_same_whatever_ran_before(disc):
    # Blocks of such colours that the outline depends on chance.
    blocks = np.random.default_rng(3).normal(0, 0.16, (20, 30, 3))
    blocks = cv2.resize(blocks, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
    image = np.clip(0.5 + blocks + np.where(disc[..., None], (0.3, -0.3, 0.15), 0), 0, 1)
    first = grab_cut(image, box=(18, 8, 64, 54))
    cv2.setRNGSeed(99)
    cv2.randu(np.zeros((5, 5)), 0, 1)
    assert np.array_equal(first.foreground, grab_cut(image, box=(18, 8, 64, 54)).foreground)


def test_the_random_numbers_of_others_go_on(image):
    def drawn():
        return cv2.randu(np.zeros(4), 0, 1).ravel().tolist()

    cv2.setRNGSeed(5)
    expected = [drawn(), drawn()]
    cv2.setRNGSeed(5)
    first = drawn()
    grab_cut(image, box=(18, 8, 64, 54))
    assert [first, drawn()] == expected


def test_alike_colours_are_doubted(disc):
    image = noisy(disc, 0.5, 0.5)
    found = grab_cut(image, box=(18, 8, 64, 54))
    assert found.doubt > 0.5
    assert found.reason.endswith(".")


def test_a_foreground_that_runs_out_of_the_box_is_doubted():
    within = np.zeros((HEIGHT, WIDTH), bool)
    within[20:, 10:50] = True
    assert _runs_out(1.0 * within, within).share == 1
    inner = np.zeros_like(within)
    inner[30:, 20:40] = True
    assert _runs_out(1.0 * inner, within).share == 0  # also where the box lies on the border


@pytest.mark.parametrize(
    "picture",
    [np.zeros((1, 1)), np.zeros((1, 7)), np.zeros((2, 2, 3)), np.zeros((40, 30, 3))],
    ids=["one", "row", "four", "black"],
)
def test_a_picture_without_anything_is_doubted(picture):
    height, width = picture.shape[:2]
    found = grab_cut(picture, box=(0, 0, width, height))
    assert found.doubt == 1
    assert found.reason
    assert found.foreground.shape == (height, width)


def test_gray_pictures_and_opaque_ones_will_do(image, disc):
    gray = image[..., 0]
    opaque = np.dstack([gray, gray, gray, np.ones_like(gray)])
    found = [grab_cut(picture, box=(18, 8, 64, 54)) for picture in (gray, opaque)]
    assert np.array_equal(*(x.foreground for x in found))
    assert overlap(found[0], disc) > 0.95


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((10, 10, 89, 50), r"reaches out of the picture of 88 × 61 pixels"),
        ((10, 10, 50, 62), r"reaches out of the picture"),
        ((50, 10, 50, 40), r"is empty; expected left < right"),
        ((10, 40, 50, 10), r"is empty"),
        ((10, 10, 50), r"has 3 numbers; expected left, top, right, bottom"),
        ((-1, 10, 50, 40), r"`box\[0\]` is -1"),
        ((float("nan"), 10, 50, 40), r"`box\[0\]` is nan"),
    ],
)
def test_a_wrong_box_is_refused(image, box, words):
    with pytest.raises(ValueError, match=words):
        grab_cut(image, box=box)


def test_a_box_in_words_is_refused(image):
    with pytest.raises(TypeError, match=r"`box` is 'all'"):
        grab_cut(image, box="all")


def test_a_stroke_of_the_foreground_outside_the_box_is_refused(image, scribbles):
    with pytest.raises(ValueError, match=r"`scribbles` has strokes of the foreground outside"):
        grab_cut(image, box=(50, 8, 64, 54), scribbles=scribbles)


def test_there_has_to_be_something_to_go_by(image):
    with pytest.raises(ValueError, match=r"`box` and `scribbles` are missing"):
        grab_cut(image)
    with pytest.raises(ValueError, match=r"`scribbles` has no stroke"):
        grab_cut(image, scribbles=np.full((HEIGHT, WIDTH), 128, np.uint8))
    with pytest.raises(ValueError, match=r"`scribbles` is 5 × 88 and the image is 61 × 88"):
        grab_cut(image, scribbles=np.zeros((5, WIDTH), np.uint8))
