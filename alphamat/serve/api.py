"""The service as an ASGI application: its requests, put together."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from alphamat.serve import batches, pictures, removebg
from alphamat.serve.faults import Fault
from alphamat.serve.jobs import Jobs
from alphamat.serve.metrics import text
from alphamat.serve.safety import Guard
from alphamat.serve.service import Service
from alphamat.serve.settings import Settings

PAGE = Path(__file__).parent / "page"
mimetypes.add_type("text/javascript", ".js")  # elsewhere it may be text/plain


def application(settings: Settings, folder: Path, work: str = "alphamat.serve.work") -> FastAPI:
    """Return the service.

    Parameters
    ----------
    settings : Settings
    folder : Path
        Where pictures lie; nobody else may read it.
    work : str
        Name of the module whose functions `cut`, `again`, `stroke` and `render` do the work.
    """
    service = Service(settings, Jobs(folder, settings.keep, settings.most_disk), work)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="alphamat",
        lifespan=lifespan,
        docs_url=None,  # its scripts lie on another server
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.service = service
    app.add_middleware(Guard, settings=settings, refused=service.metrics.refused)
    app.add_exception_handler(HTTPException, _raise_as_fault)
    app.add_exception_handler(RequestValidationError, _raise_as_fault)
    for part in (pictures, batches):
        app.include_router(part.routes(service), prefix="/api/v1")
    app.include_router(removebg.routes(service))
    app.include_router(_about(service))
    app.mount("/page", StaticFiles(directory=PAGE, check_dir=False))
    return app


def _about(service: Service) -> APIRouter:
    """Return the requests that tell of the service itself, and its page."""
    routes = APIRouter()

    @routes.get("/", include_in_schema=False)
    async def page() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    @routes.get("/api/v1/methods")
    async def methods() -> dict[str, list[dict[str, str | bool]]]:
        """List the methods that `options` may name."""
        found = service.methods.values()
        told = [{"name": x.name, "about": x.about, "network": bool(x.weights)} for x in found]
        return {"methods": told}

    @routes.get("/api/v1/health")
    async def health() -> dict[str, str]:
        return {"status": "stopping" if service.stopping else "ok"}

    @routes.get("/metrics")
    @routes.get("/api/v1/metrics", include_in_schema=False)
    async def metrics() -> PlainTextResponse:
        workers = service.pool.all
        pids = {name: worker.pid for name, worker in workers.items() if worker.pid}
        told = text(
            service.metrics,
            service.jobs.states(),
            {"server": os.getpid(), **pids},
            queue_length=len(service.waiting),
            disk_bytes=sum(job.bytes for job in service.jobs.all.values()),
            worker_deaths_total=sum(worker.deaths for worker in workers.values()),
        )
        return PlainTextResponse(told, media_type="text/plain; version=0.0.4")

    return routes


async def _raise_as_fault(request: Request, fault: Exception) -> Response:
    """Raise what FastAPI refuses as a fault, which the guard tells."""
    if isinstance(fault, RequestValidationError):
        first = fault.errors()[0]
        name = next((part for part in first["loc"][1:] if isinstance(part, str)), "body")
        why = first["msg"][:1].lower() + first["msg"][1:]
        told = "missing" if first["type"] == "missing" else f"not understood: {why}"
        raise Fault(422, f"`{name}` is {told}.", argument=name, reason="refused")
    assert isinstance(fault, HTTPException)
    raise Fault(fault.status_code, f"{fault.detail.rstrip('.')}.")
