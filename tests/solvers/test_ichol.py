"""Incomplete Cholesky against its dense definition, and as a preconditioner."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import sparse

from solvers import cg, jacobi
from solvers.ichol import ichol
from tests.reference import grid_laplacian, incomplete_cholesky


def system(height=11, width=14, seed=5, decades=2):
    """Return a positive definite matrix on a grid, dense, with weights of very different sizes."""
    rng = np.random.default_rng(seed)
    right = 10 ** rng.uniform(-decades, 0, (height, width - 1))
    down = 10 ** rng.uniform(-decades, 0, (height - 1, width))
    return grid_laplacian(right, down) + np.diag(rng.uniform(0, 0.05, height * width))


def lower(factor):
    n = factor.indptr.size - 1
    return sparse.csc_array((factor.values, factor.indices, factor.indptr), (n, n)).toarray()


def test_is_cholesky_when_nothing_is_dropped():
    A = system()
    factor = ichol(sparse.csr_array(A), discard_threshold=0)
    np.testing.assert_allclose(lower(factor), np.linalg.cholesky(A), atol=1e-13)
    assert factor.shift == 0


@pytest.mark.parametrize("threshold", [1e-4, 1e-2, 0.1])
def test_equals_the_dense_definition(threshold):
    A = system()
    expected = incomplete_cholesky(A, threshold)
    actual = lower(ichol(sparse.csr_array(A), discard_threshold=threshold))
    np.testing.assert_allclose(actual, expected, atol=1e-13)
    assert np.count_nonzero(expected) < np.count_nonzero(np.abs(np.linalg.cholesky(A)) > 1e-12)


def test_solves_with_both_triangles():
    A = system()
    factor = ichol(sparse.csr_array(A), discard_threshold=1e-2)
    r = np.random.default_rng(8).standard_normal(len(A))
    L = lower(factor)
    np.testing.assert_allclose(factor(r), np.linalg.solve(L @ L.T, r), rtol=1e-9, atol=1e-12)


def test_leaves_the_residual_it_is_given_alone():
    factor = ichol(sparse.csr_array(system()))
    r = np.ones(11 * 14, dtype=np.float32)
    z = factor(r)
    assert (r == 1).all()
    assert z.dtype == np.float64


def test_is_blind_to_the_scale_of_the_matrix():
    A = sparse.csr_array(system())
    plain, scaled = ichol(A, discard_threshold=1e-2), ichol(A * 2.0**20, discard_threshold=1e-2)
    np.testing.assert_array_equal(plain.indices, scaled.indices)
    np.testing.assert_allclose(plain.values * 2.0**10, scaled.values)


@pytest.mark.parametrize("form", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_takes_every_form_of_sparse_matrix(form):
    A = system(5, 7)
    np.testing.assert_allclose(
        lower(ichol(form(A), discard_threshold=0)), np.linalg.cholesky(A), atol=1e-13
    )


def test_takes_entries_that_are_unsorted_repeated_or_integers():
    A = sparse.coo_array(
        ([1, -1, -1, 3, 3, -2, -2, 5], ([0, 0, 1, 0, 1, 2, 1, 2], [0, 1, 0, 0, 1, 1, 2, 2])),
        shape=(3, 3),
    )
    unsorted = sparse.csr_array(
        ([-1, 3, 1, -2, 3, -1, 5, -2], [1, 0, 0, 2, 1, 0, 2, 1], [0, 3, 6, 8])
    )
    for form in (A, unsorted):
        np.testing.assert_allclose(
            lower(ichol(form, discard_threshold=0)), np.linalg.cholesky(A.toarray()), atol=1e-14
        )


def test_takes_any_operator_with_entries():
    L = system(5, 7)
    shift = np.linspace(0, 3, len(L))
    A = sparse.csr_array(L) + sparse.diags_array(shift)
    operator = SimpleNamespace(shape=A.shape, tocsr=lambda: A)
    factor = ichol(operator, discard_threshold=0)
    np.testing.assert_allclose(lower(factor), np.linalg.cholesky(L + np.diag(shift)), atol=1e-13)


def kershaw():
    """Kershaw's matrix: positive definite, and yet it breaks down when fill is dropped."""
    return np.array([[3.0, -2, 0, 2], [-2, 3, -2, 0], [0, -2, 3, -2], [2, 0, -2, 3]])


def test_shifts_the_diagonal_when_dropping_breaks_down():
    A = kershaw()
    assert np.linalg.eigvalsh(A).min() > 0
    factor = ichol(sparse.csr_array(A), discard_threshold=0.6, shifts=(0, 0.1, 0.2, 1))
    assert factor.shift == 0.2
    np.testing.assert_allclose(lower(factor), incomplete_cholesky(A, 0.6, shift=0.2))


def test_breakdown_with_every_shift_is_an_error():
    A = np.array([[1.0, 5], [5, 1]])
    with pytest.raises(ValueError, match=r"broke down with every shift .* up to 0\.1"):
        ichol(sparse.csr_array(A), shifts=(0, 0.1))


@pytest.mark.parametrize("entry", [0.0, -1.0, np.nan])
def test_a_diagonal_that_is_not_positive_is_an_error(entry):
    with pytest.raises(ValueError, match="diagonal entry 1 is"):
        ichol(sparse.diags_array([2.0, entry, 3.0]))


def test_refuses_to_outgrow_max_nnz():
    A = sparse.csr_array(system())
    exact = ichol(A, discard_threshold=0).values.size
    assert ichol(A, discard_threshold=0, max_nnz=exact).values.size == exact
    with pytest.raises(ValueError, match=f"`max_nnz` = {exact - 1}"):
        ichol(A, discard_threshold=0, max_nnz=exact - 1)


def test_refuses_what_has_no_entries():
    with pytest.raises(TypeError, match="ndarray has no `tocsr"):
        ichol(np.eye(3))


@pytest.mark.parametrize("shape", [(3, 4), (0, 0)])
def test_refuses_what_is_not_square(shape):
    with pytest.raises(ValueError, match=r"`A` has shape \(\d, \d\)"):
        ichol(sparse.csr_array(shape))


def test_a_lower_threshold_saves_iterations():
    A, b = sparse.csr_array(system(19, 23)), np.ones(19 * 23)
    counts = [
        cg(A, b, preconditioner=preconditioner).iterations
        for preconditioner in (
            jacobi,
            partial(ichol, discard_threshold=0.1),
            partial(ichol, discard_threshold=1e-2),
            partial(ichol, discard_threshold=0),
        )
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 3 * counts[2]
    assert counts[-1] == 1
