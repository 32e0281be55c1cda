import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from solvers import loops


@pytest.fixture(autouse=True)
def four_threads(monkeypatch):
    monkeypatch.setattr(loops, "GRAIN", 1)
    monkeypatch.setattr(loops, "_most_threads", lambda: 4)


def count(first, last, counts):
    counts[first:last] += 1
    return last - first


def test_a_range_is_covered_once():
    counts = np.zeros(10, int)
    assert sum(loops.over_range(count, 10, 1000, counts)) == 10
    assert (counts == 1).all()


@pytest.mark.parametrize("bounds", [range(11), [0, 10], [0, 7, 7, 9, 10]])
def test_pieces_are_cut_at_bounds_only_and_cover_everything_once(bounds):
    pieces, counts = [], np.zeros(10, int)

    def loop(first, last):
        pieces.append((first, last))
        return count(first, last, counts)

    assert sum(loops.over_bounds(loop, bounds, 1000)) == 10
    assert (counts == 1).all()
    assert {place for piece in pieces for place in piece} <= set(bounds)


def test_equal_parts_are_cut_where_the_sizes_add_up():
    sizes = np.random.default_rng(5).integers(1, 9, 9000)
    bounds = loops.equal_parts(sizes)
    parts = np.add.reduceat(sizes, bounds[:-1])
    assert (bounds[0], bounds[-1], len(parts)) == (0, 9000, loops.PARTS)
    assert abs(parts - sizes.sum() / loops.PARTS).max() <= 8


def test_equal_parts_of_few_items_or_none_cover_them():
    assert set(loops.equal_parts(np.array([3, 1]))) == {0, 1, 2}
    assert set(loops.equal_parts(np.array([], int))) == {0}


@pytest.mark.parametrize("strips", [range(0, 21, 2), [0, 10], [0, 7, 7, 9, 10], [0]])
def test_neighbouring_strips_are_never_worked_on_at_a_time(strips):
    strips = list(strips)
    counts, at_work, lock = np.zeros(strips[-1], int), set(), threading.Lock()

    def loop(first, last):
        mine = {k for k in range(len(strips) - 1) if first <= strips[k] < last}
        with lock:
            assert not {k + d for k in mine for d in (-1, 0, 1)} & at_work
            at_work.update(mine)
        counts[first:last] += 1
        with lock:
            at_work.difference_update(mine)

    loops.over_strips(loop, strips, 1000)
    assert (counts == 1).all()


def test_little_work_stays_in_the_calling_thread(monkeypatch):
    monkeypatch.setattr(loops, "GRAIN", 1000)
    names = loops.over_range(lambda first, last: threading.current_thread().name, 100, 1999)
    assert names == [threading.current_thread().name]


def test_what_a_thread_raises_reaches_the_caller():
    def loop(first, last):
        if first:
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        loops.over_range(loop, 10, 1000)


def test_a_thread_that_outlives_the_main_one_does_all_itself():
    program = """
import threading, time
import numpy as np
from solvers import loops
loops.GRAIN, loops._most_threads = 1, lambda: 4

def count(first, last, counts):
    counts[first:last] += 1
    return first

def work():
    time.sleep(0.2)
    counts = np.zeros(10, int)
    print(loops.over_range(count, 10, 1000, counts), set(counts.tolist()))
    loops.over_strips(count, range(0, 21, 2), 1000, np.zeros(20, int))

START
threading.Thread(target=work).start()
"""
    for start in ("", "loops.over_range(count, 10, 1000, np.zeros(10, int))"):
        result = subprocess.run(
            [sys.executable, "-c", program.replace("START", start)],
            cwd=Path(loops.__file__).parents[1],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (result.stdout, result.stderr) == ("[0, 2, 5, 7] {1}\n", "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*fork.*:RuntimeWarning")  # JAX's, where other tests loaded it
def test_threads_start_again_in_a_forked_process():
    loops.over_range(count, 10, 1000, np.zeros(10, int))
    with multiprocessing.get_context("fork").Pool(1) as pool:
        assert pool.apply_async(total).get(timeout=20) == 10


def total():
    return sum(loops.over_range(count, 10, 1000, np.zeros(10, int)))


def test_long_loops_are_cut_into_pieces_in_order(monkeypatch):
    monkeypatch.setattr(loops, "PIECE", 50)
    pieces, counts = [], np.zeros(23, int)

    def loop(first, last):
        pieces.append((threading.get_ident(), first, last))
        return count(first, last, counts)

    assert sum(loops.over_range(loop, 23, 1000)) == 23
    assert (counts == 1).all()
    assert len(pieces) == 20
    for thread in {thread for thread, *_ in pieces}:
        own = [first for other, first, _ in pieces if other == thread]
        assert own == sorted(own)


def test_after_an_interruption_no_thread_begins_another_piece(monkeypatch):
    monkeypatch.setattr(loops, "PIECE", 1)
    begun, caller, interrupted = [], threading.get_ident(), threading.Event()

    def loop(first, last):
        begun.append(first)
        if threading.get_ident() == caller:
            interrupted.set()
            raise KeyboardInterrupt
        interrupted.wait()

    with pytest.raises(KeyboardInterrupt):
        loops.over_range(loop, 1000, 1000)
    loops._pool().submit(int).result()
    assert len(begun) < 20


PROGRAM = """
import numpy as np
from solvers.loops import jit, over_range

@jit(cache=False)
def spin(first, last, out):
    for i in range(first, last):
        for j in range(1_000_000):
            out[i] = 0.999 * out[i] + j

out = np.zeros(100_000)
spin(0, 1, out)
print("begun", flush=True)
over_range(spin, out.size, 1_000_000 * out.size, out)  # several minutes
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")
def test_an_interrupt_is_heeded_between_pieces():
    command = [sys.executable, "-c", PROGRAM]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as program:
        assert program.stdout.readline() == "begun\n"
        time.sleep(0.2)
        program.send_signal(signal.SIGINT)
        try:
            _, told = program.communicate(timeout=20)
        finally:
            program.kill()
    assert told.endswith("KeyboardInterrupt\n")
