"""Processes that do the work: where one dies or is late, its own job fails, and no other."""

from __future__ import annotations

import math
import pickle
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any

from alphamat import progress
from alphamat.serve.faults import Fault, as_fault, log_fault, logger
from alphamat.workers import Process


class Worker:
    """A process that calls functions of one module, one call at a time, for `thread`.

    It starts with the first call, and again with the first after its death.
    """

    def __init__(self, module: str):
        self.module, self.deaths, self.used = module, 0, time.monotonic()
        self.thread, self.lock, self.closed = ThreadPoolExecutor(1), threading.Lock(), False
        self.process: Process | None = None

    def call(
        self,
        function: str,
        arguments: tuple,
        named: Mapping[str, Any],
        *,
        limit: float = math.inf,
        hear: Callable[[progress.Step], None] | None = None,
    ) -> Any:
        """Return what a function returns; `hear` is told its steps.

        Raises
        ------
        Fault
            If the function raises, if its process dies, or after `limit` seconds.
        """
        self.start()
        process = self.process
        try:
            return self._call(pickle.dumps((function, arguments, named)), limit, hear)
        except (EOFError, OSError):
            died = self.process is process  # nobody stopped it
            self.stop()
            if died:
                self.deaths += 1
                logger.error("the process that did %s %s", function, _ending(process))
            error = f"The process that did this {_ending(process)}."
            raise Fault(500, error, reason="died") from None
        finally:
            self.used = time.monotonic()

    def _call(
        self, message: bytes, limit: float, hear: Callable[[progress.Step], None] | None
    ) -> Any:
        deadline = time.monotonic() + limit
        if (process := self.process) is None:
            raise EOFError
        pipe = process.pipe
        pipe.send_bytes(message)
        while (left := deadline - time.monotonic()) > 0:
            found = wait([pipe, process.process.sentinel], timeout=min(left, 3600))
            if pipe in found:
                kind, content = pickle.loads(pipe.recv_bytes())
                if kind == "done":
                    return content
                if kind == "fault":
                    raise Fault(**content)
                if hear is not None:
                    hear(content)
            elif found:
                raise EOFError
        self.deaths += 1
        self.stop()
        raise Fault(504, f"This took longer than the limit of {limit:g} s.", reason="late")

    def start(self) -> None:
        """Start the process, unless it is there."""
        with self.lock:
            if self.closed or (self.process is not None and self.process.alive):
                return
            self._stop()
            self.process = Process(_serve, self.module)

    def stop(self) -> None:
        """End the process, and those that it started, at once; from any thread."""
        with self.lock:
            self._stop()

    def close(self) -> None:
        """Stop, and never start again."""
        self.closed = True
        self.stop()
        self.thread.shutdown(wait=False)

    def _stop(self) -> None:
        process, self.process = self.process, None
        if process is not None:
            process.stop()

    @property
    def pid(self) -> int | None:
        """Its number in the system; None while there is no process."""
        process = self.process
        return None if process is None else process.process.pid

    @property
    def idle(self) -> float:
        """Seconds since the last call ended."""
        return time.monotonic() - self.used


def _ending(process: Process | None) -> str:
    code = None if process is None else process.process.exitcode
    if process is None or code is None:
        return "was stopped"
    killed = hasattr(signal, "SIGKILL") and code == -signal.SIGKILL
    return "was killed; memory may be short" if killed else process.ending


def _serve(pipe: Connection, module: str) -> None:
    """Answer the calls that come through the pipe, until it is closed."""
    sending = threading.Lock()

    def send(kind: str, content: object) -> None:
        with sending:
            pipe.send_bytes(pickle.dumps((kind, content)))

    def tell(event: object) -> None:
        if isinstance(event, progress.Step):
            send("step", event)

    with suppress(Exception):  # the first call raises it again
        import_module(module)
    with suppress(EOFError, OSError):
        while True:
            function, arguments, named = pickle.loads(pipe.recv_bytes())
            try:
                with progress.listening(tell):
                    made = getattr(import_module(module), function)(*arguments, **named)
            except BaseException as fault:
                send("fault", _told(fault))
            else:
                send("done", made)


def _told(fault: BaseException) -> dict[str, Any]:
    """Return the arguments of a `Fault`, and log what is a mistake of ours."""
    found = as_fault(fault)
    if found.status == 500:
        log_fault(fault)
    names = ("status", "error", "argument", "reason")
    return {name: getattr(found, name) for name in names}
