"""What a command says when an input is refused, the work fails, or the command is misused."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

import typer

LOOSER = "Give it a looser tolerance, `rtol`. "

# Advice to programs, and what somebody at a command line can do instead.
OTHERWISE = {
    r"has a fourth channel that is not opaque everywhere; expected RGB\.": (
        "is transparent in places; expected an opaque picture."
    ),
    r"Pass `[^`]*\[\.\.\., :3\]` to ignore it, or composite over a background first\.": (
        "Flatten it in the program that made it, and save it again."
    ),
    r"If it holds 0 and 1, pass `mask\.astype\(bool\)`": "If it holds 0 and 1, give --high 0.00001",
    r"Give it more iterations or a looser tolerance, `solver=[^`]*`\. ": LOOSER,
    r"`alphamat\.trimap`, and the command `alphamat trimap`, make": "`alphamat trimap` makes",
    r"`mask` has colours; expected one gray channel, shape \(H, W\)\.": (
        "`mask` has colours; expected gray. If it is strokes, give --from scribbles."
    ),
    r"\bresume=True": "--resume",
    r"`secrets\.token_urlsafe\(\)` gives": "`openssl rand -hex 16` prints",
    r", shape \(H, W\)": "",
    r" \(from Python, [^)]*\)": "",
}

FAULTS = (ValueError, TypeError, OSError, MemoryError, ImportError)

_options: ContextVar[Mapping[str, str]] = ContextVar("options", default=MappingProxyType({}))


@contextmanager
def options_named(options: Mapping[str, str]) -> Iterator[None]:
    """Call parameters in messages as the running command does: `low` is --low."""
    before = _options.set(options)
    try:
        yield
    finally:
        _options.reset(before)


def in_words_of_the_command(message: str) -> str:
    """Return what a function says to a program as one says it at the command line."""
    for advice, instead in OTHERWISE.items():
        message = re.sub(advice, instead, message)
    options = _options.get()
    if "rtol" not in options:
        message = message.replace(LOOSER, "")
    return re.sub(r"`(\w+)=?`", lambda name: options.get(name[1], name[0]), message)


@contextmanager
def faults_in_one_line() -> Iterator[None]:
    """Print a fault as one line on stderr, and leave with exit code 1."""
    try:
        yield
    except FAULTS as fault:
        typer.echo(f"error: {in_one_line(fault)}", err=True)
        raise typer.Exit(1) from None


def in_one_line(fault: Exception) -> str:
    """Return what a fault says, in words of the command; raise it if it is a mistake of ours."""
    if isinstance(fault, BrokenPipeError):  # nobody reads on, as in `alphamat models | head -1`
        raise fault
    if isinstance(fault, TypeError) and not str(fault).startswith("`"):
        raise fault  # it names no parameter
    told = "\n".join([str(fault), *getattr(fault, "__notes__", [])])
    listed = told.replace(":\n  ", ": ").replace("\n  ", "; ")
    return " ".join(in_words_of_the_command(listed).split()) or type(fault).__name__


@contextmanager
def faults_are_misuse(option: str | None = None) -> Iterator[None]:
    """Turn a ValueError about an option into typer's error, which leaves with exit code 2."""
    try:
        yield
    except ValueError as fault:
        raise typer.BadParameter(str(fault), param_hint=option) from None
