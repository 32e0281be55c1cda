"""Trimaps over their photographs, and what is said of them."""

import numpy as np
import pytest
from PIL import Image

from alphamat.examples import astronaut
from alphamat.trimap import check, overlay


@pytest.fixture
def trimap():
    """A sound one: foreground left, background right, and a band between; 23 × 31."""
    levels = np.full((23, 31), 128, np.uint8)
    levels[:, :12], levels[:, 19:] = 255, 0
    return levels


@pytest.fixture
def image():
    return np.random.default_rng(44).uniform(size=(23, 31, 3))


def test_overlay_keeps_the_foreground_and_tints_the_rest(image, trimap):
    tint = np.array([0.2, 0.4, 0.9])
    picture = overlay(image, trimap, unknown=tint, background=(0.6, 0.1, 0), strength=0.25)
    assert picture.shape == (23, 31, 3)
    assert picture.dtype == np.float64
    np.testing.assert_array_equal(picture[:, :11], image[:, :11])
    np.testing.assert_array_equal(picture[:, 11], 1)  # the white line
    np.testing.assert_allclose(picture[:, 12:19], 0.75 * image[:, 12:19] + 0.25 * tint)
    np.testing.assert_allclose(picture[:, 19], np.broadcast_to([0.3, 0.05, 0], (23, 3)))
    gray = 0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2]
    expected = 0.75 * gray[..., None] + 0.25 * np.array([0.6, 0.1, 0])
    np.testing.assert_allclose(picture[:, 20:], expected[:, 20:])


def test_lines_grow_with_the_picture():
    levels = np.full((1, 2800), 255, np.uint8)
    levels[:, 1400:] = 0
    picture = overlay(np.zeros((1, 2800, 3)), levels)
    np.testing.assert_array_equal((picture == 1).all(axis=2).nonzero()[1], np.arange(1396, 1400))


def test_overlay_leaves_its_arguments_alone_and_knows_their_forms(image, trimap):
    before = image.copy(), trimap.copy()
    picture = overlay(image, trimap)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(trimap, before[1])
    for form in (trimap / 255, np.dstack([trimap] * 3), Image.fromarray(trimap)):
        np.testing.assert_array_equal(overlay(image, form), picture)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_overlay_shows_trimaps_without_some_part(image, level):
    picture = overlay(image, np.full((23, 31), level, np.uint8))
    assert (np.abs(picture - image).max() > 0) == (level != 255)
    assert picture.min() >= 0
    assert picture.max() <= 1


@pytest.mark.parametrize(
    ("arguments", "fault", "message"),
    [
        ({"strength": 1.5}, ValueError, r"`strength` is 1\.5"),
        ({"strength": np.nan}, ValueError, "`strength` is nan"),
        ({"strength": "strong"}, TypeError, "`strength` is 'strong'"),
        ({"unknown": (1.0, 0.5)}, ValueError, r"`unknown` has shape \(2,\); expected a colour"),
        ({"background": (0.0, 80.0, 255.0)}, ValueError, "`background` has values from 0 to 255"),
    ],
)
def test_nonsense_is_not_shown(image, trimap, arguments, fault, message):
    with pytest.raises(fault, match=message):
        overlay(image, trimap, **arguments)


def test_overlay_refuses_another_size(image, trimap):
    with pytest.raises(ValueError, match="`trimap` is 22 × 31 and the image is 23 × 31"):
        overlay(image, trimap[1:])


def test_nothing_is_said_of_a_sound_trimap(trimap):
    for form in (
        trimap,
        trimap.astype(np.uint16) * 257,
        trimap / 255,
        (trimap / 255).astype(np.float32),
        np.array([0, 0.5, 1])[np.digitize(trimap, [1, 255])],
        np.where(trimap == 128, 127, trimap).astype(np.uint8),
        Image.fromarray(trimap),
    ):
        assert check(form) == []
    assert check(astronaut().trimap) == []


@pytest.mark.parametrize(("level", "part"), [(255, "foreground"), (0, "background")])
def test_missing_parts_are_named(trimap, level, part):
    trimap[trimap == level] = 128
    said = check(trimap)
    assert any(f"No pixel is known {part}" in sentence for sentence in said)


def test_an_empty_trimap_lacks_both():
    said = check(np.full((11, 14), 0.5))
    assert [sentence.split(" (")[0] for sentence in said[:2]] == [
        "No pixel is known foreground",
        "No pixel is known background",
    ]
    assert said[2].startswith("100 % of the pixels are unknown")
    assert len(said) == 3


def test_the_share_of_unknown_pixels_is_named_where_it_is_odd(trimap):
    trimap[:, 4:12] = 128
    assert check(trimap) == []  # 15 of 31 columns
    trimap[:, 3] = 128
    assert check(trimap) == [
        "52 % of the pixels are unknown, which leaves little to infer them from."
    ]
    hard = np.where(trimap == 128, 0, trimap).astype(np.uint8)
    assert check(hard)[0] == "No pixel is unknown, so there is nothing to estimate."


def test_specks_are_counted_and_placed(trimap):
    trimap[4, 14] = trimap[5, 15] = 255  # neighbours by a corner: one
    trimap[9:12, 15:18] = 0
    trimap[2, 25], trimap[17, 2:4] = 128, 128
    assert check(trimap) == [
        "There is a speck of fewer than 10 foreground pixels in row 4, column 14.",
        "There is a speck of fewer than 10 background pixels in row 9, column 15.",
        "There are 2 specks of fewer than 10 unknown pixels, the first in row 2, column 25.",
    ]
    assert len(check(trimap, speck=9)) == 2
    assert check(trimap, speck=1) == []


@pytest.mark.parametrize(
    ("turn", "first"), [(np.array, "row 5, column 18"), (np.transpose, "row 9, column 15")]
)
def test_foreground_against_background_is_found_both_ways(trimap, turn, first):
    trimap[5:8, 12:19] = 255  # its right end is 3 high
    trimap[15, 10:19] = 0  # two pixels deep in the foreground: 2 + 2 + 1
    assert check(turn(trimap)) == [
        "Foreground touches background, with nothing unknown between, along 8 sides of pixels, "
        f"the first in {first}."
    ]


def test_one_odd_level_is_named_on_its_scale(trimap):
    for form, level, half in (
        (np.where(trimap == 128, 102, trimap).astype(np.uint8), "102", "128"),
        (
            np.where(trimap == 128, 26214, trimap.astype(int) * 257).astype(np.uint16),
            "26214",
            "32768",
        ),
        (np.where(trimap == 128, 0.4, trimap / 255), "0.4", "0.5"),
    ):
        (said,) = check(form)
        assert said.startswith(f"161 pixels have the level {level}, not {half};")


def test_some_odd_levels_are_listed(trimap):
    trimap[3, 13:16] = [1, 254, 200]
    (said,) = check(trimap)
    assert said.startswith("3 pixels have the level 1 or 200 or 254, not 128;")


def test_many_levels_look_like_an_alpha_matte(trimap):
    trimap[:, 12:19] = np.linspace(254, 1, 7).astype(np.uint8)
    (said,) = check(trimap)
    assert "6 levels other than 128, from 1 to 254: is this an alpha matte" in said


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_tiny_trimaps_are_judged(shape, level):
    said = check(np.full(shape, level, np.uint8))
    assert said
    assert all(sentence.endswith(".") for sentence in said)


def test_check_leaves_the_trimap_alone(trimap):
    before = trimap.copy()
    check(trimap)
    np.testing.assert_array_equal(trimap, before)


@pytest.mark.parametrize(
    ("trimap", "fault", "message"),
    [
        (np.eye(5, dtype=bool), TypeError, r"bool mask.*alphamat\.trimap\.from_mask"),
        (np.eye(5, dtype=int), TypeError, "dtype int64"),
        (np.dstack([np.eye(5), np.eye(5), np.ones((5, 5))]), ValueError, "has colours"),
        (np.full((3, 4), np.nan), ValueError, "NaN"),
        (np.zeros((0, 4)), ValueError, "empty"),
    ],
)
def test_what_is_no_trimap_is_not_checked(trimap, fault, message):
    with pytest.raises(fault, match=message):
        check(trimap)


@pytest.mark.parametrize(("speck", "fault"), [(0, ValueError), (2.5, TypeError)])
def test_nonsense_specks_are_refused(trimap, speck, fault):
    with pytest.raises(fault, match="`speck`"):
        check(trimap, speck=speck)


def test_foreground_around_background_looks_inverted():
    trimap = np.full((23, 31), 128, np.uint8)
    trimap[:4], trimap[:, :4], trimap[9:16, 11:20] = 255, 255, 0
    trimap[-2:, :10] = 0
    told = "Foreground covers 52 % of the picture's border, and background 11 %: is it inverted?"
    assert told in check(trimap)
    assert not any("inverted" in sentence for sentence in check(255 - trimap))
    half = np.full((23, 31), 128, np.uint8)
    half[:, :17], half[:, 19:] = 255, 0  # as in a close view
    assert check(half) == []
    trimap[9:16, 11:20], trimap[-2:, :10] = 128, 128  # no background at all
    assert not any("inverted" in sentence for sentence in check(trimap))


@pytest.mark.parametrize("form", [np.asarray, lambda a: np.rint(255.0 * a / a.max()) / 255])
def test_a_trimap_is_compared_with_its_photograph(form):
    image, trimap = map(form, astronaut())
    assert check(trimap, image=image) == []
    for turn in (np.fliplr, np.flipud, lambda levels: levels[::-1, ::-1]):
        (said,) = check(np.ascontiguousarray(turn(trimap)), image=image)
        assert said.startswith("It fits the photograph no better than if it were mirrored")
        assert check(turn(trimap), image=turn(image)) == []


@pytest.mark.parametrize("kind", ["flat", "noise", "edge", "grain behind"])
def test_photographs_that_tell_little_are_not_held_against_a_trimap(kind, image, trimap):
    column = np.arange(31)[:, None]
    photographs = {
        "flat": np.full_like(image, 0.3),
        "noise": image,
        "edge": np.where(column < 15, 0.3, 0.7) * np.ones((23, 1, 3)),
        "grain behind": np.where(
            column < 20, 0.01 * column, 0.5 + image / 2
        ),  # edges are elsewhere
    }
    assert check(trimap, image=photographs[kind]) == []


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
@pytest.mark.parametrize("level", [0, 128, 255])
def test_tiny_trimaps_are_compared(shape, level):
    levels = np.full(shape, level, np.uint8)
    assert check(levels, image=np.zeros((*shape, 3))) == check(levels)


def test_a_photograph_of_another_size_is_refused(trimap):
    with pytest.raises(ValueError, match="`trimap` is 23 × 31 and the image is 22 × 31"):
        check(trimap, image=np.zeros((22, 31, 3)))
