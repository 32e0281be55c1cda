"""A stdout that is full, or closed, or cannot show a letter."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup


class Commands(TyperGroup):
    """Commands that print to any stdout."""

    def main(self, *args: Any, **options: Any) -> Any:
        with _whatever_stdout():
            return super().main(*args, **options)


@contextmanager
def _whatever_stdout() -> Iterator[None]:
    """Print what stdout cannot show as \\uXXXX; leave with exit code 1 if it cannot be written."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except OSError as fault:
        # What is left to print goes nowhere, when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        if not isinstance(fault, BrokenPipeError):  # its reader has seen enough
            typer.echo(f"error: stdout cannot be written: {fault.strerror}.", err=True)
        sys.exit(1)
