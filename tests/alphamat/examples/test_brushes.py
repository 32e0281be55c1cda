import cv2
import numpy as np
import pytest

from alphamat.examples.brushes.chance import chance, choose, log_uniform, places
from alphamat.examples.brushes.fields import bend, fractal, moved, smooth, spectral
from alphamat.examples.brushes.focus import defocus, motion, soften
from alphamat.examples.brushes.outlines import blob, distance, filled, outline
from alphamat.examples.brushes.palettes import blend, gradient, palette
from alphamat.examples.brushes.strands import at, away, curves, draw, scattered, spindle, tapered
from alphamat.examples.painting import Canvas

SQUARE = Canvas.of(96, 96)
WIDE = Canvas.of(60, 90)


def rng(seed=8):
    return np.random.default_rng(seed)


def test_chances_are_as_their_shares():
    numbers = rng()
    drawn = [choose(numbers, {"a": 70, "b": 30}) for _ in range(2000)]
    assert drawn.count("a") == pytest.approx(1400, abs=80)
    assert sum(chance(numbers, 0.2) for _ in range(2000)) == pytest.approx(400, abs=70)
    orders = np.log10([log_uniform(numbers, 0.01, 100) for _ in range(2000)])
    np.testing.assert_allclose(np.quantile(orders, [0, 0.25, 0.75, 1]), [-2, -1, 1, 2], atol=0.15)


def test_places_lie_in_the_picture():
    found = places(WIDE, rng(), 500, 0.2)
    low, high = found.min(axis=0), found.max(axis=0)
    np.testing.assert_allclose(low, [0.2, -0.25 + 0.3], atol=0.02)
    np.testing.assert_allclose(high, [0.8, 1.25 - 0.3], atol=0.02)


@pytest.mark.parametrize("size", [(96, 96), (60, 90), (33, 18)])
def test_fields_have_mean_0_and_standard_deviation_1(size):
    canvas = Canvas.of(*size)
    for make in (
        lambda seed: smooth(canvas, rng(seed), 6),
        lambda seed: fractal(canvas, rng(seed), 6, 3),
        lambda seed: spectral(canvas, rng(seed), 1.0, stretch=3, angle=1),
    ):
        fields = np.stack([make(seed) for seed in range(40)])
        assert fields.shape[1:] == size
        assert fields.dtype == np.float32
        assert fields.mean() == pytest.approx(0, abs=0.1)
        assert fields.std() == pytest.approx(1, abs=0.15)


def test_smooth_noise_has_as_many_hills_as_it_should_and_is_the_same_at_any_size():
    for hills in (3, 12):
        field = smooth(Canvas.of(240, 240), rng(), hills)
        crossings = (np.diff(np.sign(field), axis=1) != 0).sum(axis=1).mean()
        assert 0.5 * hills < crossings < 1.5 * hills
        small = smooth(Canvas.of(60, 60), rng(), hills)
        halved = cv2.resize(field, (60, 60), interpolation=cv2.INTER_AREA)
        assert np.abs(halved - small).mean() < 0.1


def test_a_field_takes_one_number_of_its_generator():
    for make in (smooth, fractal, spectral):
        states = []
        for canvas in (SQUARE, Canvas.of(17, 40)):
            numbers = rng()
            make(canvas, numbers, 2.0)
            states.append(numbers.uniform())
        assert states[0] == states[1]


@pytest.mark.parametrize("power", [0.5, 1.5])
def test_spectral_noise_falls_with_the_frequency(power):
    power_of = np.mean(
        [np.abs(np.fft.fft2(spectral(SQUARE, rng(k), power))) ** 2 for k in range(30)], axis=0
    )
    low, high = power_of[0, 8:12].mean(), power_of[0, 35:45].mean()
    assert np.log(low / high) / np.log(42 / 12) == pytest.approx(2 * power, rel=0.25)


def test_stretched_noise_is_longer_in_one_direction():
    field = spectral(SQUARE, rng(), 1.5, stretch=20, angle=np.pi / 2)
    down, along = (np.abs(np.diff(field, axis=axis)).mean() for axis in (0, 1))
    assert along / down > 3 or down / along > 3


def test_a_bent_picture_has_its_colours_elsewhere():
    picture = np.repeat(np.linspace(0, 1, 96, dtype=np.float32)[None], 96, axis=0)
    bent = bend(SQUARE, rng(), picture)
    assert np.abs(bent - picture).mean() > 0.005
    assert bent.min() >= 0
    assert bent.max() <= 1
    by = np.zeros((96, 96, 2), np.float32)
    by[..., 1] = 3 * SQUARE.pixel
    np.testing.assert_allclose(moved(SQUARE, picture, by)[:, :90], picture[:, 3:93], atol=1e-5)


def test_palettes_are_colours():
    found = np.concatenate([palette(rng(seed), 50) for seed in range(40)])
    assert found.dtype == np.float32
    assert found.min() == 0 <= found.max() <= 1
    gray = np.ptp(found, axis=1) < 0.05
    assert 0.02 < gray.mean() < 0.5
    np.testing.assert_allclose(blend(0.2, np.array([1.0, 0, 0]), np.array([0.25]))[0, 0], 0.4)


def test_a_gradient_depends_on_the_field_alone():
    field = np.array([[-9.0, 0, 0, 9]], np.float32)
    colours = gradient(rng(), field)
    np.testing.assert_array_equal(colours[0, 1], colours[0, 2])
    assert (colours[0, 0] != colours[0, 3]).any()


@pytest.mark.parametrize("pixels", [0.8, 2.5, 6.0, 13.0])
def test_lenses_spread_a_point_and_keep_its_light(pixels):
    point = np.zeros((96, 96), np.float32)
    point[48, 48] = 1
    y, x = np.mgrid[:96, :96] - 48.0
    for spread, expected in ((defocus, pixels / np.sqrt(2)), (soften, pixels * np.sqrt(2))):
        found = spread(SQUARE, point, pixels * SQUARE.pixel)
        assert found.sum() == pytest.approx(1, rel=1e-3)
        away_ = np.sqrt((found * (y**2 + x**2)).sum())
        assert away_ == pytest.approx(expected, rel=0.25, abs=0.35)


def test_motion_spreads_a_point_along_a_line():
    point = np.zeros((96, 96), np.float32)
    point[48, 48] = 1
    found = motion(SQUARE, point, 16 * SQUARE.pixel, 0.0)
    assert found.sum() == pytest.approx(1, rel=1e-3)
    assert found[48].sum() == pytest.approx(1, rel=1e-3)
    assert (found[48] > 1e-3).sum() == pytest.approx(16, abs=1)
    assert found.max() < 0.1


def test_distance_is_negative_inside_and_grows_by_a_pixel_a_pixel():
    turn = np.linspace(0, 2 * np.pi, 200)
    circle = np.array([0.5, 0.5]) + 0.3 * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    outside = distance(WIDE, filled(WIDE, circle))
    exact = np.hypot(WIDE.y - 0.5, WIDE.x - 0.5) - 0.3
    near = abs(exact) < 0.2
    assert np.abs(outside - exact)[near].max() < 1.5 * WIDE.pixel  # masks are half a pixel wider
    area = WIDE.inside(outside).sum() * WIDE.pixel**2
    assert area == pytest.approx(np.pi * 0.3**2, rel=0.07)


def test_outlines_leave_room_for_background():
    for seed in range(60):
        outside = outline(WIDE, rng(seed))
        inside = outside < 0
        assert inside.sum() * WIDE.pixel**2 > 0.02
        assert inside.mean() < 0.8
        assert outside.dtype == np.float32


def test_a_blob_is_around_its_middle():
    for seed in range(20):
        contour = blob(rng(seed), np.array([0.4, 0.6]), 0.2)
        assert cv2.pointPolygonTest(contour.astype(np.float32), (0.4, 0.6), False) == 1
        assert np.linalg.norm(contour - [0.4, 0.6], axis=1).max() <= 2.5 * 0.2


def test_curves_start_at_their_roots_and_have_their_lengths():
    roots, lengths = rng().uniform(size=(7, 2)), np.linspace(0.1, 0.4, 7)
    nodes = curves(rng(), roots, np.full(7, np.pi / 2), lengths, bend=0, wave=0)
    np.testing.assert_array_equal(nodes[:, 0], roots)
    steps = np.linalg.norm(np.diff(nodes, axis=1), axis=2)
    np.testing.assert_allclose(steps.sum(axis=1), lengths)
    assert (nodes[:, -1, 0] - roots[:, 0] > 0.9 * lengths).all()  # downwards


def test_strands_of_one_lock_run_side_by_side():
    roots, angle, length = np.zeros((200, 2)), np.zeros(200), np.ones(200)
    lock = np.arange(200) % 10
    tips = curves(rng(), roots, angle, length, bend=1, lock=lock)[:, -1]
    within = np.mean([tips[lock == k].std(axis=0) for k in range(10)], axis=0)
    alone = curves(rng(), roots, angle, length, bend=1)[:, -1].std(axis=0)
    assert (within < 0.5 * alone).all()


def test_a_spindle_is_a_disc_where_it_is_as_wide_as_long():
    left, right = np.array([[0.5, 0.3]]), np.array([[0.5, 0.7]])
    nodes, widths = spindle(left, right, np.array([0.2]), 13)
    layer = SQUARE.blank(np.float32)
    draw(layer, SQUARE, nodes, widths, np.array([[0.2, 0.5, 1.2]]), 0.5)
    area = layer[..., 3].sum() * SQUARE.pixel**2 / 0.5
    assert area == pytest.approx(np.pi * 0.2**2, rel=0.06)
    np.testing.assert_allclose(layer[48, 48], [0.1, 0.25, 0.5, 0.5], atol=1e-6)


def test_tapered_strands_are_thinnest_at_their_tips():
    widths = tapered(rng(), np.array([0.1, 0.2]), 9)
    np.testing.assert_allclose(widths[:, 0], [0.1, 0.2])
    assert (np.diff(widths, axis=1) < 0).all()
    assert (widths[:, -1] > 0.005).all()


def test_the_way_out_of_a_disc_is_away_from_its_middle():
    outside = (np.hypot(SQUARE.y - 0.5, SQUARE.x - 0.5) - 0.3).astype(np.float32)
    angles = away(SQUARE, outside)
    where = np.array([[0.5, 0.75], [0.75, 0.5], [0.25, 0.5]])
    np.testing.assert_allclose(at(SQUARE, angles, where), [0, np.pi / 2, -np.pi / 2], atol=0.05)


def test_scattered_points_lie_in_their_region():
    region = np.hypot(WIDE.y - 0.5, WIDE.x - 0.5) < 0.3
    found = scattered(WIDE, rng(), region, 400)
    assert at(WIDE, region, found).all()
    np.testing.assert_allclose(found.mean(axis=0), [0.5, 0.5], atol=0.04)
    assert scattered(WIDE, rng(), region & False, 5).shape == (0, 2)
