"""The command `alphamat methods`."""

from itertools import pairwise

from typer.testing import CliRunner

from alphamat.cli import app
from alphamat.installed import GOOD_FOR, installed_methods


def test_methods_are_listed(packages):
    result = CliRunner().invoke(app, ["methods"])
    assert result.exit_code == 0
    assert "closed-form" in result.stdout
    assert "other_methods:flat" in result.stdout


def test_it_says_what_each_is_good_for_and_takes(packages):
    lines = CliRunner().invoke(app, ["methods"]).stdout.splitlines()
    told = {line.split()[0]: (line, after) for line, after in pairwise(lines) if line[0] != " "}
    assert "Hair, fur" in told["closed-form"][0]
    assert told["closed-form"][1].strip() == "takes TRIMAP, --epsilon, --radius, --rtol"
    assert told["flat"][1].strip() == "takes TRIMAP"
    assert "cannot be loaded: No module named 'no_such_module'" in told["absent"][0]


def test_all_of_ours_are_described():
    ours = {e.name for e in installed_methods().values() if e.value.startswith("alphamat:")}
    assert set(GOOD_FOR) == ours
