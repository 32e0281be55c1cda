"""The door for trimaps."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from alphamat.trimap import Trimap, as_trimap

PLAIN = np.array([[0, 0, 128, 255, 255], [0, 128, 128, 128, 255], [0, 0, 0, 128, 128]], np.uint8)
UNIT = np.array([0, 0.5, 1])[np.digitize(PLAIN, [1, 255])]


def check(parsed):
    """Assert that a parsed trimap is the plain one."""
    np.testing.assert_array_equal(parsed.foreground, PLAIN == 255)
    np.testing.assert_array_equal(parsed.background, PLAIN == 0)
    np.testing.assert_array_equal(parsed.unknown, PLAIN == 128)
    np.testing.assert_array_equal(parsed.known, PLAIN != 128)
    assert all(part.dtype == bool for part in parsed)


@pytest.mark.parametrize(
    "form",
    [
        PLAIN,
        PLAIN.astype(np.uint16) * 257,
        UNIT,
        UNIT.astype(np.float32),
        UNIT.astype(np.float16),
        UNIT.tolist(),
        np.asfortranarray(PLAIN),
        PLAIN[..., None],
        np.dstack([PLAIN] * 3),
        np.dstack([PLAIN] * 3 + [np.full_like(PLAIN, 255)]),
        Image.fromarray(PLAIN),
        Image.fromarray(PLAIN).convert("RGB"),
        Image.fromarray(PLAIN).convert("RGBA"),
        Image.fromarray(PLAIN).convert("P"),
    ],
    ids=lambda form: (
        f"{type(form).__name__} {getattr(form, 'dtype', getattr(form, 'mode', ''))} "
        f"{np.shape(form)}"
    ),
)
def test_every_form_means_the_same(form):
    check(as_trimap(form))
    check(as_trimap(form, shape=(3, 5)))


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(2, 6))))
def test_everything_strictly_between_black_and_white_is_unknown(levels):
    levels[0, 0], levels[-1, -1] = 0, 255
    for form in (levels, levels / 255, levels.astype(np.uint16) * 257):
        parsed = as_trimap(form)
        np.testing.assert_array_equal(parsed.foreground, levels == 255)
        np.testing.assert_array_equal(parsed.background, levels == 0)
        np.testing.assert_array_equal(parsed.unknown, (levels > 0) & (levels < 255))
        assert not (parsed.foreground & parsed.background).any()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_one_step_from_the_ends_is_unknown(dtype):
    full = np.iinfo(dtype).max
    parsed = as_trimap(np.array([[0, 1, full - 1, full]], dtype))
    np.testing.assert_array_equal(parsed.unknown, [[False, True, True, False]])


def test_nothing_unknown_is_accepted():
    assert not as_trimap(np.array([[0, 255], [255, 0]], np.uint8)).unknown.any()


def test_one_pixel_of_each_kind_is_enough():
    trimap = np.full((5, 7), 128, np.uint8)
    trimap[0, 0], trimap[4, 6] = 255, 0
    assert as_trimap(trimap).unknown.sum() == 5 * 7 - 2


def test_a_palette_shows_its_colours_and_not_its_indices():
    # A palette may well store white as index 1 and unknown as index 2.
    picture = Image.fromarray(np.searchsorted([0, 128, 255], PLAIN).astype(np.uint8))
    picture = picture.convert("P")
    picture.putpalette([0, 0, 0, 128, 128, 128, 255, 255, 255])
    check(as_trimap(picture))


def test_the_argument_is_left_alone():
    before = PLAIN.copy()
    parsed = as_trimap(PLAIN)
    parsed.foreground[:] = True
    np.testing.assert_array_equal(PLAIN, before)


def test_a_mask_is_refused_with_advice():
    with pytest.raises(
        TypeError, match=r"`trimap` is a bool mask, .* alphamat\.trimap\.from_mask\(mask, inner="
    ):
        as_trimap(PLAIN > 100)


@pytest.mark.parametrize(
    ("levels", "missing"),
    [
        ([[0, 128], [128, 0]], r"no foreground \(white"),
        ([[255, 128], [128, 255]], r"no background \(black"),
        ([[128, 128], [128, 128]], r"no foreground \(white"),
        ([[0, 1], [0, 1]], r"no foreground \(white.*from 0 to 0\.00392 of full scale"),
    ],
)
def test_a_trimap_without_either_side_is_refused_by_name(levels, missing):
    with pytest.raises(ValueError, match=f"`trimap` marks {missing}.*Mark at least one pixel"):
        as_trimap(np.array(levels, np.uint8))


@pytest.mark.parametrize("shape", [(5, 3), (3, 6), (30, 50)])
def test_another_size_is_refused_with_both_sizes(shape):
    with pytest.raises(
        ValueError, match=rf"`trimap` is 3 × 5 and the image is {shape[0]} × {shape[1]}"
    ):
        as_trimap(PLAIN, shape=shape)


def test_colours_are_refused():
    scribbles = np.dstack([PLAIN, PLAIN, 255 - PLAIN])
    with pytest.raises(ValueError, match="`trimap` has colours"):
        as_trimap(scribbles)


@pytest.mark.parametrize("shape", [(), (4,), (4, 5, 2), (4, 5, 6), (1, 4, 5, 1)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="`trimap` has shape"):
        as_trimap(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("shape", [(0, 4), (4, 0), (0,)])
def test_empty_trimaps_are_refused(shape):
    with pytest.raises(ValueError, match="`trimap` is empty"):
        as_trimap(np.zeros(shape))


@pytest.mark.parametrize("dtype", [np.int64, np.int8, np.uint32, complex, str])
def test_other_dtypes_are_refused(dtype):
    with pytest.raises(TypeError, match="`trimap` has dtype"):
        as_trimap(np.zeros((3, 5), dtype))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 2.0, 255.0])
def test_floats_that_are_no_share_are_refused(value):
    trimap = UNIT.copy()
    trimap[1, 2] = value
    with pytest.raises(ValueError, match=r"`trimap`.*expected"):
        as_trimap(trimap)


def test_a_parsed_trimap_unpacks_into_its_parts():
    foreground, background = as_trimap(PLAIN)
    assert isinstance(as_trimap(PLAIN), Trimap)
    assert foreground.any()
    assert background.any()


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 6))))
def test_levels_of_any_kind_are_split_at_0_and_1(levels):
    parts = Trimap.of(levels / 255)
    np.testing.assert_array_equal(parts.foreground, levels == 255)
    np.testing.assert_array_equal(parts.background, levels == 0)
    np.testing.assert_array_equal(parts.unknown, (levels > 0) & (levels < 255))


def test_levels_next_to_0_and_1_are_unknown():
    levels = np.nextafter([[0.0, 0.0, 1.0, 1.0]], [[0, 1, 0, 1]])
    assert Trimap.of(levels).unknown.tolist() == [[False, True, True, False]]


@pytest.mark.parametrize("shape", [5, (5,), (5, 6, 3), (5.0, 6), "ab"])
def test_a_shape_that_is_no_pair_is_refused_by_name(shape):
    with pytest.raises(TypeError, match="`shape"):
        as_trimap(np.array([[0, 255]], np.uint8), shape=shape)
