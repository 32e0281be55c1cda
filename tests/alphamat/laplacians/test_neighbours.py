import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from alphamat.laplacians import neighbours
from alphamat.laplacians.neighbours import (
    Edges,
    graph_laplacian,
    nearest,
    neighbourhoods,
    with_position,
)
from solvers import loops

H, W = 11, 14


def noise(seed=11, shape=(H, W)):
    return np.random.default_rng(seed).random((*shape, 3))


def placed(image, weight):
    unit = weight / np.hypot(*image.shape[:2])
    return with_position(image, (unit, unit))


def corner(shape=(H, W)):
    marked = np.zeros(shape, bool)
    marked[:3, :4] = True
    return marked


def by_hand(points, asked, among, count):
    """Sort all others by distance."""
    rows = []
    for i in asked:
        others = among[among != i]
        distance = np.linalg.norm(points[others] - points[i], axis=1)
        rows.append(others[np.argsort(distance)[:count]])
    return np.array(rows)


def by_centre(found):
    centres, members = found
    assert len(set(centres.tolist())) == len(centres)
    return {int(centre): row.tolist() for centre, row in zip(centres, members, strict=True)}


@pytest.fixture
def many_threads(monkeypatch):
    monkeypatch.setattr(loops, "GRAIN", 1)
    monkeypatch.setattr(loops, "_most_threads", lambda: 3)


# ---- searches


def test_position_follows_the_features_in_steps():
    points = with_position(noise(shape=(3, 4)), (0.5, 0.2)).reshape(3, 4, 5)
    np.testing.assert_array_equal(points[..., :3], noise(shape=(3, 4)))
    np.testing.assert_allclose(points[2, 3, 3:], [2 * 0.5, 3 * 0.2], rtol=1e-15)


def test_nearest_are_those_that_sorting_all_distances_finds(many_threads):
    points = placed(noise(), 0.7)
    everything = np.arange(len(points))
    found = nearest(points, everything, everything, 6)
    assert found.dtype == np.int32
    np.testing.assert_array_equal(found, by_hand(points, everything, everything, 6))


@given(
    size=st.integers(2, 400),
    dims=st.integers(2, 7),
    levels=st.sampled_from([1, 3, 255, 10**9]),
    count=st.sampled_from([1, 5, 40]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_nearest_are_as_near_as_brute_force_finds(size, dims, levels, count, seed):
    rng = np.random.default_rng(seed)
    points = np.round(levels * rng.random((size, dims))) / levels
    asked = rng.permutation(size)[: size // 2 + 1]
    among = np.flatnonzero(rng.random(size) < 0.7)
    found = nearest(points, asked, among, count)
    held = np.isin(asked, among)
    assert found.shape == (len(asked), min(count, len(among) - held.any()))
    assert (found != asked[:, None]).all()
    assert np.isin(found, among).all()
    for i, row in zip(asked, found, strict=True):
        assert len(set(row.tolist())) == len(row)
        others = np.linalg.norm(points[among[among != i]] - points[i], axis=1)
        distance = np.linalg.norm(points[row] - points[i], axis=1)
        np.testing.assert_allclose(distance, np.sort(others)[: len(row)], rtol=1e-12, atol=1e-15)


def test_nearest_looks_only_where_it_is_told():
    points = placed(noise(), 0.7)
    asked, among = np.arange(5, 60, 2), np.arange(100, 140)
    found = nearest(points, asked, among, 3)
    np.testing.assert_array_equal(found, by_hand(points, asked, among, 3))


def test_nearest_returns_all_where_there_are_fewer():
    points = placed(noise(), 0.7)
    assert nearest(points, np.array([0, 1]), np.array([5, 6]), 4).shape == (2, 2)
    assert nearest(points, np.array([5, 6]), np.array([5, 6]), 4).tolist() == [[6], [5]]
    assert nearest(points, np.array([5]), np.array([5]), 4).shape == (1, 0)
    assert nearest(points, np.array([5]), np.array([], int), 4).shape == (1, 0)
    assert nearest(points, np.array([], int), np.array([5]), 4).shape[0] == 0


def test_a_pixel_is_not_its_own_neighbour_where_many_coincide():
    points = np.zeros((40, 5))
    everything = np.arange(40)
    found = nearest(points, everything, everything, 4)
    assert (found != everything[:, None]).all()
    assert all(len(set(row)) == 4 for row in found.tolist())


@given(
    marked=arrays(bool, (H, W)),
    levels=st.sampled_from([1, 2, 4, 255]),
    weight=st.sampled_from([0.01, 0.3, 3.0]),
    count=st.sampled_from([1, 4, 200]),
)
@settings(max_examples=40, deadline=None)
def test_leaving_pixels_out_changes_no_neighbourhood(marked, levels, weight, count):
    image = np.round(levels * noise()) / levels  # full of ties
    points = placed(image, weight)
    everything = by_centre(neighbourhoods(points, count, np.ones((H, W), bool)))
    assert len(everything) == H * W
    flat = marked.ravel()
    expected = {i: row for i, row in everything.items() if flat[i] or flat[row].any()}
    assert by_centre(neighbourhoods(points, count, marked)) == expected


@pytest.mark.parametrize("shape", [(H, W), (1, 40), (40, 1), (2, 2), (1, 2)])
def test_neighbourhoods_are_those_that_sorting_all_distances_finds(shape, many_threads):
    points, marked = placed(noise(shape=shape), 0.5), corner(shape)
    centres, members = neighbourhoods(points, 3, marked)
    everything = np.arange(marked.size)
    np.testing.assert_array_equal(members, by_hand(points, centres, everything, 3))
    choosing = marked.ravel()[by_hand(points, everything, everything, 3)].any(axis=1)
    assert set(centres) == set(np.flatnonzero(marked.ravel() | choosing))


def test_pixels_far_from_all_marked_ones_are_not_searched_for(monkeypatch):
    shape = (60, 80)
    points, searched = placed(0.05 * noise(shape=shape), 2.0), []
    search = neighbours._search

    def watch(tree, points, asked, held, count):
        searched.append(len(asked))
        return search(tree, points, asked, held, count)

    monkeypatch.setattr(neighbours, "_search", watch)
    centres, _ = neighbourhoods(points, 5, corner(shape))
    assert 12 < len(centres) <= sum(searched) < 200


def test_without_marked_pixels_there_are_no_neighbourhoods():
    centres, members = neighbourhoods(placed(noise(), 1.0), 5, np.zeros((H, W), bool))
    assert len(centres) == len(members) == 0


# ---- graphs


def random_graph(seed, size=H * W, centres=90, count=4):
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(size)[:centres]
    members = rng.integers(0, size - 1, (centres, count))
    members += members >= chosen[:, None]  # no loops
    return Edges(chosen, members.astype(np.int32), rng.random((centres, count)))


def dense_laplacian(graphs):
    affinity = np.zeros((H * W, H * W))
    for centres, members, weights in graphs:
        np.add.at(affinity, (centres[:, None], members), weights)
    affinity += affinity.T
    return np.diag(affinity.sum(axis=1)) - affinity


@given(seeds=st.lists(st.integers(0, 1000), min_size=1, max_size=3), free=arrays(bool, (H, W)))
@settings(max_examples=30, deadline=None)
def test_a_graphs_laplacian_is_d_minus_w(seeds, free):
    graphs, flat = [random_graph(seed) for seed in seeds], free.ravel()
    expected = dense_laplacian(graphs)[flat]
    laplacian = neighbours.assemble(graphs, free)
    np.testing.assert_allclose(laplacian.matrix.toarray(), expected[:, flat], rtol=0, atol=1e-12)
    np.testing.assert_allclose(laplacian.boundary.toarray(), expected[:, ~flat], rtol=0, atol=1e-12)
    for part in (laplacian.matrix, laplacian.boundary):
        entries, merged = part.nnz, part.copy()
        merged.sum_duplicates()
        assert merged.nnz == entries


def test_the_laplacian_is_symmetric_and_blind_to_constants(many_threads):
    points, free = placed(noise(), 0.5), ~corner()
    centres, members = neighbourhoods(points, 5, free)
    edges = Edges(centres, members, np.full(members.shape, 0.25))
    laplacian = graph_laplacian([edges, edges], free, corner())
    assert abs(laplacian.matrix - laplacian.matrix.T).max() == 0
    np.testing.assert_allclose(laplacian.couple(np.full((H, W), 3.0)), 0, atol=1e-13)
    assert np.linalg.eigvalsh(laplacian.tocsr().toarray()).min() > 0


def test_pixels_cut_off_from_all_known_ones_are_joined_to_those_beside_them():
    free = np.array([[True, True, True, False]])
    pair = Edges(np.array([0]), np.array([[1]], np.int32), np.array([[0.5]]))
    tied = Edges(np.array([2]), np.array([[3]], np.int32), np.array([[0.25]]))
    laplacian = graph_laplacian([pair, tied], free, ~free)
    # pixels 0 and 1 join each other on both sides, and 1 joins 2
    expected = [[2.5, -2.5, 0], [-2.5, 3.5, -1], [0, -1, 1.25]]
    np.testing.assert_array_equal(laplacian.matrix.toarray(), expected)
    np.testing.assert_array_equal(laplacian.boundary.toarray(), [[0], [0], [-0.25]])


def test_known_pixels_among_those_to_solve_for_hold_the_others():
    free, known = np.ones((1, 4), bool), np.array([[False, False, False, True]])
    chain = Edges(np.array([0, 1, 2]), np.array([[1], [2], [3]], np.int32), np.ones((3, 1)))
    laplacian = graph_laplacian([chain], free, known)
    assert laplacian.matrix.nnz == 10
    assert laplacian.boundary.shape == (4, 0)


def test_an_edge_of_no_weight_leads_nowhere():
    free = np.array([[True, True, False]])
    edges = Edges(np.array([0, 1]), np.array([[1], [2]], np.int32), np.array([[0.0], [1.0]]))
    laplacian = graph_laplacian([edges], free, ~free)
    np.testing.assert_array_equal(laplacian.matrix.toarray(), [[1, -1], [-1, 2]])
    nothing = Edges(edges.centres, edges.members, np.zeros((2, 1)))
    laplacian = graph_laplacian([nothing], free, ~free)
    np.testing.assert_array_equal(laplacian.boundary.toarray(), [[0], [-1]])
