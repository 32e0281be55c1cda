"""What functions say to programs, in the words of the command line."""

import re
import warnings

import numpy as np
import pytest
import typer

from alphamat import as_trimap
from alphamat.cli.faults import (
    OTHERWISE,
    faults_in_one_line,
    in_words_of_the_command,
    options_named,
)
from alphamat.door import as_image, as_plane
from alphamat.method import run
from alphamat.methods.closed_form import closed_form
from alphamat.serve import Settings
from alphamat.system import warn_unless_converged
from alphamat.trimap import from_mask
from solvers import Solution

CLEAR = np.full((5, 6, 4), 0.5)
COLOURS = np.eye(3)[[[0, 1, 2]]]


def raised(function, *arguments, **options):
    with pytest.raises((ValueError, TypeError)) as fault:
        function(*arguments, **options)
    return str(fault.value)


def warned():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_unless_converged(Solution(np.zeros(2), 7, 0.25, False))
    return str(caught[0].message)


ADVICE = {
    "transparent": (lambda: raised(as_image, CLEAR), "`image` is transparent in places"),
    "transparent trimap": (lambda: raised(as_trimap, CLEAR), "Flatten it in the program"),
    "coloured": (lambda: raised(as_plane, COLOURS, name="alpha"), "expected one gray channel."),
    "strokes": (lambda: raised(as_plane, COLOURS, name="mask"), "give --from scribbles."),
    "labels": (
        lambda: raised(from_mask, np.eye(9) / 255, inner=1, outer=1),
        "give --high 0.00001; if it is soft, say with --low and --high",
    ),
    "missing": (lambda: raised(run, closed_form, CLEAR[..., :3]), "`alphamat trimap` makes"),
    "token": (lambda: raised(Settings, token="short"), "such as `openssl rand -hex 16` prints"),
    "early": (warned, "Give it a looser tolerance, --rtol. More known pixels"),
}


@pytest.mark.parametrize("kind", ADVICE)
def test_advice_to_programs_becomes_advice_to_people(kind):
    message, expected = ADVICE[kind][0](), ADVICE[kind][1]
    with options_named({"low": "--low", "high": "--high", "rtol": "--rtol"}):
        told = in_words_of_the_command(message)
    assert told != message
    assert expected in told
    assert not re.search(r"\[\.\.\.|astype|functools|solvers\.|alphamat\.|\(H, W", told)


def test_no_advice_is_translated_that_nobody_gives():
    told = [make() for make, _ in ADVICE.values()] + ["Too large (from Python, raise a limit)."]
    told.append("Go on with resume=True.")
    for pattern in OTHERWISE:
        assert any(re.search(pattern, message) for message in told), pattern


def test_a_tolerance_is_not_advised_where_the_command_has_none():
    told = in_words_of_the_command(warned())
    assert "tolerance; the result is its best. More known pixels" in told


def test_parameters_that_are_no_options_keep_their_names():
    assert in_words_of_the_command("`low` is 2") == "`low` is 2"


@pytest.mark.parametrize("fault", [TypeError("unsupported operand"), BrokenPipeError(), KeyError()])
def test_mistakes_of_ours_are_not_made_to_look_like_the_users(fault):
    with pytest.raises(type(fault)), faults_in_one_line():
        raise fault


def test_a_parameter_of_the_wrong_type_is_one_line(capsys):
    with pytest.raises(typer.Exit), faults_in_one_line():
        raise TypeError("`radius` is 1.5; expected a whole number.")
    assert capsys.readouterr().err == "error: `radius` is 1.5; expected a whole number.\n"
