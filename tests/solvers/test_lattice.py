import numpy as np
import pytest

from solvers import _lattice_kernels as kernels
from solvers.lattice import HALF, Lattices, Nodes


def ragged(shape=(9, 12), seed=17):
    return Nodes.of(np.random.default_rng(seed).random(shape) < 0.8)


def dense(nodes, blocks):
    """The whole matrix, from the half of its blocks that is stored."""
    count, functions = blocks.shape[:2]
    A = np.zeros((count, functions, count + 1, functions))
    A[np.arange(count), :, np.arange(count)] = blocks[:, :, 0]
    for k in range(1, HALF):
        A[np.arange(count), :, nodes.ahead()[:, k - 1]] = blocks[:, :, k]
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
    parents, shares = nodes.between(coarser)
    W = np.zeros((len(nodes.at), len(coarser.at)))
    np.add.at(W, (np.arange(len(nodes.at))[:, None], parents), shares)
    return np.kron(W, np.eye(functions))


def test_the_nodes_ahead_are_found_in_reading_order():
    nodes = ragged()
    for node, ahead in zip(nodes.at, nodes.ahead(), strict=True):
        for k, n in enumerate(ahead, start=HALF):
            y, x = node[0] + k // 5 - 2, node[1] + k % 5 - 2
            inside = 0 <= y < 9 and 0 <= x < 12 and nodes.number[y, x] >= 0
            assert n == (nodes.number[y, x] if inside else len(nodes.at))


def test_interpolation_reproduces_what_is_linear_on_the_lattice():
    nodes = ragged()
    coarser = nodes.coarser()
    W = interpolation(nodes, coarser, 1)
    np.testing.assert_allclose(W.sum(axis=1), 1)
    np.testing.assert_allclose(W @ (2 * coarser.at), nodes.at)


@pytest.mark.parametrize("functions", [1, 3])
def test_coarser_blocks_are_the_galerkin_projection(functions):
    nodes = ragged()
    coarser, blocks = nodes.coarser(), random_blocks(nodes, functions)
    projected = np.zeros((len(coarser.at), *blocks.shape[1:]))
    between = nodes.between(coarser)
    kernels.project_nodes(nodes.ahead(), *between, coarser.at, blocks, projected)
    W = interpolation(nodes, coarser, functions)
    np.testing.assert_allclose(
        dense(coarser, projected), W.T @ dense(nodes, blocks) @ W, rtol=0, atol=1e-10
    )


def test_scaling_makes_own_blocks_identities():
    nodes = ragged()
    blocks, count = random_blocks(nodes), len(nodes.at)
    arrays = Lattices.of(nodes, blocks, 1.8, 4).arrays
    factor, factor_t, inverse, inverse_t = arrays[2:6]
    np.testing.assert_array_equal(factor.reshape(-1, 2, 2), factor_t.reshape(-1, 2, 2).mT)
    np.testing.assert_array_equal(inverse.reshape(-1, 2, 2), inverse_t.reshape(-1, 2, 2).mT)
    factor, inverse = factor[:count].reshape(-1, 2, 2), inverse[:count].reshape(-1, 2, 2)
    np.testing.assert_allclose(
        factor @ np.swapaxes(factor, 1, 2), blocks[:, :, 0], rtol=0, atol=1e-4
    )
    np.testing.assert_allclose(inverse @ factor, np.tile(np.eye(2), (count, 1, 1)), atol=1e-5)
    expected = inverse[0] @ blocks[0, :, 1] @ inverse[nodes.ahead()[0, 0]].T
    np.testing.assert_allclose(arrays.blocks[0, :4].reshape(2, 2), expected, atol=1e-6)


@pytest.mark.parametrize("functions", [1, 2, 3, 4, 5, 9])
def test_a_residual_is_that_of_the_whole_matrix(functions):
    nodes = ragged()
    blocks = random_blocks(nodes, functions)
    blocks[:, :, 0] = np.eye(functions)  # so that scaling changes nothing
    lattices = Lattices.of(nodes, blocks, 1.8, 4)
    b, x, y, r = fields = np.zeros((4, lattices.starts[-1] + 1, functions), np.float32)
    count = len(nodes.at)
    b[:count], x[:count] = np.random.default_rng(7).standard_normal((2, count, functions))
    lattices._residual(0, *fields)
    expected = b[:count].ravel() - dense(nodes, blocks) @ x[:count].ravel()
    np.testing.assert_allclose(r[:count].ravel(), expected, rtol=0, atol=1e-4)
    assert not y.any()


def test_a_lattice_of_few_nodes_is_solved_exactly():
    nodes = ragged((4, 5))
    blocks = random_blocks(nodes)
    b = np.random.default_rng(1).standard_normal((len(nodes.at), 2)).astype(np.float32)
    x = Lattices.of(nodes, blocks, 1.8, len(nodes.at)).solve(b)
    expected = np.linalg.solve(dense(nodes, blocks), b.ravel())
    np.testing.assert_allclose(x.ravel(), expected, rtol=0, atol=1e-5 * abs(expected).max())


def smooth_blocks(nodes, functions=2):
    """A matrix that nearly annihilates the constant."""
    blocks = np.zeros((len(nodes.at), functions, HALF, functions))
    blocks[:, :, 0] = 1e-2 * np.eye(functions)
    ahead = nodes.ahead()
    for m, k in np.argwhere(ahead < len(nodes.at)):
        weights = np.diag(np.random.default_rng(m * HALF + k).uniform(0.1, 1, functions))
        blocks[m, :, k + 1] -= weights
        blocks[m, :, 0] += weights
        blocks[ahead[m, k], :, 0] += weights
    return blocks


def test_a_cycle_on_many_lattices_is_symmetric_and_close_to_the_inverse():
    nodes = ragged((40, 33))
    blocks = smooth_blocks(nodes)
    lattices = Lattices.of(nodes, blocks, 1.8, 4)
    assert len(lattices.starts) > 5
    A = dense(nodes, blocks)
    eye = np.eye(len(A), dtype=np.float32).reshape(len(A), -1, 2)
    M = np.stack([lattices.solve(column).ravel() for column in eye], axis=1).astype(np.float64)
    np.testing.assert_allclose(M, M.T, rtol=0, atol=1e-4 * abs(M).max())
    C = np.linalg.cholesky(A)
    eigenvalues = np.linalg.eigvalsh(C.T @ (M + M.T) / 2 @ C)
    assert eigenvalues[0] > 0.2
    assert eigenvalues[-1] < 1.13
