from functools import cache
from itertools import combinations

import numpy as np
import pytest

from alphamat import examples
from alphamat.examples import TEXTURES, any_background
from alphamat.examples.painting import Canvas
from alphamat.examples.textures import any_background as choice
from alphamat.examples.textures.pattern import lattice

ALL = {texture.__name__: texture for texture in (*TEXTURES, any_background)}
every_texture = pytest.mark.parametrize("name", ALL)


@cache
def picture(name, seed, height=61, width=80):
    return ALL[name](Canvas.of(height, width), np.random.default_rng(seed))


@every_texture
@pytest.mark.parametrize("size", [(16, 16), (57, 19), (16, 131)])
def test_textures_fill_pictures_of_any_size(name, size):
    painted = picture(name, 5, *size)
    assert painted.shape == (*size, 3)
    assert painted.dtype == np.float32
    assert np.isfinite(painted).all()
    assert painted.std(axis=(0, 1)).max() > 0.001


@every_texture
def test_a_seed_decides_all(name):
    np.testing.assert_array_equal(picture(name, 6), picture.__wrapped__(name, 6))
    assert np.abs(picture(name, 6) - picture(name, 7)).mean() > 0.02


@every_texture
def test_few_pixels_are_brighter_than_white(name):
    painted = np.stack([picture(name, seed) for seed in range(8)])
    assert ((painted < 0) | (painted > 1)).mean() < 0.1
    assert 0.15 < np.clip(painted, 0, 1).mean() < 0.85


def test_textures_differ():
    for first, second in combinations(TEXTURES, 2):
        both = picture(first.__name__, 9), picture(second.__name__, 9)
        assert np.abs(np.subtract(*both)).mean() > 0.02, (first, second)
    assert sum(TEXTURES.values()) == 100


def test_leaves_have_edges_and_flats_have_none():
    edges = {
        name: np.mean([np.abs(np.diff(picture(name, seed), axis=0)).max() for seed in range(6)])
        for name in ("leaves", "rooms", "flat")
    }
    assert edges["leaves"] > 2 * edges["flat"]
    assert edges["rooms"] > 2 * edges["flat"]


def test_patterns_repeat():
    """u grows by 1 in each period, v in two: where there are neither waves nor perspective."""
    canvas = Canvas.of(40, 40)
    for seed in range(9):
        u, v = lattice(canvas, np.random.default_rng(seed), 0.1, 2.0)
        rises = [(np.diff(field, axis=axis)) for field in (u, v) for axis in (0, 1)]
        if max(np.ptp(rise) for rise in rises) < 1e-3:
            down, along, down_v, along_v = (rise.mean() / canvas.pixel for rise in rises)
            assert np.hypot(down, along) == pytest.approx(10, rel=1e-3)
            assert np.hypot(down_v, along_v) == pytest.approx(5, rel=1e-3)
            return
    pytest.fail("all lattices are bent")


def test_any_background_is_often_out_of_focus(monkeypatch):
    def stripes(canvas, rng):
        return np.tile(np.repeat(np.array([0, 1], np.float32), 32)[:, None], (256, 4, 3))

    monkeypatch.setattr(choice, "TEXTURES", {stripes: 1})
    canvas = Canvas.of(256, 256)
    pictures = [any_background(canvas, np.random.default_rng(seed)) for seed in range(60)]
    sharp = sum(np.abs(np.diff(picture, axis=1)).max() > 0.7 for picture in pictures)
    assert 25 < sharp < 45  # without lenses it is 59


def test_a_texture_can_be_behind_any_scene():
    scene = examples.synthetic(examples.glass, 40, 50, background=examples.rooms, seed=3)
    rng = np.random.default_rng(3)
    examples.glass(Canvas.of(40, 50), rng)
    behind = np.clip(examples.rooms(Canvas.of(40, 50), rng), 0, 1)
    np.testing.assert_array_equal(scene.background, behind)
