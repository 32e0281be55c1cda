import numpy as np
import pytest

from solvers.lattice import HALF, Bottom, Nodes, _parents, _scale, coarsen


def ragged(shape=(9, 12), seed=17):
    return Nodes.of(np.random.default_rng(seed).random(shape) < 0.8)


def dense(nodes, blocks):
    """The whole matrix, from the half of its blocks that is stored."""
    count, functions = blocks.shape[:2]
    A = np.zeros((count, functions, count + 1, functions))
    for k in range(HALF):
        n = nodes.neighbours()[:, HALF - 1 + k]
        A[np.arange(count), :, n] = blocks[:, :, k]
    A = A[:, :, :count].reshape(count * functions, -1)
    own = np.kron(np.eye(count), np.ones((functions, functions)))
    return A + A.T - own * A


def random_blocks(nodes, functions=2, seed=4):
    """A symmetric positive definite matrix on the lattice."""
    rng = np.random.default_rng(seed)
    blocks = rng.uniform(-1, 1, (len(nodes.at), functions, HALF, functions))
    square = blocks[:, :, 0]
    blocks[:, :, 0] = square @ np.swapaxes(square, 1, 2) + 30 * functions * np.eye(functions)
    return blocks


def interpolation(nodes, coarser, functions):
    parents, shares = _parents(nodes, coarser)
    W = np.zeros((len(nodes.at), len(coarser.at)))
    np.add.at(W, (np.arange(len(nodes.at))[:, None], parents), shares)
    return np.kron(W, np.eye(functions))


def test_neighbours_are_found_in_reading_order():
    nodes = ragged()
    for node, around in zip(nodes.at, nodes.neighbours(), strict=True):
        for k, n in enumerate(around):
            y, x = node[0] + k // 5 - 2, node[1] + k % 5 - 2
            inside = 0 <= y < 9 and 0 <= x < 12 and nodes.number[y, x] >= 0
            assert n == (nodes.number[y, x] if inside else len(nodes.at))


def test_interpolation_reproduces_what_is_linear_on_the_lattice():
    nodes = ragged()
    _, coarser, _ = coarsen(nodes, random_blocks(nodes), 1.8)
    W = interpolation(nodes, coarser, 1)
    np.testing.assert_allclose(W.sum(axis=1), 1)
    np.testing.assert_allclose(W @ (2 * coarser.at), nodes.at)


@pytest.mark.parametrize("functions", [1, 3])
def test_coarser_blocks_are_the_galerkin_projection(functions):
    nodes = ragged()
    blocks = random_blocks(nodes, functions)
    _, coarser, projected = coarsen(nodes, blocks, 1.8)
    W = interpolation(nodes, coarser, functions)
    np.testing.assert_allclose(
        dense(coarser, projected), W.T @ dense(nodes, blocks) @ W, rtol=0, atol=1e-10
    )


def test_scaling_makes_own_blocks_identities():
    nodes = ragged()
    blocks = random_blocks(nodes)
    scaled, factor, inverse = _scale(blocks, nodes.neighbours())
    np.testing.assert_allclose(
        factor @ np.swapaxes(factor, 1, 2), blocks[:, :, 0], rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(inverse @ factor, np.tile(np.eye(2), (len(factor), 1, 1)), atol=1e-5)
    ahead = nodes.neighbours()[0, HALF]
    expected = inverse[0] @ blocks[0, :, 1] @ inverse[ahead].T
    np.testing.assert_allclose(scaled[0, :, 2 * HALF : 2 * HALF + 2], expected, atol=1e-6)


def test_the_bottom_is_solved_exactly():
    nodes = ragged((4, 5))
    blocks = random_blocks(nodes)
    b = np.random.default_rng(1).standard_normal((len(nodes.at), 2)).astype(np.float32)
    x = Bottom.of(blocks, nodes).cycle(b)
    expected = np.linalg.solve(dense(nodes, blocks), b.ravel())
    np.testing.assert_allclose(x.ravel(), expected, rtol=0, atol=1e-5 * abs(expected).max())
