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
from importlib import import_module
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from solvers import Solution

if TYPE_CHECKING:
    from logging import Logger

    from rich.progress import Progress, Task, TaskID

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
    """Show a bar on stderr while that is a terminal, or in a Jupyter notebook.

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
    # Where the bar is shown in HTML, or not at all, rich keeps the numbers only.
    plain = shown and console.is_terminal and not console.is_jupyter
    with progress.Progress(
        *columns,
        console=console,
        transient=True,
        redirect_stdout=sys.stdout is not None and sys.stdout.isatty(),  # not what goes to a file
        disable=not plain,
    ) as drawn:
        task = drawn.add_task(text, total=total, completed=done)
        cell = _Cell(drawn.tasks[0]) if shown and console.is_jupyter else None
        try:
            yield Bar(drawn, task, cell)
        finally:
            if cell is not None:
                cell.clear()


class Bar:
    """A bar on the terminal or in a notebook, which also listens to steps."""

    def __init__(self, drawn: Progress, task: TaskID, cell: _Cell | None):
        self.drawn, self.task, self.cell = drawn, task, cell

    def advance(self, text: str | None = None) -> None:
        """Count one more piece of work as done."""
        self._update(advance=1, description=text)

    def hear(self, event: object) -> None:
        """Show a `Step`."""
        if isinstance(event, Step):
            known = {} if event.share is None else {"total": 1, "completed": event.share}
            self._update(description=event.text, **known)

    def _update(self, **changes: Any) -> None:
        self.drawn.update(self.task, **changes)
        if self.cell is not None:
            self.cell.draw()

    @property
    def speed(self) -> float | None:
        """Pieces of work per second; None before the second."""
        return self.drawn.tasks[0].speed


class _Cell:
    """The output of a notebook's cell, as far as it shows a bar."""

    def __init__(self, task: Task):
        ipython = import_module("IPython.display")
        self.task, self.drawn = task, monotonic()
        self.shown = ipython.display(self._content(), raw=True, display_id=True)

    def draw(self) -> None:
        """Show how far the task is, a few times a second at most."""
        if monotonic() - self.drawn > 0.2:
            self.drawn = monotonic()
            self.shown.update(self._content(), raw=True)

    def clear(self) -> None:
        self.shown.update({"text/html": "", "text/plain": ""}, raw=True)

    def _content(self) -> dict[str, str]:
        task = self.task
        bar = f'<progress max="1" value="{task.percentage / 100:.3f}"></progress>'
        count = f"{task.completed:g}/{task.total:g}" if task.total else ""
        told = " ".join(filter(None, [count, f"{task.elapsed or 0:.0f} s", task.description]))
        from html import escape

        return {"text/html": f"{bar} {escape(told)}", "text/plain": told}
