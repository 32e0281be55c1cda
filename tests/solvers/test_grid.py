import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from solvers import Operator, StencilMatrix
from solvers.grid import Region, dilate, offsets
from solvers.runs import LENGTH, LONGEST_RUN

masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 12)))


def random_matrix(chosen, reach, seed=3):
    region = Region.of(chosen, reach)
    planes = np.random.default_rng(seed).random((len(offsets(reach)), region.stored_size))
    return StencilMatrix(region, planes)


def dense(A):
    """A, entry by entry, from what the planes of a stencil matrix are said to hold."""
    (height, width), reach = A.region.grid, A.region.reach
    cells = np.argwhere(A.region.stored)
    planes = {}
    for number, (y, x) in enumerate(cells - reach):
        for k, (dy, dx) in enumerate(offsets(reach)):
            planes[(y, x), (y + dy, x + dx)] = planes[(y + dy, x + dx), (y, x)] = A.planes[
                k, number
            ]
    inside = A.chosen()
    chosen = [tuple(cell) for cell in (cells - reach)[inside]]
    assert all(0 <= y < height and 0 <= x < width for y, x in chosen)
    return np.array([[planes.get((i, j), 0.0) for j in chosen] for i in chosen])


@given(chosen=masks, reach=st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_matrix_is_what_its_planes_say(chosen, reach):
    A = random_matrix(chosen, reach)
    expected = dense(A).reshape(A.shape)
    np.testing.assert_array_equal(A.tocsr().toarray(), expected)
    np.testing.assert_array_equal(A.diagonal(), np.diag(expected))
    x = np.random.default_rng(1).standard_normal(A.shape[0])
    np.testing.assert_allclose(A @ x, expected @ x, rtol=1e-12, atol=1e-12)


@given(chosen=masks, reach=st.integers(1, 3))
@settings(max_examples=20, deadline=None)
def test_fields_and_vectors_are_stored_in_one_order(chosen, reach):
    region = Region.of(chosen, reach)
    field = np.arange(1.0, chosen.size + 1).reshape(chosen.shape)
    inside = region.expand(np.ones(region.size)) == 1
    np.testing.assert_array_equal(region.store(field)[inside], field[chosen])
    np.testing.assert_array_equal(region.expand(field[chosen])[inside], field[chosen])
    assert not region.expand(field[chosen])[~inside].any()


def test_couple_reaches_into_the_halo():
    chosen = np.zeros((7, 9), bool)
    chosen[3, 4] = True
    A = random_matrix(chosen, 2)
    values = np.random.default_rng(2).random((7, 9))
    # the same planes, with all stored cells for unknowns
    everything = StencilMatrix(Region.of(np.ones((5, 5), bool), 2), np.zeros((13, 81)))
    everything.planes[:, everything.chosen()] = A.planes
    row = everything.tocsr().toarray()[12]
    np.testing.assert_allclose(A.couple(values), row @ values[1:6, 2:7].ravel())


def test_runs_longer_than_the_longest_are_cut():
    chosen = np.ones((3, 2 * LONGEST_RUN + 5), bool)
    A = random_matrix(chosen, 1)
    assert A.region.runs[:, LENGTH].max() == LONGEST_RUN
    x = np.random.default_rng(1).standard_normal(A.shape[0])
    np.testing.assert_allclose(A @ x, A.tocsr() @ x, rtol=1e-12, atol=1e-12)


@given(chosen=masks, reach=st.integers(1, 3), data=st.data())
@settings(max_examples=40, deadline=None)
def test_restricted_is_what_the_smaller_mask_gives(chosen, reach, data):
    fewer = chosen & data.draw(arrays(bool, chosen.shape))
    rng = np.random.default_rng(4)
    entries = rng.random((len(offsets(reach)), *np.add(chosen.shape, 2 * reach)))
    functions = rng.random((2, chosen.size))
    large, small = (
        StencilMatrix(
            region := Region.of(mask, reach),
            entries[:, region.stored],
            np.stack([region.expand(f[mask.ravel()], np.float32) for f in functions]),
        )
        for mask in (chosen, fewer)
    )
    restricted = large.restricted(fewer)
    x, field = rng.standard_normal(small.shape[0]), rng.standard_normal(chosen.shape)
    assert restricted.shape == small.shape
    np.testing.assert_array_equal(restricted @ x, small @ x)
    np.testing.assert_array_equal(restricted.couple(field), small.couple(field))
    np.testing.assert_array_equal(restricted.diagonal(), small.diagonal())
    np.testing.assert_array_equal(restricted.tocsr().toarray(), small.tocsr().toarray())
    np.testing.assert_array_equal(restricted.near_null, small.near_null)
    assert restricted.near_null.dtype == np.float32


def test_restricted_without_near_null_functions_has_none():
    assert random_matrix(np.ones((4, 5), bool), 1).restricted(np.eye(4, 5) > 0).near_null is None


def test_restricted_refuses_cells_without_a_row():
    chosen = np.ones((4, 5), bool)
    chosen[2, 3] = chosen[0, 0] = False
    with pytest.raises(ValueError, match="marks 2 cells that have no row"):
        random_matrix(chosen, 1).restricted(np.ones((4, 5), bool))


def test_restricted_refuses_another_grid():
    with pytest.raises(ValueError, match=r"shape \(5, 4\)"):
        random_matrix(np.ones((4, 5), bool), 1).restricted(np.ones((5, 4), bool))


def test_shifted_adds_to_the_diagonal():
    A = random_matrix(np.ones((4, 5), bool), 1)
    shift = np.arange(20.0)
    difference = A.shifted(shift).tocsr() - A.tocsr()
    np.testing.assert_allclose(difference.toarray(), np.diag(shift), rtol=0, atol=1e-14)


def test_a_region_may_be_empty():
    A = random_matrix(np.zeros((4, 5), bool), 2)
    assert A.shape == (0, 0)
    assert (A @ np.zeros(0)).shape == (0,)


def test_is_an_operator():
    assert isinstance(random_matrix(np.ones((4, 5), bool), 1), Operator)


@pytest.mark.parametrize("reach", [1, 2])
def test_dilation_takes_in_all_cells_within_reach(reach):
    mask = np.zeros((9, 11), bool)
    mask[3, 4] = mask[0, 10] = True
    y, x = np.mgrid[:9, :11]
    within = [np.maximum(abs(y - a), abs(x - b)) <= reach for a, b in ((3, 4), (0, 10))]
    np.testing.assert_array_equal(dilate(mask, reach), within[0] | within[1])
