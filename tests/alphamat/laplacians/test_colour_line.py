from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphamat.laplacians.colour_line import colour_line_laplacian
from solvers import cg, multigrid


def rows(image, unknown, radius=1):
    return colour_line_laplacian(image, unknown, epsilon=1e-4, radius=radius)


@given(
    unknown=arrays(bool, st.tuples(st.integers(5, 14), st.integers(5, 11))),
    radius=st.integers(1, 2),
    data=st.data(),
)
@settings(max_examples=30, deadline=None)
def test_rows_of_fewer_pixels_may_be_taken_out_of_more(unknown, radius, data):
    fewer = unknown & data.draw(arrays(bool, unknown.shape))
    rng = np.random.default_rng(8)
    image, field = rng.random((*unknown.shape, 3)), rng.random(unknown.shape)
    taken, built = rows(image, unknown, radius).restricted(fewer), rows(image, fewer, radius)
    x = rng.standard_normal(built.shape[0])
    close = partial(np.testing.assert_allclose, rtol=0, atol=1e-12)
    close(taken @ x, built @ x)
    close(taken.couple(field), built.couple(field))
    close(taken.diagonal(), built.diagonal())
    close(taken.tocsr().toarray(), built.tocsr().toarray())
    np.testing.assert_array_equal(taken.near_null, built.near_null)


@pytest.mark.parametrize("margin", [0, 3])
def test_rows_taken_out_are_solved_as_fast(margin):
    rng = np.random.default_rng(9)
    image = np.round(255 * rng.random((6, 8, 3)).repeat(7, axis=0).repeat(9, axis=1)) / 255
    unknown = np.ones(image.shape[:2], bool)
    unknown[:, :2], unknown[:2] = False, False
    fewer = unknown & (rng.random(unknown.shape) < 0.97)
    fewer[:, len(fewer[0]) - margin :] = False
    solver = partial(cg, preconditioner=multigrid, rtol=1e-8)
    b = rng.standard_normal(np.count_nonzero(fewer))
    taken, built = solver(rows(image, unknown).restricted(fewer), b), solver(rows(image, fewer), b)
    assert taken.converged
    assert abs(taken.iterations - built.iterations) <= 1
    np.testing.assert_allclose(taken.x, built.x, rtol=0, atol=1e-6 * abs(built.x).max())
