"""Requests that bring files: read with bounds, and kept in the job's private folder."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from pydantic import BaseModel, ConfigDict, ValidationError
from starlette.datastructures import FormData, UploadFile

from alphamat.io.sniff import READABLE, format_of
from alphamat.serve.faults import Fault

Box = tuple[int, int, int, int]


class Options(BaseModel):
    """What a client may ask for beside its files."""

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    box: Box | None = None
    keep: str | tuple[int, int] | None = None


@asynccontextmanager
async def read_form(
    request: Request, *, files: Collection[str], most_files: int
) -> AsyncIterator[FormData]:
    """Yield the form of a request whose fields are files of these names, and `options`."""
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise Fault(415, "Expected a form, multipart/form-data.", reason="type")
    async with request.form(max_files=most_files, max_fields=8, max_part_size=2**16) as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and name not in files:
                name = name[:40]
                raise Fault(422, f"`{name}` is no file that is taken here.", argument=name)
        yield form


def options_of(form: FormData) -> Options:
    """Return the options of a form."""
    text = form.get("options") or "{}"
    try:
        if not isinstance(text, str):
            raise TypeError
        return Options(**json.loads(text))
    except (TypeError, ValueError, ValidationError, RecursionError):
        raise Fault(
            422,
            "`options` is not understood; expected a JSON object with `method`, `box` as "
            "[left, top, right, bottom] and `keep` as all, largest or [x, y].",
            argument="options",
        ) from None


async def keep_file(file: object, path: Path, argument: str) -> None:
    """Write an uploaded image file to `path`."""
    if not isinstance(file, UploadFile):
        raise Fault(422, f"`{argument}` is missing; expected an image file.", argument=argument)
    if format_of(await file.read(64)) is None:
        error = f"`{argument}` is not an image that is read here; expected {READABLE}."
        raise Fault(415, error, argument=argument, reason="type")
    await file.seek(0)
    with path.open("xb") as target:
        await asyncio.to_thread(shutil.copyfileobj, file.file, target)
