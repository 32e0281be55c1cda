"""Runs in processes of their own: killed hard, on several devices, on several hosts."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from alphamat_deep import checkpoints

ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.slow


def start(out, devices=1, **given):
    """Start a run of `small.main`."""
    told = [f"{key}={json.dumps(value)}" for key, value in given.items()]
    flags = f"--xla_force_host_platform_device_count={devices}"
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.alphamat_deep.training.small", out, *told],
        cwd=ROOT,
        env={**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*runs):
    """Return the exit status of each run, and what it told on stderr."""
    told = [run.communicate(timeout=300)[1] for run in runs]
    return [(run.returncode, text) for run, text in zip(runs, told, strict=True)]


def run(out, **given):
    return finish(start(out, **given))[0]


def final(out):
    return checkpoints.read(out / "checkpoints" / "000012.safetensors")


def totals(out):
    records = map(json.loads, (out / "scalars.jsonl").read_text().splitlines())
    return [record["total"] for record in records if "total" in record]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Return the folder of a run on one device that nothing disturbed."""
    out = tmp_path_factory.mktemp("whole") / "run"
    status, told = run(out)
    assert status == 0, told
    return out


def assert_close(out, whole):
    for name, array in final(whole).items():
        np.testing.assert_allclose(final(out)[name], array, rtol=1e-3, atol=2e-5, err_msg=name)
    np.testing.assert_allclose(totals(out), totals(whole), rtol=1e-5)


def test_a_run_that_was_killed_goes_on_bit_for_bit(tmp_path, whole):
    out = tmp_path / "run"
    for step in (2, 6, 11):
        status, _ = run(out, save_every=2, kill=step, resume=True)
        assert status == -signal.SIGKILL
    status, told = run(out, save_every=2, resume=True)
    assert status == 0, told
    assert totals(out) == totals(whole)
    for name, array in final(whole).items():
        np.testing.assert_array_equal(final(out)[name], array, name)


def test_a_run_that_is_told_to_stop_says_how_to_go_on(tmp_path, whole):
    status, told = run(tmp_path / "run", stop=5)
    assert status == 1
    assert "Stopping after this step. A second signal ends the program at once." in told
    assert told.splitlines()[-1] == (
        f"Stopped after step 6 of 12, which is saved in {tmp_path / 'run'}. Go on with resume=True."
    )


def test_eight_devices_do_what_one_does(tmp_path, whole):
    status, told = run(tmp_path / "run", devices=8)
    assert status == 0, told
    assert json.loads((tmp_path / "run" / "run.json").read_text())["about"]["devices"] == "8 × cpu"
    assert_close(tmp_path / "run", whole)


def test_two_hosts_do_what_one_does_also_when_stopped(tmp_path, whole):
    with socket.socket() as free:
        free.bind(("localhost", 0))
        port = free.getsockname()[1]

    def both(**given):
        out = tmp_path / "run", tmp_path / "elsewhere"  # the second has no disk in common
        runs = [start(out[n], process=n, port=port, devices=2, **given) for n in range(2)]
        return finish(*runs)

    for status, told in both(stop=4):
        assert status == 1, told
        assert "Stopped after step" in told
    for status, told in both(resume=True):
        assert status == 0, told
    assert not (tmp_path / "elsewhere").exists()
    assert_close(tmp_path / "run", whole)
