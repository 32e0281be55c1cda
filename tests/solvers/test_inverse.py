import numpy as np
import pytest
from scipy.sparse import block_diag, csr_array, diags_array

from solvers.inverse import graph_noise, inverse_diagonal


def banded(n, seed):
    rng = np.random.default_rng(seed)
    steps = [k for k in (1, 2, 7) if k < n]
    sides = [rng.uniform(-1, 1, n - k) for k in steps]
    offsets = [0, *steps, *(-k for k in steps)]
    return diags_array([np.full(n, 7.0), *sides, *sides], offsets=offsets)


@pytest.mark.parametrize("sizes", [(1,), (1, 1), (40,), (1, 30, 2, 80, 9)])
def test_the_diagonal_is_that_of_the_inverse(sizes):
    A = csr_array(block_diag([banded(n, k) for k, n in enumerate(sizes)]))
    order = np.random.default_rng(2).permutation(A.shape[0])
    A = csr_array(A[order][:, order])
    np.testing.assert_allclose(inverse_diagonal(A), np.diag(np.linalg.inv(A.toarray())), rtol=1e-12)


def test_noise_of_a_graph_has_its_laplacian_as_covariance():
    A = np.array([[3.0, -1, -0.5], [-1, 1, 0], [-0.5, 0, 2]])
    draw, rng = graph_noise(csr_array(A)), np.random.default_rng(3)
    drawn = np.stack([draw(rng) for _ in range(20_000)])
    np.testing.assert_allclose(drawn.T @ drawn / 20_000, A, atol=0.12)


def test_what_is_no_graph_is_refused():
    with pytest.raises(ValueError, match="no graph"):
        graph_noise(csr_array([[1.0, 0.5], [0.5, 1]]))
    with pytest.raises(ValueError, match="not positive definite"):
        inverse_diagonal(csr_array([[1.0, -1], [-1, 1]]))
