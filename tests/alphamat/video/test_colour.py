"""Colours to luma and chroma; the way back is tested by what is read."""

import numpy as np
import pytest

from tests.alphamat.video.films import av  # noqa: F401  (skips where it is missing)

from alphamat.video.colour import to_frame, to_rgb  # isort: skip

LUMA = {1: (0.2126, 0.0722), 6: (0.299, 0.114), 9: (0.2627, 0.0593)}


def coded(colours, matrix, bits):
    """Luma and chroma in limited range, unrounded, by the standards' formulas."""
    red, blue = LUMA[matrix]
    r, g, b = np.moveaxis(colours, -1, 0)
    y = red * r + (1 - red - blue) * g + blue * b
    u, v = (b - y) / (2 * (1 - blue)), (r - y) / (2 * (1 - red))
    return [2 ** (bits - 8) * plane for plane in (16 + 219 * y, 128 + 224 * u, 128 + 224 * v)]


def planes(frame):
    dtype = np.uint16 if frame.format.components[0].bits > 8 else np.uint8
    return [
        np.frombuffer(plane, dtype).reshape(plane.height, -1)[:, : plane.width].astype(float)
        for plane in frame.planes
    ]


def halved(chroma):
    """Every second sample across, weighing it twice and its neighbours once; mean of two rows."""
    padded = np.pad(chroma, ((0, len(chroma) % 2), (1, 1)), mode="edge")
    across = (padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:])[:, ::2] / 4
    return (across[::2] + across[1::2]) / 2


@pytest.fixture(params=[np.uint8, np.uint16])
def pixels(request):
    full = np.iinfo(request.param).max
    pixels = np.random.default_rng(308).integers(0, full + 1, (11, 15, 4)).astype(request.param)
    pixels[:2], pixels[2:4] = 0, full
    return pixels


@pytest.mark.parametrize("matrix", LUMA)
@pytest.mark.parametrize("name", ["yuva444p", "yuva444p10le", "yuva420p"])
def test_a_frame_is_the_standards_to_the_nearest_level(pixels, name, matrix):
    bits = 10 if "10" in name else 8
    expected = coded(pixels[..., :3] / np.iinfo(pixels.dtype).max, matrix, bits)
    if "420" in name:
        expected[1:] = map(halved, expected[1:])
    expected.append(pixels[..., 3] * ((2**bits - 1) / np.iinfo(pixels.dtype).max))
    found = planes(to_frame(pixels, name, matrix))
    for plane, exact in zip(found, expected, strict=True):
        assert np.abs(plane - exact).max() <= 0.5 + 1e-3


@pytest.mark.parametrize("name", ["yuva444p12le", "yuva444p"])
def test_a_frame_is_read_again_as_it_was(pixels, name):
    again = to_rgb(to_frame(pixels, name, 1), 1)
    difference = np.abs(
        again / np.iinfo(again.dtype).max - pixels / np.iinfo(pixels.dtype).max
    ).max(axis=(0, 1))
    levels = 4095 if "12" in name else 255
    assert (difference[:3] <= 2.5 / levels).all()  # limited range has fewer levels than that
    assert difference[3] <= 0.51 / levels
