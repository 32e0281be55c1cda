import cv2
import numpy as np
import pytest

from alphamat_deep.training.augment import (
    Window,
    cover,
    crop,
    random_crop,
    random_crop_around_unknown,
    random_crop_by_alpha,
    random_crop_by_coarse_trimap,
    random_crop_from_unknown,
    window_cut_off,
    window_inside,
)
from tests.alphamat_deep.training.augment.samples import shares, stored, whole


@pytest.mark.parametrize(
    ("name", "window"), [("dim", window_inside), ("paddleseg_by_alpha", window_cut_off)]
)
def test_windows_are_the_authors(name, window):
    for row in stored()[0][f"crop/{name}"].tolist():
        shape, size, centre, expected = row[:2], row[2:4], row[4:6], row[6:]
        assert list(window(tuple(shape), tuple(size), tuple(centre))) == expected


def numbered(height, width):
    """Return a sample whose image numbers its pixels."""
    image = np.arange(height * width, dtype=np.float32).reshape(height, width, 1)
    return {"image": image / (height * width)}


def corner_of(sample, like):
    """Return row and column, in a numbered sample, of the first pixel of a crop."""
    height, width = like["image"].shape[:2]
    return divmod(round(sample["image"].flat[0] * height * width), width)


def test_crops_are_of_all_arrays_alike():
    sample = whole(3, frames=2)
    cut = crop(sample, Window(5, 7, 20, 30))
    assert all(np.array_equal(cut[name], sample[name][:, 5:25, 7:37]) for name in sample)


def test_plain_crops_lie_anywhere():
    sample = numbered(12, 15)
    rng = np.random.default_rng(4)
    found = [random_crop(sample, (8, 10), rng) for _ in range(4000)]
    assert {cut["image"].shape for cut in found} == {(8, 8, 1), (10, 10, 1)}
    corners = [corner_of(cut, sample) for cut in found if cut["image"].shape[0] == 8]
    assert set(corners) == {(y, x) for y in range(5) for x in range(8)}
    assert abs(len(corners) / 4000 - 0.5) < 0.03
    assert max(corners.count(corner) for corner in set(corners)) < 2000 / 40 * 1.6


def around(*unknown, height=40, width=50):
    sample = numbered(height, width) | {"alpha": np.zeros((height, width, 1), np.float32)}
    for pixel in unknown:
        sample["alpha"][pixel] = 0.5
    return sample | {"trimap": sample["alpha"]}


def test_squares_around_unknown_pixels_have_them_in_their_middle():
    sample = around((20, 30), (15, 25), (2, 47))
    found = shares(
        lambda rng: corner_of(random_crop_around_unknown(sample, (8,), rng), sample), 3000
    )
    assert set(found) == {(16, 26), (11, 21), (0, 42)}
    assert all(abs(share - 1 / 3) < 0.03 for share in found.values())


def test_pixels_with_room_around_them_may_be_preferred():
    sample = around((20, 30), (2, 47))
    rng = np.random.default_rng(3)
    cuts = [random_crop_around_unknown(sample, (8,), rng, prefer_inside=True) for _ in range(50)]
    assert {corner_of(cut, sample) for cut in cuts} == {(16, 26)}
    sample = around((2, 47))
    cut = random_crop_around_unknown(sample, (8,), rng, prefer_inside=True)
    assert corner_of(cut, sample) == (0, 42)


def test_without_unknown_pixels_the_square_is_the_middle():
    cut = random_crop_around_unknown(around(), (8,), np.random.default_rng(3))
    assert corner_of(cut, around()) == (16, 21)


def test_pictures_smaller_than_the_square_are_enlarged():
    for side in (50, 64, 90):
        cut = random_crop_around_unknown(whole(3), (side,), np.random.default_rng(3))
        assert {pixels.shape[:2] for pixels in cut.values()} == {(side, side)}


def test_covering_keeps_the_aspect():
    sample = whole(3)
    assert cover(sample, 47, 20) is sample
    assert cover(sample, 94, 20)["alpha"].shape == (94, 122, 1)


def test_paddleseg_centres_half_of_its_crops_and_cuts_them_off():
    sample = around((38, 30))
    rng = np.random.default_rng(9)
    cuts = [random_crop_by_alpha(sample, (8,), rng) for _ in range(3000)]
    assert {cut["image"].shape for cut in cuts} == {(8, 8, 1), (6, 8, 1)}
    centred = [corner_of(cut, sample) for cut in cuts if cut["image"].shape[0] == 6]
    assert set(centred) == {(34, 26)}
    assert abs(len(centred) / 3000 - 0.5) < 0.03


def test_paddleseg_leaves_a_sample_whole_that_has_no_unknown_pixel():
    sample = around()
    assert random_crop_by_alpha(sample, (8,), np.random.default_rng(0), probability=1) is sample


def test_p3m_begins_half_of_its_crops_at_an_unknown_pixel():
    sample = around((20, 30), (5, 6), (35, 45))  # around the last there is no room
    rng = np.random.default_rng(9)
    corners = [corner_of(random_crop_from_unknown(sample, (8,), rng), sample) for _ in range(4000)]
    chosen = [corner for corner in corners if corner in ((20, 30), (5, 6))]
    assert abs(len(chosen) / 4000 - 0.5) < 0.03
    assert abs(chosen.count((5, 6)) / len(chosen) - 0.5) < 0.05
    assert max(row for row, _ in corners) < 32
    assert max(column for _, column in corners) < 42


def test_p3m_falls_back_on_a_size_that_fits_or_enlarges():
    cut = random_crop_from_unknown(whole(3), (47, 90), np.random.default_rng(1), fallback=20)
    assert cut["image"].shape == (20, 20, 3)
    cut = random_crop_from_unknown(whole(3), (90,), np.random.default_rng(1), fallback=60)
    assert cut["image"].shape == (60, 60, 3)


def test_gca_centres_its_crops_on_coarse_unknown_pixels():
    sample = numbered(80, 100) | {"trimap": np.zeros((80, 100, 1), np.float32)}
    sample["trimap"][30:50, 40:56] = 0.5
    rng = np.random.default_rng(6)
    corners = {
        corner_of(random_crop_by_coarse_trimap(sample, 16, rng), sample) for _ in range(1000)
    }
    # Every fourth pixel from 32 to 48 down and from 40 to 52 across, less half of the side.
    assert corners == {(y - 8, x - 8) for y in range(32, 50, 4) for x in range(40, 56, 4)}


@pytest.mark.parametrize("coarse", [9, 10])
def test_gca_crops_anywhere_with_fewer_than_10_unknown_pixels(coarse):
    sample = numbered(32, 36) | {"trimap": np.zeros((32, 36, 1), np.float32)}
    chosen = [(y, x) for y in range(8, 20, 4) for x in range(8, 24, 4)][:coarse]
    for y, x in chosen:
        sample["trimap"][y, x] = 0.5
    rng = np.random.default_rng(6)
    corners = {
        corner_of(random_crop_by_coarse_trimap(sample, 16, rng), sample) for _ in range(6000)
    }
    anywhere = {(y, x) for y in range(17) for x in range(21)}
    assert corners == (anywhere if coarse == 9 else {(y - 8, x - 8) for y, x in chosen})


def test_gca_resizes_what_has_no_unknown_pixel():
    sample = numbered(30, 34) | {"trimap": np.ones((30, 34, 1), np.float32)}
    cut = random_crop_by_coarse_trimap(sample, 16, np.random.default_rng(6))
    expected = cv2.resize(sample["image"], (16, 16), interpolation=cv2.INTER_CUBIC)
    assert np.allclose(cut["image"][..., 0], np.clip(expected, 0, 1))


@pytest.mark.parametrize("side", [47, 61, 100])
def test_gca_enlarges_pictures_not_larger_than_the_square(side):
    cut = random_crop_by_coarse_trimap(whole(3), side, np.random.default_rng(6))
    assert {pixels.shape[:2] for pixels in cut.values()} == {(side, side)}
    assert set(np.unique(cut["trimap"])) <= {0, 0.5, 1}
