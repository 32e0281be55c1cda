import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphamat.laplacians.colour_line import affine_in_colour
from alphamat.laplacians.windows import STRIP, Windows
from solvers import loops
from solvers.runs import LENGTH, STORED, X, Y


def count(first, last, runs, radius, seen, planes):
    """Count how often each window's centre is visited, and check where its cells are stored."""
    for run in runs[first:last]:
        length, y, x = run[LENGTH], run[Y], run[X]
        seen[y, x : x + length] += 1
        for row, start in enumerate(run[STORED:]):
            # the cell in the window's row, at the centre's column; plane 0 numbers stored cells
            expected = (y + row - radius) * 1000 + x + np.arange(length)
            np.testing.assert_array_equal(planes[0, start : start + length], expected)


@given(
    unknown=arrays(bool, st.tuples(st.integers(5, 2 * STRIP + 3), st.integers(5, 9))),
    radius=st.integers(1, 2),
)
@settings(max_examples=30, deadline=None)
def test_visits_each_window_that_touches_an_unknown_pixel_once(unknown, radius):
    height, width = unknown.shape
    windows = Windows.touching(unknown, radius)
    number = np.add.outer(1000 * np.arange(height), np.arange(width))
    seen, planes = np.zeros(unknown.shape, int), windows.region.store(number)[None]
    if len(windows.runs):
        count(0, len(windows.runs), windows.runs, radius, seen, planes)
    for y in range(height):
        for x in range(width):
            inside = radius <= y < height - radius and radius <= x < width - radius
            around = unknown[
                max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1
            ]
            assert seen[y, x] == (inside and around.any())


@pytest.mark.parametrize("workers", [1, 3])
def test_planes_are_summed_over_all_windows_by_any_number_of_threads(workers, monkeypatch):
    monkeypatch.setattr(loops, "GRAIN", 1)
    monkeypatch.setattr(loops, "_most_threads", lambda: workers)
    windows = Windows.touching(np.ones((5 * STRIP, 11), bool), 1)

    def kernel(first, last, runs, planes):
        for k in range(first, last):
            for start in runs[k, STORED:]:
                planes[0, start : start + runs[k, LENGTH]] += 1

    planes = windows.planes(kernel)
    rows = windows.region.store(np.ones((5 * STRIP, 11)))
    assert planes.shape == (13, rows.size)
    assert planes[0].sum() == 3 * (5 * STRIP - 2) * 9
    assert planes[0].max() == 3


def test_functions_are_one_and_the_colours_of_unknown_pixels():
    image, unknown = np.random.default_rng(2).random((6, 7, 3)), np.zeros((6, 7), bool)
    unknown[2:4, 1:5] = True
    region = Windows.touching(unknown, 1).region
    functions = affine_in_colour(image, unknown, region)
    inside = region.store(unknown)
    assert not functions[:, ~inside].any()
    expected = np.column_stack([np.ones(8), image[unknown] - 0.5])
    np.testing.assert_allclose(functions[:, inside].T, expected, rtol=0, atol=1e-7)
