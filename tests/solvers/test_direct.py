"""The direct solver against dense solution, with SuperLU and with both APIs of CHOLMOD."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse.linalg import splu

from solvers.direct import direct
from tests.reference import grid_laplacian


class NotPositiveDefiniteError(Exception):
    pass


def factorise(A):
    """Stand in for CHOLMOD: factorise, or refuse what is not positive definite."""
    assert A.format == "csc"
    if np.linalg.eigvalsh(A.toarray()).min() < 1e-12:
        raise NotPositiveDefiniteError
    return splu(A).solve


CHOLMOD = {
    "scikit-sparse 0.4": {"cholesky": factorise},
    "scikit-sparse 0.5": {"cho_factor": lambda A: SimpleNamespace(solve=factorise(A))},
}


def install(monkeypatch, **functions):
    """Put a stand-in for scikit-sparse where `import` finds it."""
    cholmod = ModuleType("sksparse.cholmod")
    vars(cholmod).update(functions, CholmodNotPositiveDefiniteError=NotPositiveDefiniteError)
    package = ModuleType("sksparse")
    package.cholmod = cholmod
    monkeypatch.setitem(sys.modules, "sksparse", package)


@pytest.fixture(params=["SuperLU", *CHOLMOD, "CHOLMOD installed"])
def library(request, monkeypatch):
    """Run a test with each library; with the real CHOLMOD only where there is one."""
    if request.param == "CHOLMOD installed":
        pytest.importorskip("sksparse.cholmod", reason="scikit-sparse is not installed")
    elif request.param == "SuperLU":
        monkeypatch.setitem(sys.modules, "sksparse", None)
    else:
        install(monkeypatch, **CHOLMOD[request.param])


def laplacian(height=11, width=14):
    rng = np.random.default_rng(3)
    right, down = (
        rng.uniform(0.01, 1, (height, width - 1)),
        rng.uniform(0.01, 1, (height - 1, width)),
    )
    return grid_laplacian(right, down)


@pytest.mark.usefixtures("library")
def test_equals_the_dense_solution():
    A = laplacian() + 0.01 * np.eye(11 * 14)
    b = np.random.default_rng(4).standard_normal(len(A))
    solution = direct(sparse.csr_array(A), b)
    np.testing.assert_allclose(solution.x, np.linalg.solve(A, b), rtol=1e-10)
    assert solution.iterations == 0
    assert solution.converged
    assert solution.residual < 1e-14


@pytest.mark.usefixtures("library")
def test_reports_the_residual_of_its_answer():
    A = laplacian() + 1e-9 * np.eye(11 * 14)
    b = np.random.default_rng(4).standard_normal(len(A))
    solution = direct(sparse.csr_array(A), b, rtol=0)
    residual = np.linalg.norm(b - A @ solution.x) / np.linalg.norm(b)
    assert solution.residual == pytest.approx(residual, abs=1e-8)
    assert not solution.converged


@pytest.mark.usefixtures("library")
def test_solves_indefinite_systems():
    solution = direct(sparse.diags_array([4.0, -5.0, 6.0]), np.ones(3))
    np.testing.assert_allclose(solution.x, [1 / 4, -1 / 5, 1 / 6])


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("A", [np.zeros((3, 3)), np.ones((3, 3)), laplacian(3, 1)], ids=str)
def test_a_singular_system_without_solution_is_not_called_solved(A):
    b = np.array([1.0, 0, 1])
    solution = direct(sparse.csr_array(A), b)
    assert not solution.converged
    residual = np.linalg.norm(b - A @ solution.x) / np.linalg.norm(b)
    assert solution.residual == pytest.approx(residual)
    # No x is nearer than that of least squares, and zero is no worse than the start.
    least = np.linalg.norm(b - A @ np.linalg.lstsq(A, b)[0]) / np.linalg.norm(b)
    assert least - 1e-12 <= solution.residual <= 1


def test_prefers_cholmod(monkeypatch):
    install(monkeypatch, cholesky=lambda A: lambda r: 7 * r)
    x = direct(sparse.eye_array(5) / 7, np.ones(5)).x
    np.testing.assert_array_equal(x, 7)


def test_refines_what_rounding_spoiled(monkeypatch):
    # A factorisation that is right to three digits: each correction gains three more.
    install(monkeypatch, cholesky=lambda A: lambda r: splu(A).solve(r) * 1.001)
    A = sparse.csr_array(laplacian() + np.eye(11 * 14))
    residuals = [direct(A, np.ones(11 * 14), refinements=count).residual for count in (0, 1, 2)]
    np.testing.assert_allclose(residuals, [1e-3, 1e-6, 1e-9], rtol=1e-3)


def test_keeps_no_correction_that_harms(monkeypatch):
    install(monkeypatch, cholesky=lambda A: lambda r: splu(A).solve(r) * 2.5)
    solution = direct(sparse.eye_array(5), np.ones(5))
    assert solution.residual == 1
    assert not solution.converged


def test_zero_has_the_solution_zero():
    solution = direct(sparse.csr_array((3, 3)), np.zeros(3))
    assert solution.converged
    assert (solution.x == 0).all()


def test_takes_integers_and_any_operator_with_entries():
    A = sparse.csr_array(laplacian()) + sparse.diags_array(np.full(11 * 14, 0.5))
    operator = SimpleNamespace(shape=A.shape, tocsr=lambda: A)
    solution = direct(operator, np.ones(11 * 14, dtype=np.uint8))
    np.testing.assert_allclose(solution.x, 2)


def test_refuses_what_has_no_entries():
    with pytest.raises(TypeError, match=r"`direct` needs the entries of `A`, and ndarray has no"):
        direct(np.eye(3), np.ones(3))


def test_refuses_what_is_not_square():
    with pytest.raises(ValueError, match=r"`A` has shape \(3, 4\); `direct` expects \(n, n\)"):
        direct(sparse.csr_array((3, 4)), np.ones(3))
