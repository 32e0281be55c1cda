"""What a process does with a picture of a batch: read it, find its alpha, write it."""

from __future__ import annotations

import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from alphamat.batch.planning import Planned, Recipe
from alphamat.door import as_image
from alphamat.faults import place, told
from alphamat.foreground import cutout, estimate_foreground
from alphamat.io.images import read_image, read_picture, write_image
from alphamat.io.profiles import as_rgb
from alphamat.method import Need, run, takes
from alphamat.photograph import cutout_photo


class Made(NamedTuple):
    """What came of a picture."""

    size: int = 0
    """Bytes of the file."""
    seconds: float = 0.0
    warning: str = ""
    step: str = ""
    """What failed: reading, matting or writing."""
    error: str = ""


def make(recipe: Recipe, group: Sequence[Planned], clock: Callable[[bool], None]) -> list[Made]:
    """Make the files of some pictures; the next picture is read while one is worked on."""
    made: list[Made] = []
    hinted = all(one.picture.trimap is not None for one in group)
    with _alone_at_first(hinted), _warned() as caught, ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(_read, group[0])
        for one, after in zip(group, [*group[1:], None], strict=True):
            read, before = ahead, len(caught)
            if after is not None:
                ahead = reader.submit(_read, after)
            found = _made(recipe, one, read.result)
            messages = (" ".join(str(x.message).split()) for x in caught[before:])
            made.append(found._replace(warning="; ".join(dict.fromkeys(messages))))
    return made


_loading, _loaded = threading.Lock(), set[bool]()


@contextmanager
def _alone_at_first(hinted: bool) -> Iterator[None]:
    """Let no two threads import the same modules at once, which some modules do not survive."""
    if hinted in _loaded:
        yield
        return
    with _loading:
        yield
        _loaded.add(hinted)


def _warned() -> AbstractContextManager[list[Any]]:
    """Gather warnings; in threads, which share them with others, there are none."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext([])
    return warnings.catch_warnings(record=True, category=UserWarning, action="always")


class _Read(NamedTuple):
    pixels: np.ndarray
    profile: bytes | None
    trimap: np.ndarray | None


def _read(one: Planned) -> _Read:
    trimap = None if one.picture.trimap is None else read_image(one.picture.trimap)
    return _Read(*read_picture(one.picture.image), trimap)


def _made(recipe: Recipe, one: Planned, read: Callable[[], _Read]) -> Made:
    step, start = "reading", time.perf_counter()
    try:
        found = read()
        profile = None
        if recipe.kind == "cutout":
            profile = as_rgb(found.profile, name=str(one.picture.image))
        step = "matting"
        pixels = _computed(recipe, found)
        step = "writing"
        one.output.parent.mkdir(parents=True, exist_ok=True)
        write_image(one.output, pixels, bits=recipe.bits, profile=profile)
        size = os.stat(one.output).st_size
    except (Exception, SystemExit) as fault:
        return Made(step=step, error=_in_a_sentence(fault))
    return Made(size, time.perf_counter() - start)


def _computed(recipe: Recipe, read: _Read) -> np.ndarray:
    """Return an alpha or a cut-out."""
    method = recipe.method
    if recipe.kind == "alpha":
        return run(method, read.pixels, read.trimap).alpha
    image = as_image(read.pixels)
    if read.trimap is None and takes(method).trimap is Need.YES:
        return cutout_photo(image, segment=recipe.segment, matte=method, doubt=recipe.doubt).rgba
    alpha, foreground = run(method, read.pixels, read.trimap)
    if foreground is None:
        foreground = estimate_foreground(image, alpha).foreground
    return cutout(foreground, alpha)


def _in_a_sentence(fault: BaseException) -> str:
    """Return what a fault says; of a mistake in a program, with its kind and its line."""
    known = isinstance(fault, ValueError | OSError | MemoryError) or str(fault).startswith("`")
    message = " ".join(str(fault).split())
    return message if known and message else told(fault) + place(fault)
