import colorsys

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from alphamat_deep.training.augment import (
    KORNIA_RULES,
    PADDLESEG_RULES,
    PILLOW_RULES,
    TENSOR_RULES,
    add_brightness,
    add_hue_byte,
    adjust_brightness,
    adjust_contrast,
    adjust_hue,
    adjust_saturation,
    grey_of,
    scale_saturation,
    turn_hue_byte,
)
from alphamat_deep.training.augment.colour import reflect
from tests.alphamat_deep.training.augment.samples import layers

PICTURE = layers(13, height=11, width=14)["foreground"]
GREY = PICTURE @ np.array([0.2989, 0.587, 0.114])


def close(found, expected, within=1e-6):
    assert found.dtype == np.float32
    assert abs(found - expected).max() <= within


def test_brightness_is_a_factor():
    close(adjust_brightness(PICTURE, 1.3), np.minimum(1.3 * PICTURE, 1))


def test_contrast_is_the_distance_from_the_mean_grey():
    expected = np.clip(0.6 * PICTURE + 0.4 * GREY.mean(), 0, 1)
    close(adjust_contrast(PICTURE, 0.6), expected)


def test_contrast_of_clips_has_a_mean_for_each_frame():
    clip = np.stack([PICTURE, PICTURE / 2])
    expected = [adjust_contrast(frame, 1.4) for frame in clip]
    close(adjust_contrast(clip, 1.4), np.stack(expected))


def test_saturation_is_the_distance_from_the_own_grey():
    expected = np.clip(1.7 * PICTURE - 0.7 * GREY[..., None], 0, 1)
    close(adjust_saturation(PICTURE, 1.7), expected)
    close(grey_of(PICTURE)[..., 0], GREY)


@pytest.mark.parametrize("turn", [-0.4, 0.0, 0.3])
def test_hue_turns(turn):
    def turned(colour):
        hue, saturation, value = colorsys.rgb_to_hsv(*colour)
        return colorsys.hsv_to_rgb((hue + turn) % 1, saturation, value)

    expected = np.apply_along_axis(turned, -1, PICTURE.astype(np.float64))
    close(adjust_hue(PICTURE, turn), expected, 2e-6)


def test_kornia_adds_brightness_and_scales_saturation_of_hsv():
    close(add_brightness(PICTURE, 0.9), np.maximum(PICTURE - 0.1, 0))
    close(add_brightness(PICTURE, 1.1), np.minimum(PICTURE + 0.1, 1))
    top = PICTURE.max(axis=-1, keepdims=True)
    close(scale_saturation(PICTURE, 0.5), top - (top - PICTURE) / 2, 2e-6)


@pytest.mark.parametrize("at", range(3))
def test_pillow_works_on_8_bits(at):
    enhancer = (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color)[at]
    levels = np.rint(255 * PICTURE).astype(np.uint8)
    for factor in (0.5, 0.93, 1.41):
        expected = np.asarray(enhancer(Image.fromarray(levels)).enhance(factor))
        assert np.array_equal(np.rint(255 * PILLOW_RULES[at](PICTURE, factor)), expected)


def hue_bytes(pixels):
    levels = Image.fromarray(np.rint(255 * pixels).astype(np.uint8))
    return np.asarray(levels.convert("HSV"))[..., 0].astype(int)


@pytest.mark.parametrize(
    ("turned", "steps"),
    [
        (turn_hue_byte(PICTURE, 0.05), 12),  # 12.75
        (turn_hue_byte(PICTURE, -0.05), -12),
        (add_hue_byte(PICTURE, 17.9), 17),
        (add_hue_byte(PICTURE, -17.5), -18),  # 40 - 17.5 is 22
    ],
)
def test_hues_of_8_bits_turn_by_whole_steps_and_wrap_round(turned, steps):
    saturated = np.ptp(PICTURE, axis=-1) > 0.5  # others have few hues in 8 bits
    moved = (hue_bytes(turned) - hue_bytes(PICTURE) - steps + 128) % 256 - 128
    assert abs(moved[saturated]).max() <= 2
    assert abs(moved[saturated].mean()) < 1


def test_paddleseg_truncates_hues_below_0_towards_it():
    red = np.float32([[[1, 0, 0]]])
    assert np.array_equal(add_hue_byte(red, -0.9), red)
    assert np.array_equal(add_hue_byte(red, -3.9), add_hue_byte(red, -3))
    assert not np.array_equal(add_hue_byte(red, -3), add_hue_byte(red, -4))


@pytest.mark.parametrize("rules", [TENSOR_RULES, KORNIA_RULES, PILLOW_RULES, PADDLESEG_RULES])
def test_neutral_amounts_change_nothing(rules):
    for rule, amount in zip(rules, (1, 1, 1, 0), strict=True):
        # HSV of 8 bits cannot hold all colours.
        within = 0.03 if rule in (turn_hue_byte, add_hue_byte) else 1e-6
        close(rule(PICTURE, amount), PICTURE, within)


def test_levels_are_reflected_at_both_ends():
    levels = np.array([-0.3, 0.0, 0.4, 1.0, 1.2])
    assert np.allclose(reflect(levels), [0.3, 0, 0.4, 1, 0.8])
