"""Processes that compose samples ahead, and hand them over in order.

They start as those of `alphamat.evaluation` do: not by forking, so that threads of JAX do no harm,
and without running the caller's script again. They import no JAX unless `compose` lies in a file
that does, as in `recipes`: this takes 1.2 s and 65 MB each. Each puts its samples into memory that
it shares. This has no name, so it cannot be left behind.

Grain, the loader of JAX's ecosystem, serves less well here (0.2.18). Its processes import JAX and
run the caller's script again, and the order of samples and its checkpoints depend on how many
processes there are.
"""

from __future__ import annotations

import math
import mmap
import os
import pickle
import signal
import sys
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from itertools import cycle
from multiprocessing.reduction import HAVE_SEND_HANDLE, recv_handle, send_handle
from typing import Any

import numpy as np

from alphamat.interrupts import interrupts_held
from alphamat_deep.training.compositions.stream import Composed
from alphamat_deep.training.sample import Sample

SHARING = HAVE_SEND_HANDLE and sys.platform != "win32"
"""Whether one process can hand a file to another; samples go through the pipe otherwise."""

STARTS = 3
"""When a process has died so many times at the same sample, no more are started."""

# A process is one of several, so its libraries get one thread each. Devices are the caller's.
# With glibc, memory of arrays is kept for the next ones, which saves a quarter of all time.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "OPENCV_FOR_THREADS_NUM": "1",
    "JAX_PLATFORMS": "cpu",
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
    "MALLOC_TRIM_THRESHOLD_": str(2**29),
}

Make = Callable[[int], Composed]


def in_this_process(make: Make, positions: Iterator[int]) -> Generator[Composed]:
    """Yield the samples at some positions of the stream, of which there is no end."""
    for at in positions:
        try:
            yield make(at)
        except Exception as fault:
            raise RuntimeError(f"Sample {at} cannot be composed: {fault}") from fault


def in_processes(
    make: Make, positions: Iterator[int], *, processes: int, ahead: int
) -> Generator[Composed]:
    """Yield the same, composed in processes; up to `ahead` wait in each.

    A sample's arrays are overwritten once the next one is asked for.
    """
    program = _pickled(make)
    crew: list[_Worker] = []
    try:
        for _ in range(processes):
            crew.append(_Worker(program, ahead))
        for worker in crew:
            worker.hand_over()
        for worker in ahead * crew:
            worker.begin(next(positions))
        for worker in cycle(crew):
            yield worker.take()
            worker.begin(next(positions))
    finally:
        for worker in crew:
            worker.pipe.close()
        for worker in crew:
            worker.stop()


def _pickled(make: Make) -> bytes:
    from joblib.externals.loky.backend.reduction import dumps  # cloudpickle

    try:
        return bytes(dumps(make))
    except Exception as fault:
        raise TypeError(
            "The source, the backgrounds or `compose` cannot be handed to another process: "
            f"{fault}. Pass `workers=0` to compose in this one."
        ) from fault


class _Worker:
    """A process, and the samples that it was told to compose."""

    def __init__(self, program: bytes, slots: int):
        self.program, self.slots = program, slots
        self.begun: deque[int] = deque()
        self.taken = 0
        self._start()

    def _start(self) -> None:
        from joblib.externals.loky.backend import get_context

        context = get_context("loky")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(
            target=_serve, args=(theirs, self.slots), env=ENVIRONMENT, daemon=True
        )
        with interrupts_held():
            self.process.start()
        theirs.close()
        self.shelf: mmap.mmap | None = None

    def hand_over(self) -> None:
        """Tell the process what to compose from."""
        with suppress(OSError):  # it has died, which `take` sees
            self.pipe.send_bytes(self.program)

    def begin(self, at: int) -> None:
        """Let the process compose sample number `at` after those before."""
        slot = (self.taken + len(self.begun)) % self.slots
        self.begun.append(at)
        with suppress(OSError):
            self.pipe.send((at, slot))

    def take(self) -> Composed:
        """Wait for the first sample, and return it."""
        notes: list[str] = []
        while (found := self._received()) is None:
            notes.append(self._start_again())
            if len(notes) == STARTS:
                raise ChildProcessError(f"Sample {self.begun[0]} cannot be composed. {notes[-1]}")
        at = self.begun.popleft()
        self.taken += 1
        if isinstance(found, str):
            raise RuntimeError(f"Sample {at} cannot be composed:\n{found}")
        sample, faults = found
        if isinstance(sample, list):
            sample = _views(self.shelf, *sample)
        return Composed(sample, faults, tuple(notes))

    def _received(self) -> Any:
        """Return what the process says of the first sample; None if it has died."""
        try:
            found, grown = pickle.loads(self.pipe.recv_bytes())
            if grown:
                descriptor = recv_handle(self.pipe)
                self.shelf = mmap.mmap(descriptor, 0)
                os.close(descriptor)
        except (EOFError, OSError):
            return None
        return found

    def _start_again(self) -> str:
        self.pipe.close()
        self.stop()
        code = self.process.exitcode or 0
        begun, self.begun = self.begun, deque()
        self._start()
        self.hand_over()
        for at in begun:
            self.begin(at)
        died = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        short = " Has the machine run out of memory?" * (code == -9)
        return f"A process that composes samples ended {died}, and is started again.{short}"

    def stop(self) -> None:
        """End the process, whose pipe is closed."""
        self.process.join(0.2)
        if self.process.exitcode is None:
            self.process.terminate()
        self.process.join()


def _views(shelf: Any, start: int, layout: list[tuple[str, tuple[int, ...], str]]) -> Sample:
    """Return the arrays that lie one behind the other in a piece of memory."""
    views = {}
    for key, shape, dtype in layout:
        views[key] = np.frombuffer(shelf, dtype, math.prod(shape), start).reshape(shape)
        start += views[key].nbytes
    return views


def _serve(pipe: Any, slots: int) -> None:
    """Compose the samples whose numbers come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    shelf = _Shelf(slots)
    with suppress(EOFError, OSError):
        program, make = pipe.recv_bytes(), None
        while True:
            at, slot = pipe.recv()
            descriptor = None
            try:
                make = make or pickle.loads(program)
                sample, faults, _ = make(at)
                if SHARING:
                    sample, descriptor = shelf.put(sample, slot)
                told = sample, faults
            except Exception:
                told = traceback.format_exc()
            pipe.send_bytes(pickle.dumps((told, descriptor is not None)))
            if descriptor is not None:
                send_handle(pipe, descriptor, os.getppid())
                os.close(descriptor)


class _Shelf:
    """Memory that a process shares with its reader, one slot for each sample that waits."""

    def __init__(self, slots: int):
        self.slots, self.room, self.memory = slots, 0, None

    def put(self, sample: Sample, slot: int) -> tuple[list, int | None]:
        """Put a sample down; return where it lies, and the file of the memory if it is new."""
        descriptor, size = None, sum(x.nbytes for x in sample.values())
        if self.memory is None or size > self.room:
            descriptor, self.room = _nameless_file(self.slots * size), size
            self.memory = mmap.mmap(descriptor, 0)
        where = slot * self.room, [(key, x.shape, x.dtype.str) for key, x in sample.items()]
        for key, view in _views(self.memory, *where).items():
            view[...] = sample[key]
        return list(where), descriptor


def _nameless_file(size: int) -> int:
    """Return the descriptor of a file that is gone with those who use it."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("alphamat")
    else:
        descriptor, path = tempfile.mkstemp()
        os.unlink(path)
    os.truncate(descriptor, size)
    return descriptor
