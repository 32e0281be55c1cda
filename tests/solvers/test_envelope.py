import numpy as np
import pytest
from scipy.sparse import block_diag, csr_array, diags_array

from solvers.envelope import envelope


def systems(sizes, seed=0):
    """Banded matrices of these sizes, none coupled to another, in a random order of rows."""
    rng, blocks = np.random.default_rng(seed), []
    for n in sizes:
        steps = [k for k in (1, 2, 7) if k < n]
        sides = [rng.uniform(-1, 1, n - k) for k in steps]
        blocks.append(
            diags_array(
                [np.full(n, 7.0), *sides, *sides], offsets=[0, *steps, *(-k for k in steps)]
            )
        )
    A = csr_array(block_diag(blocks))
    order = rng.permutation(A.shape[0])
    return csr_array(A[order][:, order])


@pytest.mark.parametrize("sizes", [(1,), (1, 1, 1), (40,), (1, 30, 2, 300, 9)])
def test_solves(sizes):
    A = systems(sizes)
    b = np.random.default_rng(1).standard_normal(A.shape[0])
    x = envelope(A, most=10**6)(b)
    np.testing.assert_allclose(A @ x, b, rtol=0, atol=1e-12)


def test_what_is_undetermined_gets_zero():
    ones = csr_array(np.array([[1.0, -1, 0], [-1, 1, 0], [0, 0, 2]]))
    x = envelope(ones, most=100)(np.array([1.0, -1, 4]))
    np.testing.assert_allclose(ones @ x, [1, -1, 4])
    assert np.isfinite(x).all()


def test_more_entries_than_allowed_are_refused():
    assert envelope(systems((40,)), most=100) is None
