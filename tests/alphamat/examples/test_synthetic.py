from functools import cache

import cv2
import numpy as np
import pytest

from alphamat import examples
from alphamat.examples import SCENES, synthetic
from alphamat.trimap import as_trimap

BY_NAME = {scene.__name__: scene for scene in SCENES}
every_scene = pytest.mark.parametrize("name", BY_NAME)


@cache
def painted(name, height=61, width=80, seed=11):
    return synthetic(BY_NAME[name], height, width, seed=seed)


@every_scene
def test_image_is_composed_of_its_layers(name):
    image, _, alpha, foreground, background = painted(name)
    alpha = alpha[..., None]
    np.testing.assert_allclose(
        image, alpha * foreground + (1 - alpha) * background, rtol=0, atol=1e-15
    )


@every_scene
def test_all_parts_fit_and_lie_in_range(name):
    scene = painted(name)
    assert scene.trimap.shape == scene.alpha.shape == (61, 80)
    assert scene.trimap.dtype == np.uint8
    for layer in (scene.image, scene.foreground, scene.background):
        assert layer.shape == (61, 80, 3)
    for values in (scene.image, scene.alpha, scene.foreground, scene.background):
        assert values.dtype == np.float64
        assert values.min() >= 0
        assert values.max() <= 1


@every_scene
def test_trimap_says_what_alpha_is(name):
    alpha, (foreground, background) = painted(name).alpha, as_trimap(painted(name).trimap)
    assert (alpha[foreground] == 1).all()
    assert (alpha[background] == 0).all()


@every_scene
def test_trimap_is_drawn_with_a_margin(name):
    _, trimap, alpha, _, _ = painted(name)
    unknown = trimap == 128
    mixed = (alpha > 0) & (alpha < 1)
    assert unknown[cv2.dilate(mixed.astype(np.uint8), np.ones((2, 1))) > 0].all()
    assert (alpha[unknown] == 0).any()
    assert (alpha[unknown] == 1).any()


@every_scene
@pytest.mark.parametrize("size", [(16, 41), (57, 19)])
def test_every_size_has_known_and_unknown_pixels(name, size):
    trimap = painted(name, *size, seed=5).trimap
    assert trimap.shape == size
    np.testing.assert_array_equal(np.unique(trimap), [0, 128, 255])


@every_scene
def test_a_share_of_the_pixels_is_mixed_and_of_many_levels(name):
    alpha = painted(name).alpha
    mixed = alpha[(alpha > 0) & (alpha < 1)]
    assert 0.04 < mixed.size / alpha.size < 0.6
    assert not ((mixed < 0.5 / 255) | (mixed > 254.5 / 255)).any()
    assert np.ptp(mixed) > 0.9
    assert len(np.unique(np.round(255 * mixed))) > 40


@every_scene
def test_a_seed_decides_all(name):
    for first, second in zip(painted(name), painted.__wrapped__(name), strict=True):
        np.testing.assert_array_equal(first, second)
    other = painted(name, seed=12)
    for part in ("image", "alpha", "foreground", "background"):
        assert (getattr(painted(name), part) != getattr(other, part)).any()


@every_scene
def test_a_scene_is_the_same_at_any_size(name):
    alpha, large = painted(name).alpha, painted(name, 122, 160).alpha
    small = cv2.resize(large, (80, 61), interpolation=cv2.INTER_AREA)
    assert abs(alpha - small).mean() < 0.02
    assert abs(alpha.mean() - small.mean()) < 0.005


def test_a_bottle_is_of_one_alpha_where_it_is_empty_and_of_another_where_it_is_full():
    alpha = painted("glass", 122, 160).alpha
    empty, full = alpha[40:45, 78:82], alpha[105:120, 78:82]
    assert np.ptp(empty) < 1e-6
    assert np.ptp(full) < 1e-6
    assert 0.2 < empty[0, 0] < 0.5 < full[0, 0] < 0.95


def test_foreground_has_the_colours_of_what_is_near():
    _, _, alpha, foreground, _ = painted("lace")
    clear = alpha == 0
    seen = foreground[~clear]
    assert foreground[clear].min() > seen.min() - 0.1
    assert foreground[clear].max() < seen.max() + 0.1


def test_own_scenes_can_be_painted():
    def disc(canvas, rng):
        layer = canvas.blank()
        cover = canvas.inside(np.hypot(canvas.y - 0.5, canvas.x - 0.5) - 0.3)
        layer[..., 3] = cover
        layer[..., 0] = 0.5 * cover
        return layer

    scene = synthetic(disc, 40, 56, seed=3)
    assert scene.alpha.sum() == pytest.approx(np.pi * (0.3 * 40) ** 2, rel=5e-3)
    np.testing.assert_allclose(scene.foreground, np.broadcast_to([0.5, 0, 0], (40, 56, 3)))


@pytest.mark.parametrize(
    ("arguments", "seed", "error", "names"),
    [
        (("hair", 40, 40), 0, TypeError, "scene"),
        ((examples.hair, 40.0, 40), 0, TypeError, "height"),
        ((examples.hair, 40, 15), 0, ValueError, "width.*16"),
        ((examples.hair, -1, 40), 0, ValueError, "height"),
        ((examples.hair, 40, 40), 0.5, TypeError, "seed"),
        ((examples.hair, 40, 40), -1, ValueError, "seed"),
        ((examples.hair, 10**7, 10**7), 0, MemoryError, "scene"),
    ],
)
def test_nonsense_is_refused(arguments, seed, error, names):
    with pytest.raises(error, match=names):
        synthetic(*arguments, seed=seed)


@pytest.mark.parametrize("scene", examples.SCENES)
def test_narrow_and_tall_scenes_warn_of_nothing(scene):
    for size in ((16, 700), (700, 16)):
        assert np.isfinite(examples.synthetic(scene, *size).image).all()
