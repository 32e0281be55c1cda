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


COUNT = 120


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    paint(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    """Return the outputs of a run that nobody disturbs."""
    out = tmp_path_factory.mktemp("whole") / "out"
    program = start(pictures, out)
    _, told = program.communicate(timeout=200)
    assert (program.returncode, told) == (0, "")
    return results(out)


def test_a_run_whose_processes_are_killed_gives_the_same_files(pictures, whole, tmp_path):
    killed, runs, held = disturbed(pictures, tmp_path / "out", COUNT // 6, [COUNT // 3, COUNT // 2])
    assert killed >= 2
    assert runs >= 3
    assert results(tmp_path / "out") == whole
    assert lines(tmp_path / "out") == COUNT  # none was made again after it was finished
    early = max(mib for count, mib in held if count < COUNT // 3)
    late = max(mib for count, mib in held if count >= COUNT // 2)
    assert late < early + 20


def test_a_run_that_is_stopped_leaves_whole_files_and_goes_on(pictures, whole, tmp_path):
    out = tmp_path / "out"
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)):
        program, before = start(pictures, out), lines(out)
        while lines(out) < before + COUNT // 6:
            time.sleep(0.05)
        crew = workers(program.pid)
        program.send_signal(number)
        _, told = program.communicate(timeout=60)
        assert program.returncode == code
        assert ("Run the same command again" in told) == (number == signal.SIGINT)
        assert before < lines(out) < COUNT
        time.sleep(2)
        assert crew
        assert not any(map(resident, crew))  # they have ended, too
        assert results(out).items() <= whole.items()
    program = start(pictures, out)
    told, _ = program.communicate(timeout=200)
    assert "there already" in told
    assert results(out) == whole


def test_shards_fill_one_folder_at_once(pictures, whole, tmp_path):
    shards = [("--jobs", "1", "--shard", f"{at}/2") for at in (1, 2)]
    programs = [start(pictures, tmp_path / "out", *shard) for shard in shards]
    for program in programs:
        program.communicate(timeout=200)
    assert [program.returncode for program in programs] == [0, 0]
    assert results(tmp_path / "out") == whole
    assert not lines(tmp_path / "out")  # each has a journal of its own
