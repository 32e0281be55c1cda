"""Processes that die, hang, or cannot be told what to do."""

import ctypes
import functools
import math
import os
import signal
import subprocess
import sys
import threading
import time
from typing import NamedTuple

import joblib
import numpy as np
import pytest

from alphamat.datasets import Dataset
from alphamat.evaluation import evaluate
from tests.alphamat.evaluation.cases import half, red, sample, samples

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")


def bright(name="bright"):
    return sample(name)._replace(image=np.full((11, 14, 3), 255, np.uint8))


def on_bright(what):
    """Return a method that does something on bright pictures, and is sound on others."""

    def method(image, trimap):
        if image.min() == 1:
            what()
        return half(image, trimap)

    return method


def kill():
    os.kill(os.getpid(), signal.SIGKILL)


def kill_and_leave_a_child():
    if os.fork():
        kill()
    time.sleep(60)  # it holds the pipe open


@pytest.mark.parametrize(
    ("death", "told"),
    [
        (kill, "ended by signal 9 (SIGKILL)"),
        (kill_and_leave_a_child, "ended by signal 9 (SIGKILL)"),
        (functools.partial(ctypes.string_at, 0), "ended by signal 11 (SIGSEGV)"),
        (functools.partial(os._exit, 3), "ended with exit code 3"),
    ],
)
def test_a_process_that_dies_concerns_its_own_row(death, told):
    given = [sample(), bright(), sample("moon"), sample("sun")]
    found = evaluate({"deadly": on_bright(death), "red": red}, given, jobs=2, progress=False)
    errors = [row.error for row in found.rows]
    assert errors[2] == f"the process that computed it {told}"
    assert not any(errors[:2] + errors[3:])
    assert math.isnan(found.rows[2].sad)
    assert len(found.alphas) == 7


def test_what_killed_its_process_is_tried_once_more_and_not_in_later_runs(tmp_path):
    def deadly(image, trimap):
        if image.min() == 1:
            (tmp_path / f"try {time.monotonic_ns()}").touch()
            kill()
        return half(image, trimap)

    for given in ([sample(), bright(), sample("moon")], [bright(), sample("sun")]):
        found = evaluate({"deadly": deadly}, given, jobs=2, folder=tmp_path / "run")
        assert [row.name for row in found.rows if row.error] == ["bright"]
        assert len(list(tmp_path.glob("try *"))) == 2
    rows = tmp_path / "run" / "rows.jsonl"
    lines = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join(line for line in lines if "bright" not in line))
    evaluate({"deadly": deadly}, [bright()], jobs=2, limit=60, folder=tmp_path / "run")
    assert len(list(tmp_path.glob("try *"))) == 4


def test_what_dies_once_is_finished_alone_and_says_so(tmp_path):
    def at_first():
        if not (tmp_path / "tried").exists():
            (tmp_path / "tried").touch()
            kill()

    found = evaluate({"moody": on_bright(at_first)}, [bright(), *samples()], jobs=2)
    assert not found.failures()
    assert found.rows[0].warning == (
        "at first, the process that computed it ended by signal 9 (SIGKILL)"
    )
    assert not any(row.warning for row in found.rows[1:])


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_method_that_takes_too_long_is_stopped(jobs):
    hanging = on_bright(functools.partial(time.sleep, 300))
    start = time.monotonic()
    found = evaluate({"hanging": hanging}, [sample(), bright(), *samples()[2:]], jobs=jobs, limit=2)
    assert time.monotonic() - start < 60
    assert [row.error for row in found.rows] == ["", "it took longer than the limit of 2 s", "", ""]


class Stuck(NamedTuple):
    """A sample on a disk that does not answer."""

    name: str = "stuck"
    group: str = ""

    def read(self):
        time.sleep(300)


def test_a_sample_that_cannot_be_read_in_time_is_given_up():
    found = evaluate([red], Dataset((Stuck(),)), limit=1)
    assert [row.error for row in found.rows] == ["it took longer than the limit of 1 s"]


def test_a_longer_limit_tries_again_and_an_equal_one_does_not(tmp_path):
    def slow():
        (tmp_path / f"try {time.monotonic_ns()}").touch()
        time.sleep(1.5)

    run = functools.partial(
        evaluate, {"slow": on_bright(slow)}, [bright()], folder=tmp_path / "run"
    )
    for limit, tries, fails in ((0.5, 1, True), (0.5, 1, True), (0.4, 1, True), (60, 2, False)):
        assert bool(run(limit=limit).failures()) == fails
        assert len(list(tmp_path.glob("try *"))) == tries


def test_compiling_does_not_count():
    def compiling(image, trimap):
        import numba
        from numba.core.event import trigger_event

        with trigger_event("numba:compile", data={"dispatcher": numba.njit(half)}):
            time.sleep(1.5)
        return half(image, trimap)

    assert not evaluate([compiling], [sample()], limit=1).failures()
    hanging = on_bright(functools.partial(time.sleep, 60))

    def both(image, trimap):
        compiling(image, trimap)
        return hanging(image, trimap)

    assert evaluate([both], [bright()], limit=1).failures()


def test_programs_that_a_stopped_method_started_end_with_it(tmp_path):
    def starting():
        program = f"import time; time.sleep(4); open({str(tmp_path / 'late')!r}, 'w')"
        subprocess.run([sys.executable, "-c", program])

    assert evaluate({"starting": on_bright(starting)}, [bright()], limit=2).failures()
    time.sleep(3)
    assert not (tmp_path / "late").exists()


def test_what_cannot_be_pickled_fails_alone():
    lock = threading.Lock()

    def locked(image, trimap):
        with lock:
            return half(image, trimap)

    found = evaluate({"locked": locked, "red": red}, samples(), jobs=2)
    for row in found.rows:
        expected = "it cannot be handed to another process: TypeError: cannot pickle"
        assert row.error.startswith(expected) == (row.method == "locked")


def test_exits_and_interrupts_of_a_method_are_failures():
    def leaving(image, trimap):
        sys.exit(3)

    def interrupting(image, trimap):
        raise KeyboardInterrupt

    for options in ({}, {"limit": 60}):
        (row,) = evaluate([leaving], [sample()], **options).rows
        assert row.error.startswith("SystemExit: 3 (test_workers.py, line ")
    (row,) = evaluate([interrupting], [sample()], limit=60).rows
    assert row.error.startswith("KeyboardInterrupt")


def test_errors_name_the_line_of_the_method(capfd):
    def faulty(image, trimap):
        return np.linalg.inv(np.zeros((2, 2)))  # this line

    with open(__file__) as lines:
        line = next(at for at, text in enumerate(lines, 1) if text.endswith("# this line\n"))
    for jobs in (1, 2):
        for row in evaluate([faulty], samples(), jobs=jobs).rows:
            assert row.error == (
                f"LinAlgError: Singular matrix (test_workers.py, line {line}, in faulty)"
            )
    assert capfd.readouterr() == ("", "")


def test_processes_that_cannot_start_end_the_run_in_one_sentence(monkeypatch):
    monkeypatch.setattr("alphamat.workers.crew._serve", print)
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ChildProcessError, match=r"No process can be started: one ended with exit"):
        evaluate([red], samples(), jobs=2)


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf, "2"])
def test_nonsense_limits_are_refused(limit):
    with pytest.raises(ValueError, match="`limit` is"):
        evaluate([red], [sample()], limit=limit)


def test_threads_have_no_limit():
    with (
        joblib.parallel_config("threading", n_jobs=2),
        pytest.raises(ValueError, match="`limit` is 3, and ThreadingBackend"),
    ):
        evaluate([red], [sample()], limit=3)


PROGRAM = """
import sys, time
import numpy as np
from alphamat import datasets, evaluation

def slow(image, trimap):
    print("begun", flush=True)
    time.sleep(120)

evaluation.evaluate([slow], datasets.synthetic(20, 30), jobs=2)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_processes_end_with_the_one_that_started_them(number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as program:
        assert program.stdout.readline() == "begun\n"
        assert program.stdout.readline() == "begun\n"
        # As Ctrl-C does: to all of the group.
        (os.killpg if number == signal.SIGINT else os.kill)(program.pid, number)
        # Whoever holds the pipes lives on; the traceback is that of the program alone.
        _, told = program.communicate(timeout=30)
    assert told.count("Traceback") == (number == signal.SIGINT)
