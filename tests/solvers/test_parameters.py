"""Solvers refuse vectors that do not fit, and name them."""

from functools import partial

import numpy as np
import pytest
from scipy.sparse import eye_array

import solvers
from solvers.parameters import as_count, as_number, shown

A = eye_array(5).tocsr()


@pytest.mark.parametrize("solver", [solvers.cg, solvers.direct], ids=lambda solver: solver.__name__)
@pytest.mark.parametrize(
    ("b", "error", "fault"),
    [
        (np.ones(4), ValueError, r"has shape \(4,\); expected \(5,\)"),
        (np.ones((5, 1)), ValueError, r"has shape \(5, 1\); expected \(5,\)"),
        (1.0, ValueError, r"has shape \(\); expected \(5,\)"),
        (np.ones(5) * 1j, TypeError, "expected a vector of 5 real numbers"),
        ("b", TypeError, "expected a vector of 5 real numbers"),
        ([[1], [1, 2]], TypeError, "expected a vector of 5 real numbers"),
    ],
)
def test_a_right_hand_side_that_does_not_fit_is_refused_by_name(solver, b, error, fault):
    with pytest.raises(error, match=f"`b` .*{fault}"):
        solver(A, b)


def test_a_start_that_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match=r"`x0` has shape \(4,\); expected \(5,\)"):
        solvers.cg(A, np.ones(5), x0=np.ones(4))


@pytest.mark.parametrize("b", [np.arange(5), [1, 2, 3, 4, 5], np.ones(5, "f4"), np.ones(5, ">f8")])
def test_real_numbers_of_any_kind_are_a_right_hand_side(b):
    for solver in (solvers.cg, solvers.direct, partial(solvers.cg, x0=b)):
        assert np.array_equal(solver(A, b).x, np.asarray(b, float))


@pytest.mark.parametrize(
    "time", [np.timedelta64(3), np.timedelta64(3, "ns"), np.datetime64(3, "s")]
)
def test_times_are_no_numbers(time):
    for parse in (as_count, partial(as_number, expected="a number")):
        with pytest.raises(TypeError, match="`x` is np"):
            parse(time, name="x")


def test_messages_show_values_on_one_short_line():
    assert shown(np.zeros((50, 50))).count("\n") == 0
    assert len(shown("a" * 1000)) < 100
    assert shown(10**5000) == "a number of thousands of digits"
