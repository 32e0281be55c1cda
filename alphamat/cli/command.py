"""What all commands do: call parameters by their options, and tell of a stop."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

from alphamat.cli.faults import options_named


class Command(TyperCommand):
    """A command that ends with one line, and exit code 130, where Ctrl-C stops it.

    Whoever knows what is finished by then adds it to the KeyboardInterrupt as a note.
    """

    def invoke(self, ctx: Any) -> Any:
        options = {
            str(known.name): known.opts[0] for known in self.params if known.opts[0][:1] == "-"
        }
        try:
            with options_named(options):
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            typer.echo(" ".join(["Stopped.", *getattr(stop, "__notes__", [])]), err=True)
            raise typer.Exit(130) from None
