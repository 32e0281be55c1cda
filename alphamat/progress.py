"""What long work tells while it goes on: events, to whoever listens.

A listener is a function of one event. Work tells a `Step` while it goes on, and a system that has
been solved tells its `solvers.Solution`. Listeners hear what happens in their own thread. The
logger "alphamat" gets both, as DEBUG and INFO, and at INFO which kernels are compiled anew.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, NamedTuple

from solvers import Solution

if TYPE_CHECKING:
    from logging import Logger

    from rich.progress import Progress, TaskID

Listener = Callable[[object], None]

_listeners: ContextVar[tuple[Listener, ...]] = ContextVar("listeners", default=())


class Step(NamedTuple):
    """How far some work is."""

    text: str
    """What is done at the moment, in words."""
    share: float | None = None
    """How much of it is done, from 0 to 1; None where that is not known."""


def tell(event: object) -> None:
    """Tell an event to all who listen, and to the logger."""
    for listener in _listeners.get():
        listener(event)
    if (logger := _logger()) is None:
        return
    if isinstance(event, Step):
        logger.debug("%s", event.text)
    elif isinstance(event, Solution):
        state = "converged" if event.converged else "stopped short of its tolerance"
        told = "the solver %s: %d iterations, residual %.1e"
        logger.info(told, state, event.iterations, event.residual)


def is_heard() -> bool:
    """Return whether anybody listens to steps."""
    logger = _logger()
    return bool(_listeners.get()) or (logger is not None and logger.isEnabledFor(10))  # DEBUG


def _logger() -> Logger | None:
    """Return the logger "alphamat"; None while nobody has imported logging, which takes time."""
    logging = sys.modules.get("logging")
    if logging is None:
        return None
    logger = logging.getLogger("alphamat")
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    return logger


_logger()


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with each event that is told inside, beside those who listen already.

    Examples
    --------
    >>> import alphamat
    >>> from alphamat import examples, progress
    >>> events = []
    >>> with progress.listening(events.append):
    ...     alpha = alphamat.closed_form(*examples.astronaut())
    >>> events[-1].converged
    True
    """
    before = _listeners.set((*_listeners.get(), listener))
    try:
        yield
    finally:
        _listeners.reset(before)


@contextmanager
def bar(
    text: str = "", *, total: int | None = None, done: int = 0, shown: bool = True
) -> Iterator[Bar]:
    """Show a bar on stderr while that is a terminal.

    Parameters
    ----------
    text : str
        What stands beside the bar at first.
    total, done : int
        Pieces of work in all, where their number is known, and those that are done already.
    shown : bool
        False shows nothing.

    Yields
    ------
    Bar
    """
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    columns = (
        progress.SpinnerColumn(),
        progress.BarColumn(),
        *([progress.MofNCompleteColumn()] if total else []),
        progress.TimeElapsedColumn(),
        *([progress.TimeRemainingColumn()] if total else []),
        progress.TextColumn("{task.description}", markup=False),
    )
    hidden = not (shown and console.is_terminal)
    with progress.Progress(*columns, console=console, transient=True, disable=hidden) as drawn:
        task = drawn.add_task(text, total=total, completed=done)
        yield Bar(drawn, task)


class Bar:
    """A bar on the terminal, which also listens to steps."""

    def __init__(self, drawn: Progress, task: TaskID):
        self.drawn, self.task = drawn, task

    def advance(self, text: str | None = None) -> None:
        """Count one more piece of work as done."""
        self.drawn.update(self.task, advance=1, description=text)

    def hear(self, event: object) -> None:
        """Show a `Step`."""
        if isinstance(event, Step):
            known = {} if event.share is None else {"total": 1, "completed": event.share}
            self.drawn.update(self.task, description=event.text, **known)

    @property
    def speed(self) -> float | None:
        """Pieces of work per second; None before the second."""
        return self.drawn.tasks[0].speed
