import cv2
import numpy as np
import pytest

from alphamat.door import css_colour, decode_srgb, encode_srgb, luma


def test_srgb_is_the_standards_curve_in_both_directions():
    for value, light in ((0, 0), (0.04, 0.04 / 12.92), (0.5, (0.555 / 1.055) ** 2.4), (1, 1)):
        assert decode_srgb(np.float64(value)) == pytest.approx(light, abs=1e-15)
        assert encode_srgb(np.float64(light)) == pytest.approx(value, abs=1e-15)
    values = np.linspace(0, 1, 4001).reshape(-1, 1)
    np.testing.assert_allclose(encode_srgb(decode_srgb(values)), values, rtol=0, atol=1e-7)


def test_light_out_of_range_is_clipped_before_it_is_encoded():
    np.testing.assert_allclose(encode_srgb(np.array([-0.5, 1 + 1e-12, 7])), [0, 1, 1], atol=1e-15)


def test_luma_is_opencvs_gray():
    image = np.random.default_rng(61).uniform(size=(11, 14, 3))
    levels = np.rint(255 * image).astype(np.uint8)
    np.testing.assert_array_equal(luma(image), cv2.cvtColor(levels, cv2.COLOR_RGB2GRAY))
    assert np.abs(luma(image) - 255 * image @ [0.299, 0.587, 0.114]).max() < 1.1


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("white", (255, 255, 255)),
        ("RebeccaPurple", (102, 51, 153)),
        ("#36c", (51, 102, 204)),
        ("rgb(51, 102, 204)", (51, 102, 204)),
        ("hsl(0, 100%, 50%)", (255, 0, 0)),
    ],
)
def test_css_colours_are_read(text, levels):
    np.testing.assert_array_equal(css_colour(text), np.divide(levels, 255))


@pytest.mark.parametrize(
    "text",
    ["octarine", "", "#12345", "rgb(300, 0, 0)", "#ff000080", "#ff0000ff", "rgba(1, 2, 3, 4)"],
)
def test_other_words_and_colours_with_alpha_are_refused(text):
    with pytest.raises(ValueError, match=r"is not an opaque CSS colour, such as white, '#3366cc'"):
        css_colour(text)
