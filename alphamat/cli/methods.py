"""`alphamat methods`: what `--method` may name."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import typer

from alphamat.cli.tuning import taken_options
from alphamat.installed import GOOD_FOR, installed_methods
from alphamat.method import Need, takes


def list_methods() -> None:
    """List the methods that are installed: what each is good for, and what it takes.

    Networks are listed by `alphamat models`.
    """
    for name, entry in sorted(installed_methods().items()):
        try:
            about = _about(name, entry.load(), entry.value)
        except Exception as fault:  # another package's code
            about = f"{entry.value} cannot be loaded: {fault}"
        typer.echo(f"{name:<22} {about}")


def _about(name: str, method: Callable, place: str) -> str:
    needs, options = takes(method), [f"--{option}" for option in taken_options(method)]
    inputs = [
        f"{what}{' (optional)' * (need is Need.OPTIONAL)}"
        for what, need in (("TRIMAP", needs.trimap), ("--plate", needs.plate))
        if need is not Need.NO
    ]
    told = (inspect.getdoc(method) or "").partition("\n")[0]
    use = GOOD_FOR.get(name) or " ".join(filter(None, (told, f"({place})")))
    return f"{use}\n{'':<22} takes {', '.join(inputs + options) or 'the picture alone'}"
