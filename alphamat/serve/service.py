"""The queue of jobs, and what is asked of them meanwhile."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any, NamedTuple

from alphamat.progress import Step
from alphamat.serve.faults import Fault, as_fault, log_fault, logger
from alphamat.serve.jobs import Job, Jobs, missing
from alphamat.serve.methods import Choice, chosen, core_methods
from alphamat.serve.metrics import Metrics
from alphamat.serve.pool import Pool, in_thread
from alphamat.serve.settings import Settings
from alphamat.serve.workers import Worker

STROKES = 8  # that may wait
LIVE = 60.0  # seconds that a stroke may take at most
UPLOADS = 16  # that are read at the same time
LINGER = 2.0  # seconds in which clients fetch the last results before the service ends


class Call(NamedTuple):
    """What is done to a job: a function of the work, and its arguments after the folder."""

    job: Job
    family: str
    function: str
    arguments: tuple


class Service:
    """Jobs in a queue, and strokes and pictures, which do not wait in it.

    `work` is the name of the module whose functions are called in processes.
    """

    def __init__(self, settings: Settings, jobs: Jobs, work: str):
        self.settings, self.jobs = settings, jobs
        self.pool, self.metrics = Pool(work), Metrics()
        self.methods: dict[str, Choice] = core_methods()
        self.waiting: dict[str, Call] = {}  # the newest call of each job, oldest first
        self.woken = asyncio.Event()
        self.running: dict[str, Worker] = {}  # by the id of the job
        self.uploads, self.strokes = asyncio.Semaphore(UPLOADS), 0
        self.stopping, self.finished = False, -LINGER
        self.tasks: list[asyncio.Task] = []

    def start(self) -> None:
        """Start what takes jobs from the queue, and what removes old results."""
        runners = [self._run() for _ in range(self.settings.workers)]
        looking = [self._find_networks()] if self.settings.weights else []
        self.tasks = [asyncio.create_task(task) for task in (*runners, self._tidy(), *looking)]

    async def stop(self) -> None:
        """End all processes."""
        for task in self.tasks:
            task.cancel()
        await self.pool.close()

    def drain(self) -> None:
        """Take no more jobs, and give up those that wait."""
        self.stopping = True
        for call in self.waiting.values():
            _fail(call.job, _stopping())
        self.waiting.clear()

    @property
    def drained(self) -> bool:
        """Whether no job runs, and clients had a moment to fetch the last result."""
        return not self.running and time.monotonic() - self.finished > LINGER

    def refuse_if_full(self, more: int = 1) -> None:
        """Raise unless the queue takes so many jobs."""
        if self.stopping:
            raise _stopping()
        if len(self.waiting) + more > self.settings.queue:
            error = "Too many pictures are waiting; try again later."
            raise Fault(429, error, reason="queue", retry=5)
        self.jobs.refuse_if_full()

    @asynccontextmanager
    async def uploading(self, more: int = 1) -> AsyncIterator[None]:
        """Let a few uploads in at a time, and none that the queue has no place for."""
        self.refuse_if_full(more)
        try:
            await asyncio.wait_for(self.uploads.acquire(), self.settings.patience)
        except TimeoutError:
            error = "Too many uploads at the same time; try again later."
            raise Fault(503, error, reason="uploads", retry=5) from None
        try:
            self.refuse_if_full(more)
            yield
        finally:
            self.uploads.release()

    def cut(self, job: Job, options: dict[str, Any]) -> None:
        """Put a job into the queue."""
        self._submit(job, options, "cut")

    def again(self, job: Job, trimap: bytes | None, options: dict[str, Any]) -> None:
        """Put a job into the queue once more, with another trimap."""
        job.refuse_unless_ready()
        self._submit(job, options, "again", trimap)

    def _submit(self, job: Job, options: dict[str, Any], function: str, *arguments: Any) -> None:
        """Put a job at the end of the queue; what the job waited for before is dropped."""
        self.refuse_if_full(job.id not in self.waiting)
        if not job.folder.is_dir():
            raise missing()
        choice = chosen(self.methods, options.get("method") or job.method or None)
        options = options | {"method": choice.name, "weights": choice.weights}
        self.waiting.pop(job.id, None)
        self.waiting[job.id] = Call(job, choice.family, function, (*arguments, options))
        job.method, job.state, job.progress, job.step = choice.name, "queued", 0.0, "waiting"
        job.error, job.argument = "", None
        job.measure()
        self.jobs.all[job.id] = job
        self.woken.set()
        self.pool.warm()

    async def _run(self) -> None:
        """Take jobs from the queue, one after the other."""
        while True:
            call = next((c for c in self.waiting.values() if c.job.id not in self.running), None)
            if call is None:
                self.woken.clear()
                await self.woken.wait()
                continue
            del self.waiting[call.job.id]
            try:
                with self.metrics.timed(call.function):
                    await self._do(call)
                await self._account(call)
            except Exception as fault:
                log_fault(fault)
            self.woken.set()  # a later call of the same job may have waited for this one

    async def _do(self, call: Call) -> None:
        job, began = call.job, time.monotonic()
        job.state, job.step = "running", "starting"
        with self.pool.borrowed(call.family) as worker:
            self.running[job.id] = worker
            try:
                facts = await self._call(worker, call, hear=partial(_hear, job))
            except Exception as fault:
                job.discard()
                if job.id not in self.waiting:
                    _fail(job, as_fault(fault))
            else:
                job.width, job.height, job.ready = facts.width, facts.height, True
                job.doubt, job.reason = facts.doubt, facts.reason
                job.warnings = list(facts.warnings)
                if job.id not in self.waiting:
                    job.state, job.progress, job.step = facts.state, 1.0, ""
            finally:
                del self.running[job.id]
                self.finished = time.monotonic()
        seconds = self.finished - began
        logger.info("%s by %s: %s after %.1f s", call.function, job.method, job.state, seconds)

    async def _account(self, call: Call) -> None:
        """Count what has been done, and what lies on disk now."""
        self.metrics.finished[call.job.state] += 1
        if call.job.id in self.jobs.all:
            await asyncio.to_thread(call.job.measure)
            self.jobs.sweep()
        else:  # it was deleted meanwhile
            self.jobs.remove(call.job)

    async def _call(self, worker: Worker, call: Call, **more: Any) -> Any:
        if call.function in ("cut", "again"):
            more["named"] = {"limit": self.settings.most_pixels}
        longest = LIVE if call.function == "stroke" else math.inf
        more["limit"] = min(self.settings.limit, longest)
        return await self.pool.call(worker, call.function, call.job.folder, *call.arguments, **more)

    @contextmanager
    def painting(self, job: Job) -> Iterator[None]:
        """Let a few strokes in at a time."""
        job.refuse_unless_ready()
        if self.strokes >= STROKES:
            error = "Too many strokes are waiting; try again in a moment."
            raise Fault(429, error, reason="strokes", retry=1)
        self.strokes += 1
        try:
            yield
        finally:
            self.strokes -= 1

    async def stroke(self, job: Job, patch: bytes, x: int, y: int) -> tuple[bytes, tuple]:
        """Return the part of alpha that a stroke changes, as PNG, and its place."""
        return await self._now(self.pool.live, job, "stroke", patch, x, y)

    async def render(self, job: Job, kind: str, bits: int = 8, over: str | None = None) -> bytes:
        """Return a picture of a job, as PNG."""
        job.refuse_unless_ready()
        return await self._now(self.pool.drawing, job, "render", kind, bits, over)

    async def _now(self, worker: Worker, job: Job, function: str, *arguments: Any) -> Any:
        with self.metrics.timed(function):
            try:
                return await self._call(worker, Call(job, "", function, arguments))
            except Fault:
                if job.id not in self.jobs.all:
                    raise missing() from None
                raise

    def delete(self, job: Job) -> None:
        """Forget a job, and end the process that works on it."""
        self.waiting.pop(job.id, None)
        self.jobs.remove(job)
        if (worker := self.running.get(job.id)) is not None:
            worker.stop()

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(5)
            self.jobs.sweep()
            self.pool.rest()

    async def _find_networks(self) -> None:
        """Add the networks that have weights; another process imports JAX for that."""
        looking = Worker("alphamat.serve.methods")
        try:
            run = partial(looking.call, "networks", (self.settings.weights,), {})
            self.methods |= await in_thread(looking, run)
        except Fault as fault:
            logger.error("No networks: %s", fault.error)
        finally:
            looking.close()


def _fail(job: Job, fault: Fault) -> None:
    job.state, job.step, job.error, job.argument = "failed", "", fault.error, fault.argument


def _stopping() -> Fault:
    return Fault(503, "The server is being stopped.", reason="stopping", retry=30)


def _hear(job: Job, step: Step) -> None:
    job.step = step.text
    if step.share is not None:
        job.progress = min(max(step.share, 0.0), 1.0)
