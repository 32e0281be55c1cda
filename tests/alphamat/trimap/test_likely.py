"""Trimaps from a photograph and a rough segmentation of it."""

import numpy as np
import pytest

from alphamat.door.image import as_image
from alphamat.examples import fur, synthetic
from alphamat.trimap import from_segmentation
from alphamat.trimap.likely import EPSILON, _guided

HEIGHT, WIDTH = 121, 170


@pytest.fixture
def square():
    square = np.zeros((HEIGHT, WIDTH))
    square[30:90, 40:130] = 1
    return square


@pytest.fixture
def scene():
    return synthetic(fur, HEIGHT, WIDTH)


def moved(foreground, pixels):
    return np.roll(foreground, pixels, axis=1)


def test_a_clear_edge_gets_a_narrow_band(square):
    trimap = from_segmentation(square, square)
    assert (trimap == 128).mean() < 0.06
    assert (trimap[square == 1] > 0).all()
    assert (trimap[square == 0] < 255).all()


def test_a_mask_may_be_bool(square):
    trimap = from_segmentation(square, square)
    np.testing.assert_array_equal(from_segmentation(square, square > 0), trimap)


def test_a_wrong_outline_is_within_the_band(square):
    trimap = from_segmentation(square, moved(square, 4))
    assert (trimap[30:90, 40:44] == 128).all()
    assert (trimap[30:90, 130:134] == 128).all()


def test_the_band_is_wider_where_the_picture_shows_no_edge(square):
    image = square.copy()
    image[:, 85:] = 0.5  # nothing to be seen of the right half
    unknown = from_segmentation(image, square) == 128
    assert unknown[60, 100:].sum() > 2 * unknown[60, :70].sum()


def test_the_band_is_wider_at_fur(scene):
    mask = (scene.alpha > 0.5).astype(float)
    flat = from_segmentation(mask, mask)
    assert (from_segmentation(scene.image, mask) == 128).sum() > 1.3 * (flat == 128).sum()


def test_most_fractional_pixels_are_unknown(scene):
    trimap = from_segmentation(scene.image, (scene.alpha > 0.5).astype(float))
    fractional = (scene.alpha > 0.02) & (scene.alpha < 0.98)
    assert (trimap[fractional] == 128).mean() > 0.85


def test_what_is_unsure_is_unknown(square):
    likely = square.copy()
    likely[50:60, 70:80], likely[5:9, 5:9], likely[70:74, 90] = 0.5, 0.3, 0.8
    trimap = from_segmentation(square, likely)
    assert (trimap[50:60, 70:80] == 128).all()
    assert (trimap[5:9, 5:9] == 128).all()
    assert (trimap[70:74, 90] == 128).all()


def test_what_is_unsure_is_unknown_pixel_by_pixel():
    likely = np.zeros((900, 1300))
    likely[200:700, 300:900] = 1
    likely[400, 600] = 0.7  # nothing is left of it on the small copy
    assert from_segmentation(likely, likely)[400, 600] == 128


def test_what_only_looks_odd_away_from_the_outline_is_known(square):
    image = square.copy()
    image[60, 45] = 0  # five pixels inside
    trimap = from_segmentation(image, square)
    assert (trimap[55:65, 43:60] == 255).all()


def test_a_small_thing_in_a_big_picture_gets_a_band_of_its_own_scale():
    mask = np.zeros((1500, 2000))
    mask[700:760, 900:980] = 1
    trimap = from_segmentation(mask, mask)
    assert (trimap[705:755, 905:975] == 255).all()
    assert (trimap[:694] == 0).all()
    assert (trimap[700:760, 900] == 128).all()


def test_a_speck_that_the_small_copy_loses_is_unknown():
    mask = np.zeros((900, 1300))
    mask[200:700, 300:900] = 1
    mask[50, 1100] = 1
    assert from_segmentation(mask, mask)[50, 1100] == 128


@pytest.mark.parametrize("side", [1, 2, 5])
def test_even_a_small_foreground_keeps_a_known_pixel(side):
    mask = np.zeros((40, 50))
    mask[20 : 20 + side, 30 : 30 + side] = 1
    for part in (mask, 1 - mask):
        trimap = from_segmentation(np.full((40, 50), 0.5), part)
        assert {0, 255} <= set(np.unique(trimap).tolist())


@pytest.mark.parametrize(
    ("value", "part"), [(0.0, "foreground"), (0.5, "foreground"), (1.0, "background")]
)
def test_a_missing_part_is_refused(value, part):
    with pytest.raises(ValueError, match=rf"`foreground` leaves no {part} that is known"):
        from_segmentation(np.zeros((20, 30)), np.full((20, 30), value))


def test_other_sizes_and_values_are_refused():
    with pytest.raises(ValueError, match=r"`foreground` is 20 × 31 and the image is 20 × 30"):
        from_segmentation(np.zeros((20, 30)), np.zeros((20, 31)))
    with pytest.raises(ValueError, match=r"`foreground` contains NaN"):
        from_segmentation(np.zeros((20, 30)), np.full((20, 30), np.nan))


def test_both_parts_are_treated_alike(scene):
    mask = (scene.alpha > 0.5).astype(float)
    trimap, other = (from_segmentation(scene.image, part) for part in (mask, 1 - mask))
    alike = (trimap == 128) == (other == 128)
    assert alike.mean() > 0.99


def test_the_guided_filter_is_the_papers():
    rng = np.random.default_rng(12)
    image, part = as_image(rng.random((9, 13, 3))), (rng.random((9, 13)) > 0.5).astype(float)
    slopes, offsets = np.zeros((9, 13, 3)), np.zeros((9, 13))
    around = np.pad(image, ((2, 2), (2, 2), (0, 0)), "edge"), np.pad(part, 2, "edge")
    for y, x in np.ndindex(9, 13):
        colours, shares = (array[y : y + 5, x : x + 5] for array in around)
        colours, shares = colours.reshape(-1, 3), shares.ravel()
        spread = np.cov(colours.T, bias=True) + EPSILON * np.eye(3)
        both = (colours * shares[:, None]).mean(0) - colours.mean(0) * shares.mean()
        slopes[y, x] = np.linalg.solve(spread, both)
        offsets[y, x] = shares.mean() - slopes[y, x] @ colours.mean(0)
    expected = np.zeros((9, 13))
    around = np.pad(slopes, ((2, 2), (2, 2), (0, 0)), "edge"), np.pad(offsets, 2, "edge")
    for y, x in np.ndindex(9, 13):
        slope, offset = (array[y : y + 5, x : x + 5] for array in around)
        expected[y, x] = slope.reshape(-1, 3).mean(0) @ image[y, x] + offset.mean()
    found = _guided(image.astype(np.float32), part.astype(np.float32), 2)
    np.testing.assert_allclose(found, expected, atol=1e-4)
