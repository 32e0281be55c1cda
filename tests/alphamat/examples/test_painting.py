import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from alphamat.examples import backdrops
from alphamat.examples.painting import Canvas, draw_strokes, lay, mix, noise


def stroke(canvas, nodes, width, opacity=1.0):
    layer = canvas.blank()
    draw_strokes(layer, canvas, np.array([nodes], float), width, [0.2, 0.4, 0.8, opacity])
    return layer


@pytest.mark.parametrize("pixels", [0.2, 1.0, 3.7])
@pytest.mark.parametrize("end", [(0.8, 0.3), (0.35, 0.9), (0.2, 0.3)])
def test_a_stroke_covers_its_area(pixels, end):
    canvas = Canvas.of(70, 90)
    width = pixels * canvas.pixel
    alpha = stroke(canvas, [(0.3, 0.2), end], width)[..., 3]
    area = width * np.hypot(end[0] - 0.3, end[1] - 0.2) / canvas.pixel**2
    assert alpha.sum() == pytest.approx(area, rel=0.01)
    assert alpha.max() <= 1


def test_a_bent_stroke_meets_each_pixel_once():
    canvas = Canvas.of(64, 64)
    t = np.linspace(0, np.pi, 40)
    nodes = np.stack([0.7 - 0.4 * np.sin(t), 0.5 - 0.4 * np.cos(t)], axis=1)
    alpha = stroke(canvas, nodes, 6 * canvas.pixel, opacity=0.5)[..., 3]
    far = abs(np.hypot(canvas.y - 0.7, canvas.x - 0.5) - 0.4) / canvas.pixel
    upper = canvas.y < 0.69
    np.testing.assert_allclose(alpha[upper & (far < 2.2)], 0.5)
    np.testing.assert_array_equal(alpha[upper & (far > 3.8)], 0)


def test_strokes_beyond_the_picture_are_cut_off():
    canvas = Canvas.of(20, 31)
    layer = stroke(canvas, [(-3.0, 0.5), (4.0, 0.5)], 2 * canvas.pixel)
    np.testing.assert_allclose(layer[..., 3].sum(axis=1), 2)
    assert not stroke(canvas, [(-3.0, 0.5), (-2.0, 0.5)], 0.1).any()


def test_later_strokes_lie_over_earlier_ones():
    canvas = Canvas.of(20, 20)
    layer = canvas.blank()
    across = np.array([[(0.5, 0.1), (0.5, 0.9)]] * 2)
    colours = np.array([[[1.0, 0, 0, 1]], [[0, 0, 1.0, 0.25]]])
    draw_strokes(layer, canvas, across, 0.3, colours)
    np.testing.assert_allclose(layer[9, 10], [0.75, 0, 0.25, 1])


def test_layers_are_composed_by_over():
    canvas = Canvas.of(4, 5)
    layer = canvas.blank()
    lay(layer, [1, 0, 0], np.full((4, 5), 0.5))
    lay(layer, [0, 2, 0], np.full((4, 5), 0.5))
    np.testing.assert_allclose(layer[2, 3], [0.25, 0.5, 0, 0.75])


def test_noise_is_the_cubic_spline_of_its_lattice():
    rng = np.random.default_rng(5)
    y, x = 300 * rng.standard_normal((2, 7, 11))
    values = noise(np.random.default_rng(9), y, x, octaves=2)
    again = np.random.default_rng(9)
    first, second = again.standard_normal((128, 128)), again.standard_normal((128, 128))
    spline = {"order": 3, "mode": "grid-wrap", "prefilter": False}
    expected = 2 * map_coordinates(first, [y, x], **spline)
    expected += map_coordinates(second, [2 * y, 2 * x], **spline)
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_noise_has_standard_deviation_of_about_one():
    values = noise(np.random.default_rng(2), *np.ogrid[0:100:0.5, 0:90:0.5])
    assert values.shape == (200, 180)
    assert values.std() == pytest.approx(1, abs=0.1)


def test_mixed_colours_end_at_both():
    np.testing.assert_allclose(mix([0, 0, 1], [1, 0, 0], 0.25), [0.25, 0, 0.75])
    np.testing.assert_allclose(mix([0, 0, 1], [1, 0, 0], [-1, 2]), [[0, 0, 1], [1, 0, 0]])


def test_windows_are_parts_of_the_picture():
    canvas = Canvas.of(30, 41)
    part, near = canvas.window(0.4, 0.9, 0.151)
    far = np.maximum(abs(canvas.y - 0.4), abs(canvas.x - 0.9))
    assert near.y.size * near.x.size == far[part].size == (far < 0.151).sum()
    assert canvas.window(5, 5, 0.1)[1].x.size == 0


@pytest.mark.parametrize("name", ["garden", "hills", "wall", "shelf"])
@pytest.mark.parametrize("size", [(33, 50), (71, 18)])
def test_backdrops_fill_the_picture_with_colours(name, size):
    picture, again, other = (
        getattr(backdrops, name)(Canvas.of(*size), np.random.default_rng(seed))
        for seed in (4, 4, 5)
    )
    assert picture.shape == (*size, 3)
    assert picture.min() >= 0
    assert (picture > 1).mean() < 0.02  # the brightest, which `backdrop` clips
    assert (picture.std(axis=(0, 1)) > 0.07).all()  # it is 0.0705 to 0.26
    np.testing.assert_array_equal(picture, again)
    assert np.abs(picture - other).mean() > 0.05
