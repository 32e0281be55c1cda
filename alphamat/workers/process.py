"""One process: it hears no Ctrl-C, ends soon after its parent, and takes its children with it.

It is started as joblib's are: not by forking, so that threads of JAX and Numba do no harm, and
without running the caller's script again.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection

from alphamat.interrupts import interrupts_held


class Process:
    """A process that calls `serve(pipe, *arguments)`, and ends with it.

    `environment` has variables that it is given beside its parent's.
    """

    def __init__(
        self,
        serve: Callable[..., None],
        *arguments: object,
        environment: Mapping[str, str] | None = None,
    ):
        from joblib.externals.loky.backend import get_context

        context = get_context("loky")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_begin, args=(serve, theirs, *arguments), env=dict(environment or {})
        )
        with interrupts_held():
            self.process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return self.process.is_alive()

    @property
    def ending(self) -> str:
        """How the process ended."""
        code = self.process.exitcode
        if code is None:
            return "closed its pipe"
        if code >= 0:
            return f"ended with exit code {code}"
        with suppress(ValueError):
            return f"ended by signal {-code} ({signal.Signals(-code).name})"
        return f"ended by signal {-code}"

    def stop(self, patience: float = 0) -> None:
        """End the process, and the processes that it started.

        It may go by itself within `patience` seconds, once nobody is at the pipe.
        """
        if patience:
            self.pipe.close()
            self.process.join(patience)
        if not hasattr(os, "killpg"):
            self.process.terminate()
        elif self.process.pid is not None:
            with suppress(OSError):  # nobody is left, or it leads no group yet
                os.killpg(self.process.pid, signal.SIGKILL)
            if self.process.exitcode is None:
                os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


def _begin(serve: Callable[..., None], pipe: Connection, *arguments: object) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
        threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    serve(pipe, *arguments)


def _leave_with(parent: int) -> None:
    """End this process, and those that it started, soon after its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
