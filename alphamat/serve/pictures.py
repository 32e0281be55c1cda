"""Requests about one picture: its job, what was made of it, and corrections."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel
from starlette.datastructures import FormData

from alphamat.serve.faults import Fault
from alphamat.serve.jobs import UPLOADS, Job
from alphamat.serve.safety import FORM, STROKE
from alphamat.serve.service import Service
from alphamat.serve.uploads import Box, Options, keep_file, options_of, read_form, safe_name

Told = dict[str, object]


class BoxOnly(BaseModel):
    """The pixels that the foreground lies in: left, top, right, bottom."""

    box: Box


def routes(service: Service) -> APIRouter:
    """Return the requests for jobs."""
    routes, jobs = APIRouter(), service.jobs

    @routes.post("/jobs", status_code=202, openapi_extra=form_of(*UPLOADS))
    async def create(request: Request) -> Told:
        """Cut out what a picture shows."""
        async with (
            service.uploading(),
            read_form(request, files=UPLOADS, most_files=len(UPLOADS)) as form,
        ):
            options = options_of(form)
            with jobs.new() as job:
                await keep_files(service, job, {name: form.get(name) for name in UPLOADS})
                service.cut(job, options.model_dump())
        return job.told()

    @routes.get("/jobs/{id}")
    async def tell(id: str) -> Told:
        return jobs.get(id).told()

    @routes.delete("/jobs/{id}", status_code=204)
    async def delete(id: str) -> None:
        service.delete(jobs.get(id))

    @routes.get("/jobs/{id}/{kind}.png")
    async def render(
        id: str,
        kind: Literal["picture", "trimap", "alpha", "cutout", "composite"],
        bits: Literal["8", "16"] = "8",
        over: str | None = None,
    ) -> Response:
        """Return a picture; a composite lies over a CSS colour."""
        content = await service.render(jobs.get(id), kind, int(bits), over)
        return Response(content, media_type="image/png")

    @routes.post("/jobs/{id}/trimap", status_code=202, openapi_extra=form_of("trimap"))
    async def again(id: str, request: Request) -> Told:
        """Run the full method on another trimap, or on the present one."""
        job = jobs.get(id)
        async with (
            service.uploading(0),
            read_form(request, files=["trimap"], most_files=1) as form,
        ):
            trimap = await _content(form)
            service.again(job, trimap, options_of(form).model_dump(exclude_unset=True))
        return job.told()

    @routes.post("/jobs/{id}/strokes", response_class=Response, openapi_extra=PATCH)
    async def paint(id: str, x: int, y: int, request: Request) -> Response:
        """Put a patch, a gray PNG, into the trimap, and return what of alpha it changes."""
        job = jobs.get(id)
        with service.painting(job):
            changed, place = await service.stroke(job, await request.body(), x, y)
        headers = {"X-Rectangle": ",".join(map(str, place))}
        return Response(changed, media_type="image/png", headers=headers)

    @routes.post("/jobs/{id}/box", status_code=202)
    async def find(id: str, body: BoxOnly) -> Told:
        """Look for the foreground in a box."""
        job = jobs.get(id)
        service.cut(job, {"box": body.box})
        return job.told()

    return routes


async def keep_files(service: Service, job: Job, files: dict[str, object]) -> None:
    """Write uploaded files to a job's folder; only the picture has to be there."""
    job.name = safe_name(getattr(files["picture"], "filename", None))
    bounds = service.settings.most_bytes, service.settings.most_pixels
    for name, file in files.items():
        if name == "picture" or file:
            path = job.folder / name
            await keep_file(file, path, most_bytes=bounds[0], most_pixels=bounds[1])


async def _content(form: FormData) -> bytes | None:
    trimap = form.get("trimap")
    if isinstance(trimap, str):
        raise Fault(422, "`trimap` is text; expected an image file.", argument="trimap")
    if trimap is not None and (trimap.size or 0) > STROKE:  # it waits in memory
        error = f"`trimap` has more than {STROKE / 2**20:g} MiB; expected a compressed PNG."
        raise Fault(413, error, argument="trimap", reason="long")
    return None if trimap is None else await trimap.read()


def form_of(*files: str, many: bool = False) -> dict:
    """Return what the description of the interface says of a form."""
    file: dict = {"type": "string", "format": "binary"}
    fields = dict.fromkeys(files, {"type": "array", "items": file} if many else file)
    options = {"type": "string", "description": "JSON", "example": Options().model_dump_json()}
    schema = {"type": "object", "properties": {**fields, "options": options}}
    return {"requestBody": {"content": {FORM: {"schema": schema}}}}


PATCH = {"requestBody": {"content": {"image/png": {"schema": {"type": "string"}}}}}
