"""The server as a process of its own: many clients at a time, rude ones, and signals."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.alphamat.serve import stand_in
from tests.alphamat.serve.clients import API, STAND_IN, bomb, mask, png

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="/proc tells of processes"),
]

SERVE = """
import sys
from pathlib import Path
from alphamat.serve import Settings
from alphamat.serve.server import run
settings = {"most_pixels": 1000, "most_bytes": 100_000, "folder": Path(sys.argv[2])}
run(Settings(port=int(sys.argv[1]), **settings, **eval(sys.argv[3])), sys.argv[4])
"""


class Running:
    """A server, and what is known of it."""

    def __init__(self, process, port, folder):
        self.process, self.folder, self.port = process, folder, port
        self.base = f"http://127.0.0.1:{port}"
        self.client = httpx.Client(base_url=self.base, timeout=30)

    @property
    def kept(self):
        """Folders of jobs, and files of uploads."""
        return [path for home in self.folder.iterdir() for path in home.iterdir()]

    def post(self, what=0, **files):
        files = {"picture": png(), **({"mask": mask(what)} if what else {}), **files}
        return self.client.post(f"{API}/jobs", files=files)

    def settled(self, id, seconds=20):
        def state():
            job = self.client.get(f"{API}/jobs/{id}").json()
            return job if job["state"] not in ("queued", "running") else None

        return until(state, seconds)

    def numbers(self):
        lines = re.findall(r"^(\S+) (\S+)$", self.client.get("/metrics").text, re.MULTILINE)
        return {name.removeprefix("alphamat_"): float(value) for name, value in lines}

    def workers(self):
        """Return the numbers of the processes that work for the server."""
        told = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        children = [pid for file in told for pid in file.read_text().split()]
        lines = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
        return [int(pid) for pid, line in lines.items() if b"popen_loky" in line]


def until(condition, seconds=20):
    """Return what a function returns once that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "this takes too long"
        time.sleep(0.02)
    return found


@contextmanager
def server(folder, **settings):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = [str(port), str(folder), repr(settings), STAND_IN]
    root = Path(__file__).parents[3]
    with open(folder.parent / f"{folder.name}.log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments],
            cwd=root,
            env=os.environ | {"PYTHONPATH": str(root)},
            stderr=log,
        )
    try:
        running = Running(process, port, folder)
        until(lambda: answers(running.client))
        yield running
    finally:
        process.kill()
        process.wait()
        running.client.close()


def answers(client):
    try:
        return client.get(f"{API}/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("served")) as found:
        yield found


@pytest.fixture(autouse=True)
def nothing_is_left(running):
    yield
    for path in running.kept:
        running.client.delete(f"{API}/jobs/{path.name}")
    until(lambda: not running.kept)


def at_once(base, count, **files):
    """Post the same form many times at once; return the answers."""

    async def post():
        limits = httpx.Limits(max_connections=count)
        async with httpx.AsyncClient(base_url=base, limits=limits, timeout=60) as client:
            posts = [client.post(f"{API}/jobs", files=files) for _ in range(count)]
            return await asyncio.gather(*posts)

    return asyncio.run(post())


def test_two_hundred_clients_at_once_are_served_or_told_to_wait(running):
    found = at_once(running.base, 200, picture=png(), mask=mask(stand_in.REST))
    codes = {answer.status_code for answer in found}
    taken = [answer.json()["id"] for answer in found if answer.status_code == 202]
    assert codes == {202, 429}
    assert len(taken) in (32, 33)  # one may run already
    assert len(running.kept) == len(taken)
    for id in taken[1:]:
        running.client.delete(f"{API}/jobs/{id}")
    assert running.settled(taken[0])["state"] == "done"


def test_memory_does_not_grow(running):
    def burst():
        for _ in range(4):
            for answer in at_once(running.base, 30, picture=png((30, 30, 3)) + bytes(90_000)):
                id = answer.json().get("id")
                if id and running.settled(id):
                    running.client.get(f"{API}/jobs/{id}/cutout.png")
                    running.client.delete(f"{API}/jobs/{id}")
        numbers = running.numbers()
        return {name: size for name, size in numbers.items() if name.startswith("memory")}

    first, then, last = burst(), burst(), burst()
    print(first, then, last)
    assert all(last[name] < 1.03 * size + 2**20 for name, size in then.items())


FILE = b'--x\r\nContent-Disposition: form-data; name="picture"; filename="a"\r\n\r\n'


def test_clients_that_vanish_leave_nothing(running):
    before = running.numbers().get('requests_refused_total{reason="vanished"}', 0)
    head = (
        f"POST {API}/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    for _ in range(30):
        with socket.create_connection(("127.0.0.1", running.port)) as client:
            client.sendall(head.encode() + FILE + bytes(40_000))
    name = 'requests_refused_total{reason="vanished"}'
    until(lambda: running.numbers().get(name, 0) == before + 30)
    assert not running.kept


def test_a_client_that_leaves_while_its_picture_is_cut_out_ends_the_work(running):
    body, kind = multipart(image_file=png())
    job = running.post(stand_in.HANG).json()
    head = f"POST /v1.0/removebg HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.sendall(head.encode() + f"Content-Type: {kind}\r\n\r\n".encode() + body)
        until(lambda: len(running.kept) == 2)
    until(lambda: len(running.kept) == 1)
    running.client.delete(f"{API}/jobs/{job['id']}")


def multipart(**files):
    request = httpx.Request("POST", "http://localhost", files=files)
    return request.read(), request.headers["Content-Type"]


@pytest.mark.parametrize("told", [True, False])
def test_a_browser_that_sends_too_much_hears_why(running, told):
    async def chunks():
        yield FILE
        for _ in range(400):
            yield bytes(10_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    content = FILE + bytes(4_000_000) if told else chunks()

    async def post():
        async with httpx.AsyncClient(base_url=running.base, timeout=20) as client:
            return await client.post(f"{API}/jobs", content=content, headers=headers)

    assert asyncio.run(post()).status_code == 413


def test_a_bomb_is_refused_at_once(running):
    answer = running.post(picture=bomb(50_000))
    assert (answer.status_code, answer.json()["argument"]) == (422, "picture")


def test_a_worker_that_is_killed_fails_its_job_and_is_replaced(running):
    before = running.numbers()["worker_deaths_total"]
    job = running.post(stand_in.HANG).json()
    until(lambda: running.client.get(f"{API}/jobs/{job['id']}").json()["step"] == "looking")
    next_job = running.post().json()
    for pid in running.workers():
        os.kill(pid, signal.SIGKILL)
    found = running.settled(job["id"])
    assert found["error"] == "The process that did this was killed; memory may be short."
    assert running.settled(next_job["id"])["state"] == "done"
    assert running.numbers()["worker_deaths_total"] == before + 1


def drip(client, pause):
    """Send a little, and return what comes within some seconds."""
    client.settimeout(pause)
    try:
        client.sendall(b"--x")
        return client.recv(1000)
    except TimeoutError:
        return b""


def test_slow_clients_are_given_up(tmp_path):
    head = f"POST {API}/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90000\r\n"
    head = f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n".encode()
    with server(tmp_path, patience=4) as running:
        address = ("127.0.0.1", running.port)
        for pause in (0.1, 2):  # in all, and in silence
            with socket.create_connection(address) as client:
                client.sendall(head)
                until(lambda: b" 408 " in drip(client, pause), 8)  # noqa: B023
        with socket.create_connection(address) as client:
            client.sendall(b"GET / HT")
            client.settimeout(5)
            assert client.recv(100) == b""
        assert not running.kept


def test_a_stopped_server_lets_the_running_job_finish(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    with server(folder) as running:
        job, waiting = (running.post(stand_in.REST).json()["id"] for _ in range(2))
        until(lambda: running.client.get(f"{API}/jobs/{job}").json()["step"] == "looking")
        workers = running.workers()
        running.process.send_signal(signal.SIGTERM)
        until(lambda: running.client.get(f"{API}/health").json()["status"] == "stopping")
        answer = running.post()
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert running.settled(waiting)["error"] == "The server is being stopped."
        assert running.settled(job)["state"] == "done"
        assert running.client.get(f"{API}/jobs/{job}/alpha.png").status_code == 200
        assert running.process.wait(10) == 0
        assert not list(folder.iterdir())
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 5)
    assert (tmp_path / "served.log").read_text() == ""


def test_a_second_signal_ends_the_server_at_once(tmp_path):
    with server(tmp_path) as running:
        running.post(stand_in.HANG)
        running.process.send_signal(signal.SIGTERM)
        until(lambda: running.client.get(f"{API}/health").json()["status"] == "stopping")
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(5) == 0
        assert not list(tmp_path.iterdir())


def test_ctrl_c_ends_the_server_as_an_interrupt(tmp_path):
    (tmp_path / "served").mkdir()
    with server(tmp_path / "served") as running:
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(5) == -signal.SIGINT
        assert not list((tmp_path / "served").iterdir())
    assert (tmp_path / "served.log").read_text().endswith("KeyboardInterrupt\n")


def test_what_a_killed_server_leaves_is_removed_by_the_next(tmp_path):
    with server(tmp_path) as running:
        running.post()
        [left] = tmp_path.iterdir()
        workers = running.workers()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), 5)
    assert left.exists()
    os.utime(left, (0, 0))
    with server(tmp_path) as first, server(tmp_path):
        assert not left.exists()
        assert first.post().status_code == 202
