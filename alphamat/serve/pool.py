"""The processes of a service: for jobs, for strokes, and for pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from alphamat.progress import Step
from alphamat.serve.faults import Fault
from alphamat.serve.workers import Worker

IDLE = 600.0  # seconds, after which a process that has nothing to do is ended
WARM = 60.0  # seconds, most of which a first run compiles


class Pool:
    """Workers that call functions of one module.

    Jobs have a worker for each family of methods, since a network stays in the memory of its own.
    Strokes and pictures do not wait for jobs.
    """

    def __init__(self, module: str):
        self.module = module
        self.live, self.drawing = Worker(module), Worker(module)
        self.free: dict[str, list[Worker]] = {}  # by family
        self.all = {"live": self.live, "drawing": self.drawing}

    @contextmanager
    def borrowed(self, family: str) -> Iterator[Worker]:
        """Give a worker of a family that has nothing to do."""
        free = self.free.setdefault(family, [])
        if not free:
            free.append(Worker(self.module))
            self.all[f"{family}-{len(self.all)}"] = free[-1]
        worker = free.pop()
        try:
            yield worker
        finally:
            free.append(worker)

    async def call(
        self,
        worker: Worker,
        function: str,
        *arguments: object,
        limit: float,
        named: dict[str, Any] | None = None,
        hear: Callable[[Step], None] | None = None,
    ) -> Any:
        """Return what a worker's function returns."""
        run = partial(worker.call, function, arguments, named or {}, limit=limit, hear=hear)
        return await in_thread(worker, run)

    def warm(self) -> None:
        """Start the process for strokes, which come next, and let it load what they need."""
        if self.live.pid is not None:
            return

        def load() -> None:
            with suppress(Fault):  # the first stroke tells it
                self.live.call("warm", (), {}, limit=WARM)

        in_thread(self.live, load)

    def rest(self) -> None:
        """End processes that have had nothing to do for long."""
        for worker in self.all.values():
            if worker.pid is not None and worker.idle > IDLE:
                in_thread(worker, worker.stop)

    async def close(self) -> None:
        """End all processes for good."""
        ends = (asyncio.to_thread(worker.close) for worker in self.all.values())
        await asyncio.gather(*ends)


def in_thread(worker: Worker, function: Callable[[], Any]) -> asyncio.Future:
    """Call a function of a worker in the worker's thread."""
    return asyncio.get_running_loop().run_in_executor(worker.thread, function)
