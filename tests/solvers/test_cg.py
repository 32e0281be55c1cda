"""Conjugate gradients: right where it says so, and honest where it is not."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from solvers import Operator, cg, correct, jacobi
from solvers.ichol import ichol
from tests.reference import grid_laplacian


def system(height=11, width=14, ground=0.01, seed=21):
    """Return a dense positive definite matrix on a grid, and a right-hand side."""
    rng = np.random.default_rng(seed)
    right, down = rng.uniform(size=(height, width - 1)), rng.uniform(size=(height - 1, width))
    A = grid_laplacian(right, down) + ground * np.eye(height * width)
    return A, rng.standard_normal(height * width)


def true_residual(A, b, x):
    return np.linalg.norm(b - A @ x) / np.linalg.norm(b)


def identity(A):
    return lambda r: r


@pytest.mark.parametrize("preconditioner", [identity, jacobi, ichol])
def test_equals_the_dense_solution(preconditioner):
    A, b = system()
    solution = cg(sparse.csr_array(A), b, preconditioner=preconditioner, rtol=1e-12)
    assert solution.converged
    np.testing.assert_allclose(solution.x, np.linalg.solve(A, b), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("rtol", [1e-2, 1e-5, 1e-9])
def test_the_true_residual_meets_the_tolerance_and_is_the_one_reported(rtol):
    A, b = system()
    solution = cg(sparse.csr_array(A), b, rtol=rtol)
    assert solution.converged
    assert solution.residual <= rtol
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x), rel=1e-6)


def test_ends_within_as_many_iterations_as_there_are_eigenvalues():
    solution = cg(sparse.diags_array([1.0, 2, 4, 1, 2, 4]), np.ones(6), preconditioner=identity)
    np.testing.assert_allclose(solution.x, [1, 1 / 2, 1 / 4, 1, 1 / 2, 1 / 4])
    assert solution.iterations == 3


@pytest.mark.parametrize(
    "form", [np.asarray, sparse.csr_array, sparse.csr_matrix, sparse.csc_array, sparse.dia_array]
)
def test_takes_the_matrices_people_have(form):
    A, b = system(5, 7)
    solution = cg(form(A), b, rtol=1e-12)
    assert solution.converged
    np.testing.assert_allclose(solution.x, np.linalg.solve(A, b), rtol=1e-8, atol=1e-10)


def test_takes_operators_that_only_multiply():
    class Tridiagonal:
        shape = (9, 9)

        def __matmul__(self, x):
            return 2.5 * x - np.append(x[1:], 0) - np.append(0, x[:-1])

        def diagonal(self):
            return np.full(9, 2.5)

    assert isinstance(Tridiagonal(), Operator)
    x = cg(Tridiagonal(), np.ones(9), rtol=1e-12).x
    np.testing.assert_allclose(Tridiagonal() @ x, 1)


def test_starts_where_it_is_told():
    A, b = system()
    A = sparse.csr_array(A)
    cold = cg(A, b, rtol=1e-8)
    start = cold.x.copy()
    warm = cg(A, b, x0=start, rtol=1e-8)
    assert (warm.iterations, warm.converged) == (0, True)
    np.testing.assert_array_equal(warm.x, start)
    near = cg(A, b, x0=cold.x * 1.0001, rtol=1e-8)
    assert 0 < near.iterations < cold.iterations
    np.testing.assert_array_equal(start, cold.x)


def test_restarts_from_the_true_residual_when_rounding_has_spoiled_it():
    # So far off, the start costs ten digits of the residual, and the recurrence never sees them.
    A, b = system()
    solution = cg(sparse.csr_array(A), b, x0=np.full_like(b, 1e10), rtol=1e-12)
    assert solution.converged
    assert true_residual(A, b, solution.x) <= 1e-12


def test_the_start_is_left_alone():
    A, b = system(5, 7)
    start = np.ones_like(b)
    cg(sparse.csr_array(A), b, x0=start)
    assert (start == 1).all()


@pytest.mark.parametrize("x0", [None, np.ones(35)])
def test_zero_has_the_solution_zero(x0):
    solution = cg(sparse.csr_array(system(5, 7)[0]), np.zeros(35), x0=x0)
    assert solution.converged
    assert (solution.x == 0).all()
    assert (solution.iterations, solution.residual) == (0, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.int16])
def test_computes_in_float64_whatever_it_is_given(dtype):
    A, b = system(5, 7)
    b = np.round(10 * b).astype(dtype)
    solution = cg(sparse.csr_array(A), b, rtol=1e-12)
    assert solution.converged
    assert solution.x.dtype == np.float64
    np.testing.assert_allclose(solution.x, np.linalg.solve(A, b.astype(float)), rtol=1e-8)


def test_says_when_the_iterations_ran_out():
    A, b = system()
    solution = cg(sparse.csr_array(A), b, maxiter=7)
    assert solution.iterations == 7
    assert not solution.converged
    assert 0.3 < solution.residual < 0.8  # it is 0.57
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x))


def test_no_iterations_return_the_start():
    A, b = system(5, 7)
    solution = cg(sparse.csr_array(A), b, x0=np.ones(35), maxiter=0)
    np.testing.assert_array_equal(solution.x, 1)
    assert not solution.converged


def test_calls_back_after_each_iteration():
    A, b = system()
    calls = []
    solution = cg(sparse.csr_array(A), b, callback=lambda *call: calls.append(call))
    assert [iteration for iteration, _ in calls] == list(range(1, solution.iterations + 1))
    assert calls[-1][1] == pytest.approx(solution.residual, rel=1e-3)
    assert calls[-1][1] < 1e-4 * calls[0][1]


def test_better_preconditioners_need_fewer_iterations():
    A, b = system(ground=1e-4)
    A = sparse.csr_array(A) + sparse.diags_array(np.logspace(0, 3, len(b)))
    counts = [
        cg(A, b, preconditioner=preconditioner).iterations
        for preconditioner in (identity, jacobi, ichol)
    ]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 4 * counts[1]


def test_a_preconditioner_may_work_in_float32():
    A, b = system()
    A = sparse.csr_array(A)

    def rounded(A):
        apply = ichol(A, discard_threshold=1e-2)
        return lambda r: apply(r.astype(np.float32)).astype(np.float32)

    solution = cg(A, b, preconditioner=rounded, rtol=1e-12)
    assert solution.converged
    assert true_residual(A, b, solution.x) <= 1e-12
    exact = cg(A, b, preconditioner=partial(ichol, discard_threshold=1e-2), rtol=1e-12)
    assert solution.iterations <= exact.iterations + 3


def test_a_preconditioner_may_reuse_its_result():
    A, b = system()
    A = sparse.csr_array(A)

    def thrifty(A):
        inverse, z = 1 / A.diagonal(), np.empty(A.shape[0])
        return lambda r: np.multiply(inverse, r, out=z)

    np.testing.assert_array_equal(cg(A, b, preconditioner=thrifty).x, cg(A, b).x)


def test_a_preconditioner_is_not_built_in_vain():
    A, b = system(5, 7)

    def costly(A):
        raise AssertionError("the start is the solution")

    assert cg(A, b, x0=np.linalg.solve(A, b), preconditioner=costly).converged


def hilbert(n):
    return 1 / (np.arange(n)[:, None] + np.arange(n) + 1)


@pytest.mark.parametrize(
    "A",
    [hilbert(30), -np.eye(5), np.diag([1.0, -1, 2]), np.ones((4, 4))],
    ids=["ill-conditioned", "negative", "indefinite", "singular"],
)
@pytest.mark.parametrize("rtol", [1e-7, 1e-15])
@pytest.mark.parametrize("preconditioner", [identity, jacobi])
def test_never_calls_a_wrong_answer_converged(A, rtol, preconditioner):
    b = np.arange(1.0, len(A) + 1)
    solution = cg(A, b, rtol=rtol, preconditioner=preconditioner, maxiter=500)
    assert solution.residual <= 1  # that of the start
    assert solution.residual == pytest.approx(true_residual(A, b, solution.x), rel=1e-3)
    assert solution.converged == (true_residual(A, b, solution.x) <= rtol)


@given(
    eigenvalues=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8),
    exponent=st.integers(1, 15),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=100, deadline=None)
def test_claims_to_have_converged_exactly_when_it_has(eigenvalues, exponent, seed):
    rng = np.random.default_rng(seed)
    n = len(eigenvalues)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A, b = (Q * eigenvalues) @ Q.T, rng.standard_normal(n)
    solution = cg(A, b, rtol=10.0**-exponent, xtol=1, preconditioner=identity, maxiter=50)
    residual = true_residual(A, b, solution.x)
    assert solution.residual == pytest.approx(residual, rel=1e-6, abs=1e-15)
    assert solution.converged == (solution.residual <= 10.0**-exponent)


@pytest.mark.parametrize("smallest", [2.225e-309, 1e-300, 0.0])
def test_a_matrix_that_is_nearly_nothing_leaves_an_answer_without_infinities(smallest):
    A, b = np.diag([smallest, 0.0]), np.array([1.0, -0.5])
    solution = cg(A, b, preconditioner=identity, maxiter=50)
    assert not solution.converged
    np.testing.assert_array_equal(solution.x, np.clip(solution.x, -1e292, 1e292))
    assert solution.residual <= 1


def test_what_is_not_finite_is_not_converged():
    solution = cg(np.eye(3), np.array([1, np.nan, 2]))
    assert not solution.converged
    broken = cg(np.eye(3), np.ones(3), preconditioner=lambda A: lambda r: np.full(3, np.nan))
    assert not broken.converged
    assert broken.residual == 1
    np.testing.assert_array_equal(broken.x, 0)  # the start


def test_returns_the_best_it_found():
    b = np.array([1.0, 1.0])
    A = sparse.diags_array([1.0, -1.0 + 1e-9])  # the first step goes far astray
    solution = cg(A, b, x0=np.array([1.0, -0.9]))
    assert not solution.converged
    assert solution.residual == pytest.approx(np.linalg.norm(b - A @ solution.x) / np.sqrt(2))
    assert solution.residual <= 0.1


@pytest.mark.parametrize("atol", [1e-2, 1e-5])
def test_corrections_are_as_right_as_they_have_to_be(atol):
    A, b = system()
    kept = np.arange(b.size) % 5 > 0  # the others are taken from A and its preconditioner alike
    free, r, inverse = A * np.outer(kept, kept), b * kept, jacobi(sparse.csr_array(A))
    first = correct(free, r, lambda r: inverse(r) * kept, atol=1e-10)
    assert 0 < first.smallest < 1
    found = correct(free, r, lambda r: inverse(r) * kept, atol=atol, smallest=first.smallest)
    exact = np.zeros_like(b)
    exact[kept] = np.linalg.solve(A[np.ix_(kept, kept)], b[kept])
    assert np.abs(found.x - exact).max() <= found.error <= atol
    assert not found.x[~kept].any()
    assert found.iterations < first.iterations
    assert correct(free, r, inverse, atol=1e9).iterations == 0


@pytest.mark.parametrize("entries", [True, False], ids=["with entries", "without"])
def test_a_preconditioner_that_is_indefinite_is_replaced(entries):
    A = sparse.diags_array([-1.0, 2.1, -1.0], offsets=[-1, 0, 1], shape=(60, 60)).tocsr()
    signs = np.ones(60)
    signs[20] = -30
    x = np.random.default_rng(8).standard_normal(60)

    class Without:
        shape = A.shape
        diagonal = A.diagonal

        def __matmul__(self, x):
            return A @ x

    solution = cg(
        A if entries else Without(), A @ x, preconditioner=lambda A: lambda r: signs * r, rtol=1e-9
    )
    assert solution.converged
    np.testing.assert_allclose(solution.x, x, atol=1e-6)
