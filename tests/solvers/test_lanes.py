import numpy as np
import pytest
from numba.core.errors import TypingError

from solvers.lanes import lane, load, spread, store, total, widen
from solvers.loops import jit


@jit
def compute(a, b, like, results):
    x, y = load(a, 1, like), load(b, np.uint32(2), like)
    store(x + y * spread(a[0], like) - x * y, results[0], 0)
    store(spread(total(x), like), results[1], 0)
    store(spread(lane(y, len(like) - 1), like), results[2], 0)


@jit
def compute_widely(a, like, out):
    store(widen(load(a, 1, like)), out, 0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 8])
def test_lanes_are_computed_with_as_arrays_are(count, dtype):
    a, b = np.random.default_rng(count).standard_normal((2, count + 2)).astype(dtype)
    results = np.full((3, count + 1), 9, dtype)
    compute(a, b, (0,) * count, results)
    x, y = a[1 : 1 + count], b[2 : 2 + count]
    expected = [x + y * a[0] - x * y, np.full(count, x.sum()), np.full(count, y[-1])]
    tolerance = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(results[:, :count], expected, rtol=0, atol=tolerance)
    assert (results[:, count] == 9).all()


def test_lanes_of_float32_become_float64_exactly():
    a, out = np.random.default_rng(2).random(6, np.float32), np.zeros(5)
    compute_widely(a, (0,) * 5, out)
    np.testing.assert_array_equal(out, a[1:].astype(np.float64))


def test_entries_that_lie_apart_are_refused():
    a = np.zeros((6, 2), np.float32)[:, 0]
    with pytest.raises(TypingError, match="no entries side by side"):
        compute_widely(a, (0, 0), np.zeros(2))


def test_python_cannot_call_them():
    with pytest.raises(TypeError, match="`load` is for kernels"):
        load(np.zeros(3), 0, (0, 0))
