import re

import numpy as np
import pytest

from alphamat_deep.training.augment import (
    centre_crop,
    cover_and_crop,
    draw_size,
    middle,
    random_resized_crop,
    shrink_and_crop,
)
from tests.alphamat_deep.training.augment.samples import cases, stored, whole

BGMV2_BASE = cases("crop/bgmv2_base")
BGMV2_REFINE = cases("crop/bgmv2_refine")
RVM = cases("crop/rvm")


def compare(name, change):
    """Compare with PyTorch, whose float32 places pixel 60 to 4e-6 of a pixel."""
    outputs, inputs = stored()
    width, height = (int(number) for number in re.findall(r"\d+", name)[-2:])
    found = change({"image": inputs["tensor"]}, height, width)["image"]
    expected = np.moveaxis(outputs[name][0], 0, -1)
    assert found.shape == expected.shape
    assert abs(found - expected).max() < 1e-5


@pytest.mark.parametrize("name", BGMV2_BASE)
def test_crops_of_bgmv2_base_are_the_authors(name):
    compare(name, lambda *args: shrink_and_crop(*args, between=True))


@pytest.mark.parametrize("name", BGMV2_REFINE)
def test_crops_of_bgmv2_refine_are_the_authors(name):
    compare(name, lambda x, height, width: cover_and_crop(x, height // 4 * 4, width // 4 * 4))


@pytest.mark.parametrize("name", RVM)
def test_crops_of_rvm_are_the_authors(name):
    compare(name, shrink_and_crop)


def test_even_margins_are_halved_either_way():
    sample = whole(3)
    for between in (False, True):
        cut = centre_crop(sample, 41, 51, between=between)
        assert all(np.array_equal(cut[name], sample[name][3:44, 5:56]) for name in sample)


def test_odd_margins_are_rounded_to_even():
    sample = whole(3)
    assert np.array_equal(centre_crop(sample, 46, 58)["alpha"], sample["alpha"][:46, 2:60])


def test_labels_are_not_mixed_between_pixels():
    cut = centre_crop(whole(3), 46, 58, between=True)
    assert set(np.unique(cut["trimap"])) == {0, 0.5, 1}


@pytest.mark.parametrize("most", [512, 333])
def test_sizes_are_drawn_from_the_upper_half(most):
    rng = np.random.default_rng(most)
    drawn = np.array([draw_size(rng, most) for _ in range(4000)])
    assert drawn.min() == most // 2
    assert drawn.max() == most - 1
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 0.05
    assert abs(drawn.mean() - 0.75 * most) < 0.01 * most


@pytest.mark.parametrize("size", [(52, 68), (68, 52), (33, 99), (99, 33)])
def test_every_size_can_be_covered(size):
    assert cover_and_crop(whole(3), *size)["alpha"].shape[:2] == size


def test_parts_have_the_area_and_aspect_that_are_drawn(monkeypatch):
    windows = []
    monkeypatch.setattr(middle, "crop", lambda sample, window: windows.append(window) or sample)
    rng, sample = np.random.default_rng(31), {"alpha": np.zeros((400, 500, 1), np.float32)}
    for _ in range(2000):
        random_resized_crop(sample, 400, 500, rng, scale=(0.2, 0.5), ratio=(0.7, 1.3))
    top, left, height, width = np.transpose(windows)
    areas, aspects = height * width / (400 * 500), width / height
    assert (areas > 0.195).all()
    assert (areas < 0.505).all()
    assert abs(areas.mean() - 0.35) < 0.01
    assert abs(np.log(aspects).mean() - np.log(0.7 * 1.3) / 2) < 0.02
    assert (top + height <= 400).all()
    assert (left + width <= 500).all()
    assert top.min() == left.min() == 0


@pytest.mark.parametrize(
    ("shape", "expected"),
    [((90, 160), (90, 99)), ((160, 90), (100, 90)), ((100, 105), (100, 105))],
)
def test_rvm_keeps_the_middle_of_the_nearest_aspect(monkeypatch, shape, expected):
    windows = []
    monkeypatch.setattr(middle, "crop", lambda sample, window: windows.append(window) or sample)
    sample = {"alpha": np.zeros((*shape, 1), np.float32)}
    random_resized_crop(sample, 32, 32, np.random.default_rng(3), scale=(1, 1), ratio=(0.9, 1.1))
    top, left, *size = windows[0]
    assert tuple(size) == expected
    assert (top, left) == ((shape[0] - expected[0]) // 2, (shape[1] - expected[1]) // 2)
