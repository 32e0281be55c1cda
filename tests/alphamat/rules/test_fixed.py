"""Rules for one size: all pictures get there in their proportions, and back."""

from functools import partial

import numpy as np
import pytest

from alphamat.rules import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    Pad,
    Preprocess,
    Resize,
    Stretch,
    area,
    fit,
    fixed_size,
    floor_sides,
    levels,
    square,
)


@pytest.mark.parametrize("size", [(40, 70), (70, 40), (9, 200), (32, 48), (300, 5)])
@pytest.mark.parametrize(
    "chain", [(), (Pad(32, 32),), (Resize(partial(floor_sides, 8)), Pad(0, 4))]
)
def test_pictures_of_all_sizes_are_led_to_one(size, chain):
    plain = Preprocess(IMAGENET_MEAN, IMAGENET_STD, levels, chain, keep_known=False)
    rules = fixed_size(plain, 32, 48)
    rng = np.random.default_rng(83)
    prepared = rules.apply(rng.random((*size, 3)), rng.choice([0, 0.5, 1], size))
    rows, columns = fit(32, 48, *size)
    for pixels in prepared.inputs:
        assert pixels.shape[1:3] == (32, 48)
        inside = pixels[0, :rows, :columns]
        filled = np.pad(inside, [(0, 32 - rows), (0, 48 - columns), (0, 0)], mode="edge")
        assert np.array_equal(pixels[0], filled)
        assert inside.std() > 0.1
    alpha = np.zeros((32, 48), np.float32)
    alpha[:rows, :columns] = 0.75
    assert np.array_equal(rules.undo(alpha, prepared), np.full(size, 0.75))


def test_proportions_are_kept():
    assert fit(512, 512, 1000, 2000) == (256, 512)
    assert fit(512, 256, 100, 100) == (256, 256)
    assert fit(8, 8, 1, 1000) == (1, 8)


def test_rules_that_lead_there_stay():
    rules = Preprocess(HALF, HALF, chain=(Resize(partial(square, 32)), Stretch()))
    assert fixed_size(rules, 32, 32) is rules
    once = fixed_size(Preprocess(HALF, HALF), 32, 48)
    assert fixed_size(once, 32, 48) is once
    limited = Preprocess(HALF, HALF, chain=(Resize(partial(floor_sides, 8, most=32)),))
    assert fixed_size(limited, 32, 32) is not limited


def test_other_steps_stay_where_they_are_and_pixels_are_resized_as_before():
    rules = Preprocess(HALF, HALF, chain=(Stretch(), Resize(partial(square, 32), how=area)))
    found = fixed_size(rules, 16, 16).chain
    assert isinstance(found[0], Stretch)
    assert found[1].how is area
    assert len(found) == 3
