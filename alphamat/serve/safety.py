"""What stands before all requests: who may send them, how long they may be, what answers say.

A page of another site must neither send requests (`Origin`, `Sec-Fetch-Site`) nor reach the service
under a name of its own (`Host`, as in DNS rebinding), nor show what it answers.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import time
from collections import Counter

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphamat.serve.faults import Fault, as_fault, log_fault
from alphamat.serve.settings import Settings

CHANGING = ("POST", "PUT", "PATCH", "DELETE")
OPEN = ("/", "/api/v1/health", "/favicon.ico")  # and /page/: they tell nothing of any picture
FORM = "multipart/form-data"
STROKE, JSON = 2**23, 2**16  # bytes of requests that are no forms
BATCHES, BATCH = "/api/v1/batches", 8  # times the bytes of a request that brings one picture
DRAINED = 2.0  # seconds

ANSWERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guard:
    """An application in front of another: it refuses what must not pass, and tells faults."""

    def __init__(self, app: ASGIApp, settings: Settings, refused: Counter[str]):
        self.app, self.settings, self.refused = app, settings, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers, path = Headers(scope=scope), scope["path"]
        body = _Body(receive, self._most(headers, path), self.settings.patience)
        answer = _Answer(send, private=path.startswith(("/api/", "/v1.0/")))
        try:
            self._refuse(scope, headers, body.most)
            await self.app(scope, body.receive, answer.send)
        except ClientDisconnect:
            self.refused["vanished"] += 1
        except Exception as fault:
            found = as_fault(fault)
            if found.status == 500 and found is not fault:
                log_fault(fault)
            self.refused[found.reason] += 1
            if not answer.begun:
                if found.reason != "slow" and "expect" not in headers:
                    await body.drain()
                told = found.told()
                if path.startswith("/v1.0/"):
                    told = {"errors": [{"title": found.error, "code": found.reason}]}
                response = JSONResponse(told, found.status, headers=found.headers)
                await response(scope, receive, answer.send)

    def _most(self, headers: Headers, path: str) -> int:
        """Return how many bytes a request may bring."""
        kind, most = kind_of(headers), self.settings.most_bytes
        if kind == FORM:
            return most * (BATCH if path == BATCHES else 1)
        return min(most, JSON if kind == "application/json" else STROKE)

    def _refuse(self, scope: Scope, headers: Headers, most: int) -> None:
        host = headers.get("host", "")
        if not is_ours(host, self.settings):
            raise Fault(421, "The service is not called by this name.", reason="host")
        if scope["method"] in CHANGING and not _same_origin(headers, host):
            raise Fault(403, "Other sites must not send requests to the service.", reason="origin")
        path = scope["path"]
        if self.settings.token and path not in OPEN and not path.startswith("/page/"):
            _refuse_without_token(headers, self.settings.token)
        length = headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit() or int(length[:18]) > most:
            raise _too_long(most)


def kind_of(headers: Headers) -> str:
    """Return the type of what a request brings."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def is_ours(host: str, settings: Settings) -> bool:
    """Return whether `Host` names this service, as a page of ours would.

    Names that others may point to this machine are not ours; where it is reached from elsewhere,
    any address is.

    Examples
    --------
    >>> is_ours("localhost:8000", Settings()), is_ours("example.org:8000", Settings())
    (True, False)
    """
    name, separator, port = host.lower().rpartition(":")
    if not separator or not port.isdigit():
        name = host.lower()
    if name in ("localhost", *(known.lower() for known in settings.hosts)):
        return True
    try:
        address = ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return address.is_loopback or not settings.loopback


def _same_origin(headers: Headers, host: str) -> bool:
    """Return whether a request comes from a page of ours, or from no page at all."""
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")


def _refuse_without_token(headers: Headers, token: str) -> None:
    scheme, _, given = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        given = headers.get("x-api-key", "")
    if not hmac.compare_digest(given.strip().encode("latin-1"), token.encode()):
        raise Fault(401, "The token is missing or wrong.", argument="token", reason="token")


def _too_long(most: int) -> Fault:
    error = f"This is too much for one request; expected at most {most / 2**20:,.3g} MiB."
    return Fault(413, error, reason="long")


class _Body:
    """The body of a request, which must neither be too long nor take too long."""

    def __init__(self, receive: Receive, most: int, patience: float):
        self.inner, self.most, self.patience = receive, most, patience
        self.got, self.more = 0, True
        self.began: float | None = None

    async def receive(self) -> Message:
        if not self.more:
            return await self.inner()
        self.began = self.began or time.monotonic()
        left = self.began + self.patience - time.monotonic()
        try:
            message = await asyncio.wait_for(self.inner(), min(left, self.patience / 10))
        except TimeoutError:
            raise Fault(408, "The upload takes too long.", reason="slow") from None
        self.more = message.get("more_body", False)
        self.got += len(message.get("body", b""))
        if self.got > self.most:
            raise _too_long(self.most)
        return message

    async def drain(self) -> None:
        """Read on for a moment: browsers read no answer while they send."""
        try:
            async with asyncio.timeout(DRAINED):
                while self.more:
                    self.more = (await self.inner()).get("more_body", False)
        except TimeoutError:
            pass


class _Answer:
    """What is sent back, with the headers that all answers have."""

    def __init__(self, send: Send, private: bool):
        self.inner, self.private, self.begun = send, private, False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            headers.update(ANSWERS)
            headers["Cache-Control"] = "no-store" if self.private else "no-cache"
        await self.inner(message)
