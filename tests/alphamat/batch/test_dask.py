"""A batch on two worker processes of Dask, one of which is killed."""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

import joblib
import pytest

from alphamat import batch
from tests.alphamat.batch.cases import photograph, red
from tests.alphamat.batch.havoc import results

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no signals"),
    pytest.mark.filterwarnings("default"),  # Dask warns when it loses a worker
]


def kill_one(folder, out, killed):
    """Kill a process when both have begun, and some pictures are finished."""
    while len(list(folder.iterdir())) < 2 or len(results(out)) < 20:
        time.sleep(0.02)
    killed.append(min(folder.iterdir()).name)
    os.kill(int(killed[0]), signal.SIGKILL)


def test_a_killed_worker_of_dask_costs_nothing(tmp_path, monkeypatch):
    distributed = pytest.importorskip("distributed")
    inputs = []
    for at in range(120):
        image = photograph(tmp_path / "photos", str(at))
        inputs.append((image, image.with_name(f"{at}_trimap.png")))
    (tmp_path / "pids").mkdir()
    assert batch.run(inputs, tmp_path / "whole", method=red, jobs=2).done == 120

    def noted(image, trimap):
        (tmp_path / "pids" / str(os.getpid())).touch()
        time.sleep(0.05)
        return red(image, trimap)

    killed = []
    killer = threading.Thread(target=kill_one, args=(tmp_path / "pids", tmp_path / "out", killed))
    killer.start()
    cluster = distributed.LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=True,
        dashboard_address=None,
        silence_logs=logging.CRITICAL,
    )
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        found = batch.run(inputs, tmp_path / "out", method=noted)
    killer.join(10)
    assert killed
    assert str(os.getpid()) not in {path.name for path in Path(tmp_path, "pids").iterdir()}
    assert len(list((tmp_path / "pids").iterdir())) >= 3  # Dask has started another
    assert (found.done, found.failed) == (120, 0)
    assert results(tmp_path / "out") == results(tmp_path / "whole")
