import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from alphamat_deep.training.augment import (
    adjust_sharpness,
    box_blur,
    focus,
    gaussian_blur,
    pillow_box_blur,
    pillow_sharpen,
    random_blur,
    random_box_blur,
    random_pillow_sharpen,
    random_sharpen,
    random_sharpness,
    unsharp,
)
from tests.alphamat_deep.training.augment.samples import (
    error_of_composition,
    layers,
    shares,
    stored,
    whole,
)


@pytest.mark.parametrize("size", [20, 21])
def test_box_blur_is_the_authors(size):
    outputs, inputs = stored()
    expected = np.moveaxis(outputs[f"blur/bgmv2_box{size}"][0], 0, -1)
    assert abs(box_blur(inputs["tensor"], size) - expected).max() < 1e-6


@pytest.mark.parametrize("size", [2, 3, 6])
def test_box_blur_is_a_mean_with_mirrored_borders(size):
    pixels = layers(3)["foreground"].astype(np.float64)
    wide = np.pad(pixels, [(size, size), (size, size), (0, 0)], mode="reflect")
    first = size - (size - 1) // 2
    expected = np.mean(
        [wide[first + y :, first + x :][:47, :61] for y in range(size) for x in range(size)],
        axis=0,
    )
    assert abs(box_blur(pixels.astype(np.float32), size) - expected).max() < 1e-6


def test_gaussian_weights_fall_with_the_squared_distance():
    point = np.zeros((9, 9, 1), np.float32)
    point[4, 4] = 1
    away = np.arange(-2, 3)
    weights = np.exp(-(away**2) / (2 * 1.3**2))
    expected = np.outer(weights, weights) / weights.sum() ** 2
    assert abs(gaussian_blur(point, 5, sigma=1.3)[2:7, 2:7, 0] - expected).max() < 1e-6


def test_pillows_filters_are_pillows():
    pixels = layers(3)["foreground"]
    picture = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    for found, kernel in [
        (pillow_box_blur(pixels, 3), ImageFilter.BoxBlur(3)),
        (pillow_sharpen(pixels), ImageFilter.SHARPEN),
    ]:
        assert np.array_equal(np.rint(255 * found), np.asarray(picture.filter(kernel)))


def test_unsharp_masking_is_of_8_bits():
    pixels = layers(3)["foreground"]
    levels = np.rint(255 * pixels).astype(np.uint8)
    blurred = cv2.GaussianBlur(levels, (5, 5), 5).astype(np.float64)
    expected = np.clip(1.4 * levels - 0.4 * blurred, 0, 255)
    assert abs(255 * unsharp(pixels, 5, 0.4) - expected).max() <= 0.501


def test_sharpness_blends_with_a_smoothed_picture():
    pixels = layers(3)["foreground"].astype(np.float64)
    smooth = pixels.copy()
    smooth[1:-1, 1:-1] = 4 / 13 * pixels[1:-1, 1:-1] + sum(
        pixels[y : y + 45, x : x + 59] / 13 for y in range(3) for x in range(3)
    )
    for factor in (0, 1, 2.5):
        expected = np.clip(factor * pixels + (1 - factor) * smooth, 0, 1)
        found = adjust_sharpness(pixels.astype(np.float32), factor)
        assert abs(found - expected).max() < 1e-6


def test_blur_has_paddlesegs_sizes_and_is_rare(monkeypatch):
    sizes = []
    monkeypatch.setattr(
        focus, "cv2", type("", (), {"GaussianBlur": lambda x, size, _: sizes.append(size) or x})
    )
    rng, tiny = np.random.default_rng(37), {"alpha": np.zeros((1, 1, 1), np.float32)}
    for _ in range(20000):
        random_blur(tiny, rng)
    assert abs(len(sizes) / 20000 - 0.1) < 0.01
    for size, share in {3: 1, 5: 2, 7: 2, 9: 2}.items():
        assert abs(sizes.count((size, size)) / len(sizes) - share / 7) < 0.05


def test_blur_leaves_the_trimap():
    sample = whole(3)
    new = random_blur(sample, np.random.default_rng(1), probability=1)
    assert new["trimap"] is sample["trimap"]
    assert not np.array_equal(new["alpha"], sample["alpha"])
    assert not np.array_equal(new["background"], sample["background"])


@pytest.mark.parametrize("change", [random_blur, random_sharpen])
def test_images_go_their_own_way_as_in_paddleseg(change):
    sample = whole(3)
    new = change(sample, np.random.default_rng(2), probability=1, separately=True)
    assert error_of_composition(new) > 0.01


def test_sharpening_as_in_paddleseg_has_fixed_layers():
    sample = whole(3)
    found = [
        random_sharpen(sample, np.random.default_rng(seed), probability=1, separately=True)
        for seed in range(2)
    ]
    assert np.array_equal(found[0]["foreground"], unsharp(sample["foreground"], 0, 0.5))
    assert np.array_equal(found[0]["background"], found[1]["background"])
    assert not np.array_equal(found[0]["image"], found[1]["image"])
    assert np.array_equal(found[0]["alpha"], sample["alpha"])


def test_sharpening_has_paddlesegs_sizes_and_weights(monkeypatch):
    found = []
    monkeypatch.setattr(focus, "unsharp", lambda pixels, *how: found.append(how) or pixels)
    rng, tiny = np.random.default_rng(37), {"foreground": np.zeros((1, 1, 3), np.float32)}
    for _ in range(10000):
        random_sharpen(tiny, rng)
    assert abs(len(found) / 10000 - 0.2) < 0.015
    sizes, weights = np.transpose(found)
    assert set(sizes) == {0, 3, 5, 7, 9}
    assert weights.min() >= 0.1
    assert weights.max() <= 0.5
    assert abs(weights.mean() - 0.3) < 0.01


def test_boxes_have_bgmv2s_radii(monkeypatch):
    found = []
    monkeypatch.setattr(
        focus, "pillow_box_blur", lambda pixels, radius: found.append(radius) or pixels
    )
    rng, tiny = np.random.default_rng(3), layers(3)
    for _ in range(10000):
        random_box_blur(tiny, rng)
    assert found[::2] == found[1::2]  # foreground and alpha alike
    assert abs(len(found) / 20000 - 0.1) < 0.01
    assert abs(np.bincount(found) / len(found) - 1 / 6).max() < 0.04


@pytest.mark.parametrize(
    ("change", "probability"), [(random_pillow_sharpen, 0.1), (random_sharpness, 0.1)]
)
def test_others_are_as_rare_as_said(change, probability):
    tiny = {name: np.zeros((4, 4, c), np.float32) for name, c in (("foreground", 3), ("alpha", 1))}
    found = shares(lambda rng: change(tiny, rng) is not tiny, 5000)
    assert abs(found[True] - probability) < 0.02


def test_sharpness_is_uniform(monkeypatch):
    factors = []
    monkeypatch.setattr(
        focus, "adjust_sharpness", lambda pixels, factor: factors.append(factor) or pixels
    )
    rng, tiny = np.random.default_rng(3), {"alpha": np.zeros((4, 4, 1), np.float32)}
    for _ in range(2000):
        random_sharpness(tiny, rng, probability=1)
    assert abs(np.histogram(factors, 4, (0, 8))[0] / 2000 - 0.25).max() < 0.04
