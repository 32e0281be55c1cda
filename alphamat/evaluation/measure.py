"""One method on one sample: its alpha, its scores, its cost and its faults."""

from __future__ import annotations

import math
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np

from alphamat import memory, metrics
from alphamat.door import as_alpha, as_image
from alphamat.door.image import as_plane
from alphamat.evaluation.warmth import loads
from alphamat.faults import place, told
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
    """Wall time of the call alone, without reading, compiling and scoring."""
    peak_memory: float = math.nan
    """The process's peak during the call less what it held before, in bytes. NaN without /proc, and
    in threads, which share their process's memory."""
    converged: bool | None = None
    """False if a solver stopped short of its tolerance; None if none was seen."""
    warning: str = ""
    error: str = ""
    """Why there is no alpha, or no score."""
    own: tuple[tuple[str, float], ...] = ()
    """Scores by the caller's own metrics, with their names."""

    def score(self, metric: str) -> float:
        """Return the score by a metric; NaN if there is none."""
        own = dict(self.own)
        return getattr(self, metric) if metric in metrics.METRICS else own.get(metric, math.nan)


SLACK = 1e-3
"""An alpha may leave [0, 1] by so much, as rounding errors do."""


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
    metrics: Mapping[str, Callable]
    """The caller's own."""


class Finished(NamedTuple):
    row: Row
    alpha: bytes | None  # a PNG, 8 bits
    died: bool = False
    """Whether the process that computed it died, twice."""
    limit: float | None = None
    """The time limit that it ran over, in seconds."""


def measure(task: Task, clock: Callable[[bool], None] = lambda runs: None) -> Finished:
    """Run a method on a sample; whatever it raises becomes the row's `error`.

    `clock` is told when reading the sample, and calls of the caller's functions, begin (True) and
    end (False).
    """
    row, picture = Row(*task.key), None
    try:
        clock(True)
        sample = task.samples[0]
        clock(False)
    except Exception as fault:
        return Finished(row._replace(error=told(fault)), None)
    try:
        alpha, spent = _run(task.call, sample, clock)
        row = row._replace(**spent)
        alpha, note = _clipped(alpha)
        alpha = as_alpha(alpha, shape=np.shape(sample.image)[:2])
        picture = _png(alpha)
        if sample.truth is not None:
            scores, notes = _scores(alpha, sample, task, clock)
            row = row._replace(**scores)
            note = "; ".join(filter(None, [note, *notes]))
        row = row._replace(warning="; ".join(filter(None, [row.warning, note])))
    except (Exception, SystemExit) as fault:
        row = row._replace(error=told(fault) + place(fault))
    return Finished(row, picture)


def _run(method: Method, sample, clock: Callable[[bool], None]) -> tuple[np.ndarray, dict]:
    """Return a method's alpha and what it cost, as fields of `Row`.

    A call that had to compile is made again, so that its time and memory are the method's own.
    """
    before = loads()
    clock(True)
    alpha, spent = _timed(method, *_inputs(method, sample))
    if loads() != before:
        clock(True)
        alpha, spent = _timed(method, *_inputs(method, sample))
    clock(False)
    return alpha, spent


def _inputs(method: Method, sample) -> list[np.ndarray | None]:
    """Return image, trimap and plate as far as the method takes them; it may write into them."""
    needs = takes(method)
    given = [
        (sample.image, "image", as_image),
        (None if needs.trimap is Need.NO else sample.trimap, "trimap", as_plane),
        (None if needs.plate is Need.NO else sample.plate, "plate", as_image),
    ]
    return [
        None if pixels is None else np.array(parsed(pixels, name=name))
        for pixels, name, parsed in given
    ]


def _timed(method: Method, image, trimap, plate) -> tuple[np.ndarray, dict]:
    # The peak of a process and its list of warnings say nothing of one among several threads.
    alone = threading.current_thread() is threading.main_thread()
    solutions = []
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


def _clipped(alpha) -> tuple[Any, str]:
    """Return an alpha in [0, 1], and a note where rounding errors had to be clipped for it."""
    levels = np.asarray(alpha)
    if levels.dtype.kind != "f" or not levels.size:
        return alpha, ""
    low, high = levels.min(), levels.max()
    # NaN is neither; `as_alpha` refuses it, and all that is farther off.
    if (low < 0 or high > 1) and low >= -SLACK and high <= 1 + SLACK:
        return np.clip(levels, 0, 1), f"alpha left [0, 1] by less than {SLACK:g} and was clipped"
    return alpha, ""


def _scores(
    alpha: np.ndarray, sample, task: Task, clock: Callable[[bool], None]
) -> tuple[dict, list[str]]:
    """Return the scores as fields of `Row`, and what went wrong in the caller's own metrics."""
    scored = sample.trimap if task.region is None else task.region(sample)
    scores = metrics.all(alpha, sample.truth, scored, quantise=task.quantise)._asdict()
    own, notes = [], []
    for name, metric in task.metrics.items():
        clock(True)
        try:
            own.append((name, _number(metric(*_planes(alpha, sample.truth, scored, task)))))
        except Exception as fault:
            own.append((name, math.nan))
            notes.append(f"metric {name}: {told(fault)}{place(fault)}")
    clock(False)
    return {**scores, "own": tuple(own)}, notes


def _planes(alpha, truth, scored, task: Task) -> list[np.ndarray | None]:
    """Return what a metric is given; it may write into it."""
    planes = [np.array(as_plane(levels, name="truth")) for levels in (alpha, truth)]
    if task.quantise:
        planes = [np.rint(255 * plane) / 255 for plane in planes]
    trimap = None if scored is None else np.array(as_plane(scored, name="trimap"))
    return [*planes, trimap]


def _number(value) -> float:
    number = np.asarray(value)
    if number.ndim or number.dtype.kind not in "fiu":
        raise TypeError(f"it returned {value!r:.80}; expected a number.")
    return float(number)


@contextmanager
def _recorded() -> Iterator[list]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield caught


def _png(alpha: np.ndarray) -> bytes:
    import cv2

    return cv2.imencode(".png", np.rint(255 * alpha).astype(np.uint8))[1].tobytes()
