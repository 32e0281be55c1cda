"""`alphamat doctor`: what it finds here, and what it finds broken."""

import json
import sys

import pytest
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app, doctor


@pytest.fixture
def quick(monkeypatch):
    """Answer for the processes that would import JAX and compile."""
    monkeypatch.setattr(doctor, "_answer", lambda program: "0.5")


def found():
    result = CliRunner().invoke(app, ["doctor", "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_it_tells_of_this_machine(quick, monkeypatch):
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    code, told = found()
    assert (code, told["broken"]) == (0, [])
    assert told["versions"]["alphamat"] == alphamat.__version__
    assert told["versions"]["python"] == sys.version.split()[0]
    assert told["processor"]["variables"]["NUMBA_NUM_THREADS"] == "1"
    assert told["memory"]["this process may use"] <= told["memory"]["machine"]
    assert set(told["caches"]) == {"kernels", "networks"}


def test_each_extra_that_is_missing_says_how_it_is_installed(quick, monkeypatch):
    monkeypatch.setattr(doctor, "missing", lambda extra: ["av"] if extra == "video" else [])
    lines = CliRunner().invoke(app, ["doctor"]).stdout.splitlines()
    told = next(line for line in lines if line.startswith("extra: video"))
    assert told.endswith('pip install "alphamat[video]" brings av')


def test_what_is_broken_ends_with_code_1(monkeypatch):
    monkeypatch.setattr(doctor, "KERNEL", "import numba; raise SystemExit('no compiler')")
    monkeypatch.setattr(doctor, "DEVICES", "print('cpu')")
    code, told = found()
    assert (code, told["broken"]) == (1, ["kernels: failed: no compiler"])


def test_a_process_that_hangs_is_given_up(monkeypatch):
    monkeypatch.setattr(doctor, "PATIENCE", 0.5)
    assert doctor._answer("import time; time.sleep(60)") == "failed: no answer in 0.5 s"


def test_the_users_home_is_not_shown(quick, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    assert found()[1]["caches"]["kernels"]["folder"] == "~/kernels"
    assert str(tmp_path) not in CliRunner().invoke(app, ["doctor"]).stdout
