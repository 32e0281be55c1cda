"""Processes that work on tasks: where one dies, or hangs, its own task fails, and no other."""

from __future__ import annotations

import math
import pickle
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from itertools import islice
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from alphamat.faults import told
from alphamat.workers.clock import Clock, tell_of_compiling
from alphamat.workers.process import Process

STARTS = 3
"""When so many processes in a row have died before their first task, no more are started."""

Work = Callable[[Any, Any, Callable[[bool], None]], Any]
"""`work(shared, rest, clock)` does a task; `clock` is told when the time limit begins and ends."""


class Task(NamedTuple):
    """What a process needs to know to work on it; it may be on another machine."""

    key: Hashable
    """No other task has it."""
    name: str
    """Of what is shared."""
    shared: Any
    """What all tasks of this name share; a process is given it once."""
    rest: Any


class Ended(NamedTuple):
    """What became of a task."""

    task: Task
    value: Any = None
    """What `work` returned."""
    error: str = ""
    """Why it returned nothing."""
    died: bool = False
    """Whether the process that worked on it died."""
    late: bool = False
    """Whether it ran over the time limit."""
    before: str = ""
    """What became of it at first, where it was tried twice."""


def whole(task: Task) -> list[Task]:
    """Return the parts in which a task is tried again: it is one."""
    return [task]


def in_processes(
    work: Work,
    tasks: Iterable[Task],
    count: int,
    *,
    limit: float | None,
    environments: Sequence[Mapping[str, str]],
    parts: Callable[[Task], Sequence[Task]] = whole,
) -> Generator[Ended]:
    """Work on tasks in up to `count` processes at a time; yield what has ended, in any order.

    A task whose process died is tried once more, in its parts, after all others, with no process
    beside it. Tasks are drawn when they are needed. `environments` are dealt out to the processes.
    """
    again: list[tuple[Task, str]] = []
    with closing(_worked(work, tasks, count, limit, environments)) as results:
        for ended in results:
            if ended.died:
                again += [(part, ended.error) for part in parts(ended.task)]
            else:
                yield ended
    deaths = {part.key: error for part, error in again}
    left = [part for part, _ in again]
    with closing(_worked(work, left, 1, limit, environments)) as results:
        for ended in results:
            yield ended._replace(before=deaths[ended.task.key])


def _worked(
    work: Work,
    tasks: Iterable[Task],
    count: int,
    limit: float | None,
    environments: Sequence[Mapping[str, str]],
) -> Generator[Ended]:
    source, left, died_early = iter(tasks), deque[Task](), 0
    shared: dict[str, bytes] = {}
    crew: list[_Worker] = []
    try:
        while _drawn(source, left, count) or any(worker.task is not None for worker in crew):
            busy = sum(worker.task is not None for worker in crew)
            while len(crew) < min(count, busy + len(left)):
                crew.append(_Worker(work, limit, _rarest(environments, crew)))
            # A process whose children hold its pipe open dies without a word.
            pause = min(worker.deadline for worker in crew) - time.monotonic()
            wait([worker.process.pipe for worker in crew], timeout=min(max(pause, 0), 0.5))
            ended = [found for worker in crew if (found := worker.look()) is not None]
            for worker in [worker for worker in crew if worker.over]:
                crew.remove(worker)
                worker.stop()
                died_early = 0 if worker.ready else died_early + 1
                if died_early == STARTS:
                    ending = worker.process.ending
                    raise ChildProcessError(f"No process can be started: one {ending}.")
            for worker in crew:
                while worker.ready and worker.task is None and _drawn(source, left, 1):
                    ended += worker.begin(left.popleft(), shared)
            yield from ended
    finally:
        for worker in crew:
            worker.stop()


def _drawn(source: Iterator[Task], left: deque[Task], count: int) -> bool:
    """Draw tasks until so many are left to do; return whether any is."""
    left.extend(islice(source, max(count - len(left), 0)))
    return bool(left)


def _rarest(environments: Sequence[Mapping[str, str]], crew: list[_Worker]) -> Mapping[str, str]:
    """Return the environment that the fewest processes have."""
    used = [worker.environment for worker in crew]
    return min(environments, key=lambda one: sum(one is other for other in used))


class _Worker:
    """A process, and the task that it works on."""

    def __init__(self, work: Work, limit: float | None, environment: Mapping[str, str]):
        self.limit, self.deadline = math.inf if limit is None else limit, math.inf
        self.ready, self.over, self.environment = False, False, environment
        self.task: Task | None = None
        self.sent: set[str] = set()
        self.process = Process(_serve, work, limit is not None, environment=environment)

    def begin(self, task: Task, shared: dict[str, bytes]) -> list[Ended]:
        """Hand a task over; return it as failed if it cannot be. `shared` keeps pickles."""
        from joblib.externals.loky.backend.reduction import dumps  # cloudpickle

        try:
            if task.name not in shared:
                shared[task.name] = bytes(dumps(task.shared))
            first = None if task.name in self.sent else shared[task.name]
            rest = bytes(dumps(task.rest))
        except Exception as fault:
            error = f"it cannot be handed to another process: {told(fault)}"
            return [Ended(task, error=error)]
        self.task = task
        with suppress(OSError):  # it has died, which the next look sees
            self.process.pipe.send_bytes(pickle.dumps((task.name, first, rest)))
        return []

    def look(self) -> Ended | None:
        """Return the task if it has ended since the last look."""
        # Asked first: what the process sent before it ended is still in the pipe.
        alive = self.process.alive
        try:
            while self.process.pipe.poll():
                word = pickle.loads(self.process.pipe.recv_bytes())
                self.ready = True
                self.deadline = time.monotonic() + self.limit if word is True else math.inf
                if isinstance(word, tuple) and self.task is not None:
                    task, self.task = self.task, None
                    value, error = word
                    if not error:
                        self.sent.add(task.name)
                    return Ended(task, value, error)
        except (EOFError, OSError):
            self.process.process.join(1)
            alive = False
        late = time.monotonic() > self.deadline
        self.over = late or not alive
        if not self.over or self.task is None:
            return None
        if late:
            error = f"it took longer than the limit of {self.limit:g} s"
            return Ended(self.task, error=error, late=True)
        error = f"the process that computed it {self.process.ending}"
        return Ended(self.task, error=error, died=True)

    def stop(self) -> None:
        self.process.stop(patience=self.ready and self.task is None)


def _serve(pipe: Connection, work: Work, limited: bool) -> None:
    """Work on the tasks that come through the pipe, until it is closed."""
    known: dict[str, Any] = {}
    clock = Clock(pipe)
    if limited:
        tell_of_compiling(clock.compiles)
    with suppress(EOFError, OSError):
        clock(False)
        while True:
            answer = _answer(work, pipe.recv_bytes(), known, clock)
            with clock.lock:
                clock.runs = False  # it may still run where the work raised
                pipe.send_bytes(pickle.dumps(answer))


def _answer(work: Work, message: bytes, known: dict[str, Any], clock: Clock) -> tuple[Any, str]:
    name, first, rest = pickle.loads(message)
    try:
        if first is not None:
            known[name] = pickle.loads(first)
        return work(known[name], pickle.loads(rest), clock), ""
    except BaseException as fault:  # KeyboardInterrupt, too: it was the work's own
        return None, told(fault)
