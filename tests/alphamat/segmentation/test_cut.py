"""What is done with the runs of a graph cut."""

import numpy as np
import pytest

from alphamat.segmentation.cut import (
    BACKGROUND,
    FOREGROUND,
    PERHAPS_BACKGROUND,
    PERHAPS_FOREGROUND,
    _decided,
    _doubts,
    _filled,
    _tidied,
)


@pytest.fixture
def found():
    """A large part, and one of 5 × 5 pixels; 60 × 80."""
    found = np.zeros((60, 80), bool)
    found[10:50, 10:50] = found[20:25, 70:75] = True
    return found


@pytest.mark.parametrize(
    ("seed", "kept"),
    [(PERHAPS_BACKGROUND, False), (PERHAPS_FOREGROUND, True), (FOREGROUND, True)],
)
def test_a_part_is_kept_if_the_seeds_expected_it(found, seed, kept):
    seeds = np.full(found.shape, PERHAPS_FOREGROUND, np.uint8)
    seeds[:, 60:] = PERHAPS_BACKGROUND
    seeds[22, 70:75] = seeds[21:24, 70:75] = seed
    tidied = _tidied(found, seeds)
    assert tidied[20, 70] == kept
    assert tidied[30, 30]


def test_specks_are_dropped_unless_they_are_sure(found):
    found[20:25, 70:75] = False
    found[5, 70:72] = found[40, 70:72] = True
    seeds = np.full(found.shape, PERHAPS_FOREGROUND, np.uint8)
    seeds[40, 70] = FOREGROUND
    tidied = _tidied(found, seeds)
    assert not tidied[5, 70]
    assert tidied[40, 71]


def test_far_from_the_outline_most_runs_decide(found):
    foreground = np.where(found, 2 / 3, 1 / 3)
    decided = _decided(foreground)
    assert decided[30, 30] == 1
    assert decided[30, 61] == 0
    assert decided[30, 11] == 2 / 3
    assert decided[30, 8] == 1 / 3


@pytest.mark.parametrize(
    ("size", "likely", "filled"),
    [(2, 0.0, True), (6, 0.0, False), (6, 1 / 3, True), (20, 1 / 3, False)],
)
def test_small_holes_and_unsure_ones_are_filled(found, size, likely, filled):
    foreground = found.astype(float)
    foreground[15 : 15 + size, 15 : 15 + size] = likely
    known = np.zeros(found.shape, bool)
    assert (_filled(foreground, known)[16, 16] == 1) == filled
    known[15, 15] = True
    assert _filled(foreground, known)[16, 16] == likely


def test_what_reaches_the_border_is_no_hole(found):
    foreground = found.astype(float)
    foreground[50:, 10:50] = 1
    foreground[58:, 30] = 1 / 3
    assert _filled(foreground, np.zeros(found.shape, bool))[59, 30] == 1 / 3


def test_runs_that_agree_leave_no_doubt(found):
    assert [doubt.share for doubt in _doubts(np.stack([found] * 3), 0.0)] == [0, 0]
    outline, colours = _doubts(np.stack([found, found, np.roll(found, 20, axis=1)]), 0.3)
    assert outline.share > 0.5
    assert 0.5 < colours.share < 1


@pytest.mark.parametrize(("value", "word"), [(False, "nothing"), (True, "all")])
def test_nothing_and_everything_are_doubted(value, word):
    (doubt,) = _doubts(np.full((3, 9, 11), value), 0.0)
    assert doubt.share == 1
    assert word in doubt.reason


def test_levels_are_those_of_opencv():
    import cv2

    names = cv2.GC_BGD, cv2.GC_FGD, cv2.GC_PR_BGD, cv2.GC_PR_FGD
    assert names == (BACKGROUND, FOREGROUND, PERHAPS_BACKGROUND, PERHAPS_FOREGROUND)
