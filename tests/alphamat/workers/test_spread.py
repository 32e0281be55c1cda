"""Tasks over processes, threads, and clusters that give up."""

import sys
from contextlib import closing

import joblib
import pytest

from alphamat.workers import Task, as_jobs, spread
from tests.alphamat.workers.cases import times

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals")


def tasks(*rests, drawn=None):
    for at, rest in enumerate(rests):
        if drawn is not None:
            drawn.append(at)
        yield Task(at, "seven", 7, rest)


def values(*rests, **options):
    ended = list(spread(times, tasks(*rests), **options))
    return {one.task.key: one.value if not one.error else one.error for one in ended}


def test_one_job_may_be_done_here_or_in_a_process():
    assert values(1, 2, 3, here=True) == values(1, 2, 3) == {0: 7, 1: 14, 2: 21}


def test_tasks_are_drawn_when_they_are_needed():
    drawn = []
    with closing(spread(times, tasks(*range(10**6), drawn=drawn), jobs=2)) as results:
        for _ in range(5):
            next(results)
        assert len(drawn) < 15


def test_a_task_whose_process_dies_is_tried_in_its_parts():
    def parts(task):
        return [Task((task.key, one), "seven", 7, one) for one in task.rest]

    found = list(spread(times, tasks([1, 2, 3], [4, 5]), jobs=2, parts=parts))
    values = {one.task.key: one.value for one in found}
    assert values == {1: [28, 35], (0, 1): 7, (0, 2): 14, (0, 3): 21}
    died = "the process that computed it ended by signal 9 (SIGKILL)"
    assert {one.before for one in found if one.task.key != 1} == {died}


def test_a_task_whose_process_dies_twice_has_failed():
    *_, last = spread(times, tasks([1, 2, 3], 4))
    assert last.died
    assert last.error == last.before == "the process that computed it ended by signal 9 (SIGKILL)"


def test_environments_are_dealt_out():
    places = [{"PLACE": "here"}, {"PLACE": "there"}]
    found = values(*["where"] * 4, jobs=2, environments=places)
    assert set(found.values()) == {"here", "there"}


def test_faults_of_the_work_are_told_wherever_it_is_done():
    told = "ValueError: not this one"
    assert values(1, "raise", 3) == {0: 7, 1: told, 2: 21}
    with joblib.parallel_config("threading", n_jobs=2):
        assert values(1, "raise", 3) == {0: 7, 1: told, 2: 21}


class Cluster(joblib._parallel_backends.ThreadingBackend):
    """A cluster that loses one task each time it is given it, or all tasks from some moment on."""

    lost: tuple = ()
    left: float = float("inf")
    seen: list = []  # noqa: RUF012

    def submit(self, func, callback=None):
        (call,) = func.items
        task = call[1][1]
        type(self).seen.append(task.rest)
        type(self).left -= 1
        if task.rest in self.lost or self.left < 0:

            def func():
                raise RuntimeError("a worker was lost")

        return super().submit(func, callback)


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(Cluster, "seen", [])
    joblib.register_parallel_backend("losing", Cluster)
    with joblib.parallel_config("losing", n_jobs=2):
        yield Cluster
    del joblib.parallel.BACKENDS["losing"]


def test_what_a_cluster_gives_up_fails_alone(cluster, monkeypatch):
    monkeypatch.setattr(cluster, "lost", (5, 20))
    found = values(*range(30))
    assert found.pop(5) == found.pop(20) == "RuntimeError: a worker was lost"
    assert found == {at: 7 * at for at in range(30) if at not in (5, 20)}
    assert cluster.seen.count(5) == 2


def test_a_cluster_that_is_gone_ends_the_run(cluster, monkeypatch):
    monkeypatch.setattr(cluster, "left", 10)
    ended = spread(times, tasks(*range(10**4)))
    with pytest.raises(ChildProcessError, match="Nobody works on tasks any longer: RuntimeError"):
        list(ended)
    assert len(cluster.seen) < 40


@pytest.mark.parametrize("jobs", [0, True, 1.5, "2"])
def test_nonsense_jobs_are_refused(jobs):
    with pytest.raises(ValueError, match="`jobs` is"):
        as_jobs(jobs)
    assert [as_jobs(jobs) for jobs in (None, 3, -1)] == [None, 3, -1]
