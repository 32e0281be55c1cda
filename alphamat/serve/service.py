"""The queue of jobs, and the processes that work on them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from alphamat.progress import Step
from alphamat.serve.faults import Fault, as_fault
from alphamat.serve.jobs import Job, Jobs
from alphamat.serve.settings import Settings
from alphamat.serve.workers import Worker

logger = logging.getLogger("alphamat.serve")

STROKES = 8
"""Strokes that may wait for the live worker."""


class Call(NamedTuple):
    """What is done to a job: a function of the work, and its arguments after the folder."""

    job: Job
    family: str
    function: str
    arguments: tuple


class Service:
    """Jobs in a queue; strokes and pictures, which have processes of their own."""

    def __init__(self, settings: Settings, jobs: Jobs, work: str):
        self.settings, self.jobs, self.work = settings, jobs, work
        self.waiting: dict[str, Call] = {}  # the newest call of each job, oldest first
        self.woken = asyncio.Event()
        self.idle: dict[str, list[Worker]] = {}
        self.running: dict[str, Worker] = {}
        self.live, self.drawing = Worker(work), Worker(work)
        self.strokes = 0
        self.stopping = False
        self.tasks: list[asyncio.Task] = []

    def start(self) -> None:
        """Start the tasks that take jobs from the queue, and the one that removes old results."""
        runners = [self._run() for _ in range(self.settings.workers)]
        self.tasks = [asyncio.create_task(task) for task in (*runners, self._sweep())]

    async def stop(self) -> None:
        """End all processes."""
        for task in self.tasks:
            task.cancel()
        idle = [worker for workers in self.idle.values() for worker in workers]
        for worker in (*idle, *self.running.values(), self.live, self.drawing):
            worker.stop()

    def refuse_if_full(self, more: int = 1) -> None:
        """Raise unless the queue takes so many jobs."""
        if self.stopping:
            raise Fault(503, "The server is being stopped.", reason="stopping", retry=30)
        if len(self.waiting) + more > self.settings.queue:
            raise Fault(
                429, "Too many pictures are waiting; try again later.", reason="queue", retry=10
            )

    def submit(self, job: Job, family: str, function: str, *arguments: Any) -> None:
        """Put a job at the end of the queue; what the job waited for before is dropped."""
        self.refuse_if_full(0 if job.id in self.waiting else 1)
        self.waiting.pop(job.id, None)
        self.waiting[job.id] = Call(job, family, function, arguments)
        job.state, job.progress, job.step, job.error, job.argument = (
            "queued",
            0.0,
            "waiting",
            "",
            None,
        )
        self.jobs.all[job.id] = job
        self.woken.set()

    async def _run(self) -> None:
        while True:
            call = next((c for c in self.waiting.values() if c.job.id not in self.running), None)
            if call is None:
                self.woken.clear()
                await self.woken.wait()
                continue
            del self.waiting[call.job.id]
            await self._do(call)
            self.woken.set()  # a later call of the same job may have waited for this one

    async def _do(self, call: Call) -> None:
        job, began = call.job, time.monotonic()
        workers = self.idle.setdefault(call.family, [])
        worker = workers.pop() if workers else Worker(self.work)
        self.running[job.id] = worker
        job.state, job.step = "running", "starting"
        try:
            facts = await self._call(worker, call, partial(_hear, job))
        except Exception as fault:
            found = as_fault(fault)
            job.state, job.error, job.argument = "failed", found.error, found.argument
        else:
            job.width, job.height, job.doubt, job.reason = (
                facts.width,
                facts.height,
                facts.doubt,
                facts.reason,
            )
            job.warnings = list(facts.warnings)
            if job.id not in self.waiting:
                job.state, job.progress, job.step = facts.state, 1.0, ""
        finally:
            del self.running[job.id]
            workers.append(worker)
        if job.id in self.jobs.all:
            job.measure()
        else:  # it was deleted meanwhile
            self.jobs.remove(job)
        logger.info("%s: %s after %.1f s", call.function, job.state, time.monotonic() - began)

    async def _call(self, worker: Worker, call: Call, hear: Callable[[Step], None]) -> Any:
        run = partial(worker.call, limit=self.settings.limit, hear=hear)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            worker.thread, partial(run, call.function, call.job.folder, *call.arguments)
        )

    async def stroke(self, job: Job, patch: bytes, x: int, y: int) -> Any:
        """Solve what a stroke changes, at once."""
        if self.strokes >= STROKES:
            raise Fault(429, "Too many strokes are waiting; paint on.", reason="strokes", retry=1)
        self.strokes += 1
        try:
            call = Call(job, "", "stroke", (patch, x, y))
            return await self._call(self.live, call, lambda step: None)
        finally:
            self.strokes -= 1

    async def render(self, job: Job, kind: str, bits: int, over: str | None) -> bytes:
        """Return a picture of a job, as PNG."""
        call = Call(job, "", "render", (kind, bits, over))
        return await self._call(self.drawing, call, lambda step: None)

    def delete(self, job: Job) -> None:
        """Forget a job, and end the process that works on it."""
        self.waiting.pop(job.id, None)
        worker = self.running.get(job.id)
        self.jobs.remove(job)
        if worker is not None:
            worker.stop()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(5)
            self.jobs.sweep()


def _hear(job: Job, step: Step) -> None:
    job.step = step.text
    if step.share is not None:
        job.progress = min(max(step.share, 0.0), 1.0)
