from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from alphamat.io.profiles import as_rgb, convert_colours
from tests.alphamat.io.writers import profile


def shown(levels, colours):
    """Return what LittleCMS shows of levels on an sRGB screen."""
    return np.asarray(
        ImageCms.profileToProfile(
            Image.fromarray(levels),
            ImageCms.ImageCmsProfile(BytesIO(colours)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
    )


def test_colours_look_the_same_in_another_profile():
    levels = np.random.default_rng(2).integers(90, 150, (11, 14, 3), np.uint8)
    inside = shown(levels, profile()) / 255
    there = convert_colours(inside, None, profile())
    back = np.rint(255 * there).astype(np.uint8)
    assert np.abs(back.astype(int) - levels).max() <= 3
    assert np.abs(levels / 255 - inside).max() > 0.05


def test_colours_stay_as_they_are_between_like_profiles():
    colours = np.random.default_rng(3).random((11, 14, 3))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for source, target in ((None, None), (profile(), profile()), (srgb, None), (None, srgb)):
        assert convert_colours(colours, source, target) is colours


def test_one_colour_is_brought_over_too():
    white = convert_colours(np.ones(3), None, profile())
    np.testing.assert_allclose(white, 1, atol=0.005)


def test_gray_looks_the_same_as_colour():
    levels = np.arange(256, dtype=np.uint8)[None]
    colour = shown(np.repeat(levels[..., None], 3, axis=2), as_rgb(profile(b"GRAY"), name="a"))
    gray = shown(levels, profile(b"GRAY"))
    assert np.abs(colour.astype(int) - gray).max() <= 1
    assert np.abs(gray[..., 0].astype(int) - levels).max() > 15


def test_profiles_that_cannot_be_used_are_refused():
    with pytest.raises(ValueError, match=r"a\.png has a colour profile for gray without a curve"):
        as_rgb(profile(b"GRAY").replace(b"kTRC", b"A2B0"), name="a.png")
    with pytest.raises(ValueError, match="colour profile cannot be used"):
        convert_colours(np.ones((2, 2, 3)), profile()[:200], None)
