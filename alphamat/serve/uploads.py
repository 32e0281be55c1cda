"""Requests that bring files: read with bounds, and kept in the job's private folder."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import FormData, UploadFile

from alphamat.io import image_size
from alphamat.io.sniff import format_of
from alphamat.serve.faults import Fault
from alphamat.serve.safety import FORM, kind_of

TAKEN = "PNG, JPEG, TIFF, WebP, AVIF or HEIC"
Pixel = Annotated[int, Field(strict=True, ge=-(2**31), lt=2**31)]
Box = tuple[Pixel, Pixel, Pixel, Pixel]


class Options(BaseModel):
    """What a client may ask for beside its files."""

    model_config = ConfigDict(extra="forbid")

    method: str | None = None
    box: Box | None = None
    keep: Literal["all", "largest"] | tuple[Pixel, Pixel] | None = None


@asynccontextmanager
async def read_form(
    request: Request, *, files: Collection[str], most_files: int, most_text: int = 2**16
) -> AsyncIterator[FormData]:
    """Yield the form of a request; its files, of these names, are deleted afterwards."""
    if kind_of(request.headers) != FORM:
        raise Fault(415, f"Expected a form, {FORM}.", reason="type")
    form = request.form(max_files=most_files, max_fields=16, max_part_size=most_text)
    async with form as fields:
        for name, value in fields.multi_items():
            if isinstance(value, UploadFile) and name not in files:
                told = ", ".join(files)
                raise Fault(422, f"A file is called `{name[:40]}`; expected one of: {told}.")
        yield fields


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
            '[left, top, right, bottom] and `keep` as "all", "largest" or [x, y].',
            argument="options",
        ) from None


async def keep_file(file: object, path: Path, *, most_bytes: int, most_pixels: int) -> None:
    """Write an uploaded image to `path`, whose name is what the form calls it."""
    name = path.name
    if not isinstance(file, UploadFile):
        raise Fault(422, f"`{name}` is missing; expected an image file.", argument=name)
    if (file.size or 0) > most_bytes:
        error = f"`{name}` has more than {most_bytes / 2**20:,.3g} MiB."
        raise Fault(413, error, argument=name, reason="long")
    await asyncio.to_thread(_copied, file, path)
    await asyncio.to_thread(refuse_unreadable, path, most_pixels)


def _copied(file: UploadFile, path: Path) -> None:
    with path.open("xb") as target:
        shutil.copyfileobj(file.file, target)


async def keep_text(text: object, path: Path, *, most_pixels: int) -> None:
    """Write an image in base64 to `path`."""
    try:
        content = base64.b64decode(str(text).partition("base64,")[2] or str(text), validate=True)
    except ValueError:
        raise Fault(422, "`image_file_b64` is not base64.", argument="image_file_b64") from None
    await asyncio.to_thread(path.write_bytes, content)
    await asyncio.to_thread(refuse_unreadable, path, most_pixels)


def refuse_unreadable(path: Path, most_pixels: int) -> None:
    """Raise unless a file claims to be an image that is read here, and not too large."""
    name = path.name
    with path.open("rb") as file:
        if format_of(file.read(256)) in (None, "EXR"):  # browsers show no light
            error = f"`{name}` is not an image that is read here; expected {TAKEN}."
            raise Fault(415, error, argument=name, reason="type")
    try:
        height, width = image_size(path)
    except (ValueError, ImportError) as fault:
        raise ValueError(str(fault).replace(str(path), f"`{name}`")) from None
    if height * width > most_pixels:
        error = f"`{name}` has {width} × {height} pixels; expected at most {most_pixels:,}."
        raise Fault(422, error, argument=name, reason="large")


def safe_name(name: str | None) -> str:
    """Return a name that files may have anywhere, made of the one that a client gave.

    Examples
    --------
    >>> safe_name("../holiday/café 1.jpg")
    'café 1'
    """
    last = re.split(r"[/\\]", name or "")[-1]
    stem = last.rpartition(".")[0] or last
    return re.sub(r"[^\w -]", "_", stem)[:80].strip(" _") or "picture"
