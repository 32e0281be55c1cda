import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphamat.foreground import Layers
from alphamat.foreground.compositing import composite, cutout


@pytest.fixture
def scene():
    rng = np.random.default_rng(8128)
    return rng.random((7, 11, 3)), rng.random((7, 11)), rng.random((7, 11, 3))


def test_blends_as_the_compositing_equation_says(scene):
    foreground, alpha, background = scene
    blend = composite(foreground, alpha, background)
    for y, x, c in np.ndindex(blend.shape):
        a = alpha[y, x]
        assert blend[y, x, c] == pytest.approx(
            a * foreground[y, x, c] + (1 - a) * background[y, x, c], abs=1e-15
        )


@pytest.mark.parametrize("linear_light", [False, True])
def test_shows_one_layer_where_alpha_is_zero_or_one(scene, linear_light):
    foreground, _, background = scene
    for alpha, layer in ((np.ones((7, 11)), foreground), (np.zeros((7, 11)), background)):
        blend = composite(foreground, alpha, background, linear_light=linear_light)
        np.testing.assert_allclose(blend, layer, rtol=0, atol=1e-12)


@pytest.mark.parametrize("linear_light", [False, True])
def test_a_colour_is_a_background_of_that_colour(scene, linear_light):
    foreground, alpha, background = scene
    colour = (0.2, 0.7, 1.0)
    background[:] = colour
    np.testing.assert_array_equal(
        composite(foreground, alpha, colour, linear_light=linear_light),
        composite(foreground, alpha, background, linear_light=linear_light),
    )


def test_a_colour_may_be_uint8(scene):
    foreground, alpha, _ = scene
    np.testing.assert_array_equal(
        composite(foreground, alpha, np.array([51, 0, 255], np.uint8)),
        composite(foreground, alpha, (0.2, 0.0, 1.0)),
    )


@given(value=st.floats(0, 1), alpha=st.floats(0, 1))
def test_linear_light_keeps_a_colour_blended_with_itself(value, alpha):
    layer = np.full((1, 2, 3), value)
    blend = composite(layer, np.full((1, 2), alpha), layer, linear_light=True)
    np.testing.assert_allclose(blend, layer, rtol=0, atol=1e-7)  # the standard's own rounding
    assert blend.max() <= 1


def test_half_white_over_black_reflects_half_the_light():
    blend = composite(np.ones((1, 1, 3)), np.full((1, 1), 0.5), (0.0, 0.0, 0.0), linear_light=True)
    # IEC 61966-2-1: 0.5 of the light is 188 of 255
    np.testing.assert_array_equal(np.round(blend * 255), 188)


def test_cutout_keeps_straight_colours_beside_alpha(scene):
    foreground, alpha, background = scene
    rgba = cutout(Layers(foreground, background).foreground, alpha)
    assert rgba.shape == (7, 11, 4)
    assert rgba.dtype == np.float64
    np.testing.assert_array_equal(rgba[..., :3], foreground)
    np.testing.assert_array_equal(rgba[..., 3], alpha)


def test_does_not_change_its_arguments(scene):
    before = [array.copy() for array in scene]
    composite(*scene, linear_light=True)
    cutout(*scene[:2])[:] = 0
    for array, copy in zip(scene, before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_refuses_sizes_that_differ(scene):
    foreground, alpha, background = scene
    with pytest.raises(ValueError, match=r"`alpha` is 7 × 10 and the image is 7 × 11"):
        composite(foreground, alpha[:, 1:], background)
    with pytest.raises(ValueError, match=r"`background` is 6 × 11 and the image is 7 × 11"):
        composite(foreground, alpha, background[1:])
    with pytest.raises(ValueError, match=r"`alpha` is 6 × 11"):
        cutout(foreground, alpha[1:])


def test_refuses_values_out_of_range_and_nan(scene):
    foreground, alpha, background = scene
    with pytest.raises(ValueError, match="`alpha` contains NaN"):
        composite(foreground, np.full((7, 11), np.nan), background)
    with pytest.raises(ValueError, match="`background` has values from 0 to 255"):
        composite(foreground, alpha, (255.0, 0.0, 0.0))
    with pytest.raises(TypeError, match=r"`background` is the colour \(255, 0, 0\) in integers"):
        composite(foreground, alpha, (255, 0, 0))
