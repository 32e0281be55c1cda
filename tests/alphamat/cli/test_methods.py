"""The command `alphamat methods`."""

from typer.testing import CliRunner

from alphamat.cli import app


def test_methods_are_listed(packages):
    result = CliRunner().invoke(app, ["methods"])
    assert result.exit_code == 0
    assert "closed-form" in result.stdout
    assert "other_methods:flat" in result.stdout
