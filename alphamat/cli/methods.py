"""`alphamat methods`: what `--method` may name."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import typer

from alphamat.cli.installed import installed_methods
from alphamat.cli.tuning import taken_options
from alphamat.method import Need, takes

GOOD_FOR = {
    "closed-form": "Hair, fur and other fine detail; quick.",
    "fast": "Wide unknown regions: its windows are as large as the trimap asks for.",
    "information-flow": "Hair, and layers that show through; 5 to 10 s for a megapixel.",
    "knn": "Holes and scattered pieces, as in nets and leaves: like colours are alike afar, too.",
    "learned": "All kinds of detail, by the library's own network. The first to try.",
    "learning-based": "As closed-form, often a little closer, in up to twice the time.",
    "learning-based-global": "Thin unknown regions whose colours occur nearby; slow.",
    "random-walk": "Plain borders; the least detail.",
    "shared-sampling": "Foreground and background of clearly different colours; quick.",
}


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
