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
from alphamat.colours import (
    Photograph,
    cutout_of,
    exact_layers,
    foreground_of,
    read_photograph,
    write_coloured,
)
from alphamat.faults import place, told
from alphamat.io.images import read_image
from alphamat.method import Matte, Need, run, takes
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
        ahead = reader.submit(_read, recipe.kind, group[0])
        for one, after in zip(group, [*group[1:], None], strict=True):
            read, before = ahead, len(caught)
            if after is not None:
                ahead = reader.submit(_read, recipe.kind, after)
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
    photograph: Photograph
    trimap: np.ndarray | None


def _read(kind: str, one: Planned) -> _Read:
    trimap = None if one.picture.trimap is None else read_image(one.picture.trimap)
    image = one.picture.image
    return _Read(read_photograph(image, {kind: one.output}, name=str(image)), trimap)


def _made(recipe: Recipe, one: Planned, read: Callable[[], _Read]) -> Made:
    step, start = "reading", time.perf_counter()
    try:
        found = read()
        step = "matting"
        pixels = _computed(recipe, found)
        step = "writing"
        one.output.parent.mkdir(parents=True, exist_ok=True)
        write_coloured(one.output, pixels, found.photograph.colours, bits=recipe.bits)
        size = os.stat(one.output).st_size
    except (Exception, SystemExit) as fault:
        return Made(step=step, error=_in_a_sentence(fault))
    return Made(size, time.perf_counter() - start)


def _computed(recipe: Recipe, read: _Read) -> np.ndarray:
    """Return an alpha or a cut-out."""
    method, (photograph, trimap) = recipe.method, read
    if recipe.kind == "cutout" and trimap is None and takes(method).trimap is Need.YES:
        options = {"segment": recipe.segment, "doubt": recipe.doubt, "layers": exact_layers}
        cut = cutout_photo(photograph.image, matte=method, **options)
        matte = Matte(cut.alpha, cut.foreground)
    else:
        matte = run(method, photograph.seen, trimap)
    if recipe.kind == "alpha":
        return matte.alpha
    return cutout_of(photograph, foreground_of(photograph, matte), matte.alpha)


def _in_a_sentence(fault: BaseException) -> str:
    """Return what a fault says; of a mistake in a program, with its kind and its line."""
    known = isinstance(fault, ValueError | OSError | MemoryError) or str(fault).startswith("`")
    message = " ".join(str(fault).split())
    return message if known and message else told(fault) + place(fault)
