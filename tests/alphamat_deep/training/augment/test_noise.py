import io

import numpy as np
import pytest
from PIL import Image

from alphamat_deep.training.augment import (
    add_noise,
    grain,
    jpeg,
    noise,
    random_grain,
    random_jpeg,
    random_noise,
)
from alphamat_deep.training.augment.geometry import resize_pixels
from tests.alphamat_deep.training.augment.samples import layers, shares, whole


def test_noise_has_its_mean_and_sigma():
    pixels = np.full((200, 200, 3), 0.5, np.float32)
    rest = add_noise(pixels, 0.03, np.random.default_rng(1), mean=0.02) - pixels
    assert abs(rest.mean() - 0.02) < 0.001
    assert abs(rest.std() - 0.03) < 0.001
    assert rest.dtype == np.float32


def test_noise_stays_within_bounds():
    noisy = add_noise(layers(1)["foreground"], 0.5, np.random.default_rng(1))
    assert noisy.min() == 0
    assert noisy.max() == 1


def test_paddlesegs_noise_is_of_the_image_only(monkeypatch):
    sample, drawn = whole(3), []
    new = random_noise(sample, np.random.default_rng(1), probability=1)
    assert [name for name in sample if new[name] is not sample[name]] == ["image"]
    monkeypatch.setattr(
        noise, "add_noise", lambda pixels, sigma, _, mean: drawn.append((mean, sigma**2))
    )
    rng = np.random.default_rng(2)
    for _ in range(4000):
        random_noise(sample, rng)
    assert abs(len(drawn) / 4000 - 0.5) < 0.03
    for values, most in zip(np.transpose(drawn), (0.04, 0.001), strict=True):
        assert values.min() >= 0
        assert values.max() <= most
        assert abs(values.mean() - most / 2) < 0.03 * most


def test_jpeg_is_what_other_programs_make_of_it():
    y, x = np.mgrid[:32, :48]
    picture = np.stack([x / 48, y / 32, 0.5 + 0 * x], axis=-1).astype(np.float32)
    file = io.BytesIO()
    Image.fromarray(np.rint(255 * picture).astype(np.uint8)).save(file, "JPEG", quality=80)
    theirs = np.asarray(Image.open(file)) / 255
    found = jpeg(picture, 80)
    assert abs(found - theirs).max() < 0.02
    assert 0 < abs(found - picture).mean() < 0.02
    assert abs(jpeg(picture, 20) - picture).mean() > abs(found - picture).mean()


def test_paddlesegs_jpeg_has_its_qualities(monkeypatch):
    sample, drawn = whole(3), []
    new = random_jpeg(sample, np.random.default_rng(1), probability=1)
    assert [name for name in sample if new[name] is not sample[name]] == ["image"]
    monkeypatch.setattr(noise, "jpeg", lambda pixels, quality: drawn.append(quality))
    rng = np.random.default_rng(2)
    for _ in range(20000):
        random_jpeg(sample, rng)
    assert abs(len(drawn) / 20000 - 0.2) < 0.01
    assert set(drawn) == set(range(70, 95))


@pytest.mark.parametrize("monochrome", [False, True])
def test_grain_is_enlarged_noise(monochrome):
    found = grain((2, 40, 60, 3), 2.5, 0.1, np.random.default_rng(5), monochrome=monochrome)
    channels = 1 if monochrome else 3
    small = np.random.default_rng(5).standard_normal((2, 16, 24, channels), np.float32)
    expected = resize_pixels(np.float32(0.1) * small, 40, 60)
    assert found.shape == (2, 40, 60, 3)
    assert np.array_equal(found, np.broadcast_to(expected, found.shape))
    assert (np.ptp(found, axis=-1).max() == 0) == monochrome


def test_grain_is_drawn_as_rvms(monkeypatch):
    drawn = []

    def spy(shape, size, sigma, rng, *, monochrome):
        drawn.append((size, sigma * size, monochrome))
        return 0

    monkeypatch.setattr(noise, "grain", spy)
    rng, sample = np.random.default_rng(7), layers(3)
    for _ in range(4000):
        random_grain(sample, rng, probability=1)
    sizes, sigmas, monochrome = np.transpose(drawn)
    assert np.array_equal(sizes[::2], sizes[1::2])  # foreground and background alike
    assert not np.array_equal(sigmas[::2], sigmas[1::2])
    assert abs(np.histogram(sizes, 3, (1, 4))[0] / 8000 - 1 / 3).max() < 0.03
    assert abs(np.histogram(sigmas, 4, (0, 0.2))[0] / 8000 - 1 / 4).max() < 0.03
    assert abs(monochrome.mean() - 0.5) < 0.03
    monkeypatch.undo()
    found = shares(lambda rng: random_grain(sample, rng) is not sample, 2000)
    assert abs(found[True] - 0.1) < 0.03
