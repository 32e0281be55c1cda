import cv2
import numpy as np
import pytest

from alphamat_deep.training.augment import (
    flip,
    limit_short_side,
    pad,
    random_flip,
    random_resize,
    resize,
    resize_pixels,
)
from tests.alphamat_deep.training.augment.samples import error_of_composition, shares, whole


def bilinear(line, count):
    """Interpolate a line by the definition: half-pixel centres, borders repeated."""
    at = (np.arange(count) + 0.5) * len(line) / count - 0.5
    return np.interp(at, np.arange(len(line)), line)


@pytest.mark.parametrize("count", [3, 9, 14])
def test_resizing_interpolates_between_centres_of_pixels(count):
    line = np.random.default_rng(1).random(9).astype(np.float32)
    resized = resize_pixels(line.reshape(1, 9, 1), 1, count).ravel()
    assert np.allclose(resized, bilinear(line, count), atol=1e-6)


def test_resizing_treats_arrays_alike_and_never_mixes_labels():
    sample = whole(3)
    resized = resize(sample, 30, 77)
    assert {pixels.shape[:2] for pixels in resized.values()} == {(30, 77)}
    assert set(np.unique(resized["trimap"])) == {0, 0.5, 1}
    assert error_of_composition(resized) < 1e-6
    assert np.allclose(resized["alpha"], resize_pixels(sample["alpha"], 30, 77), atol=1e-7)


def test_a_size_that_is_there_already_changes_nothing():
    sample = whole(3)
    assert all(np.array_equal(sample[x], y) for x, y in resize(sample, 47, 61).items())


def test_images_resized_separately_are_no_composites():
    sample = whole(3)
    separate = resize(sample, 30, 40, separately=True)
    assert np.array_equal(separate["image"], resize_pixels(sample["image"], 30, 40))
    assert error_of_composition(separate) > 0.01


def test_cubic_filters_stay_within_bounds():
    resized = resize(whole(3), 90, 90, interpolation=cv2.INTER_CUBIC)
    assert all(pixels.min() >= 0 and pixels.max() <= 1 for pixels in resized.values())


@pytest.mark.parametrize(
    ("most", "least", "size"),
    [(30, 0, (30, 39)), (100, 0, (47, 61)), (100, 60, (60, 78)), (47, 47, (47, 61))],
)
def test_short_sides_are_limited(most, least, size):
    assert limit_short_side(whole(3), most, least=least)["alpha"].shape[:2] == size


def test_random_sizes_are_shares_of_what_covers():
    sample = {"alpha": whole(3)["alpha"]}
    rng = np.random.default_rng(3)
    rows = [random_resize(sample, 100, rng)["alpha"].shape[0] for _ in range(600)]
    # 100 / 47 covers; so 0.3 to 1.5 times 100 rows.
    assert min(rows) >= 30
    assert max(rows) <= 150
    assert abs(np.mean(rows) - 90) < 5
    assert np.histogram(rows, 4, (30, 150))[0].min() > 110


@pytest.mark.parametrize("vertically", [False, True])
def test_flipping_twice_is_the_identity(vertically):
    sample = whole(3, frames=2)
    once = flip(sample, vertically=vertically)
    assert not np.array_equal(once["alpha"], sample["alpha"])
    twice = flip(once, vertically=vertically)
    assert all(np.array_equal(sample[name], twice[name]) for name in sample)
    assert np.array_equal(once["alpha"][0], np.flip(sample["alpha"][0], 0 if vertically else 1))


def test_every_second_sample_is_flipped():
    sample = {"alpha": np.float32([[[0], [1]]])}
    found = shares(lambda rng: random_flip(sample, rng)["alpha"][0, 0, 0].item(), 4000)
    assert abs(found[1.0] - 0.5) < 0.03


def test_padding_is_known_background():
    sample = whole(3)
    padded = pad(sample, 50, 40)
    assert padded["image"].shape == (50, 61, 3)
    assert all(np.array_equal(padded[name][:47], sample[name]) for name in sample)
    assert not padded["alpha"][47:].any()
    assert not padded["trimap"][47:].any()
    assert (padded["image"][47:] == 0.5).all()
