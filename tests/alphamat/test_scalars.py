"""Every numeric parameter takes numbers of every kind, or refuses them by its name."""

import inspect
import re
from fractions import Fraction
from functools import partial

import numpy as np
import pytest

import alphamat
import solvers
from alphamat import examples
from alphamat.foreground import multigrid
from alphamat.foreground.closed_form import TwoLayers
from alphamat.laplacians.boxes import ColourLineBoxes
from alphamat.laplacians.lattice import colour_lattice
from alphamat.methods.fast import uniform_radii
from alphamat.trimap import Diagonal, Ellipse, check, from_alpha, from_mask, overlay

H, W = 11, 13
RNG = np.random.default_rng(31)
IMAGE = RNG.random((H, W, 3))
TRIMAP = np.full((H, W), 0.5)
TRIMAP[:3], TRIMAP[-3:] = 0, 1
MASK = TRIMAP > 0.4
SYSTEM = alphamat.closed_form_system(IMAGE, TRIMAP, epsilon=1e-3)
A, B = SYSTEM.matrix, SYSTEM.right_hand_side
LAYERS = TwoLayers.of(TRIMAP, 0.01)
BOXES = ColourLineBoxes.of(IMAGE, TRIMAP == 0.5, uniform_radii((H, W), 1), epsilon=1e-3)


def applied(preconditioner, operator):
    """Make a function of options that returns what the preconditioner does to a vector."""

    def apply(**options):
        return preconditioner(operator, **options)(np.ones(operator.shape[0])).copy()

    apply.__signature__ = inspect.signature(preconditioner)
    return apply


def grown(width):
    """Make a function of a width's fields that returns what it grows."""

    def grow(**fields):
        return width(**fields)(~MASK)

    grow.__signature__ = inspect.signature(width)
    return grow


METHODS = [
    alphamat.closed_form,
    alphamat.fast,
    alphamat.information_flow,
    alphamat.knn,
    alphamat.learned,
    alphamat.learning_based,
    alphamat.learning_based_global,
    alphamat.random_walk,
    alphamat.shared_sampling,
]
CALLS = {method.__name__: partial(method, IMAGE, TRIMAP) for method in METHODS} | {
    "estimate_foreground": partial(alphamat.estimate_foreground, IMAGE, TRIMAP),
    "closed_form_foreground": partial(alphamat.closed_form_foreground, IMAGE, TRIMAP),
    "from_mask": partial(from_mask, MASK, inner=1, outer=1),
    "from_alpha": partial(from_alpha, TRIMAP),
    "overlay": partial(overlay, IMAGE, TRIMAP),
    "check": partial(check, TRIMAP),
    "Ellipse": grown(partial(Ellipse, size=3)),
    "Diagonal": grown(partial(Diagonal, share=0.1)),
    "synthetic": partial(examples.synthetic, examples.glass, height=16, width=17),
    "cg": partial(solvers.cg, A, B),
    "direct": partial(solvers.direct, A, B),
    "amg": applied(solvers.amg, A),
    "ichol": applied(solvers.ichol, A),
    "multigrid": applied(solvers.multigrid, A),
    "layers' multigrid": applied(multigrid, LAYERS),
    "colour_lattice": applied(colour_lattice, BOXES),
}
CHOSEN = {  # where the default is None, or too large for 8 bits
    "radius": 2,
    "confidence": 60.0,
    "trust": 0.1,
    "sharing": 20,
    "beta": 90.0,
    "inner": 1.5,
    "outer": 1.5,
    "seed": 3,
    "maxiter": 5,
    "max_nnz": 5000,
    "spacing": 16,
    "rtol": 1e-3,
}
WHOLE = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]
REAL = [np.float16, np.float32, np.float64, np.longdouble, Fraction]
ANNOTATIONS = {"int": int, "float": float, "Width": float}


def numeric(call):
    """Return the numeric parameters of a call, and a value for each: an int or a float."""
    found = {}
    for name, parameter in inspect.signature(call).parameters.items():
        kind = ANNOTATIONS.get(str(parameter.annotation).removesuffix(" | None"))
        if kind is not None:
            value = CHOSEN.get(name, parameter.default)
            found[name] = type(CHOSEN.get(name, kind()))(value)
    return found


PARAMETERS = [(name, parameter) for name, call in CALLS.items() for parameter in numeric(call)]


def flat(result):
    """Return the arrays in a result, one after another."""
    if isinstance(result, tuple):
        return np.concatenate([flat(part) for part in result])
    if isinstance(result, list):
        return np.array([hash(text) for text in result], float)
    return np.ravel(result).astype(np.float64)


def kinds(value):
    """Return the number in every kind that a parameter may be given."""
    if isinstance(value, int):
        return [kind(value) for kind in WHOLE if value <= np.iinfo(kind).max] + [np.array(value)]
    return [kind(value) for kind in REAL] + [np.array(value, "f4"), np.array(value, ">f8")]


def test_all_that_takes_numbers_is_walked_over():
    assert all(numeric(call) for call in CALLS.values())
    assert len(PARAMETERS) > 60


@pytest.mark.filterwarnings("ignore::alphamat.ConvergenceWarning")
@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_a_number_of_any_kind_gives_the_answer_of_the_plain_number(name, parameter):
    call, value = CALLS[name], numeric(CALLS[name])[parameter]
    for number in kinds(value):
        plain = type(value)(number)
        expected = flat(call(**{parameter: plain}))
        assert np.array_equal(flat(call(**{parameter: number})), expected, equal_nan=True), number


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
@pytest.mark.parametrize(
    "wrong", [True, np.True_, "3", 1j, np.complex64(1), np.nan, np.inf, -1, [1], np.array([1])]
)
def test_what_is_no_number_in_range_is_refused_by_name(name, parameter, wrong):
    with pytest.raises((TypeError, ValueError), match=f"`{parameter}`"):
        CALLS[name](**{parameter: wrong})


@pytest.mark.parametrize(("name", "parameter"), PARAMETERS)
def test_a_number_beyond_all_bounds_is_refused_by_name(name, parameter):
    huge = {int: 10**5000, float: Fraction(10**400)}[type(numeric(CALLS[name])[parameter])]
    if parameter != "seed":
        with pytest.raises(ValueError, match=rf"`{parameter}` is .*; expected|smaller than one"):
            CALLS[name](**{parameter: huge})


def test_the_pairs_of_knn_and_the_exponents_of_shared_sampling_are_parsed_too():
    alpha = alphamat.knn(IMAGE, TRIMAP, rounds=[(5, 0.5)])
    for count, weight in ((np.uint8(5), np.float16(0.5)), (np.int64(5), Fraction(1, 2))):
        assert np.array_equal(alphamat.knn(IMAGE, TRIMAP, rounds=[(count, weight)]), alpha)
    alpha = alphamat.shared_sampling(IMAGE, TRIMAP, exponents=(3, 2, 1, 4))
    exponents = np.uint8(3), Fraction(2), np.longdouble(1), np.array(4)
    assert np.array_equal(alphamat.shared_sampling(IMAGE, TRIMAP, exponents=exponents), alpha)
    with pytest.raises(TypeError, match=re.escape("`exponents[1]` is True")):
        alphamat.shared_sampling(IMAGE, TRIMAP, exponents=(3, True, 1, 4))


@pytest.mark.parametrize(
    ("call", "flag"),
    [
        (partial(alphamat.composite, IMAGE, TRIMAP, IMAGE), "linear_light"),
        (partial(alphamat.metrics.sad, TRIMAP, TRIMAP), "quantise"),
        (partial(alphamat.information_flow, IMAGE, TRIMAP), "known_flow"),
    ],
)
def test_a_flag_is_true_or_false(call, flag):
    assert np.array_equal(call(**{flag: np.True_}), call(**{flag: True}))
    for wrong in ("no", 1, np.ones(2)):
        with pytest.raises(TypeError, match=f"`{flag}` is .*; expected True or False"):
            call(**{flag: wrong})
