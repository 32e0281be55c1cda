"""`alphamat methods`: what `--method` may name."""

from __future__ import annotations

import typer

from alphamat.cli.installed import installed_methods


def list_methods() -> None:
    """List the methods that are installed."""
    for name, entry in sorted(installed_methods().items()):
        typer.echo(f"{name:<24} {entry.value}")
