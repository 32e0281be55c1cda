"""Batches of samples, without end."""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

from alphamat.door import as_count
from alphamat_deep.training.compositions.composing import compose_square
from alphamat_deep.training.compositions.stream import Compose, Composed, Stream, stream_of
from alphamat_deep.training.compositions.workers import in_processes, in_this_process
from alphamat_deep.training.sample import Sample


def batches(
    source: Iterable[Any],
    backgrounds: Any,
    compose: Compose = compose_square,
    *,
    batch: int,
    seed: int = 0,
    workers: int = 2,
    ahead: int = 2,
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
        From the layers of one entry and a random generator to a sample: a dict of arrays, whose
        shapes are the same in all samples of a batch. A function that has a parameter `draw` also
        gets a function without arguments, which returns the layers of another entry.
    batch : int
        Samples of a batch, of all shards together.
    seed : int
        Decides what comes when, and all that `compose` draws.
    workers : int
        Processes that compose; 0 composes in this one.
    ahead : int
        Batches that processes compose while one is used.
    start : int
        Batches to leave out: the `position` of a run that is to go on, with any number of workers.
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
    >>> from alphamat_deep.training.compositions import compose_square, painted
    >>> small = partial(compose_square, size=32)
    >>> with batches(painted(48, 64), (0, 0.5, 0), small, batch=2, workers=0) as stream:
    ...     first, second = next(stream), next(stream)
    >>> first["image"].shape, first["trimap"].dtype.name, stream.position
    ((2, 32, 32, 3), 'float32', 2)
    >>> with batches(painted(48, 64), (0, 0.5, 0), small, batch=2, workers=0, start=1) as stream:
    ...     bool((next(stream)["image"] == second["image"]).all())
    True
    """
    index, parts = shard
    batch, parts = as_count(batch, "batch"), as_count(parts, "shard[1]")
    index = as_count(index, "shard[0]", least=0, most=parts - 1)
    if batch % parts:
        raise ValueError(f"`batch` is {batch}, which {parts} shards cannot share equally.")
    start = as_count(start, "start", least=0, most=None)
    workers, ahead = (
        as_count(value, name, least=0) for value, name in ((workers, "workers"), (ahead, "ahead"))
    )
    stream = stream_of(source, backgrounds, compose, seed)
    own = batch // parts
    numbers = (
        at * batch + index * own + row for at in itertools.count(start) for row in range(own)
    )
    if workers:
        each = -(-(ahead + 1) * own // workers)
        made = in_processes(stream, numbers, processes=workers, ahead=each)
    else:
        made = in_this_process(stream, numbers)
    return Batches(made, own, start, report)


def samples(
    source: Iterable[Any],
    backgrounds: Any,
    compose: Compose = compose_square,
    *,
    count: int | None = None,
    seed: int = 0,
) -> Sequence[Sample]:
    """Return the first samples of a stream, such as a validation needs, which are always the same.

    Parameters
    ----------
    source, backgrounds, compose, seed
        As in `batches`.
    count : int, optional
        By default one sample for each entry. Each is composed when it is taken.

    Examples
    --------
    >>> from alphamat_deep.training.compositions import painted
    >>> held_out = samples(painted(48, 64), (0, 0.5, 0), count=3)
    >>> len(held_out), held_out[2]["image"].shape
    (3, (512, 512, 3))
    """
    stream = stream_of(source, backgrounds, compose, seed)
    length = len(stream.source) if count is None else as_count(count, "count")
    return Samples(stream, range(length))


@dataclass(frozen=True)
class Samples(Sequence[Sample]):
    """Samples of a stream."""

    stream: Stream
    numbers: range

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> Samples: ...
    def __getitem__(self, index: int | slice) -> Sample | Samples:
        if isinstance(index, slice):
            return Samples(self.stream, self.numbers[index])
        sample, faults, _ = self.stream(self.numbers[index])
        for fault in faults:
            warnings.warn(fault, stacklevel=2)
        return sample


class Batches(Iterator[Sample]):
    """An endless iterator. Its processes end when it is closed or no longer used."""

    position: int
    """Which batch comes next, counted from 0."""
    faults: Counter[str]
    """What was said of entries in the place of which another was drawn, and how often."""

    def __init__(
        self,
        made: Generator[Composed],
        count: int,
        position: int,
        report: Callable[[str], None] | None,
    ):
        self._made, self._count, self._report = made, count, report
        self._told: set[str] = set()
        self.position, self.faults = position, Counter()

    @property
    def skipped(self) -> int:
        """Entries in the place of which another was drawn."""
        return self.faults.total()

    def __next__(self) -> Sample:
        stacked: Sample = {}
        for row in range(self._count):
            sample, faults, notes = next(self._made)
            self.faults.update(faults)
            for text in (*faults, *notes):
                self._tell(text)
            if not row:
                stacked = {
                    key: np.empty((self._count, *x.shape), x.dtype) for key, x in sample.items()
                }
            _fill(stacked, row, sample)
        self.position += 1
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
