"""Make the alphas, or the cut-outs, of many pictures."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import Any, NamedTuple

from alphamat.batch.inputs import Found
from alphamat.batch.journal import Errors, Journal
from alphamat.batch.planning import Plan, Planned, Recipe, plan
from alphamat.batch.work import Made, make
from alphamat.io.images import image_size
from alphamat.method import Method
from alphamat.methods.learned import learned
from alphamat.progress import Bar, Step, bar, tell
from alphamat.rules import NetworkMethod
from alphamat.segmentation import segment as segmented
from alphamat.workers import Ended, Task, as_jobs, spread

WINDOW = 256
"""A network is given pictures of one size together, as far as so many are known ahead."""
TOGETHER = 8
"""So many of them are one task at most."""


class Outcome(NamedTuple):
    """What came of a batch."""

    done: int
    """Pictures that this run has finished."""
    there: int
    """Pictures that were finished before."""
    failed: int
    warned: int
    """How many of the done the method warned of; the journal has the warnings."""
    seconds: float
    errors: Path | None
    """The table of pictures that failed; None if none has."""


def run(
    inputs: str | os.PathLike[str] | Iterable,
    out: str | os.PathLike[str],
    *,
    method: Method = learned,
    kind: str = "alpha",
    trimaps: str | os.PathLike[str] | None = None,
    jobs: int | None = None,
    devices: Sequence[str] = (),
    shard: tuple[int, int] = (1, 1),
    segment: Callable[..., Any] = segmented,
    doubt: float = 0.5,
    bits: int | str | None = None,
    progress: bool = True,
) -> Outcome:
    """Make the alpha, or the cut-out, of each picture, and write it to a folder.

    What goes wrong with a picture is written down, and the others go on. A run that was stopped, or
    killed, goes on where it was if it is called again: finished pictures are not made again, unless
    they, their trimaps, the method or an option have changed. Files are written whole or not at
    all.

    Parameters
    ----------
    inputs : path of a folder, pattern, path of a manifest, or iterable
        See `pictures_of`. Or paths, pairs of paths (image, trimap), and `Picture`, any number of
        them, which are drawn when they are needed.
    out : path of a folder
        Made if missing. `errors.csv` there has the pictures that failed; they are tried again by
        the next run.
    method : Method
        It is handed to other processes. A network that takes no trimap is given none.
    kind : "alpha" or "cutout"
        A cut-out is RGBA with the foreground's own colours. Where the method needs a trimap and a
        picture has none, its foreground is found as `cutout_photo` does.
    trimaps : path of a folder, optional
        See `pictures_of`.
    jobs : int, optional
        How many processes work at a time, as joblib counts them: -1 means one per core. By default
        one, or as many as `joblib.parallel_config` says, which can also hand the work to a cluster:
        `with joblib.parallel_config("dask"): batch.run(…)`.
    devices : sequence of str
        Devices of CUDA, such as ["0", "1"]: one process for each, in place of `jobs`.
    shard : (int, int)
        (3, 64) does the third of 64 parts. All parts may run at once, into one folder.
    segment, doubt
        As in `cutout_photo`.
    bits : 8, 16, "half" or "float", optional
        See `write_image`.
    progress : bool
        Show a bar while stderr is a terminal.

    Returns
    -------
    Outcome

    Raises
    ------
    TypeError, ValueError, OSError
        If an argument is refused, `out` has files that no batch wrote, or another run writes there.
    ChildProcessError
        If no process can be started.

    Notes
    -----
    Where a process dies, by the system when memory runs out or by a fault in compiled code, its
    picture is tried once more, alone, at the end. Pictures are told apart by path, size and time of
    change; a method by its name, its options, and the digest of a network's weights.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> import alphamat
    >>> from alphamat import batch, examples
    >>> with TemporaryDirectory() as folder:
    ...     image, trimap = (Path(folder, name) for name in ("lady.png", "lady_trimap.png"))
    ...     for path, pixels in zip((image, trimap), examples.astronaut()):
    ...         alphamat.write_image(path, pixels)
    ...     outcome = batch.run([(image, trimap)], Path(folder, "out"), method=alphamat.closed_form)
    ...     Path(folder, "out", "lady_alpha.png").exists(), outcome.failed
    (True, 0)
    """
    todo = plan(
        inputs,
        out,
        method=method,
        kind=kind,
        trimaps=trimaps,
        shard=shard,
        segment=segment,
        doubt=doubt,
        bits=bits,
    )
    jobs, devices = as_jobs(jobs), _as_devices(devices)
    with closing(Journal(todo.out, todo.shard)) as journal:
        total = todo.count() if isinstance(todo.inputs, Found | Sequence) else None
        with bar("starting", total=total, shown=progress) as shown:
            tally = _Tally(journal, Errors(todo.out, todo.shard), shown, total)
            work = spread(
                make,
                _tasks(todo, tally),
                jobs=len(devices) or jobs,
                environments=[{"CUDA_VISIBLE_DEVICES": x} for x in devices] or [{}],
                parts=_parts,
            )
            with closing(work) as results:
                for ended in results:
                    tally.count(ended)
    return tally.outcome()


def _as_devices(devices: Sequence[str]) -> Sequence[str]:
    if isinstance(devices, str) or not all(isinstance(x, str) and x for x in devices):
        raise TypeError(f"`devices` is {devices!r}; expected a list of names, such as ['0', '1'].")
    return devices


def _tasks(todo: Plan, tally: _Tally) -> Iterator[Task]:
    """Yield tasks; what is finished, or cannot be done, is counted at once."""
    method = todo.recipe.method
    while isinstance(method, partial):
        method = method.func
    left = _left(todo, tally)
    groups = _by_size(left) if isinstance(method, NetworkMethod) else ((one,) for one in left)
    for group in groups:
        yield _task(todo.recipe, group)


def _task(recipe: Recipe, group: tuple[Planned, ...]) -> Task:
    return Task(group[0].name, "recipe", recipe, group)


def _parts(task: Task) -> list[Task]:
    return [_task(task.shared, (one,)) for one in task.rest]


def _left(todo: Plan, tally: _Tally) -> Iterator[Planned]:
    for one in todo:
        if one.finished:
            tally.skip()
        elif one.fault:
            tally.fail(one, "planning", one.fault)
        else:
            yield one


def _by_size(left: Iterator[Planned]) -> Iterator[tuple[Planned, ...]]:
    """Group pictures of one size, so that a process compiles a network for it once."""
    while window := [(_size(one), one) for one in islice(left, WINDOW)]:
        window.sort(key=lambda pair: pair[0])
        for _, same in groupby(window, key=lambda pair: pair[0]):
            ones = [one for _, one in same]
            for at in range(0, len(ones), TOGETHER):
                yield tuple(ones[at : at + TOGETHER])


def _size(one: Planned) -> tuple[int, int]:
    try:
        return image_size(one.picture.image)
    except (OSError, ValueError):  # whoever works on it tells
        return 0, 0


class _Tally:
    """What has become of the pictures, as it is written down and shown; from any thread."""

    def __init__(self, journal: Journal, errors: Errors, shown: Bar, total: int | None):
        self.journal, self.errors, self.shown, self.total = journal, errors, shown, total
        self.counts, self.lock, self.start = Counter[str](), threading.Lock(), time.monotonic()

    def count(self, ended: Ended) -> None:
        """Count what a process made of a task."""
        made = ended.value or [Made(step="process", error=ended.error)] * len(ended.task.rest)
        for one, what in zip(ended.task.rest, made, strict=True):
            if what.error:
                self.fail(one, what.step, what.error)
                continue
            image = one.picture.image
            more: dict[str, Any] = {"seconds": round(what.seconds, 4)}
            if what.warning:
                more["warning"] = what.warning
            self.journal.add(one.name, image, one.made_of, what.size, **more)
            self._advance("done", *(["warned"] if what.warning else []))

    def fail(self, one: Planned, step: str, error: str) -> None:
        self.errors.add(one.picture.image, one.name, step, error)
        self._advance("failed")

    def skip(self) -> None:
        self._advance("there")

    def _advance(self, *states: str) -> None:
        with self.lock:
            self.counts.update(states)
            seconds = max(time.monotonic() - self.start, 1e-3)
            text = f"{(self.counts['done'] + self.counts['failed']) / seconds:.2f} pictures/s"
            if self.counts["failed"]:
                text += f", {self.counts['failed']} failed"
            self.shown.advance(text)
            over = sum(self.counts[state] for state in ("done", "failed", "there"))
        tell(Step(text, over / self.total if self.total else None))

    def outcome(self) -> Outcome:
        counts = self.counts
        return Outcome(
            counts["done"],
            counts["there"],
            counts["failed"],
            counts["warned"],
            time.monotonic() - self.start,
            self.errors.path if counts["failed"] else None,
        )
