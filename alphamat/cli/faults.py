"""What a command says when an input is refused, the work fails, or the command is misused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer


@contextmanager
def faults_in_one_line() -> Iterator[None]:
    """Print a fault as one line on stderr, and leave with exit code 1."""
    try:
        yield
    except BrokenPipeError:
        raise
    except (ValueError, OSError, MemoryError, ImportError) as fault:
        told = "\n".join([str(fault), *getattr(fault, "__notes__", [])])
        listed = told.replace(":\n  ", ": ").replace("\n  ", "; ")
        line = " ".join(listed.split()) or type(fault).__name__
        typer.echo(f"error: {line}", err=True)
        raise typer.Exit(1) from None


@contextmanager
def faults_are_misuse(option: str | None = None) -> Iterator[None]:
    """Turn a ValueError about an option into typer's error, which leaves with exit code 2."""
    try:
        yield
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint=option) from None
