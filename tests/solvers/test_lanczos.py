import numpy as np
import pytest

from solvers.lanczos import largest_eigenvalue


@pytest.mark.parametrize("weighted", [False, True])
def test_the_estimate_lies_little_above_the_largest_eigenvalue(weighted):
    rng = np.random.default_rng(8)
    D = rng.uniform(1, 5, 300) if weighted else np.ones(300)
    Q = np.linalg.qr(rng.standard_normal((300, 300)))[0]
    A = Q * np.linspace(0.01, 2, 300) @ Q.T
    largest = np.linalg.eigvals(A / D[:, None]).real.max()
    found = largest_eigenvalue(
        lambda x: (A @ x / D).astype(np.float32), (300,), weight=D.astype(np.float32)
    )
    assert 0.98 * largest < found <= 1.06 * largest


def test_stops_where_the_vectors_are_used_up():
    assert largest_eigenvalue(lambda x: 3 * x, (1,)) == pytest.approx(3.06, rel=1e-5)
