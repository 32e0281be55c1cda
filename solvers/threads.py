"""Share a compiled loop among threads.

A loop is a kernel `loop(first, last, …)` that releases the GIL. Waiting threads sleep, so that
other processes may have the cores: OpenMP's spin, and made solves up to forty times slower on a
machine with other work. Nor does this forbid `fork`, or calls from several threads at once.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from functools import cache
from itertools import pairwise

GRAIN = 400_000  # array elements; what a thread must have to do before waking it pays
MOST_THREADS = 8  # the loops wait for memory, which more threads do not make faster


def shares(loop, bounds, work: int, *arguments) -> list:
    """Run loop(first, last, *arguments) over bounds[0] … bounds[-1], cut at any of `bounds`.

    Between neighbours in `bounds` lies about equal work; `work` is the total, in array elements.
    Returns what the loop returns for each piece.
    """
    count = _threads(work)
    cuts = [bounds[(len(bounds) - 1) * t // count] for t in range(count + 1)]
    return _run(loop, list(pairwise(cuts)), arguments)


def evenly(loop, size: int, work: int, *arguments) -> list:
    """`shares` of range(size)."""
    count = _threads(work)
    return _run(
        loop, [(size * t // count, size * (t + 1) // count) for t in range(count)], arguments
    )


def apart(loop, strips, work: int, *arguments) -> None:
    """`shares` of strips each of which writes to its neighbours too: no two of these at a time.

    The strips before the cuts are left to the end.
    """
    count = _threads(work)
    wanted = (strips[-1] * t // count for t in range(1, count))
    cuts = sorted({min(max(bisect_left(strips, w), 1), len(strips) - 1) for w in wanted})
    starts = [strips[0], *(strips[cut] for cut in cuts)]
    ends = [*(strips[cut - 1] for cut in cuts), strips[-1]]
    _run(loop, list(zip(starts, ends, strict=True)), arguments)
    for cut in cuts:
        loop(strips[cut - 1], strips[cut], *arguments)


def _run(loop, pieces: list, arguments) -> list:
    others = [_pool().submit(loop, *piece, *arguments) for piece in pieces[1:]]
    return [loop(*pieces[0], *arguments), *(other.result() for other in others)]


def _threads(work: int) -> int:
    return max(1, min(_most_threads(), work // GRAIN))


@cache
def _most_threads() -> int:
    from numba import config  # the cores we may run on, or what NUMBA_NUM_THREADS says

    return min(config.NUMBA_NUM_THREADS, MOST_THREADS)


@cache
def _pool():
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_most_threads(), thread_name_prefix="solvers")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
