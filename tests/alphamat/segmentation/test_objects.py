"""Which of several objects to keep."""

import numpy as np
import pytest

from alphamat.segmentation import at, largest


@pytest.fixture
def mask():
    """Three objects of 12, 3 and 2 pixels, two of which touch a corner; 7 × 11."""
    mask = np.zeros((7, 11), bool)
    mask[1:4, 1:5] = True
    mask[4, 5] = mask[5, 5] = mask[5, 6] = True
    mask[0, 9:] = True
    return mask


def test_the_largest_object_includes_what_it_touches_by_a_corner(mask):
    assert largest(mask).sum() == 15
    assert not largest(mask)[0].any()


def test_nothing_stays_nothing():
    assert not largest(np.zeros((3, 4), bool)).any()
    assert not at(np.zeros((3, 4), bool), 1, 2).any()


def test_all_of_a_picture_is_one_object():
    assert largest(np.ones((3, 4), bool)).all()


@pytest.mark.parametrize(("x", "y", "size"), [(10, 0, 2), (2, 2, 15), (8, 1, 2), (0, 6, 15)])
def test_at_keeps_the_object_at_a_point_or_the_nearest(mask, x, y, size):
    assert at(mask, x, y).sum() == size


@pytest.mark.parametrize(("x", "y"), [(11, 0), (0, 7)])
def test_a_point_outside_is_refused(mask, x, y):
    with pytest.raises(ValueError, match=r"outside the mask of 11 × 7 pixels"):
        at(mask, x, y)


@pytest.mark.parametrize(
    "wrong", [np.ones((3, 4)), np.ones((3, 4, 3), bool), np.ones((0, 4), bool)]
)
def test_what_is_no_mask_is_refused(wrong):
    with pytest.raises(TypeError, match=r"`mask` has shape .* expected \(H, W\) and bool"):
        largest(wrong)
