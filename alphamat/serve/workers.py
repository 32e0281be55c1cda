"""Processes that do the work: where one dies, or takes too long, its own job fails, and no other.

They are started as joblib's are: not by forking, so that threads of JAX and Numba do no harm.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import signal
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from multiprocessing.connection import Connection, wait
from typing import Any

from alphamat import progress
from alphamat.interrupts import interrupts_held
from alphamat.serve.faults import Fault, as_fault

logger = logging.getLogger("alphamat.serve")


class Worker:
    """A process that calls functions of one module, one call at a time.

    It starts with the first call, and again with the first after its death.
    """

    def __init__(self, module: str):
        self.module = module
        self.starts, self.used = 0, time.monotonic()
        self.thread = ThreadPoolExecutor(1)
        self.process: Any = None
        self.pipe: Connection | None = None

    def call(
        self,
        function: str,
        *arguments: object,
        limit: float = math.inf,
        hear: Callable[[progress.Step], None] = lambda step: None,
    ) -> Any:
        """Return what a function returns; `hear` is told its steps. For `self.thread` only.

        Raises
        ------
        Fault
            If the function raises, if its process dies, or after `limit` seconds.
        """
        if self.process is None or not self.process.is_alive():
            self._start()
        try:
            return self._call(pickle.dumps((function, arguments)), limit, hear)
        finally:
            self.used = time.monotonic()

    def _call(self, message: bytes, limit: float, hear: Callable[[progress.Step], None]) -> Any:
        process, pipe = self.process, self.pipe
        assert pipe is not None
        deadline = time.monotonic() + limit
        try:
            pipe.send_bytes(message)
            while True:
                pause = min(deadline - time.monotonic(), 3600)
                found = wait([pipe, process.sentinel], timeout=max(pause, 0))
                if pipe in found:
                    kind, content = pickle.loads(pipe.recv_bytes())
                    if kind == "done":
                        return content
                    if kind == "fault":
                        raise Fault(**content)
                    hear(content)
                elif found:
                    raise EOFError
                elif time.monotonic() > deadline:
                    self.stop()
                    error = f"This took longer than the limit of {limit:g} s."
                    raise Fault(504, error, reason="late")
        except (EOFError, OSError):
            self.stop()
            raise Fault(
                500, f"The process that did this {_ending(process)}.", reason="died"
            ) from None

    def _start(self) -> None:
        from joblib.externals.loky.backend import get_context

        self.stop()
        context = get_context("loky")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs, self.module))
        with interrupts_held():
            self.process.start()
        theirs.close()
        self.starts += 1

    def stop(self) -> None:
        """End the process, and those that it started, at once; from any thread."""
        process, self.process = self.process, None
        if process is None:
            return
        if not hasattr(os, "killpg"):
            process.terminate()
        else:
            for end in (os.killpg, os.kill):
                with suppress(OSError):  # nobody is left, or it leads no group yet
                    end(process.pid, signal.SIGKILL)
        process.join()


def _ending(process: Any) -> str:
    code = process.exitcode
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    return f"ended by signal {-code}"


def _serve(pipe: Connection, module: str) -> None:
    """Answer the calls that come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the server ends us when our work is done
    if hasattr(os, "setsid"):
        os.setsid()
        threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    sending = threading.Lock()

    def send(kind: str, content: object) -> None:
        with sending:
            pipe.send_bytes(pickle.dumps((kind, content)))

    def tell(event: object) -> None:
        if isinstance(event, progress.Step):
            send("step", event)

    with suppress(EOFError, OSError):
        while True:
            function, arguments = pickle.loads(pipe.recv_bytes())
            try:
                with progress.listening(tell):
                    made = getattr(import_module(module), function)(*arguments)
            except BaseException as fault:
                send("fault", _told(fault))
            else:
                send("done", made)


def _told(fault: BaseException) -> dict[str, Any]:
    """Return the arguments of a `Fault`, and log what is a mistake of ours.

    The message is not logged: it may hold what a picture shows.
    """
    found = as_fault(fault)
    if found.status == 500:
        lines = "".join(traceback.format_tb(fault.__traceback__))
        logger.error("a worker met %s\n%s", type(fault).__name__, lines)
    return {
        "status": found.status,
        "error": found.error,
        "argument": found.argument,
        "reason": found.reason,
    }


def _leave_with(parent: int) -> None:
    """End this process, and those that it started, soon after its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
