"""What a file may differ by from its network."""

from contextlib import nullcontext

import numpy as np
import pytest

from alphamat_deep.export.ports import Port
from alphamat_deep.export.proving import Difference, _difference, refuse_unless_equal

OUTPUTS = [Port("alpha", "alpha", (1, 10, 10, 1)), Port("f", "foreground", (1, 10, 10, 3))]


def test_a_pixel_counts_once_whether_its_alpha_or_its_colour_is_far():
    expected = [np.zeros(port.shape) for port in OUTPUTS]
    found, moved = ([x.copy() for x in expected] for _ in range(2))
    found[0][0, 0, 0], found[1][0, 0, 0] = 0.5, 0.7
    found[1][0, 1, 2, 1] = 0.002
    found[1][0, 1, 3, 1] = 0.0009  # near enough
    moved[0][0, :3, 0] = 0.25
    made = _difference(OUTPUTS, expected, found, [moved])
    assert made == Difference(0.5, 0.02, 0.7, 0.25, 0.03, 1)


@pytest.mark.parametrize(
    ("found", "decides", "kept"),
    [
        (Difference(1e-4, 0, 1e-3, 0, 0, 3), False, True),
        (Difference(2e-4, 1e-6, 0, 0, 0, 3), False, False),
        (Difference(1.0, 1e-3, 1.0, 0, 0, 3), True, True),  # another answer on few pixels
        (Difference(1.0, 2e-3, 0, 0, 0, 3), True, False),
        (Difference(0.4, 0.04, 0, 0.1, 0.01, 3), False, True),  # as restless as the network
        (Difference(0.5, 0.04, 0, 0.1, 0.01, 3), False, False),
        (Difference(0.1, 0.04, 0.5, 0.1, 0.01, 3), False, False),
        (Difference(0.4, 0.05, 0, 0.1, 0.01, 3), False, False),
    ],
)
def test_which_files_are_kept(found, decides, kept):
    told = pytest.raises(ValueError, match="not kept")
    with nullcontext() if kept else told:
        refuse_unless_equal(found, decides=decides)
