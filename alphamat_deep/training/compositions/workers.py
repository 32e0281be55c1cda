"""Processes that compose samples ahead, each at its own pace, and hand them over in order.

They start as those of `alphamat.evaluation` do: not by forking, so that threads of JAX do no harm,
and without running the caller's script again. They import no JAX, unless `compose` does. Each puts
its samples into a file in memory, which has no name and so cannot be left behind.

Grain, the loader of JAX's ecosystem, would do: (see the measurement)
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import tempfile
import traceback
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import count, islice
from typing import Any

import numpy as np

from alphamat_deep.training.compositions.stream import Composed

STARTS = 3
"""When a process has died so many times at the same sample, no more are started."""

# A process is one of several, so its libraries get one thread each. Devices are the caller's.
ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"),
    "JAX_PLATFORMS": "cpu",
}

Make = Callable[[int], Composed]


def in_this_process(make: Make, positions: Iterator[int]) -> Generator[Composed]:
    """Yield the samples at some positions of the stream."""
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
        for at, turn in zip(islice(positions, processes * ahead), count(), strict=False):
            crew[turn % processes].begin(at)
        for turn in count():
            worker = crew[turn % processes]
            if not worker.begun:
                return
            yield worker.take()
            if (at := next(positions, None)) is not None:
                worker.begin(at)
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
        with _interrupts_held():
            self.process.start()
        theirs.close()
        self.shelf: mmap.mmap | None = None
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
        notes = []
        for _ in range(STARTS):
            try:
                found = pickle.loads(self.pipe.recv_bytes())
                break
            except (EOFError, OSError):
                notes.append(self._start_again())
        else:
            raise ChildProcessError(f"Sample {self.begun[0]} cannot be composed. {notes[-1]}")
        at, slot = self.begun.popleft(), self.taken % self.slots
        self.taken += 1
        if isinstance(found, str):
            raise RuntimeError(f"Sample {at} cannot be composed:\n{found}")
        layout, faults, path = found
        if path is not None:
            self.shelf = _opened(path)
        sample = _views(self.shelf, layout, slot * (len(self.shelf or b"") // self.slots))
        return Composed(sample, faults, tuple(notes))

    def _start_again(self) -> str:
        self.pipe.close()
        self.process.join(1)
        code = self.process.exitcode
        self.stop()
        begun, self.begun = self.begun, deque()
        self._start()
        for at in begun:
            self.begin(at)
        died = f"with exit code {code}" if code is None or code >= 0 else f"by signal {-code}"
        short = " Has the machine run out of memory?" if code == -9 else ""
        return f"A process that composes samples has ended {died}, and is started again.{short}"

    def stop(self) -> None:
        """End the process, whose pipe is closed."""
        self.process.join(0.2)
        if self.process.exitcode is None:
            self.process.terminate()
        self.process.join()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold Ctrl-C back; a process that is started meanwhile never hears it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _opened(path: str) -> mmap.mmap:
    """Map a file, and take its name away."""
    with open(path, "r+b") as file:
        shelf = mmap.mmap(file.fileno(), 0)
    with suppress(PermissionError):  # Windows lets the other process do it
        os.unlink(path)
    return shelf


def _views(shelf: Any, layout: list[tuple[str, tuple[int, ...]]], start: int) -> dict:
    """Return the arrays of one slot."""
    views = {}
    for key, shape in layout:
        length = int(np.prod(shape))
        views[key] = np.frombuffer(shelf, np.float32, length, start).reshape(shape)
        start += 4 * length
    return views


def _serve(pipe: Any, slots: int) -> None:
    """Compose the samples whose numbers come through the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(EOFError, OSError):
        make, shelf = pickle.loads(pipe.recv_bytes()), None
        while True:
            at, slot = pipe.recv()
            try:
                made = make(at)
                layout = [(key, x.shape) for key, x in made.sample.items()]
                path, size = None, max(4, sum(x.nbytes for x in made.sample.values()))
                if shelf is None or slots * size > len(shelf):
                    shelf, path = _new_shelf(slots * size)
                for key, view in _views(shelf, layout, slot * (len(shelf) // slots)).items():
                    view[...] = made.sample[key]
                told = layout, made.faults, path
            except Exception:
                told = traceback.format_exc()
            pipe.send_bytes(pickle.dumps(told))


def _new_shelf(size: int) -> tuple[mmap.mmap, str]:
    """Make a file of some bytes, in memory where there is room for it."""
    for folder in ("/dev/shm", tempfile.gettempdir()):
        with suppress(OSError):
            descriptor, path = tempfile.mkstemp(prefix="alphamat-", dir=folder)
            try:
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(
                        descriptor, 0, size
                    )  # a full disk is an error now, not later
                else:
                    os.truncate(descriptor, size)
                return mmap.mmap(descriptor, size), path
            except OSError:
                os.unlink(path)
            finally:
                os.close(descriptor)
    raise MemoryError(f"There is no room for {size / 2**20:.0f} MiB of samples.")
