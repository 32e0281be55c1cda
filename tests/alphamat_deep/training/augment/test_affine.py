import cv2
import numpy as np
import pytest

from alphamat_deep.training.augment import (
    ALL_FILTERS,
    Affine,
    affine,
    draw_affine,
    move,
    random_affine,
    random_affine_and_resize,
    random_stretch,
    stretch_matrix,
    warp,
)
from tests.alphamat_deep.training.augment.samples import whole


def inside(pixels, border=1):
    return pixels[border:-border, border:-border]


def test_nothing_moves_by_the_identity():
    sample = whole(3)
    moved = move(sample, Affine().matrix(47, 61), 47, 61)
    assert all(np.array_equal(moved[name], sample[name]) for name in sample)


def test_a_quarter_turn_is_clockwise_about_the_middle():
    pixels = whole(3, height=31, width=31)["foreground"]
    turned = warp(pixels, Affine(angle=90).matrix(31, 31), 31, 31)
    assert np.allclose(inside(turned), inside(np.rot90(pixels, -1)), atol=1e-6)


def test_moves_are_right_and_down():
    pixels = whole(3)["foreground"]
    moved = warp(pixels, Affine(right=5, down=3).matrix(47, 61), 47, 61)
    assert np.array_equal(moved[3:, 5:], pixels[:-3, :-5])
    assert not moved[:3].any()
    assert not moved[:, :5].any()


def test_points_go_where_turn_shear_and_scale_take_them():
    drawn, (height, width) = Affine(17, 4, -3, 0.8, 9), (40, 51)
    a, s = np.radians([17, 9])
    turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    shear = np.array([[1, -np.tan(s)], [0, 1]])
    centre, old = np.array([25, 19.5]), np.array([12.0, 31.0])
    new = 0.8 * turn @ shear @ (old - centre) + centre + [4, -3]
    assert np.allclose(drawn.matrix(height, width) @ [*new, 1], old)


def test_twice_as_large_is_every_pixel_twice():
    pixels = whole(3, height=20, width=20)["foreground"]
    large = warp(pixels, Affine(scale=2).matrix(20, 20), 20, 20, interpolation=cv2.INTER_NEAREST)
    assert np.array_equal(large, pixels[5:15, 5:15].repeat(2, 0).repeat(2, 1))


def test_draws_fill_their_ranges():
    rng = np.random.default_rng(41)
    drawn = np.array(
        [
            draw_affine(rng, 200, 300, degrees=10, translate=0.1, scale=(0.5, 1.5), shear=5)
            for _ in range(4000)
        ]
    )
    lowest, highest = np.array([[-10, -30, -20, 0.5, -5], [10, 30, 20, 1.5, 5]])
    assert (drawn >= lowest).all()
    assert (drawn <= highest).all()
    assert np.allclose(drawn.mean(axis=0), (lowest + highest) / 2, atol=0.03 * (highest - lowest))
    spread = drawn.std(axis=0) / (highest - lowest)
    assert np.allclose(spread, 1 / np.sqrt(12), atol=0.02)
    assert np.array_equal(drawn[:, 1:3], drawn[:, 1:3].round())


def fixed(monkeypatch, drawn):
    monkeypatch.setattr(affine, "draw_affine", lambda *_, **__: drawn)


@pytest.mark.parametrize("size", [(21, 30), (60, 40), (90, 100), (47, 61)])
def test_affine_and_resize_pads_moves_and_crops(monkeypatch, size):
    """Done in three steps, as the author does; a margin that is odd leaves the same middle."""
    drawn = Affine(5, 3, -2, 0.9 * max(size[0] / 47, size[1] / 61), 4)
    fixed(monkeypatch, drawn)
    sample = {"alpha": whole(3)["alpha"]}
    found = random_affine_and_resize(sample, *size, np.random.default_rng(0))["alpha"]
    down, right = (int(np.ceil(max(0, a - b) / 2)) for a, b in zip(size, (47, 61), strict=True))
    padded = np.pad(sample["alpha"], [(down, down), (right, right), (0, 0)])
    rows, columns = padded.shape[:2]
    moved = warp(padded, drawn.matrix(rows, columns), rows, columns)
    top, left = round((rows - size[0]) / 2), round((columns - size[1]) / 2)
    assert np.allclose(found, moved[top:, left:][: size[0], : size[1]], atol=2e-3)


def test_affine_and_resize_at_scale_1_just_covers(monkeypatch):
    fixed(monkeypatch, Affine(scale=0.5))
    sample = {"alpha": np.ones((40, 80, 1), np.float32)}
    found = random_affine_and_resize(sample, 20, 30, np.random.default_rng(0))["alpha"]
    assert found.min() == 1


def test_affine_and_resize_draws_scale_and_moves_for_the_new_size(monkeypatch):
    asked = {}

    def draw(rng, height, width, **ranges):
        asked.update(ranges, size=(height, width))
        return Affine()

    monkeypatch.setattr(affine, "draw_affine", draw)
    random_affine_and_resize({"alpha": whole(3)["alpha"]}, 94, 61, np.random.default_rng(0))
    assert asked["size"] == (47, 61)
    assert asked["scale"] == (0.8, 2)
    assert asked["translate"] == 0.2


def test_layers_move_alike_and_labels_stay():
    sample = whole(3)
    moved = random_affine(sample, np.random.default_rng(8), scale=(0.7, 0.7))
    assert set(np.unique(moved["trimap"])) == {0, 0.5, 1}
    alpha = {"alpha": sample["alpha"]}
    alone = random_affine(alpha, np.random.default_rng(8), scale=(0.7, 0.7))
    assert np.array_equal(moved["alpha"], alone["alpha"])


def test_stretching_is_flip_scale_turn_and_shear():
    a, s = np.radians([20, 6])
    forward = np.array([[np.cos(a + s), -np.sin(a + s)], [np.sin(a), np.cos(a)]])
    matrix = stretch_matrix(40, 50, angle=20, scale=(0.9, 1.2), shear=6, flips=(-1, 1))
    centre, old = np.array([25.5, 20.5]), np.array([3.0, 31.0])
    new = forward @ ([-0.9, 1.2] * (old - centre)) + centre
    assert np.allclose(matrix @ [*new, 1], old)


def test_stretches_turn_large_pictures_only(monkeypatch):
    asked = []
    monkeypatch.setattr(
        affine, "stretch_matrix", lambda *_, **drawn: asked.append(drawn) or np.eye(2, 3)
    )
    rng = np.random.default_rng(17)
    for width in (1023, 1024):
        for _ in range(2000):
            random_stretch({"alpha": np.zeros((1, width, 1), np.float32)}, rng)
    small, large = asked[:2000], asked[2000:]
    assert {drawn["angle"] for drawn in small} == {0}
    angles = np.array([drawn["angle"] for drawn in large])
    assert abs(angles).max() <= 30
    assert abs(angles.std() - 60 / np.sqrt(12)) < 1
    scales = np.array([drawn["scale"] for drawn in asked])
    assert scales.min() >= 0.8
    assert scales.max() <= 1.25
    assert abs(np.corrcoef(scales.T)[0, 1]) < 0.05
    assert max(abs(drawn["shear"]) for drawn in asked) <= 10
    flips = [drawn["flips"] for drawn in asked]
    counts = np.array([flips.count(pair) for pair in [(1, 1), (1, -1), (-1, 1), (-1, -1)]])
    assert abs(counts / 4000 - 0.25).max() < 0.03


def test_of_several_filters_each_array_draws_one(monkeypatch):
    used = []
    monkeypatch.setattr(
        affine, "warp", lambda pixels, *_, interpolation: used.append(interpolation) or pixels
    )
    rng, sample = np.random.default_rng(2), {"alpha": np.zeros((2, 2, 1), np.float32)}
    sample["trimap"] = sample["alpha"]
    for _ in range(400):
        random_stretch(sample, rng, interpolations=ALL_FILTERS)
    assert set(used[::2]) == set(ALL_FILTERS)
    assert min(used[::2].count(how) for how in ALL_FILTERS) > 70
    assert set(used[1::2]) == {cv2.INTER_NEAREST}
