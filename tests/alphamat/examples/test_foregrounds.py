from functools import cache
from itertools import combinations

import cv2
import numpy as np
import pytest

from alphamat import examples
from alphamat.examples import FOREGROUNDS, any_foreground, paint, synthetic
from alphamat.examples.brushes.outlines import outline
from alphamat.examples.foregrounds import any_foreground as choice
from alphamat.examples.painting import Canvas
from alphamat.trimap import as_trimap

KINDS = {kind.__name__: kind for kind in (*FOREGROUNDS, any_foreground)}
WITH_A_BODY = ("fuzzy", "solid", "furry", "hairy", "bits", "holes")
SEEDS = range(70, 76)
every_kind = pytest.mark.parametrize("name", KINDS)


@cache
def layer(name, seed, height=61, width=80):
    return KINDS[name](Canvas.of(height, width), np.random.default_rng(seed))


@every_kind
@pytest.mark.parametrize("size", [(16, 16), (57, 19), (16, 131)])
def test_a_layer_of_any_size_is_colours_times_alpha(name, size):
    for seed in (3, 4):
        painted = layer(name, seed, *size)
        assert painted.shape == (*size, 4)
        assert painted.dtype == np.float32
        alpha = painted[..., 3:]
        assert painted.min() > -1e-6
        assert 0 <= alpha.min() < alpha.max() <= 1 + 1e-6
        assert (painted[..., :3] <= alpha + 1e-5).all()


@every_kind
def test_a_seed_decides_all(name):
    np.testing.assert_array_equal(layer(name, 70), layer.__wrapped__(name, 70))
    assert np.abs(layer(name, 70) - layer(name, 71)).mean() > 0.01


@every_kind
def test_every_kind_has_mixed_pixels_of_many_levels(name):
    for seed in SEEDS:
        alpha = layer(name, seed)[..., 3]
        mixed = alpha[(alpha > 0.03) & (alpha < 0.97)]
        assert mixed.size > 0.002 * alpha.size
        assert len(np.unique(np.round(255 * mixed))) > 5


@every_kind
def test_alpha_of_a_kind_takes_its_full_range(name):
    found = np.stack([layer(name, seed)[..., 3] for seed in SEEDS])
    assert found.max() > 254.5 / 255
    assert (found < 0.5 / 255).any(axis=(1, 2)).sum() >= 4  # nets may be all over the picture


@pytest.mark.parametrize("name", WITH_A_BODY)
def test_bodies_have_foreground_and_background_to_be_sure_of(name):
    for seed in SEEDS:
        alpha = layer(name, seed)[..., 3]
        assert (alpha > 254.5 / 255).mean() > 0.003
        assert (alpha < 0.5 / 255).mean() > 0.05


def test_kinds_differ():
    for first, second in combinations(FOREGROUNDS, 2):
        layers = layer(first.__name__, 72), layer(second.__name__, 72)
        assert np.abs(np.subtract(*layers)).mean() > 0.002, (first, second)


@pytest.mark.parametrize("name", ["solid", "furry", "hairy", "tubes", "plant", "smoky", "bits"])
def test_forms_are_the_same_at_any_size(name):
    large = cv2.resize(layer(name, 74, 122, 160), (80, 61), interpolation=cv2.INTER_AREA)
    assert np.abs(large[..., 3] - layer(name, 74)[..., 3]).mean() < 0.06


@pytest.mark.parametrize("name", ["any_foreground", "film"])
def test_images_are_composed_of_their_layers(name):
    arguments = {"background": examples.any_background, "seed": 71}
    scene = synthetic(KINDS[name], 61, 80, **arguments)
    alpha = scene.alpha[..., None]
    composed = alpha * scene.foreground + (1 - alpha) * scene.background
    np.testing.assert_allclose(scene.image, composed, rtol=0, atol=1e-15)
    foreground, background = as_trimap(scene.trimap)
    assert (scene.alpha[foreground] == 1).all()
    assert (scene.alpha[background] == 0).all()
    for part, array in paint(KINDS[name], 61, 80, **arguments)._asdict().items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(getattr(scene, part), array)


@pytest.mark.parametrize("name", ["furry", "tubes"])
def test_colours_go_on_beyond_what_is_painted(name):
    for seed in SEEDS:
        foreground, painted = paint(KINDS[name], 61, 80, seed=seed).foreground, layer(name, seed)
        sure = painted[..., 3] > 0.02
        colours = painted[sure, :3] / painted[sure, 3:]
        np.testing.assert_allclose(foreground[sure], np.clip(colours, 0, 1), atol=1e-5)
        assert foreground.min() >= colours.min() - 0.05
        assert foreground.max() <= colours.max() + 0.05


def test_any_foreground_is_often_bent_out_of_focus_or_with_another(monkeypatch):
    def square(canvas, rng):
        painted = canvas.blank(np.float32)
        painted[64:192, 64:192] = 1
        return painted

    monkeypatch.setattr(choice, "FOREGROUNDS", {square: 1})
    monkeypatch.setattr(choice, "TRIES", 1)
    canvas = Canvas.of(256, 256)
    alphas = [any_foreground(canvas, np.random.default_rng(seed))[..., 3] for seed in range(60)]
    whole = square(canvas, None)[..., 3]
    assert 10 < sum(np.array_equal(alpha, whole) for alpha in alphas) < 30
    assert 12 < sum(np.abs(np.diff(alpha)).max() < 0.8 for alpha in alphas) < 30
    assert sum(FOREGROUNDS.values()) == 100


def test_fur_grows_out_of_its_body():
    canvas = Canvas.of(61, 80)
    for seed in SEEDS:
        outside = outline(canvas, np.random.default_rng(seed))
        far = layer("furry", seed)[outside > 0.03, 3]
        assert far.max() > 0.1
        assert (layer("furry", seed)[outside < -0.03, 3] > 0.99).all()


def test_what_does_not_paint_a_background_is_refused():
    with pytest.raises(TypeError, match="`background` is 'sky'; expected a function"):
        synthetic(examples.furry, 40, 40, background="sky")  # pyright: ignore
