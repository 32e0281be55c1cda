"""The server: its socket, its private folder, and how it stops."""

from __future__ import annotations

import tempfile
from pathlib import Path

from alphamat.serve.settings import Settings


def run(settings: Settings) -> None:
    import uvicorn

    from alphamat.serve.api import application

    with tempfile.TemporaryDirectory(prefix="alphamat-serve-", dir=settings.folder) as folder:
        config = uvicorn.Config(
            application(settings, Path(folder)),
            host=settings.host,
            port=settings.port,
            http="h11",
            loop="asyncio",
            ws="none",
            access_log=False,
            server_header=False,
        )
        uvicorn.Server(config).run()
