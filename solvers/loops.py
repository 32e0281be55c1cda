"""Compiled loops, and threads that share them.

A kernel is a function that numba compiles on its first call; until then numba is not imported. A
loop is a kernel `loop(first, last, …)`. It releases the GIL, so threads can share its range.
Waiting threads sleep and leave the cores to other processes: OpenMP's spin, and made solves up to
forty times slower on a machine with other work. `fork`, and calls from several threads at once,
are safe.
"""

from __future__ import annotations

import os
import sys
import threading
from bisect import bisect_left
from collections.abc import Callable
from functools import cache, update_wrapper
from itertools import pairwise

import numpy as np

# Sums may be reordered and multiply-adds fused; NaN, infinity and division keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz"}
PARTS = 64  # that threads may divide among themselves
GRAIN = 400_000  # array elements; what a thread must have to do before waking it pays
MOST_THREADS = 8  # the loops wait for memory, which more threads do not make faster


def jit(function=None, /, **options):
    """Make a kernel of a function: compiled on its first call, and cached where that is possible.

    Parameters
    ----------
    function : callable
        Takes arrays and numbers, and writes its results into the last of them.
    **options
        Numba's, where they differ from ours.
    """
    if function is None:
        return lambda decorated: jit(decorated, **options)
    return Kernel(function, options)


class Kernel:
    """A function that numba compiles when it is first called, from Python or from a kernel."""

    def __init__(self, function: Callable, options: dict):
        self.py_func, self._options = function, options
        self._dispatcher = None
        update_wrapper(self, function)

    def __call__(self, *arguments):
        return (self._dispatcher or self.dispatcher())(*arguments)

    def __reduce__(self) -> str:
        return self.__qualname__  # pickle finds it by its name

    def dispatcher(self):
        """Return what numba makes of the function."""
        with _making:
            if self._dispatcher is None:
                self._dispatcher = _dispatcher(self.py_func, self._options)
        return self._dispatcher


_making = threading.RLock()


def _dispatcher(function: Callable, options: dict):
    numba, notice = _numba()
    options = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH} | options
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # numba found no place for a cache
        notice.often = "in each process: no folder for a cache can be written"
        return numba.njit(**options)(function)


@cache
def _numba():
    """Import numba, teach it what kernels are, and announce the first compilation."""
    import numba
    from numba.core import event
    from numba.extending import typeof_impl

    class Notice(event.Listener):
        said = False
        often = "once"

        def on_start(self, event):
            ours = event.data["dispatcher"].py_func.__module__.endswith("_kernels")
            if ours and not self.said:
                self.said = True
                print(
                    f"Compiling kernels for this machine; this takes some seconds, {self.often}.",
                    file=sys.stderr,
                )

        def on_end(self, event):
            pass

    @typeof_impl.register(Kernel)
    def typeof_kernel(kernel, context):
        return typeof_impl(kernel.dispatcher(), context)

    notice = Notice()
    event.register("numba:compile", notice)
    return numba, notice


def equal_parts(sizes: np.ndarray) -> np.ndarray:
    """Return bounds that cut items of these sizes into PARTS of about equal size."""
    done = np.concatenate([[0], np.cumsum(sizes)])
    return np.searchsorted(done, np.linspace(0, done[-1], PARTS + 1))


def over_bounds(loop, bounds, work: int, *arguments) -> list:
    """Run loop(first, last, *arguments) over bounds[0] … bounds[-1], cut at any of `bounds`.

    Between neighbours in `bounds` lies about equal work; `work` is the total, in array elements.
    Returns what the loop returns for each piece.
    """
    count = _threads(work)
    cuts = [bounds[(len(bounds) - 1) * t // count] for t in range(count + 1)]
    return _run(loop, list(pairwise(cuts)), arguments)


def over_range(loop, size: int, work: int, *arguments) -> list:
    """Run loop(first, last, *arguments) over range(size); otherwise as `over_bounds`."""
    count = _threads(work)
    return _run(
        loop, [(size * t // count, size * (t + 1) // count) for t in range(count)], arguments
    )


def over_strips(loop, strips, work: int, *arguments) -> None:
    """Run loop(first, last, *arguments) over strips[0] … strips[-1], of which each has two ends.

    The loop writes to the strip before its own and to the strip behind it, too. So two threads are
    never at work in neighbouring strips: the strips at the cuts wait until all others are done.
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
