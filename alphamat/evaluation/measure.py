"""One method on one sample: its alpha, its scores, its cost and its faults."""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import NamedTuple

import numpy as np

from alphamat import memory, metrics
from alphamat.door import as_alpha, as_image
from alphamat.door.image import as_plane
from alphamat.method import Method, Need, run, takes
from alphamat.system import ConvergenceWarning, collecting


class Row(NamedTuple):
    """What one method did on one sample."""

    method: str
    name: str
    group: str
    sad: float = math.nan
    mse: float = math.nan
    mad: float = math.nan
    grad: float = math.nan
    conn: float = math.nan
    seconds: float = math.nan
    """Wall time of the call alone, without reading and scoring."""
    peak_memory: float = math.nan
    """The process's peak during the call less what it held before, in bytes. NaN without /proc, and
    in threads, which share their process's memory."""
    converged: bool | None = None
    """False if a solver stopped short of its tolerance; None if none was seen."""
    warning: str = ""
    error: str = ""
    """Why there is no alpha, or no score."""


Key = tuple[str, str, str]
"""Method, name and group of a task."""


class Task(NamedTuple):
    """What a worker needs to know; it may be on another machine."""

    key: Key
    call: Callable
    samples: Sequence
    """One sample, which may not have been read yet."""
    region: Callable | None
    quantise: bool


class Finished(NamedTuple):
    row: Row
    alpha: bytes | None  # a PNG, 8 bits


def measure(task: Task) -> Finished:
    """Run a method on a sample; whatever it raises becomes the row's `error`."""
    row, picture = Row(*task.key), None
    try:
        sample = task.samples[0]
        image, trimap = as_image(sample.image), sample.trimap
        if trimap is not None:
            trimap = as_plane(trimap, name="trimap")
        plate = None if sample.plate is None else as_image(sample.plate, name="plate")
        alpha, spent = _run(task.call, image, trimap, plate)
        row = row._replace(**spent)
        alpha = as_alpha(alpha, shape=image.shape[:2])
        picture = _png(alpha)
        if sample.truth is not None:
            row = row._replace(**_scores(alpha, sample, task.region, task.quantise))
    except Exception as fault:
        told = " ".join(f"{type(fault).__name__}: {fault}".split())
        row = row._replace(error=told)
    return Finished(row, picture)


def _run(method: Method, image: np.ndarray, trimap, plate) -> tuple[np.ndarray, dict]:
    """Return a method's alpha and what it cost, as fields of `Row`.

    Of trimap and plate the method is given what it takes.
    """
    # The peak of a process and its list of warnings say nothing of one among several threads.
    alone = threading.current_thread() is threading.main_thread()
    needs, solutions = takes(method), []
    trimap = None if needs.trimap is Need.NO else trimap
    plate = None if needs.plate is Need.NO else plate
    with _recorded() if alone else nullcontext([]) as caught, collecting(solutions):
        held = memory.forget_peak() if alone else math.nan
        start = time.perf_counter()
        alpha = run(method, image, trimap, plate).alpha
        seconds = time.perf_counter() - start
        peak = memory.peak() - held
    early = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    converged = all(solution.converged for solution in solutions) and not early
    return alpha, {
        "seconds": seconds,
        "peak_memory": peak,
        "converged": converged if solutions or early else None,
        "warning": "; ".join(dict.fromkeys(str(warning.message) for warning in caught)),
    }


def _scores(alpha: np.ndarray, sample, region: Callable | None, quantise: bool) -> dict:
    scored = sample.trimap if region is None else region(sample)
    return metrics.all(alpha, sample.truth, scored, quantise=quantise)._asdict()


@contextmanager
def _recorded() -> Iterator[list]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield caught


def _png(alpha: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", np.rint(255 * alpha).astype(np.uint8))[1].tobytes()
