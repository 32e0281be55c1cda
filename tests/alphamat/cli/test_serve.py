"""The command `alphamat serve`, and the container that runs it."""

import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import alphamat
from alphamat.cli import app
from alphamat.extras import EXTRAS

HERE = Path(alphamat.__file__).parent / "serve"
SECRET = "correct horse battery"


def run(*arguments, **environment):
    return CliRunner().invoke(app, ["serve", *map(str, arguments)], env=environment)


@pytest.fixture
def served(monkeypatch):
    """Return the settings of the services that would be started."""
    settings = []
    monkeypatch.setattr("alphamat.serve.run", settings.append)
    return settings


@pytest.fixture
def port():
    """Return a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_the_usual_case_tells_the_address(served, port):
    result = run("--port", port)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == f"alphamat is at http://127.0.0.1:{port}; Ctrl-C stops it.\n"
    (settings,) = served
    assert (settings.host, settings.port, settings.token) == ("127.0.0.1", port, None)


def test_options_reach_the_service(served, port, tmp_path):
    bounds = "--workers", 3, "--most-megapixels", 40, "--most-gigabytes", 2
    names = "--hostname", "a.example.org", "--hostname", "b.example.org"
    result = run("--port", port, "--weights-folder", tmp_path, *bounds, *names)
    assert result.exit_code == 0, result.output
    (settings,) = served
    assert (settings.workers, settings.most_pixels) == (3, 40_000_000)
    assert settings.most_disk == 2 * 2**30
    assert (settings.weights, settings.hosts) == (tmp_path, ("a.example.org", "b.example.org"))


def test_others_are_served_with_a_token_only(served, port):
    result = run("--host", "0.0.0.0", "--port", port)
    assert result.exit_code == 1
    assert result.stderr.startswith("error: --host is 0.0.0.0, which other machines can reach;")
    assert result.stderr.count("\n") == 1
    assert run("--host", "0.0.0.0", "--port", port, ALPHAMAT_TOKEN="").exit_code == 1
    assert served == []
    assert run("--host", "0.0.0.0", "--port", port, ALPHAMAT_TOKEN=SECRET).exit_code == 0
    assert served[0].token == SECRET


def test_the_token_is_never_shown(served, port):
    result = run("--port", port, ALPHAMAT_TOKEN=SECRET)
    assert result.exit_code == 0
    assert SECRET not in result.output + repr(served)
    assert SECRET not in run("-h", ALPHAMAT_TOKEN=SECRET).output


def test_what_is_missing_is_named_with_the_line_that_installs_it(served, monkeypatch):
    monkeypatch.setitem(EXTRAS, "serve", ("fastapi", "no_such_module"))
    result = run()
    assert (result.exit_code, served) == (1, [])
    assert "no_such_module" in result.stderr
    assert 'pip install "alphamat[serve]"' in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_an_address_that_cannot_be_served_is_one_line(served, host):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--host", host, "--port", port, "--token", SECRET)
    assert (result.exit_code, served) == (1, [])
    start = f"error: --host {host} with --port {port} cannot be served: "
    assert result.stderr.startswith(start)
    assert result.stderr.count("\n") == 1


def test_the_page_is_opened_once_the_server_answers(served, monkeypatch):
    pages = []
    monkeypatch.setattr("webbrowser.open", pages.append)
    monkeypatch.setattr("alphamat.cli.serve._refuse_taken", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr("alphamat.serve.run", lambda _: server.accept()[0].close())
        assert run("--port", port, "--open").exit_code == 0
        until = time.monotonic() + 5
        while not pages and time.monotonic() < until:
            time.sleep(0.01)
    assert pages == [f"http://127.0.0.1:{port}"]


@pytest.mark.parametrize(
    "arguments", [["--weights-folder", "nowhere"], ["--port", 0], ["--workers", 0], ["more"]]
)
def test_misuse_exits_with_2(served, arguments):
    assert run(*arguments).exit_code == 2
    assert served == []


@pytest.mark.slow
def test_ctrl_c_ends_it_quietly(port):
    pytest.importorskip("fastapi")
    command = sys.executable, "-m", "alphamat", "serve", "--port", str(port)
    process = subprocess.Popen(command, cwd=HERE.parents[1], stderr=subprocess.PIPE, text=True)
    try:
        for _ in range(100):
            try:
                health = json.load(urlopen(f"http://127.0.0.1:{port}/api/v1/health", timeout=5))
                break
            except URLError:
                time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=30)[1]
    finally:
        process.kill()
    assert health["status"] == "ok"
    assert process.returncode == 130
    assert "Traceback" not in told
    assert told.endswith("Stopped.\n")


def instructions():
    """Return the instructions of the Dockerfile, (name, rest)."""
    text = re.sub(r"\\\n", "", (HERE / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def compose():
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load((HERE / "compose.yaml").read_text())["services"]["serve"]


def test_the_container_starts_a_command_that_is_understood():
    (start,) = [json.loads(rest) for name, rest in instructions() if name == "ENTRYPOINT"]
    program, name, *arguments = start
    more = compose()["command"]
    more[more.index("/weights")] = str(HERE)
    assert (program, name) == ("alphamat", "serve")
    command = get_command(app).commands["serve"]
    assert command.make_context(name, arguments + more).params["host"] == "0.0.0.0"


def test_the_container_has_no_rights():
    told = instructions()
    assert [rest for name, rest in told if name == "USER"] == ["10001"]
    bases = {rest.split()[0] for name, rest in told if name == "FROM"}
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", base) for base in bases)
    service = compose()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["volumes"][0].endswith(":ro")
    assert service["environment"]["ALPHAMAT_TOKEN"].startswith("${ALPHAMAT_TOKEN:?")
    assert {"tmpfs", "mem_limit", "healthcheck"} <= service.keys()
