"""Around the application: who may ask, how much and how often; headers, entity tags, counts and logs of answers."""

from __future__ import annotations

import asyncio
import hmac
import logging
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recsys.serving import problems
from recsys.serving.answers.stand import Stand
from recsys.serving.live import Live
from recsys.serving.metrics import Metrics
from recsys.serving.options import Options
from recsys.serving.problems import Refused

STAND = "recsys.stand"
LIMIT = "recsys.limit"
HEAD = "recsys.head"
LONGEST = 8192  # bytes of an address
CLIENTS = 10_000  # whose rate is remembered
VERSIONED = {"similar", "recommend", "path", "search", "tracks", "explain", "map", "rest"}
# need no key; rest looks at it itself
OPEN = {"", "health", "ready", "metrics", "openapi.json", "docs", "page", "rest"}
UPLOADS = {"/search/audio"}
SAFE: list[tuple[bytes, bytes]] = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
]
log = logging.getLogger("recsys.serving.access")
faults = logging.getLogger("recsys.serving")
Headers = dict[bytes, bytes]


class Guard:
    """The outermost application; what is refused here is never read."""

    def __init__(self, app: ASGIApp, live: Live, options: Options, metrics: Metrics) -> None:
        self.app, self.live, self.options, self.metrics = app, live, options, metrics
        self.limits = options.settings.serve
        self._buckets: dict[str, tuple[float, float]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or refuse it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(scope, send, self.live.stand)
        self.metrics.running += 1
        try:
            await self._guarded(scope, receive, answer)
        except Exception as error:
            await self._failed(error, scope, answer)
        finally:
            self.metrics.running -= 1
            self._tell(scope, answer)

    async def _guarded(self, scope: Scope, receive: Receive, answer: _Answer) -> None:
        headers: Headers = dict(scope["headers"])
        try:
            limit = self._checked(scope, headers)
        except Refused as refused:
            self.metrics.refused[refused.code] += 1
            answer.closing = refused.status_code == 413
            await problems.response(refused)(scope, receive, answer.send)
            return
        if self.options.key is not None and scope["path"].startswith("/rest"):
            answer.versioned = False  # keys are looked at later there
        if answer.versioned and answer.stand is not None and _has(headers.get(b"if-none-match"), answer.stand.tag):
            await answer.send({"type": "http.response.start", "status": 304, "headers": []})
            await answer.send({"type": "http.response.body", "body": b""})
            return
        inner: Scope = {**scope, STAND: answer.stand, LIMIT: limit, HEAD: answer.bodiless}
        if answer.bodiless:
            inner["method"] = "GET"  # the same answer, of which the body is not sent
        if b"content-length" in headers or b"transfer-encoding" in headers:
            receive = _Body(receive, limit, self.limits.body_seconds, answer)
        try:
            await self.app(inner, receive, answer.send)
        finally:
            scope["route"] = inner.get("route")

    def _checked(self, scope: Scope, headers: Headers) -> int:
        """Refuse what must not be read; the most bytes that the body may have."""
        if len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST:
            raise Refused(414, "too-long", f"the address is longer than {LONGEST} bytes; send a body instead")
        self._check_host(headers)
        self._check_key(scope, headers)
        self._check_rate(scope)
        if headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Refused(415, "encoded", "the body is compressed; send it as it is")
        upload = scope["path"] in UPLOADS
        limit = self.limits.upload_megabytes << 20 if upload else self.limits.body_kilobytes << 10
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length[:20]) > limit:
            raise too_large(limit)
        return limit

    def _check_host(self, headers: Headers) -> None:
        if self.options.hosts:
            name = headers.get(b"host", b"").decode("latin-1").rsplit(":", 1)[0].lower()
            if name not in self.options.hosts:
                raise Refused(421, "host", "this server is not called so; see serve.hosts")

    def _check_key(self, scope: Scope, headers: Headers) -> None:
        key = self.options.key
        first = scope["path"].split("/", 2)[1] if scope["path"].startswith("/") else ""
        if key is None or first in OPEN:
            return
        if not same_key(key, given_key(headers, scope["query_string"])):
            words = "no key, or another; send Authorization: Bearer KEY, X-API-Key or apiKey="
            raise Refused(401, "key", words, {"WWW-Authenticate": "Bearer"})

    def _check_rate(self, scope: Scope) -> None:
        """A bucket that holds twice the rate and fills with it."""
        rate = self.limits.rate
        if not rate:
            return
        client, now = (scope.get("client") or ("",))[0], time.monotonic()
        if len(self._buckets) > CLIENTS:
            self._buckets.clear()
        left, last = self._buckets.get(client, (2 * rate, now))
        left = min(2 * rate, left + (now - last) * rate)
        if left < 1:
            self._buckets[client] = left, now
            words = f"more than {rate:g} questions a second; ask more slowly"
            raise Refused(429, "rate", words, {"Retry-After": str(max(1, round((1 - left) / rate)))})
        self._buckets[client] = left - 1, now

    async def _failed(self, error: Exception, scope: Scope, answer: _Answer) -> None:
        """A fault of ours: the log says where, the answer doesn't."""
        faults.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
        if not answer.status:
            await problems.response(RuntimeError())(scope, _nothing, answer.send)

    def _tell(self, scope: Scope, answer: _Answer) -> None:
        seconds = time.perf_counter() - answer.started
        path = getattr(scope.get("route"), "path", None) or ("304" if answer.status == 304 else "other")
        self.metrics.done(scope["method"], path, answer.status, seconds)
        if log.isEnabledFor(logging.INFO):
            facts = {"method": scope["method"], "path": scope["path"], "status": answer.status}
            facts |= {
                "ms": round(1000 * seconds, 2),
                "client": (scope.get("client") or ("",))[0],
                "bytes": answer.bytes,
            }
            log.info("%(method)s %(path)s %(status)s %(ms)s ms", facts, extra={"facts": facts})


class _Answer:
    """What is sent: its status, and the headers that every answer has."""

    def __init__(self, scope: Scope, send: Send, stand: Stand | None) -> None:
        self.started, self.status, self.bytes, self.closing = time.perf_counter(), 0, 0, False
        self.stand, self._send, self.bodiless = stand, send, scope["method"] == "HEAD"
        parts = scope["path"].split("/", 2)
        known = scope["method"] in ("GET", "HEAD") and len(parts) > 1 and parts[1] in VERSIONED
        self.versioned = known and not scope["path"].endswith("/audio")

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            own = [*message.get("headers", ())]
            there = {name for name, _ in own}
            message["headers"] = own + [pair for pair in self._headers() if pair[0] not in there]
        elif self.bodiless:
            message = {**message, "body": b""}
        else:
            self.bytes += len(message.get("body", b""))
        await self._send(message)

    def _headers(self) -> Iterable[tuple[bytes, bytes]]:
        yield from SAFE
        if self.closing:
            yield b"connection", b"close"
        if self.stand is not None:
            yield b"x-bundle", self.stand.version.encode()
            if self.versioned and self.status in (200, 304):
                yield b"etag", self.stand.tag.encode()
                yield b"cache-control", b"private, no-cache"


class _Body:
    """A body that may not grow too large nor come too slowly."""

    def __init__(self, receive: Receive, limit: int, seconds: float, answer: _Answer) -> None:
        self.receive, self.limit, self.seconds, self.answer = receive, limit, seconds, answer
        self.read, self.until, self.more = 0, time.monotonic() + seconds, True

    async def __call__(self) -> Message:
        if not self.more:
            return await self.receive()
        try:
            message = await asyncio.wait_for(self.receive(), max(0.001, self.until - time.monotonic()))
        except TimeoutError:
            self.answer.closing, self.more = True, False
            words = f"the body did not arrive within {self.seconds:g} seconds; send it faster, or less"
            raise Refused(408, "slow-body", words) from None
        self.read += len(message.get("body", b""))
        self.more = bool(message.get("more_body"))
        if self.read > self.limit:
            self.answer.closing, self.more = True, False
            raise too_large(self.limit)
        return message


def too_large(limit: int) -> Refused:
    """The refusal of a body."""
    return Refused(413, "too-large", f"the body is larger than {limit:,} bytes; send less")


def given_key(headers: Headers, query: bytes) -> str:
    """The key that came with a request, by any of the three ways; "" where there is none."""
    bearer = headers.get(b"authorization", b"").decode("latin-1")
    if bearer[:7].lower() == "bearer ":
        return bearer[7:].strip()
    if b"x-api-key" in headers:
        return headers[b"x-api-key"].decode("latin-1")
    return parse_qs(query.decode("latin-1")).get("apiKey", [""])[0] if b"apiKey=" in query else ""


def same_key(key: str, given: str) -> bool:
    """Whether a key is the right one, in a time that doesn't tell how much of it was."""
    return hmac.compare_digest(key.encode(), given.encode("utf-8", "replace"))


def stand_of(scope: Any) -> Stand:
    """The bundle that answers this request.

    Raises:
        Refused: it is still being opened.
    """
    stand: Stand | None = scope.get(STAND)
    if stand is None:
        raise Refused(503, "starting", "the bundle is being opened; ask again", {"Retry-After": "1"})
    return stand


def _has(header: bytes | None, tag: str) -> bool:
    """Whether an If-None-Match names a tag."""
    if header is None:
        return False
    tags = {one.strip().removeprefix("W/") for one in header.decode("latin-1").split(",")}
    return tag in tags or "*" in tags


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
