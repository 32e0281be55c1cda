"""The server: its connections, and how it stops."""

from __future__ import annotations

import asyncio
import signal
import tempfile
import time
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from alphamat.serve.api import application
from alphamat.serve.folder import private_folder
from alphamat.serve.service import Service
from alphamat.serve.settings import Settings

CONNECTIONS = 500


def run(settings: Settings, work: str = "alphamat.serve.work") -> None:
    """Serve until SIGTERM or Ctrl-C; `work` is as in `application`."""
    before = tempfile.tempdir
    with private_folder(settings.folder) as folder:
        tempfile.tempdir = str(folder)  # uploads lie there until they are whole
        try:
            app = application(settings, folder, work)
            protocol: Any = partial(Impatient, silence=settings.patience / 10)
            config = uvicorn.Config(
                app,
                host=settings.host,
                port=settings.port,
                http=protocol,
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
        if sig == signal.SIGINT and not self._captured_signals:
            self._captured_signals.append(sig)  # raised again at the end, as KeyboardInterrupt
        self.should_exit = self.told is not None
        self.told = self.told or time.monotonic()

    async def on_tick(self, counter: int) -> bool:
        if self.told is not None and not self.should_exit:
            if not self.service.stopping:
                self.service.drain()
            late = time.monotonic() - self.told > self.grace
            self.should_exit = late or self.service.drained
        return await super().on_tick(counter)


class Impatient(H11Protocol):
    """A connection that is closed where no request comes for long, or only the head of one."""

    def __init__(self, *args: Any, silence: float, **named: Any):
        super().__init__(*args, **named)
        self.silence = silence

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self.loop.call_later(self.silence, self._look, None)

    def _look(self, last: object) -> None:
        """Close unless a request is there, or has been since the last look."""
        if self.transport.is_closing():
            return
        waits = self.cycle is None or self.cycle.response_complete
        if waits and self.cycle is last:
            self.transport.close()
        else:
            self.loop.call_later(self.silence, self._look, self.cycle)
