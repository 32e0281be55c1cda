"""Who may send requests, how long they may be, and what answers say."""

import asyncio
import errno
from collections import Counter

import httpx
import pytest

from alphamat.serve import Settings
from alphamat.serve.faults import as_fault
from alphamat.serve.safety import Guard, is_ours

TOKEN = "a secret of some length, é"


async def echo(scope, receive, send):
    """Answer with the number of bytes that came."""
    got, more = 0, True
    while more:
        message = await receive()
        got, more = got + len(message["body"]), message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(got).encode()})


async def stumble(scope, receive, send):
    raise RuntimeError("secret".upper())


def answer(method="GET", path="/api/v1/jobs", *, app=echo, base="http://127.0.0.1:8000", **rest):
    """Return what a guarded application answers, and the reasons of what it refused."""
    settings = Settings(**rest.pop("settings", {}))
    guard = Guard(app, settings, refused := Counter())

    async def run():
        transport = httpx.ASGITransport(guard)
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **rest)

    return asyncio.run(run()), list(refused)


@pytest.mark.parametrize(
    ("host", "settings", "ours"),
    [
        ("127.0.0.1:8000", {}, True),
        ("LOCALHOST", {}, True),
        ("[::1]:8000", {}, True),
        ("example.org:8000", {}, False),
        ("localhost.example.org", {}, False),
        ("192.168.1.5:8000", {}, False),
        ("", {}, False),
        ("192.168.1.5:8000", {"host": "0.0.0.0", "token": TOKEN}, True),
        ("[fe80::1]:8000", {"host": "::", "token": TOKEN}, True),
        ("example.org", {"host": "0.0.0.0", "token": TOKEN}, False),
        ("Example.org:80", {"host": "0.0.0.0", "token": TOKEN, "hosts": ("example.org",)}, True),
    ],
)
def test_only_names_of_ours_are_answered(host, settings, ours):
    assert is_ours(host, Settings(**settings)) == ours


def test_a_foreign_host_is_refused():
    found, refused = answer(base="http://example.org")
    assert (found.status_code, refused) == (421, ["host"])


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Origin": "http://127.0.0.1:3000"}, 403),
        ({"Origin": "http://example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_pages_of_other_sites_change_nothing(method, headers, status):
    assert answer(method, headers=headers)[0].status_code == status


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/api/v1/jobs", {}, 401),
        ("/metrics", {}, 401),
        ("/v1.0/removebg", {}, 401),
        ("/api/v1/openapi.json", {}, 401),
        ("/api/v1/jobs", {"Authorization": "Bearer wrong"}, 401),
        ("/api/v1/jobs", {"Authorization": "Bearer é"}, 401),
        ("/api/v1/jobs", {"Authorization": f"Basic {TOKEN}"}, 401),
        ("/api/v1/jobs", {"Authorization": f"Bearer {TOKEN}"}, 200),
        ("/v1.0/removebg", {"X-Api-Key": TOKEN}, 200),
        ("/v1.0/removebg", {"X-Api-Key": TOKEN[:-1]}, 401),
        (f"/api/v1/jobs?token={TOKEN}", {}, 401),
        ("/", {}, 200),
        ("/page/main.js", {}, 200),
        ("/api/v1/health", {}, 200),
    ],
)
def test_a_token_opens_all_but_the_page(path, headers, status):
    headers = {name: value.encode() for name, value in headers.items()}
    found, _ = answer("GET", path, headers=headers, settings={"token": TOKEN})
    assert found.status_code == status
    assert found.headers.get("WWW-Authenticate") == ("Bearer" if status == 401 else None)


def test_addresses_that_others_reach_need_a_token():
    with pytest.raises(ValueError, match=r"which other machines can reach; expected a `token`"):
        Settings(host="0.0.0.0")
    with pytest.raises(ValueError, match=r"`token` has 5 characters"):
        Settings(token="short")
    assert TOKEN not in repr(Settings(token=TOKEN))


def test_answers_forbid_all_that_the_page_does_not_need():
    found, _ = answer()
    assert "default-src 'none'; script-src 'self'" in found.headers["Content-Security-Policy"]
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Cache-Control"] == "no-store"
    assert not any("access-control" in name for name in found.headers)


def test_a_mistake_of_ours_is_told_to_the_log_alone(caplog):
    found, refused = answer(app=stumble)
    assert (found.status_code, refused) == (500, ["broken"])
    assert found.json()["error"] == "The server could not do this; its log says why."
    assert "stumble" in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(
    ("fault", "status", "told"),
    [
        (ValueError("`box` is odd (from Python, even)."), 422, "`box` is odd."),
        (TypeError("`keep` is odd."), 422, "`keep` is odd."),
        (
            TypeError("NoneType has no len()"),
            500,
            "The server could not do this; its log says why.",
        ),
        (MemoryError("It needs 3 GiB."), 507, "It needs 3 GiB."),
        (OSError(errno.ENOSPC, "/tmp/x"), 507, "The disk of the server is full; try again later."),
        (OSError(errno.ENOENT, "/tmp/x"), 500, "The server could not do this; its log says why."),
    ],
)
def test_clients_hear_what_they_can_change(fault, status, told):
    assert (as_fault(fault).status, as_fault(fault).error) == (status, told)


async def chunks(sizes):
    for size in sizes:
        yield bytes(size)


@pytest.mark.parametrize(
    ("path", "kind", "sizes", "status"),
    [
        ("/api/v1/jobs", "multipart/form-data", [500, 500], 200),
        ("/api/v1/jobs", "multipart/form-data", [500, 501], 413),
        ("/api/v1/batches", "multipart/form-data", [4000, 4000], 200),
        ("/api/v1/batches", "multipart/form-data", [4000, 4001], 413),
        ("/api/v1/jobs/x/box", "application/json", [70_000], 413),
        ("/api/v1/jobs/x/strokes", "image/png", [1001], 413),
    ],
)
def test_bodies_are_bounded_whether_or_not_they_tell_their_length(path, kind, sizes, status):
    most = {"most_bytes": 10**6 if kind == "application/json" else 1000}
    headers = {"Content-Type": kind}
    for content in (bytes(sum(sizes)), chunks(sizes)):
        found, _ = answer("POST", path, content=content, headers=headers, settings=most)
        assert found.status_code == status


@pytest.mark.parametrize("length", ["-1", "ten", "9" * 40, "²"])
def test_a_length_is_a_number(length):
    headers = {"Content-Length": length.encode()}
    assert answer("POST", headers=headers, content=b"")[0].status_code == 413


@pytest.mark.parametrize(("pause", "patience"), [(0.01, 0.5), (10, 5)])
def test_slow_uploads_are_given_up(pause, patience):
    guard = Guard(echo, Settings(patience=patience), refused := Counter())
    sent = []

    async def run():
        async def receive():
            await asyncio.sleep(pause)
            return {"type": "http.request", "body": b"a", "more_body": True}

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "path": "/api/v1/jobs", "headers": headers}
        await asyncio.wait_for(guard(scope, receive, send), 4)

    asyncio.run(run())
    assert (sent[0]["status"], list(refused)) == (408, ["slow"])
