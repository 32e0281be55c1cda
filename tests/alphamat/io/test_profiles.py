import struct
from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from alphamat.door import decode_srgb
from alphamat.io import Light, Picture, as_light, as_srgb, read_image, write_image
from alphamat.io.primaries import of_chromaticities, of_profile
from alphamat.io.profiles import as_rgb, convert_colours
from tests.alphamat.io.writers import ink_profile, profile


def shown(levels, colours):
    """Return what LittleCMS shows of levels on an sRGB screen."""
    return np.asarray(
        ImageCms.profileToProfile(
            Image.fromarray(levels),
            ImageCms.ImageCmsProfile(BytesIO(colours)),
            ImageCms.createProfile("sRGB"),
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
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


def with_curve(curve):
    """Return a profile whose three curves are one tag, padded to the length of the usual one."""
    usual = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * 1.8))
    whole = profile() + curve
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        at = whole.index(name)
        whole = whole[: at + 4] + struct.pack(">II", len(profile()), len(curve)) + whole[at + 12 :]
    assert usual in whole
    return struct.pack(">I", len(whole)) + whole[4:]


def para(kind, *numbers):
    values = np.rint(65536 * np.array(numbers)).astype(">i4").tobytes()
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + values


CURVES = {
    "identity": b"curv\0\0\0\0" + struct.pack(">I", 0),
    "gamma": b"curv\0\0\0\0" + struct.pack(">IHxx", 1, round(256 * 2.2)),
    "table": b"curv\0\0\0\0"
    + struct.pack(">I", 1024)
    + np.rint(65535 * np.linspace(0, 1, 1024) ** 2.1).astype(">u2").tobytes(),
    "type 0": para(0, 2.2),
    "type 1": para(1, 2.2, 0.9, 0.1),
    "type 2": para(2, 2.2, 0.8, 0.1, 0.05),
    "type 3": para(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "type 4": para(4, 2.4, 0.94, 0.05, 0.08, 0.04, 0.0, 0.0),
}


@pytest.mark.parametrize("name", CURVES)
def test_curves_are_those_of_littlecms_and_can_be_undone(name):
    whole = with_curve(CURVES[name])
    levels = np.random.default_rng(5).integers(0, 256, (1, 900, 3), np.uint8)
    found = convert_colours(levels / 255, whole, None)
    # Near black LittleCMS rounds what it computes in between.
    assert np.abs(255 * found - shown(levels, whole)).max() < 1.6
    primaries = of_profile(whole)
    dark = {"type 1": 0.1**2.2, "type 2": 0.1**2.2 + 0.05}.get(name, 0)
    light = np.linspace(dark, primaries.linear(np.ones(3))[0], 99)[:, None] * np.ones(3)
    np.testing.assert_allclose(primaries.linear(primaries.encoded(light)), light, atol=1e-4)


def test_sixteen_bits_survive_a_profile():
    levels = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    colours = np.repeat(levels[..., None] / 65535, 3, axis=2)
    there = convert_colours(colours, profile(), None)
    assert len(np.unique(there[..., 0])) == 65536
    back = convert_colours(there, None, profile())
    np.testing.assert_array_equal(np.rint(65535 * back).astype(int)[..., 0], levels)


def test_a_damaged_curve_is_refused():
    for curve in (b"curv\0\0\0\0" + struct.pack(">I", 900), b"text" + bytes(9), para(7, 1.0)):
        with pytest.raises(ValueError, match="colour profile cannot be used"):
            convert_colours(np.ones((2, 2, 3)), with_curve(curve), None)


def test_a_picture_is_srgb_for_matting_whatever_its_colours():
    levels = np.random.default_rng(6).integers(90, 150, (11, 14, 3), np.uint8)
    found = as_srgb(Picture(levels, profile()))
    assert np.abs(255 * found - shown(levels, profile())).max() < 1
    np.testing.assert_array_equal(as_srgb(Picture(levels, None)), levels / 255)
    light = np.array([[[-0.2, 0.214, 7.0]]], np.float32)
    np.testing.assert_allclose(as_srgb(Picture(light, None, Light())), [[[0, 0.5, 1]]], atol=1e-3)
    brighter = as_srgb(Picture(light, None, Light()), exposure=-3)[0, 0]
    np.testing.assert_allclose(decode_srgb(brighter), [0, 0.214 / 8, 7 / 8], rtol=1e-6)


def test_exposure_is_for_light():
    with pytest.raises(ValueError, match="`exposure` is 1, and photo is not scene-linear light"):
        as_srgb(Picture(np.zeros((2, 2, 3)), None), name="photo", exposure=1)
    with pytest.raises(ValueError, match=r"`exposure` is 101; expected stops"):
        as_srgb(Picture(np.zeros((2, 2, 3)), None, Light()), exposure=101)


def test_light_of_a_profile_may_leave_what_srgb_can_show():
    green = np.array([[[0.0, 1.0, 0.0]]])
    red, _, _ = as_light(Picture(green, profile()))[0, 0]
    assert red < -0.05
    colours = np.random.default_rng(8).random((11, 14, 3))
    np.testing.assert_allclose(as_light(Picture(colours, None)), decode_srgb(colours))


def test_chromaticities_of_srgb_give_its_matrix():
    found, expected = of_chromaticities(Light().chromaticities), of_profile(None).matrix
    np.testing.assert_allclose(found, expected, atol=2e-4)
    with pytest.raises(ValueError, match="those of no colours"):
        of_chromaticities((0.3, 0.3) * 4)


@pytest.mark.parametrize("ending", ["jpg", "tif"])
def test_ink_is_shown_as_its_profile_says(tmp_path, ending):
    ink = Image.new("CMYK", (14, 11), (0, 0, 0, 128))
    ink.save(tmp_path / f"a.{ending}", icc_profile=ink_profile(lightness=80))
    ink.save(tmp_path / f"b.{ending}")
    assert (read_image(tmp_path / f"b.{ending}") == 127).all()
    gray = read_image(tmp_path / f"a.{ending}").astype(int)  # L* = 80 / 2, which is 94 of sRGB
    assert np.abs(gray - 94).max() <= 2


def test_profiles_go_with_floating_point(tmp_path):
    write_image(tmp_path / "a.tif", np.ones((3, 4, 3)), bits="float", profile=profile())
    assert read_image(tmp_path / "a.tif").dtype == np.float32
