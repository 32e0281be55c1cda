import cv2
import numpy as np

from alphamat_deep.training.augment import (
    PADDLESEG_RULES,
    PILLOW_RULES,
    TENSOR_RULES,
    apply_jitter,
    draw_jitter,
    jitter,
    random_distort,
    random_grey,
    random_hsv_jitter,
    random_jitter,
)
from tests.alphamat_deep.training.augment.samples import (
    error_of_composition,
    layers,
    shares,
    whole,
)


def test_jitter_draws_torchvisions_ranges_in_random_order():
    rng = np.random.default_rng(19)
    drawn = [
        draw_jitter(rng, brightness=0.2, contrast=0.1, saturation=1.5, hue=0.05)
        for _ in range(4000)
    ]
    for rule, low, high in zip(
        PILLOW_RULES, (0.8, 0.9, 0, -0.05), (1.2, 1.1, 2.5, 0.05), strict=True
    ):
        amounts = np.array([dict(one)[rule] for one in drawn])
        assert amounts.min() >= low
        assert amounts.max() <= high
        assert abs(amounts.mean() - (low + high) / 2) < 0.03 * (high - low)
        places = [[first for first, _ in one].index(rule) for one in drawn]
        assert abs(np.bincount(places) / 4000 - 0.25).max() < 0.03


def test_jitter_is_applied_in_its_order():
    pixels = layers(1)["foreground"]
    steps = [(TENSOR_RULES[1], 1.5), (TENSOR_RULES[0], 0.5)]
    expected = TENSOR_RULES[0](TENSOR_RULES[1](pixels, 1.5), 0.5)
    assert np.array_equal(apply_jitter(pixels, steps), expected)
    assert not np.allclose(apply_jitter(pixels, steps[::-1]), expected)


def test_each_layer_gets_a_jitter_of_its_own():
    sample = whole(3)
    sample["background"] = sample["foreground"]
    new = random_jitter(sample, np.random.default_rng(4), names=("foreground", "background"))
    assert not np.array_equal(new["foreground"], new["background"])
    assert np.array_equal(new["alpha"], sample["alpha"])


def test_distortion_is_one_draw_for_all_layers():
    sample = whole(3)
    sample["background"] = sample["foreground"]
    for seed in range(20):
        new = random_distort(sample, np.random.default_rng(seed))
        assert np.array_equal(new["foreground"], new["background"])
        assert np.array_equal(new["plate"], sample["plate"])


def test_distortion_of_an_image_alone():
    image = {"image": whole(3)["image"]}
    new = random_distort(image, np.random.default_rng(4), probability=1)
    assert abs(new["image"] - image["image"]).mean() > 0.02


def test_distortion_as_in_paddleseg_breaks_the_composition():
    sample = whole(3)
    new = random_distort(sample, np.random.default_rng(4), separately=True)
    assert error_of_composition(new) > 0.05


def test_distortion_draws_paddlesegs_ranges(monkeypatch):
    found = []
    monkeypatch.setattr(jitter, "apply_jitter", lambda pixels, one: found.append(one) or pixels)
    rng, sample = np.random.default_rng(23), {"foreground": layers(3)["foreground"]}
    for _ in range(4000):
        random_distort(sample, rng)
    for at, rule in enumerate(PADDLESEG_RULES):
        amounts = np.array([dict(one)[rule] for one in found if rule in dict(one)])
        low, high = (-18, 18) if at == 3 else (0.5, 1.5)
        assert abs(len(amounts) / 4000 - 0.5) < 0.03
        assert amounts.min() >= low
        assert amounts.max() <= high
        assert abs(amounts.std() - (high - low) / np.sqrt(12)) < 0.02 * (high - low)
    full = [tuple(rule for rule, _ in one) for one in found if len(one) == 4]
    assert len(set(full)) == 24


def hsv(pixels):
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)


def test_hsv_jitter_is_gcas():
    sample = layers(3)
    visible = sample["alpha"][..., 0] > 0
    sample["foreground"] = 0.4 + sample["foreground"] / 5  # nothing is reflected in value
    before, hues, values = hsv(sample["foreground"]), [], []
    rng = np.random.default_rng(31)
    for _ in range(400):
        after = hsv(random_hsv_jitter(sample, rng)["foreground"])
        grown = before[..., 1] > 0.2
        turned = (after - before)[..., 0][grown] % 360
        hues.append((np.median(turned) + 180) % 360 - 180)
        values.append(np.median((after - before)[..., 2]))
    hues = np.array(hues)
    assert np.allclose(hues, hues.round(), atol=0.02)
    assert hues.min().round() >= -40
    assert hues.max().round() <= 39
    assert abs(hues.mean() + 0.5) < 3
    reach = (1.1 - before[..., 2][visible].mean()) / 10
    assert abs(np.array(values)).max() <= reach + 1e-5
    assert abs(np.std(values) - reach / np.sqrt(3)) < 0.06 * reach


def test_hsv_jitter_of_nothing_visible():
    sample = layers(3) | {"alpha": np.zeros((47, 61, 1), np.float32)}
    assert random_hsv_jitter(sample, np.random.default_rng(3)) is sample


def test_grey_is_drawn_and_has_no_colour():
    sample = whole(3)
    grey = random_grey(sample, np.random.default_rng(3), probability=1)
    assert np.ptp(grey["image"], axis=-1).max() < 1e-6
    tiny = {"foreground": np.float32([[[1, 0, 0]]])}
    found = shares(lambda rng: random_grey(tiny, rng) is not tiny, 10000)
    assert abs(found[True] - 0.02) < 0.005
