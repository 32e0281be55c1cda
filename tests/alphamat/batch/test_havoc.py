"""Whole runs, with processes killed at any moment."""

import signal
import sys
import time

import pytest

from tests.alphamat.batch.havoc import disturbed, lines, paint, resident, results, start, workers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of processes"),
]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paint(folder, 300)
    return folder


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    """Return the outputs of a run that nobody disturbs."""
    out = tmp_path_factory.mktemp("whole") / "out"
    program = start(pictures, out)
    assert program.communicate(timeout=200)[1] == ""
    assert program.returncode == 0
    return results(out)


def test_a_run_whose_processes_are_killed_gives_the_same_files(pictures, whole, tmp_path):
    killed, runs, held = disturbed(pictures, tmp_path / "out", 40, [100, 200])
    assert killed >= 4
    assert runs >= 3
    assert results(tmp_path / "out") == whole
    assert lines(tmp_path / "out") == 300  # none was made again after it was finished
    early = max(mib for count, mib in held if count < 100)
    late = max(mib for count, mib in held if count >= 200)
    assert late < early + 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_leaves_whole_files_and_goes_on(pictures, whole, tmp_path, number):
    out = tmp_path / "out"
    program = start(pictures, out)
    while lines(out) < 50:
        time.sleep(0.05)
    crew = workers(program.pid)
    program.send_signal(number)
    _, told = program.communicate(timeout=60)
    assert program.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM)
    assert ("Run the same command again" in told) == (number == signal.SIGINT)
    time.sleep(2)
    assert crew
    assert not any(map(resident, crew))  # they have ended, too
    found = results(out)
    assert found.items() <= whole.items()
    assert start(pictures, out).wait(200) == 0
    assert results(out) == whole


def test_shards_fill_one_folder_at_once(pictures, whole, tmp_path):
    programs = [start(pictures, tmp_path / "out", "--shard", f"{at}/3") for at in (1, 2, 3)]
    assert [program.wait(200) for program in programs] == [0, 0, 0]
    assert results(tmp_path / "out") == whole
