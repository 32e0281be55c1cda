"""Tasks, spread over processes here, or by joblib's backends over threads and machines."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

from alphamat.faults import told
from alphamat.workers.crew import Ended, Task, Work, in_processes, whole


def as_jobs(jobs: int | None) -> int | None:
    """Return a number of jobs as joblib counts them; raise for any other value."""
    if jobs == 0 or isinstance(jobs, bool) or not isinstance(jobs, int | None):
        raise ValueError(
            f"`jobs` is {jobs!r}; expected a number of at least 1, or -1 for all cores."
        )
    return jobs


def spread(
    work: Work,
    tasks: Iterable[Task],
    *,
    jobs: int | None = None,
    limit: float | None = None,
    here: bool = False,
    environments: Sequence[Mapping[str, str]] = ({},),
    parts: Callable[[Task], Sequence[Task]] = whole,
) -> Generator[Ended]:
    """Work on tasks; yield what has ended, in any order.

    Parameters
    ----------
    work : callable
        `work(shared, rest, clock)`, a function of a module.
    tasks : iterable of `Task`
        Drawn when they are needed.
    jobs : int, optional
        How many tasks to work on at a time, as joblib counts them. By default one, or as many as
        `joblib.parallel_config` says, whose backend spreads them.
    limit : float, optional
        Seconds that a task may take, as `clock` counts them; None does not limit.
    here : bool
        Whether one job without a limit is done in this process, not in one of its own.
    environments : sequence of mappings
        Variables for the processes, dealt out in turn.
    parts : callable
        `parts(task)` are the tasks as which one is tried again after its process has died.

    Raises
    ------
    ValueError
        If there is a limit, and the backend cannot stop a task.
    ChildProcessError
        If no process can be started, or nobody works on tasks any longer.
    """
    from joblib import effective_n_jobs
    from joblib.parallel import BACKENDS, get_active_backend

    backend, count = get_active_backend()[0], effective_n_jobs(jobs)
    own = type(backend) in (BACKENDS["loky"], BACKENDS["multiprocessing"])
    if limit is not None and not (own or count == 1):
        raise ValueError(
            f"`limit` is {limit}, and {type(backend).__name__} of joblib cannot stop a task; leave "
            "out one of the two."
        )
    if here and count == 1 and limit is None:
        for task in tasks:
            yield Ended(task, work(task.shared, task.rest, _no_clock))
    elif count == 1 or own:
        share = _environment(backend, count)
        dealt = [{**share, **one} for one in environments]
        yield from in_processes(work, tasks, count, limit=limit, environments=dealt, parts=parts)
    else:
        yield from _by_joblib(work, tasks, jobs, parts)


def _no_clock(runs: bool) -> None:
    pass


def _environment(backend: Any, count: int) -> dict[str, str]:
    """Return the variables that share the cores out among so many processes, as joblib does."""
    from joblib import cpu_count

    threads = backend.inner_max_num_threads
    share = str(threads or max(1, cpu_count() // count))
    kept = {} if threads else os.environ
    return {name: kept.get(name, share) for name in backend.MAX_NUM_THREADS_VARS}


def _by_joblib(
    work: Work,
    tasks: Iterable[Task],
    jobs: int | None,
    parts: Callable[[Task], Sequence[Task]],
) -> Generator[Ended]:
    """Work on tasks in threads, or on a cluster.

    Where the cluster gives a task up, all that were on their way are tried once more, alone.
    """
    source = _Source(tasks)
    while not source.over or source.flying:
        error, sound = "", False
        try:
            with closing(_dispatched(work, source, jobs)) as results:
                for ended in results:
                    sound = True
                    yield ended
        except Exception as fault:
            error = told(fault)
        if source.fault is not None:
            raise source.fault
        flying, source.flying = list(source.flying.values()), {}
        for part in [part for task in flying for part in parts(task)]:
            ended = _alone(work, part, jobs)
            sound = sound or not ended.died
            yield ended._replace(before=error)
        if error and not (sound or source.over):
            raise ChildProcessError(f"Nobody works on tasks any longer: {error}")


class _Source:
    """Tasks that joblib draws, from any thread; it has those that were drawn and have not ended."""

    def __init__(self, tasks: Iterable[Task]):
        self.tasks, self.lock = iter(tasks), threading.Lock()
        self.flying: dict[Any, Task] = {}
        self.over = False
        self.fault: BaseException | None = None
        """What went wrong with drawing; joblib's threads would not tell."""

    def __iter__(self) -> Iterator[Task]:
        while True:
            with self.lock:
                if self.fault is not None:
                    return
                try:
                    task = next(self.tasks, None)
                except BaseException as fault:
                    self.fault = fault
                    return
                if task is None:
                    self.over = True
                    return
                self.flying[task.key] = task
            yield task


def _dispatched(work: Work, source: _Source, jobs: int | None) -> Generator[Ended]:
    from joblib import Parallel, delayed, effective_n_jobs

    calls = (delayed(_answer)(work, task) for task in source)
    try:
        parallel = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
    except ValueError:  # Ray returns a whole list or nothing
        some = 4 * effective_n_jobs(jobs)
        with Parallel(n_jobs=jobs, batch_size=1) as parallel:
            while chunk := list(islice(calls, some)):
                yield from (_landed(source, *answer) for answer in parallel(chunk))
    else:
        with closing(parallel(calls)) as results:
            yield from (_landed(source, *answer) for answer in results)


def _landed(source: _Source, key: Any, value: Any, error: str) -> Ended:
    return Ended(source.flying.pop(key), value, error)


def _alone(work: Work, task: Task, jobs: int | None) -> Ended:
    """Work on one task where joblib's backend is."""
    from joblib import Parallel, delayed

    try:
        ((_, value, error),) = Parallel(n_jobs=jobs)([delayed(_answer)(work, task)])
    except Exception as fault:
        return Ended(task, error=told(fault), died=True)
    return Ended(task, value, error)


def _answer(work: Work, task: Task) -> tuple[Any, Any, str]:
    try:
        return task.key, work(task.shared, task.rest, _no_clock), ""
    except Exception as fault:
        return task.key, None, told(fault)
