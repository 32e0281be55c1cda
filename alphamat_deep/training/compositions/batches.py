"""Batches of samples, without end."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import numpy as np

from alphamat.door import as_count
from alphamat_deep.training.compositions.composing import compose as plain
from alphamat_deep.training.compositions.entries import Sample
from alphamat_deep.training.compositions.stream import Compose, Stream, as_backgrounds, as_source
from alphamat_deep.training.compositions.workers import in_processes, in_this_process

AHEAD = 2  # batches that wait, beside the one that is handed over


def batches(
    source: Iterable[Any],
    backgrounds: Any,
    compose: Compose = plain,
    *,
    batch: int,
    seed: int = 0,
    workers: int = 2,
    start: int = 0,
    shard: tuple[int, int] = (0, 1),
    report: Callable[[str], None] | None = None,
) -> Batches:
    """Compose batches without end.

    Sample i of the stream is a function of `seed` and i alone. In each epoch every foreground comes
    once, in a new order, and likewise every background.

    Parameters
    ----------
    source : sequence of Entry, path of a folder of cut-outs, or arrays
        See `cutouts`, `clips`, `composed`, `painted` and `arrays`.
    backgrounds : sequence of Entry, path of a folder, colour, sequence of arrays, or None
        See `plates` and `backdrops`. A colour is three numbers in [0, 1]. With None, pictures stay
        as they are, and foregrounds come before backgrounds of their own.
    compose : function
        From the layers of one entry and a random generator to a sample: a dict of arrays that have
        the same shapes for all samples of a batch.
    batch : int
        Samples of a batch, of all shards together.
    seed : int
        Decides what comes when, and all that `compose` draws.
    workers : int
        Processes that compose; 0 composes in this one.
    start : int
        Samples of the stream to leave out: the `position` of a run that is to go on, with any
        number of workers.
    shard : two int
        Which part of each batch to compose, and of how many; the parts of all hosts, one behind the
        other, are the batch.
    report : function, optional
        Hears once of each file that cannot be read, and of processes that died. They are warnings
        by default.

    Returns
    -------
    Batches

    Raises
    ------
    ValueError
        If an argument is not as above.

    Examples
    --------
    >>> from functools import partial
    >>> small = partial(plain, size=32)
    >>> with batches(painted(48, 64), (0, 0.5, 0), small, batch=2, workers=0) as stream:
    ...     first, second = next(stream), next(stream)
    >>> first["image"].shape, first["trimap"].dtype.name, stream.position
    ((2, 32, 32, 3), 'float32', 4)
    >>> with batches(painted(48, 64), (0, 0.5, 0), small, batch=2, workers=0, start=2) as stream:
    ...     bool((next(stream)["image"] == second["image"]).all())
    True
    """
    index, parts = shard
    batch, parts = as_count(batch, "batch"), as_count(parts, "shard[1]")
    index = as_count(index, "shard[0]", least=0, most=parts - 1)
    if batch % parts:
        raise ValueError(f"`batch` is {batch}, which {parts} shards cannot share equally.")
    seed, start = (
        as_count(value, name, least=0, most=None)
        for value, name in ((seed, "seed"), (start, "start"))
    )
    workers = as_count(workers, "workers", least=0)
    stream = Stream(as_source(source), as_backgrounds(backgrounds), compose, seed)
    own = batch // parts
    numbers = (at + index * own + row for at in count(start, batch) for row in range(own))
    if workers:
        ahead = -(-(AHEAD + 1) * own // workers)
        made = in_processes(stream, numbers, processes=workers, ahead=ahead)
    else:
        made = in_this_process(stream, numbers)
    return Batches(made, batch=batch, own=own, position=start, report=report)


class Batches(Iterator[Sample]):
    """Batches, from the position of the stream where they start.

    Processes end when it is closed, when it is no longer used, or with the program.
    """

    position: int
    """Samples before the next batch, of all shards together."""
    skipped: int
    """Entries in the place of which another was drawn."""

    def __init__(self, made, *, batch, own, position, report):
        self._made, self._batch, self._own, self._report = made, batch, own, report
        self._told: set[str] = set()
        self.position, self.skipped = position, 0

    def __next__(self) -> Sample:
        stacked: Sample = {}
        for row in range(self._own):
            sample, faults, notes = next(self._made)
            self.skipped += len(faults)
            for text in (*faults, *notes):
                self._tell(text)
            if not row:
                stacked = {
                    key: np.empty((self._own, *x.shape), x.dtype) for key, x in sample.items()
                }
            _fill(stacked, row, sample)
        self.position += self._batch
        return stacked

    def _tell(self, text: str) -> None:
        if text in self._told:
            return
        self._told.add(text)
        if self._report is None:
            warnings.warn(text, stacklevel=3)
        else:
            self._report(text)

    def close(self) -> None:
        """End the processes."""
        self._made.close()

    def __enter__(self) -> Batches:
        return self

    def __exit__(self, *_) -> None:
        self.close()


def _fill(batch: Sample, row: int, sample: Sample) -> None:
    first = {key: x.shape[1:] for key, x in batch.items()}
    other = {key: x.shape for key, x in sample.items()}
    if first != other:
        raise ValueError(
            f"`compose` returned arrays of {first} for one sample of a batch, and of {other} for "
            "another; expected the same."
        )
    for key, x in sample.items():
        batch[key][row] = x
