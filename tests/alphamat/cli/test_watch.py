"""Methods that are run with a bar, and what is kept of the run."""

import warnings
from functools import partial

import numpy as np

import alphamat
from alphamat.cli.watch import estimate
from alphamat.method import Matte
from solvers import Solution


def picture():
    trimap = np.full((11, 14), 0.5)
    trimap[:, :3], trimap[:, -3:] = 0, 1
    return np.random.default_rng(7).random((11, 14, 3)), trimap


def test_solutions_and_warnings_are_kept():
    def give_up(A, b):
        return Solution(np.zeros_like(b), 2, 0.25, False)

    image, trimap = picture()
    found = estimate(partial(alphamat.closed_form, solver=give_up), image, trimap)
    assert [(s.iterations, s.residual, s.converged) for s in found.solutions] == [(2, 0.25, False)]
    assert [text[:35] for text in found.warnings] == ["The solver stopped after 2 iteration"[:35]]


def test_watching_leaves_the_result_as_it_is():
    image, trimap = picture()
    found = estimate(alphamat.closed_form, image, trimap)
    np.testing.assert_array_equal(found.matte.alpha, alphamat.closed_form(image, trimap))
    assert found.solutions[0].converged
    assert found.warnings == []


def test_a_method_keeps_its_foreground_and_its_words():
    def method(image, trimap=None, plate=None):
        warnings.warn("so so", UserWarning, stacklevel=1)
        return Matte(plate[..., 0], plate)

    image, _ = picture()
    found = estimate(method, image, plate=image / 2)
    np.testing.assert_array_equal(found.matte.foreground, image / 2)
    assert (found.solutions, found.warnings) == ([], ["so so"])
