import numpy as np
from scipy.sparse import csr_array

from solvers import Operator, Pinned
from tests.reference import grid_laplacian


def system(seed=6):
    """A dense Laplacian of a 5 × 7 grid, and which of its cells are unknowns."""
    rng = np.random.default_rng(seed)
    L = grid_laplacian(rng.random((5, 6)), rng.random((4, 7)))
    return L, rng.random((5, 7)) < 0.6


def test_a_pinned_matrix_couples_unknowns_with_each_other_and_with_what_is_given():
    L, free = system()
    flat = free.ravel()
    A = Pinned.of(csr_array(L[flat]), free)
    assert isinstance(A, Operator)
    x, field = np.random.default_rng(7).random(A.shape[0]), np.random.default_rng(8).random((5, 7))
    np.testing.assert_allclose(A @ x, L[flat][:, flat] @ x)
    np.testing.assert_allclose(A.couple(field), L[flat] @ field.ravel(), atol=1e-15)
    np.testing.assert_array_equal(A.diagonal(), np.diag(L)[flat])
    np.testing.assert_array_equal(A.tocsr().toarray(), L[flat][:, flat])


def test_a_shift_adds_to_the_diagonal_only():
    L, free = system()
    A = Pinned.of(csr_array(L[free.ravel()]), free)
    shift = np.arange(A.shape[0], dtype=float)
    np.testing.assert_allclose(
        A.shifted(shift).tocsr().toarray(), A.tocsr().toarray() + np.diag(shift)
    )
