"""Compiled loops, and threads that share them.

A kernel is a function that numba compiles on its first call; until then numba is not imported. A
loop is a kernel, or any function, `loop(first, last, …)`. Kernels release the GIL, so threads can
share the range of a loop. A waiting thread sleeps and leaves its core to other processes: OpenMP's
threads spin, which made solves up to forty times slower on a machine with other work. Several
threads may call a kernel at once, also for the first time. A process that was forked may go on
calling kernels. A loop must not run loops by `over_range` and the like: its thread would wait for
threads that wait for it.

Python heeds signals such as Ctrl-C between compiled calls only. So long work is cut into pieces.
"""

from __future__ import annotations

import os
import sys
from _thread import RLock  # `threading` is not needed for more, and takes time to import
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, partial
from importlib import import_module
from itertools import chain, pairwise
from typing import Any, overload

import numpy as np

# Sums may be reordered and multiply-adds fused; NaN, infinity and division keep their meaning.
FASTMATH = {"contract", "reassoc", "nsz"}
PARTS = 1024  # of equal size, between which `equal_parts` lets threads cut
GRAIN = 400_000  # array elements of work for which it pays to wake a thread
PIECE = 200_000_000  # array elements of work, after which a loop can be interrupted: about 0.2 s
MOST_THREADS = 8  # the loops wait for memory, which more threads do not make faster


@overload
def jit(function: Callable, /) -> Kernel: ...
@overload
def jit(**options: Any) -> Callable[[Callable], Kernel]: ...
def jit(function=None, /, **options) -> Any:
    """Make a kernel of a function: compiled on its first call, and cached where that is possible.

    Parameters
    ----------
    function : callable
        Takes arrays and numbers, and writes its results into the last of them.
    **options
        Those of `numba.njit`, where ours do not suit.
    """
    if function is None:
        return partial(Kernel, options=options)
    return Kernel(function, options)


class Kernel:
    """A function that numba compiles when it is first called, from Python or from a kernel."""

    def __init__(self, function: Callable, options: dict[str, Any]):
        self.py_func, self._options = function, options
        self._dispatcher = None
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self.__module__, self.__wrapped__ = function.__module__, function

    def __call__(self, *arguments: Any) -> Any:
        return (self._dispatcher or self.dispatcher())(*arguments)

    def __reduce__(self) -> str:
        return self.py_func.__qualname__  # pickle finds a kernel by its name

    def dispatcher(self) -> Any:
        """Return what numba makes of the function."""
        with _making:
            if self._dispatcher is None:
                self._dispatcher = _dispatcher(self.py_func, self._options)
        return self._dispatcher


class Instruction:
    """What kernels call and numba does not compile: the function of this name in solvers._lanes."""

    def __init__(self, function: Callable):
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    def __call__(self, *arguments: Any) -> Any:
        raise TypeError(f"`{self.__name__}` is for kernels")

    def dispatcher(self) -> Any:
        return getattr(import_module("solvers._lanes"), self.__name__)


_making = RLock()


def _dispatcher(function: Callable, options: dict):
    from solvers import _cache

    options = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH} | options
    dispatcher = _numba().njit(**options)(function)
    with suppress(RuntimeError):  # numba finds no place for a cache
        _cache.keep(dispatcher, options)
    return dispatcher


@cache
def _numba():
    """Import numba, teach it what kernels are, and announce the first compilation."""
    from logging import getLogger

    import numba
    from numba.core import event
    from numba.core.registry import cpu_target
    from numba.extending import typeof_impl

    from solvers import _cache

    types: Any = cpu_target.typing_context

    class Notice(event.Listener):
        said = False

        def on_start(self, event):
            dispatcher = event.data["dispatcher"]
            kernel = dispatcher.py_func
            if ours := kernel.__module__.endswith("_kernels"):
                getLogger("alphamat").info("compiling %s.%s", kernel.__module__, kernel.__name__)
            if ours and not self.said:
                self.said = True
                often = "in each process: no folder for a cache can be written"
                if _cache.is_kept(dispatcher):
                    often = "once"
                print(
                    f"Compiling kernels for this machine; this takes some seconds, {often}.",
                    file=sys.stderr,
                )

        def on_end(self, event):
            pass

    @typeof_impl.register(Kernel)
    @typeof_impl.register(Instruction)
    def typeof_kernel(kernel, context):
        return types.resolve_value_type(kernel.dispatcher())

    event.register("numba:compile", Notice())
    import_module("solvers._lanes")  # before a compilation begins, which looks for what is new
    return numba


def equal_parts(sizes: np.ndarray) -> np.ndarray:
    """Return bounds that cut items of these sizes into PARTS of about equal size."""
    done = np.concatenate([[0], np.cumsum(sizes)])
    return np.searchsorted(done, np.linspace(0, done[-1], PARTS + 1))


def over_bounds(
    loop: Callable, bounds: Sequence[int] | np.ndarray, work: int, *arguments: Any
) -> list[Any]:
    """Run loop(first, last, *arguments) over bounds[0] … bounds[-1], cut only at `bounds`.

    Neighbouring `bounds` should enclose about equal work; `work` is the total, in array elements.
    Returns what the loop returns for each piece.
    """
    if work < 2 * GRAIN:  # for one thread
        return [loop(bounds[0], bounds[-1], *arguments)]
    count = threads(work)
    cuts = [(len(bounds) - 1) * t // count for t in range(count + 1)]
    shares = [_cut(*share, work // count) for share in pairwise(cuts)]
    pieces = [[(bounds[first], bounds[last]) for first, last in share] for share in shares]
    return _run(loop, pieces, arguments)


def over_range(loop: Callable, size: int, work: int, *arguments: Any) -> list[Any]:
    """Run loop(first, last, *arguments) over range(size), cut anywhere; see `over_bounds`."""
    if work < 2 * GRAIN:
        return [loop(0, size, *arguments)]
    count = threads(work)
    cuts = [size * t // count for t in range(count + 1)]
    return _run(loop, [_cut(*share, work // count) for share in pairwise(cuts)], arguments)


def over_strips(
    loop: Callable, strips: Sequence[int] | np.ndarray, work: int, *arguments: Any
) -> None:
    """Run loop(first, last, *arguments) over strips[0] … strips[-1], cut only at `strips`.

    Strip k lies between strips[k] and strips[k + 1]. The loop may also write to the two strips
    beside its own, so threads never work on neighbouring strips at the same time. The calling
    thread does the strip before each cut last, when all others are done.
    """
    if work < 2 * GRAIN:
        loop(strips[0], strips[-1], *arguments)
        return
    count = threads(work)
    wanted = (strips[-1] * t // count for t in range(1, count))
    cuts = sorted({min(max(bisect_left(strips, w), 1), len(strips) - 1) for w in wanted})
    starts = [strips[0], *(strips[cut] for cut in cuts)]
    ends = [*(strips[cut - 1] for cut in cuts), strips[-1]]
    shares = zip(starts, ends, strict=True)
    _run(loop, [_cut(*share, work // count) for share in shares], arguments)
    for cut in cuts:
        loop(strips[cut - 1], strips[cut], *arguments)


def _cut(first: int, last: int, work: int) -> list[tuple[int, int]]:
    """Cut one thread's range into pieces, between which it can be interrupted."""
    count = max(1, min(last - first, work // PIECE))
    return list(pairwise(first + (last - first) * k // count for k in range(count + 1)))


def _run(loop: Callable, shares: list[list[tuple[int, int]]], arguments: tuple) -> list[Any]:
    """Run each thread's pieces in their order; after an exception here the others stop, too."""
    stopped: list[bool] = []

    def run(pieces: list[tuple[int, int]]) -> list[Any]:
        return [loop(*piece, *arguments) for piece in pieces if not stopped]

    others = []
    try:
        for pieces in shares[1:]:
            others.append(_pool().submit(run, pieces))
    except RuntimeError as fault:  # the main thread has ended, and threads do no more work
        if "shutdown" not in str(fault):
            raise
    try:
        mine = [run(pieces) for pieces in (shares[0], *shares[1 + len(others) :])]
        theirs = [other.result() for other in others]
        return list(chain(mine[0], *theirs, *mine[1:]))
    except BaseException:
        stopped.append(True)
        raise


def threads(work: int) -> int:
    """Return how many threads share so much work, in array elements."""
    return max(1, min(_most_threads(), work // GRAIN))


@cache
def _most_threads() -> int:
    from numba import config

    cores = config.NUMBA_NUM_THREADS  # pyright: ignore[reportAttributeAccessIssue]
    return min(cores, MOST_THREADS)


@cache
def _pool():
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(_most_threads(), thread_name_prefix="solvers")


_held: list[Any] = []  # locks that a thread holds while it forks


def _hold_still() -> None:
    """Wait until no other thread compiles: locks of such a thread would stay locked in a fork."""
    compiling = getattr(sys.modules.get("numba.core.compiler_lock"), "global_compiler_lock", None)
    for lock in (compiling, _making):  # the order in which a thread that compiles takes them
        if lock is not None:
            lock.acquire()
            _held.append(lock)


def _go_on() -> None:
    while _held:
        _held.pop().release()


def _go_on_in_child() -> None:
    _go_on()
    _pool.cache_clear()  # threads do not survive a fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_hold_still, after_in_parent=_go_on, after_in_child=_go_on_in_child)
