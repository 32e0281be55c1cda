"""Requests that bring several pictures, and fetch all cut-outs in one archive."""

from __future__ import annotations

import asyncio
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO
from zipfile import ZIP_STORED, ZipFile

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse

from alphamat.serve.faults import Fault
from alphamat.serve.jobs import Job
from alphamat.serve.pictures import Told, form_of, keep_files
from alphamat.serve.service import Service
from alphamat.serve.uploads import options_of, read_form


def routes(service: Service) -> APIRouter:
    """Return the requests for batches."""
    routes, jobs = APIRouter(), service.jobs

    @routes.post("/batches", status_code=202, openapi_extra=form_of("picture", many=True))
    async def create(request: Request) -> Told:
        """Cut out what each of several pictures shows: all are taken, or none."""
        async with (
            service.uploading(),
            read_form(request, files=["picture"], most_files=service.settings.queue) as form,
        ):
            options, files = options_of(form).model_dump(), form.getlist("picture")
            service.refuse_if_full(len(files))
            with ExitStack() as stack:
                made = [stack.enter_context(jobs.new()) for _ in files or [None]]
                for job, file in zip(made, files or [None], strict=True):
                    await keep_files(service, job, {"picture": file})
                service.refuse_if_full(len(made))
                for job in made:
                    service.cut(job, options)
        id = secrets.token_urlsafe(16)
        jobs.batches[id] = made
        return {"id": id, "jobs": [job.told() for job in made]}

    @routes.get("/batches/{id}.zip", response_class=StreamingResponse)
    async def fetch(id: str) -> StreamingResponse:
        """Return the cut-outs that are finished."""
        if id not in jobs.batches:
            raise Fault(404, "There is no such batch; results are kept for a while only.")
        made = [jobs.get(job.id) for job in jobs.batches[id] if job.id in jobs.all]
        with ExitStack() as stack:
            file = stack.enter_context(tempfile.TemporaryFile(dir=jobs.folder))
            await _write(service, made, file)
            stream = _pieces(stack.pop_all(), file)
        headers = {"Content-Disposition": 'attachment; filename="cutouts.zip"'}
        return StreamingResponse(stream, media_type="application/zip", headers=headers)

    return routes


async def _write(service: Service, jobs: list[Job], file: IO[bytes]) -> None:
    taken: set[str] = set()
    with ZipFile(file, "w", ZIP_STORED) as archive:  # PNG files are compressed already
        for job in jobs:
            if job.state == "done" and job.id in service.jobs.all:
                content = await service.render(job, "cutout")
                name = free_name(job.name, taken)
                await asyncio.to_thread(archive.writestr, f"{name}_cutout.png", content)
    file.seek(0)


def _pieces(stack: ExitStack, file: IO[bytes]) -> Iterator[bytes]:
    with stack:
        while piece := file.read(2**18):
            yield piece


def free_name(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, and take it; also where capitals are not told apart.

    Examples
    --------
    >>> taken = set()
    >>> [free_name(name, taken) for name in ("cat", "Cat", "cat")]
    ['cat', 'Cat-2', 'cat-3']
    """
    number, free = 1, name
    while free.lower() in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free.lower())
    return free
