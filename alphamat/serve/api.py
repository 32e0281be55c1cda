"""The service's requests, as an ASGI application."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from alphamat.serve.faults import Fault
from alphamat.serve.jobs import Job, Jobs
from alphamat.serve.service import Service
from alphamat.serve.settings import Settings
from alphamat.serve.uploads import Box, keep_file, options_of, read_form

logger = logging.getLogger("alphamat.serve")

PAGE = Path(__file__).parent / "page"
FILES = ("picture", "trimap", "plate", "mask")


class BoxOnly(BaseModel):
    box: Box


def application(settings: Settings, folder: Path, work: str = "alphamat.serve.work") -> FastAPI:
    """Return the service; its files lie in `folder`, and `work` is the module that workers call."""
    jobs = Jobs(folder, settings.keep, settings.most_disk)
    service = Service(settings, jobs, work)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await service.stop()

    app = FastAPI(
        title="alphamat",
        lifespan=lifespan,
        docs_url=None,  # its page is loaded from elsewhere
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.service = service
    app.add_exception_handler(Fault, _faulty)
    app.add_exception_handler(HTTPException, _faulty)
    app.add_exception_handler(RequestValidationError, _faulty)

    @app.post("/api/v1/jobs", status_code=202)
    async def post_job(request: Request) -> dict:
        service.refuse_if_full()
        async with read_form(request, files=FILES, most_files=len(FILES)) as form:
            options = options_of(form)
            job = jobs.new()
            try:
                await keep_file(form.get("picture"), job.folder / "picture", "picture")
                for name in FILES[1:]:
                    if name in form:
                        await keep_file(form[name], job.folder / name, name)
                service.submit(job, "core", "cut", options.model_dump())
            except BaseException:
                jobs.remove(job)
                raise
        return job.told()

    @app.get("/api/v1/jobs/{id}")
    async def get_job(id: str) -> dict:
        return jobs.get(id).told()

    @app.delete("/api/v1/jobs/{id}", status_code=204)
    async def delete_job(id: str) -> None:
        service.delete(jobs.get(id))

    @app.get("/api/v1/jobs/{id}/{kind}.png")
    async def get_picture(id: str, kind: str, bits: int = 8, over: str | None = None) -> Response:
        job = jobs.get(id)
        if kind not in ("picture", "trimap", "alpha", "cutout", "composite"):
            raise Fault(404, "There is no such picture.")
        return Response(await service.render(job, kind, bits, over), media_type="image/png")

    @app.post("/api/v1/jobs/{id}/trimap", status_code=202)
    async def post_trimap(id: str, request: Request) -> dict:
        job = jobs.get(id)
        async with read_form(request, files=["trimap"], most_files=1) as form:
            options = options_of(form)
            trimap = form.get("trimap")
            content = await trimap.read() if trimap is not None else None
        service.submit(job, "core", "again", content, options.model_dump())
        return job.told()

    @app.post("/api/v1/jobs/{id}/strokes")
    async def post_stroke(id: str, x: int, y: int, request: Request) -> Response:
        job = jobs.get(id)
        patch, place = await service.stroke(job, await request.body(), x, y)
        headers = {"X-Rectangle": ",".join(map(str, place))}
        return Response(patch, media_type="image/png", headers=headers)

    @app.post("/api/v1/jobs/{id}/box", status_code=202)
    async def post_box(id: str, body: BoxOnly) -> dict:
        job = jobs.get(id)
        service.submit(job, "core", "cut", {"box": body.box})
        return job.told()

    @app.get("/api/v1/health")
    async def health() -> dict:
        return {"status": "stopping" if service.stopping else "ok"}

    @app.get("/")
    async def index() -> FileResponse:
        return FileResponse(PAGE / "index.html")

    app.mount("/page", StaticFiles(directory=PAGE, check_dir=False))
    return app


def _faulty(request: Request, fault: Exception) -> Response:
    if isinstance(fault, RequestValidationError):
        where = [str(part) for part in fault.errors()[0]["loc"] if part not in ("query", "body")]
        name = where[0] if where else None
        fault = Fault(422, f"`{name}` is missing or not understood.", argument=name)
    elif isinstance(fault, HTTPException):
        fault = Fault(fault.status_code, f"{fault.detail}.".replace("..", "."))
    assert isinstance(fault, Fault)
    return JSONResponse(fault.told(), fault.status, headers=fault.headers)
