"""The clock of a time limit: it does not run while Numba compiles."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection


class Clock:
    """Says through a pipe when the time limit begins to run (True), and when it ends (False)."""

    def __init__(self, pipe: Connection):
        self.pipe, self.lock = pipe, threading.Lock()  # threads may compile
        self.runs, self.compiling = False, 0

    def __call__(self, runs: bool) -> None:
        with self.lock:
            self.runs = runs
            self._tell()

    def compiles(self, more: int) -> None:
        with self.lock:
            self.compiling += more
            if self.runs:
                self._tell()

    def _tell(self) -> None:
        self.pipe.send_bytes(pickle.dumps(self.runs and not self.compiling))


def tell_of_compiling(tell: Callable[[int], None]) -> None:
    """Call a function with 1 whenever Numba begins to compile, and with -1 when it ends."""
    event = import_module("numba.core.event")

    class Compiling(event.Listener):
        def on_start(self, event):
            tell(1)

        def on_end(self, event):
            tell(-1)

    event.register("numba:compile", Compiling())
