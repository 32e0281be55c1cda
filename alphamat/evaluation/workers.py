"""Processes that measure tasks: where one dies, or hangs, its own task fails, and no other.

They are started as joblib's are: not by forking, so that threads of JAX and numba do no harm, and
without running the caller's script again.
"""

from __future__ import annotations

import math
import os
import pickle
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from multiprocessing.connection import Connection, wait

from alphamat.evaluation.faults import told
from alphamat.evaluation.measure import Finished, Key, Row, Task, measure
from alphamat.evaluation.warmth import tell_of_compiling
from alphamat.interrupts import interrupts_held

STARTS = 3
"""When so many processes in a row have died before their first task, no more are started."""


def in_processes(
    tasks: Sequence[Task], count: int, limit: float | None, environment: Mapping[str, str]
) -> Generator[Finished]:
    """Measure tasks in up to `count` processes at a time; yield what is finished, in any order.

    A task whose process died is measured once more, after all others, with no process beside it.
    """
    deaths: dict[Key, str] = {}
    with closing(_measured(tasks, count, limit, environment)) as results:
        for finished in results:
            if finished.died:
                deaths[finished.row[:3]] = finished.row.error
            else:
                yield finished
    left = [task for task in tasks if task.key in deaths]
    with closing(_measured(left, 1, limit, environment)) as results:
        for finished in results:
            row = finished.row
            first = f"at first, {deaths[row[:3]]}" * (not row.error)
            warning = "; ".join(filter(None, [row.warning, first]))
            yield finished._replace(row=row._replace(warning=warning))


def _measured(
    tasks: Sequence[Task], count: int, limit: float | None, environment: Mapping[str, str]
) -> Generator[Finished]:
    left, methods, died_early = deque(tasks), {}, 0
    crew: list[_Worker] = []
    try:
        while left or any(worker.task is not None for worker in crew):
            busy = sum(worker.task is not None for worker in crew)
            while len(crew) < min(count, busy + len(left)):
                crew.append(_Worker(limit, environment))
            # A process whose children hold its pipe open dies without a word.
            pause = min(worker.deadline for worker in crew) - time.monotonic()
            wait([worker.pipe for worker in crew], timeout=min(max(pause, 0), 0.5))
            finished = [found for worker in crew if (found := worker.look()) is not None]
            for worker in [worker for worker in crew if worker.over]:
                crew.remove(worker)
                worker.stop()
                died_early = 0 if worker.ready else died_early + 1
                if died_early == STARTS:
                    raise ChildProcessError(f"No process can be started: one {worker.ending}.")
            for worker in crew:
                while left and worker.ready and worker.task is None:
                    finished += worker.begin(left.popleft(), methods)
            yield from finished
    finally:
        for worker in crew:
            worker.stop()


class _Worker:
    """A process, and the task that it works on."""

    def __init__(self, limit: float | None, environment: Mapping[str, str]):
        from joblib.externals.loky.backend import get_context

        self.limit, self.deadline = math.inf if limit is None else limit, math.inf
        self.ready, self.over = False, False
        self.task: Task | None = None
        self.sent: set[str] = set()
        context = get_context("loky")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), env=dict(environment))
        with interrupts_held():
            self.process.start()
        theirs.close()

    def begin(self, task: Task, methods: dict[str, bytes]) -> list[Finished]:
        """Hand a task over; return it as failed if it cannot be. `methods` keeps pickles."""
        from joblib.externals.loky.backend.reduction import dumps  # cloudpickle

        name = task.key[0]
        try:
            if name not in methods:
                methods[name] = bytes(dumps(task.call))
            call = None if name in self.sent else methods[name]
            rest = bytes(dumps(task._replace(call=None)))
        except Exception as fault:
            error = f"it cannot be handed to another process: {told(fault)}"
            return [Finished(Row(*task.key, error=error), None)]
        self.task = task
        with suppress(OSError):  # it has died, which the next look sees
            self.pipe.send_bytes(pickle.dumps((task.key, call, rest)))
        return []

    def look(self) -> Finished | None:
        """Return the task if it has been finished since the last look, or has failed."""
        # Asked first: what the process sent before it ended is still in the pipe.
        alive = self.process.is_alive()
        try:
            while self.pipe.poll():
                word = pickle.loads(self.pipe.recv_bytes())
                self.ready = True
                self.deadline = time.monotonic() + self.limit if word is True else math.inf
                if isinstance(word, Finished):
                    if not word.row.error:
                        self.sent.add(word.row.method)
                    self.task = None
                    return word
        except (EOFError, OSError):
            self.process.join(1)
            alive = False
        late = time.monotonic() > self.deadline
        self.over = late or not alive
        if not self.over or self.task is None:
            return None
        if late:
            error = f"it took longer than the limit of {self.limit:g} s"
            return Finished(Row(*self.task.key, error=error), None, limit=self.limit)
        error = f"the process that computed it {self.ending}"
        return Finished(Row(*self.task.key, error=error), None, died=True)

    @property
    def ending(self) -> str:
        """How the process ended."""
        code = self.process.exitcode
        if code is None:
            return "closed its pipe"
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            return f"ended by signal {-code} ({signal.Signals(-code).name})"
        except ValueError:
            return f"ended by signal {-code}"

    def stop(self) -> None:
        """End the process, and the processes that it started."""
        idle = self.ready and self.task is None
        self.pipe.close()
        if idle:
            self.process.join(1)
        if not hasattr(os, "killpg"):
            self.process.terminate()
        elif self.process.pid is not None:
            with suppress(OSError):  # nobody is left, or it leads no group yet
                os.killpg(self.process.pid, signal.SIGKILL)
            if self.process.exitcode is None:
                os.kill(self.process.pid, signal.SIGKILL)
        self.process.join()


def _serve(pipe: Connection) -> None:
    """Measure the tasks that come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "setsid"):
        os.setsid()
        threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    methods: dict[str, Callable] = {}
    clock = _Clock(pipe)
    tell_of_compiling(clock.compiles)
    with suppress(EOFError, OSError):
        clock(False)
        while True:
            finished = _answer(pipe.recv_bytes(), methods, clock)
            with clock.lock:
                clock.runs = False  # it may still run where the method raised
                pipe.send_bytes(pickle.dumps(finished))


class _Clock:
    """Says through the pipe when the time limit begins to run, and when it ends.

    It does not run while Numba compiles.
    """

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


def _answer(
    message: bytes, methods: dict[str, Callable], clock: Callable[[bool], None]
) -> Finished:
    key, call, rest = pickle.loads(message)
    try:
        if call is not None:
            methods[key[0]] = pickle.loads(call)
        task = pickle.loads(rest)._replace(call=methods[key[0]])
        return measure(task, clock)
    except BaseException as fault:  # KeyboardInterrupt, too: it was the method's own
        return Finished(Row(*key, error=told(fault)), None)


def _leave_with(parent: int) -> None:
    """End this process, and those that it started, soon after its parent has ended."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)
