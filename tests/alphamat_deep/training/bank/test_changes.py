"""What a bank's crops go through: each change against its definition, and how often it comes."""

import io
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from scipy import fft, ndimage

from alphamat_deep.training.bank import camera, colours, cutting, fields, jpeg, layering, trimaps
from alphamat_deep.training.bank.dice import Dice
from tests.alphamat_deep.networks import jit

SIDE, TURNS = 32, 120


def picture(channels, seed=5):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.1, 0.9, (SIDE, SIDE, channels)).astype(np.float32)


def disc(radius=9.0):
    """Return the alpha of a soft disc, (SIDE, SIDE, 1)."""
    away = np.hypot(*(np.mgrid[:SIDE, :SIDE] - SIDE / 2))
    return np.clip((radius - away) / 3 + 0.5, 0, 1).astype(np.float32)[..., None]


def known():
    return np.ones((SIDE, SIDE), bool)


def front(seed=5):
    return np.concatenate([picture(3, seed), disc()], -1)


# What is changed, what it is given beside the key, and with what probability it changes.
CHANGES = {
    "pair": (layering.random_pair, (front(), front(6)), 0.15),
    "texture": (layering.random_texture, (picture(3), picture(3, 6)), 0.2),
    "likeness": (layering.random_likeness, (picture(3), front()), 0.25),
    "opacity": (layering.random_opacity, (front(),), 0.12),
    "sharpness": (camera.random_sharpness, (picture(3),), 0.5),
    "noise": (camera.random_noise, (picture(3),), 0.7),
    "jpeg": (camera.random_jpeg, (picture(3),), 0.35),
    "hiding": (trimaps.random_hiding, (known(),), 0.25),
}


stored = jit(jpeg.jpeg)


@cache
def compiled(change, count):
    return jit(jax.vmap(change, (0, *[None] * count)))


def many(change, given, turns=TURNS):
    """Return what a change makes of the same arrays with many keys."""
    keys = jax.random.split(jax.random.key(31), turns)
    made = compiled(change, len(given))(keys, *map(jnp.asarray, given))
    return jax.tree.map(np.asarray, made)


QUICK = "pair", "hiding"


@pytest.mark.parametrize(
    "name", [pytest.param(x, marks=[pytest.mark.slow] * (x not in QUICK)) for x in CHANGES]
)
def test_a_change_comes_as_often_as_it_says_and_leaves_the_others_as_they_were(name):
    change, given, probability = CHANGES[name]
    made = many(change, given)
    changed = np.array([abs(x * 1.0 - given[0]).max() > 1e-6 for x in made])
    spread = np.sqrt(probability * (1 - probability) / TURNS)
    assert changed.mean() == pytest.approx(probability, abs=3 * spread)
    assert np.isfinite(made).all()
    if name != "sharpness":  # which the next step clips
        assert (made >= 0).all()
        assert (made <= 1).all()


def test_a_pair_over_a_background_is_one_over_the_other_over_it():
    first, second, behind = front(), front(6), picture(3, 7)
    found = many(layering.random_pair, (first, second))
    pair = next(x for x in found if abs(x - first).max() > 1e-3)

    def over(layer, below):
        return layer[..., 3:] * layer[..., :3] + (1 - layer[..., 3:]) * below

    np.testing.assert_allclose(over(pair, behind), over(first, over(second, behind)), atol=1e-5)


@pytest.mark.slow
def test_focus_blurs_what_reaches_the_camera_and_rounds_alphas_that_files_cannot_hold():
    made = many(layering.random_focus, (front(),))
    alphas = made[..., 3]
    between = alphas[(alphas > 0) & (alphas < 1)]
    assert between.min() >= 1 / 255
    assert between.max() <= 254 / 255
    light = (made[..., :3] * alphas[..., None]).sum((1, 2))
    np.testing.assert_allclose(light, np.broadcast_to(light[0], light.shape), rtol=0.02)
    blurred = alphas.std((1, 2)) < 0.999 * alphas.std((1, 2)).max()
    assert 0.15 < blurred.mean() < 0.45


def test_a_composite_is_what_files_store_and_now_and_then_what_light_adds_up_to():
    layer, behind = front(), picture(3, 6)
    made = many(camera.random_composite, (layer, behind))
    plain = layer[..., 3:] * layer[..., :3] + (1 - layer[..., 3:]) * behind
    exact = np.array([np.allclose(x, plain, atol=1e-6) for x in made])
    assert 0.75 < exact.mean() < 0.95
    # Light never makes a pixel darker: a mean of powers is at least the power of the mean.
    assert (made[~exact] >= plain - 1e-5).all()


@pytest.mark.slow
def test_other_colours_stay_colours():
    made = many(colours.random_recolour, (picture(3),))
    assert (made >= 0).all()
    assert (made <= 1).all()
    assert np.ptp(made.mean((1, 2)), axis=0).min() > 0.3


def test_hues_turn_around_grey():
    turn = np.asarray(jit(colours.hue_matrix)(2 * np.pi / 3))
    np.testing.assert_allclose(turn, np.eye(3)[[2, 0, 1]], atol=1e-6)
    some = picture(3)
    np.testing.assert_allclose(jit(colours.mixed)(some, turn), some @ turn.T, atol=1e-6)


def test_dice_have_their_ranges():
    def throw(key):
        dice = Dice(key)
        return dice.log_between(2, 8), dice.below(3), dice.normal(0.5), dice.happens(0.25)

    length, whole, normal, happens = many(throw, (), turns=4000)
    assert 2 <= length.min() <= 2.1
    assert 7.9 <= length.max() <= 8
    assert np.median(length) == pytest.approx(4, rel=0.05)
    assert np.bincount(whole).min() > 1200
    assert normal.std() == pytest.approx(0.5, rel=0.05)
    assert happens.mean() == pytest.approx(0.25, abs=0.03)


def sampled(layer, y, x):
    """Return a bilinear sample of (S, S, 4) that is mirrored at its borders."""
    extent = len(layer)
    total = 0
    for row, down in ((int(np.floor(y)), 1 - y % 1), (int(np.floor(y)) + 1, y % 1)):
        for column, right in ((int(np.floor(x)), 1 - x % 1), (int(np.floor(x)) + 1, x % 1)):
            turned = row % (2 * extent), column % (2 * extent)
            places = [min(k, 2 * extent - 1 - k) for k in turned]
            total = total + down * right * layer[tuple(places)]
    return total


def test_a_cut_is_the_mean_of_four_samples_between_pixels():
    rng = np.random.default_rng(8)
    layers = rng.integers(0, 256, (3, 11, 11, 4), np.uint8)
    matrix = np.array([[0.8, -0.5], [0.3, 1.1]], np.float32)
    place = cutting.Place(jnp.array(1), jnp.array([3.3, 9.2]), jnp.array(matrix))
    packed = jnp.asarray(layers.view(np.uint32)[..., 0])
    found = np.asarray(jit(partial(cutting.cut, side=6))(packed, place))
    for row, column in np.ndindex(6, 6):
        fine = [(2 * row + i - 5.5, 2 * column + j - 5.5) for i in (0, 1) for j in (0, 1)]
        places = [np.array([3.3, 9.2]) + matrix @ np.array(at) / 2 for at in fine]
        expected = np.mean([sampled(layers[1] / 255, *at) for at in places], axis=0)
        np.testing.assert_allclose(found[row, column], expected, atol=1e-5)


@pytest.mark.slow
def test_places_are_in_the_layers_that_there_are_and_near_their_points():
    points = np.float32([[[20, 40]] * 16] * 9)
    made = many(partial(cutting.random_front, side=32), (points, np.int32(5)))
    assert set(made.layer) == {0, 1, 2, 3, 4}
    assert abs(made.centre - [20, 40]).max() <= 0.35 * 32
    scale = np.sqrt(abs(np.linalg.det(made.matrix)))
    assert 0.4 <= scale.min() < 0.7
    assert 1.3 < scale.max() <= 2.02
    assert 0.3 < (np.linalg.det(made.matrix) < 0).mean() < 0.7


def test_smooth_fields_are_splines_of_unit_height():
    weights = fields.cubic_weights(30, 7)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    grid = np.random.default_rng(3).normal(size=(7, 7)).astype(np.float32)
    np.testing.assert_allclose(fields.spread(grid, weights), weights @ grid @ weights.T, atol=1e-5)
    straight = fields.linear_weights(30, 5) @ np.arange(5)
    np.testing.assert_allclose(straight[3:27], np.arange(3, 27) / 6 - 5 / 12, atol=1e-6)
    made = many(lambda key: fields.smooth_field(key, 24, 6), ())
    assert made.std() == pytest.approx(1, abs=0.15)
    assert abs(np.diff(made, axis=1)).max() < 1


def test_jpeg_loses_what_libjpeg_loses():
    planes = [np.linspace(40, 200, SIDE)[:, None], 30 * np.sin(np.arange(SIDE) / 2)]
    grey = np.clip(np.add(*planes), 0, 255).astype(np.uint8)
    image = np.repeat(grey[..., None], 3, -1)
    for quality in (30, 60, 95):
        file = io.BytesIO()
        Image.fromarray(image).save(file, "jpeg", quality=quality, subsampling=2)
        theirs = np.asarray(Image.open(file), float)
        found = 255 * np.asarray(stored(image / np.float32(255), quality))
        assert abs(found - theirs).max() < 2.2  # they round each step to whole numbers
    expected = fft.dctn(planes[0][:8] + planes[1][:8], norm="ortho")
    blocks = (planes[0][:8] + planes[1][:8]).astype(np.float32)[None, None]
    found = jpeg.transformed(jnp.asarray(blocks), jpeg.COSINES)[0, 0]
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_jpeg_halves_colours_before_it_rounds_them():
    rng = np.random.default_rng(4)
    tiles = rng.uniform(60, 200, (4, 4, 3)).repeat(8, 0).repeat(8, 1).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(tiles).save(file, "jpeg", quality=95, subsampling=2)
    theirs = np.asarray(Image.open(file), float)
    found = 255 * np.asarray(stored(tiles / np.float32(255), 95))
    inner = np.s_[2:6, 2:6]  # theirs interpolates colours between blocks
    assert abs(found[inner] - theirs[inner]).max() < 4


def test_distances_are_exact():
    target = np.random.default_rng(9).random((17, 23)) < 0.03
    expected = ndimage.distance_transform_edt(~target)
    ours = jit(trimaps.distances)
    np.testing.assert_allclose(ours(target), expected, rtol=1e-6)
    assert (np.asarray(ours(target & False)) == 1000).all()


def test_widths_leave_a_margin_around_what_is_not_quite_known():
    alpha = disc()[..., 0]
    foreground, background = many(trimaps.random_widths, (alpha,))
    far = {0.06: background, 0.94: foreground}
    for level, masks in far.items():
        other = alpha > level if level < 0.5 else alpha < level
        away = ndimage.distance_transform_edt(~other)
        assert masks.any((1, 2)).mean() > 0.3
        assert (away[masks.any(0)] > np.exp(-0.5 * 3)).all()
    assert not (foreground & background).any()


def test_brushes_leave_no_islands():
    lonely = np.zeros((SIDE, SIDE), bool)
    lonely[4:7, 4:7] = lonely[16:, :] = True
    found, _ = many(trimaps.random_brush, (lonely, ~lonely))
    gone = ~found[:, 5, 5]
    assert 0.25 < gone.mean() < 0.55
    assert found[:, 28, 16].all()


@pytest.mark.slow
def test_blots_make_both_unknown_in_the_same_places():
    mask = np.arange(SIDE) < 16
    halves = np.broadcast_to(mask, (SIDE, SIDE)), np.broadcast_to(~mask, (SIDE, SIDE))
    foreground, background = many(trimaps.random_blot, halves)
    unknown = ~(foreground | background)
    assert 0.08 < unknown.any((1, 2)).mean() < 0.3
    assert 0.02 < unknown[unknown.any((1, 2))].mean() < 0.3


def test_hiding_leaves_a_half_or_hints():
    kept = many(trimaps.random_hiding, (known(),)).mean((1, 2))
    hidden = kept[kept < 1]
    assert hidden.min() < 0.15
    assert 0.2 < np.median(hidden) < 0.7


@pytest.mark.slow
def test_trimaps_have_three_levels():
    made = many(trimaps.random_trimap, (disc(),))
    assert set(np.unique(made)) == {0, 0.5, 1}
    assert made.shape == (TURNS, SIDE, SIDE, 1)
