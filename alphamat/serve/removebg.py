"""The request that programs for remove.bg send: a picture in, its cut-out as the answer."""

from __future__ import annotations

import asyncio
import re
from io import BytesIO
from typing import Literal

from fastapi import APIRouter, Request, Response
from starlette.datastructures import FormData

from alphamat.door import css_colour
from alphamat.serve.faults import Fault
from alphamat.serve.jobs import Job
from alphamat.serve.service import Service
from alphamat.serve.uploads import keep_file, keep_text, read_form

FIELDS = "`image_file` or `image_file_b64`"
POLL = 0.05  # seconds


def routes(service: Service) -> APIRouter:
    """Return the request `POST /v1.0/removebg`."""
    routes, jobs = APIRouter(), service.jobs

    @routes.post("/v1.0/removebg", response_class=Response)
    async def remove(request: Request) -> Response:
        """Return the cut-out, or with `bg_color` a composite, once it is there."""
        most = 2 * service.settings.most_bytes
        with jobs.new() as job:
            async with (
                service.uploading(),
                read_form(request, files=["image_file"], most_files=1, most_text=most) as form,
            ):
                kind, over = _wanted(form)
                await _keep(service, job, form)
                service.cut(job, {})
            try:
                await _finish(service, job, request)
                content = await service.render(job, "composite" if over else "cutout", 8, over)
            finally:
                service.delete(job)
        if kind == "jpeg":
            content = await asyncio.to_thread(_as_jpeg, content)
        return Response(content, media_type=f"image/{kind}")

    return routes


def _wanted(form: FormData) -> tuple[Literal["png", "jpeg"], str | None]:
    """Return the format of the answer, and the colour that the cut-out is put over."""
    if form.get("image_url"):
        error = f"`image_url` is not fetched; expected {FIELDS}."
        raise Fault(400, error, argument="image_url", reason="url")
    kind = str(form.get("format") or "auto").lower()
    if kind not in ("auto", "png", "jpg"):
        error = "`format` is unknown; expected auto, png or jpg."
        raise Fault(400, error, argument="format", reason="refused")
    over = str(form.get("bg_color") or "") or None
    if over and re.fullmatch(r"([0-9a-fA-F]{3}){1,2}", over):
        over = f"#{over}"
    if over:
        css_colour(over)  # a colour that is none is refused now
    if kind == "jpg":
        return "jpeg", over or "white"
    return "png", over


async def _keep(service: Service, job: Job, form: FormData) -> None:
    bounds = service.settings.most_bytes, service.settings.most_pixels
    path, text = job.folder / "picture", form.get("image_file_b64")
    if "image_file" in form:
        await keep_file(form["image_file"], path, most_bytes=bounds[0], most_pixels=bounds[1])
    elif text:
        await keep_text(text, path, most_pixels=bounds[1])
    else:
        raise Fault(400, f"There is no picture; expected {FIELDS}.", argument="image_file")


async def _finish(service: Service, job: Job, request: Request) -> None:
    """Wait until a job is done, as long as its client does."""
    while job.busy:
        await asyncio.sleep(POLL)
        if await request.is_disconnected():
            raise Fault(499, "The client has left.", reason="vanished")
    if job.state == "failed":
        raise Fault(422, job.error, argument=job.argument, reason="failed")
    if job.state == "unsure":
        error = f"The foreground could not be told. {job.reason}".strip()
        raise Fault(400, error, reason="unknown_foreground")


def _as_jpeg(content: bytes) -> bytes:
    from PIL import Image

    file = BytesIO()
    with Image.open(BytesIO(content)) as picture:
        profile = picture.info.get("icc_profile")
        picture.convert("RGB").save(file, "jpeg", quality=95, icc_profile=profile)
    return file.getvalue()
