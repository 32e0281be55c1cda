"""A run that is told to stop, by SIGTERM or Ctrl-C, comes to a good end first."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield an event that the first SIGTERM or Ctrl-C sets. A second one ends the program.

    Python lets only the main thread hear signals; in another, nothing sets the event.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    process = os.getpid()
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def ask(number, frame):
        restore()
        if os.getpid() == process:
            asked.set()
            os.write(2, b"\nStopping after this step. A second signal ends the program at once.\n")
        else:  # a process that was forked since, such as one that reads pictures
            os.kill(os.getpid(), number)

    def restore():
        for number, handler in before.items():
            signal.signal(number, handler)

    for number in before:
        signal.signal(number, ask)
    try:
        yield asked
    finally:
        restore()
