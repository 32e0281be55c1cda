"""The server: its address, its private folder, and how it stops."""

from __future__ import annotations

import signal
import tempfile
import time
from pathlib import Path
from types import FrameType

import uvicorn

from alphamat.serve.api import application
from alphamat.serve.service import Service
from alphamat.serve.settings import Settings

PREFIX = "alphamat-serve-"
CONNECTIONS = 500


def run(settings: Settings, work: str = "alphamat.serve.work") -> None:
    """Serve until SIGTERM or Ctrl-C; `work` is as in `application`."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=settings.folder) as folder:
        tempfile.tempdir = folder  # uploads lie there until they are whole
        try:
            app = application(settings, Path(folder), work)
            config = uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http="h11",
                loop="asyncio",
                ws="none",
                lifespan="on",
                limit_concurrency=CONNECTIONS,
                timeout_graceful_shutdown=5,
                access_log=False,  # ids are secrets
                log_level="warning",
                proxy_headers=False,
                server_header=False,
            )
            Server(config, app.state.service, settings.grace).run()
        finally:
            tempfile.tempdir = before


class Server(uvicorn.Server):
    """A server that lets running jobs finish when it is stopped; when told twice, it does not."""

    def __init__(self, config: uvicorn.Config, service: Service, grace: float):
        super().__init__(config)
        self.service, self.grace = service, grace
        self.told: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGINT:
            super().handle_exit(sig, frame)
            self.should_exit = self.told is not None
        elif self.told is not None:
            self.should_exit = True
        self.told = self.told or time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        if self.told is not None and not self.should_exit:
            if not self.service.stopping:
                self.service.drain()
            late = time.monotonic() - self.told > self.grace
            self.should_exit = late or self.service.drained
        return await super().on_tick(counter)
