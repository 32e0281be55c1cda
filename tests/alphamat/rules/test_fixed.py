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
    rules = fixed_size(Preprocess(IMAGENET_MEAN, IMAGENET_STD, levels, chain), 32, 48)
    image = np.full((*size, 3), 0.25)
    prepared = rules.apply(image, np.full(size, 0.5))
    colours, marks = (x[0] for x in prepared.inputs)
    assert colours.shape[:2] == marks.shape[:2] == (32, 48)
    rows, columns = fit(32, 48, *size)
    inside = (slice(rows), slice(columns))
    assert colours[inside].std(axis=(0, 1)).max() < 1e-4
    assert marks[inside].min() > 0.4
    colours[inside] = marks[inside] = 0
    np.testing.assert_allclose(colours, 0, atol=1e-6)
    assert not marks.any()
    alpha = np.zeros((32, 48), np.float32)
    alpha[inside] = 0.75
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
