import numpy as np
import pytest

from alphamat.foreground import estimate_foreground, foreground_of_light

RNG = np.random.default_rng(12)
ALPHA = np.clip(np.linspace(-0.2, 1.2, 17 * 23).reshape(17, 23), 0, 1)
Y, X = np.mgrid[:17, :23] / [[[17]], [[23]]]
IMAGE = np.stack([0.2 + 0.6 * X, 0.8 - 0.6 * Y, 0.5 + 0.3 * X * Y], axis=2)
IMAGE[-1, -1] = 0, 0.5, 1


def test_light_of_any_scale_has_the_layers_of_its_image():
    expected = estimate_foreground(IMAGE, ALPHA).foreground
    for scale, offset in ((900.0, 0.0), (40.0, -30.0)):
        found = foreground_of_light(scale * IMAGE + offset, ALPHA)
        near = scale * expected + offset
        soft = ALPHA < 1
        np.testing.assert_allclose(found[soft], near[soft], atol=1e-4 * scale)


def test_light_is_kept_where_it_is_opaque():
    light = (1e4 * RNG.normal(size=(17, 23, 3))).astype(np.float32)
    found = foreground_of_light(light, ALPHA)
    np.testing.assert_array_equal(found[ALPHA == 1], light[ALPHA == 1])


def test_what_is_no_light_is_refused():
    for light, kind, message in (
        (np.zeros((3, 4, 3), np.uint8), TypeError, "`light` has dtype uint8"),
        (np.zeros((3, 4)), ValueError, r"`light` has shape \(3, 4\)"),
        (np.full((3, 4, 3), np.inf), ValueError, "NaN or infinite"),
    ):
        with pytest.raises(kind, match=message):
            foreground_of_light(light, np.ones((3, 4)))
