"""A load generator that costs little: keep-alive connections over raw sockets, in a process of its own.

``closed`` keeps every connection busy; ``open_loop`` sends at fixed times whatever the answers do, and counts the time
from when a request was due, so that a stall counts for all requests that had to wait for it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator, Sequence
from itertools import cycle
from typing import NamedTuple

import numpy as np


class Load(NamedTuple):
    """Answers a second, milliseconds (p50, p99, longest), how many answers, and those not 200 or that never came."""

    rate: float
    p50: float
    p99: float
    longest: float
    answers: int
    failed: int


class _Connection(asyncio.Protocol):
    """One connection; a future for the answer that is waited for."""

    def __init__(self) -> None:
        self.data, self.need, self.waiting = bytearray(), -1, None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.data += data
        if self.need < 0:
            end = self.data.find(b"\r\n\r\n")
            if end < 0:
                return
            place = self.data.lower().find(b"content-length:", 0, end)
            stop = self.data.find(b"\r\n", place)
            self.need = end + 4 + (int(self.data[place + 15 : stop]) if place >= 0 else 0)
        if len(self.data) >= self.need and self.waiting and not self.waiting.done():
            status = int(self.data[9:12])
            self.data, self.need = bytearray(), -1
            self.waiting.set_result(status)

    def connection_lost(self, error: Exception | None) -> None:
        if self.waiting and not self.waiting.done():
            self.waiting.set_result(0)
        self.transport = None

    async def ask(self, request: bytes, loop: asyncio.AbstractEventLoop) -> int:
        """The status of the answer, 0 where none came."""
        if self.transport is None:
            return 0
        self.waiting = loop.create_future()
        self.transport.write(request)
        return await self.waiting


def get(path: str, port: int) -> bytes:
    """A GET as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()


def post(path: str, body: object, port: int) -> bytes:
    """A POST of JSON as bytes."""
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
    return head.encode() + f"Content-Length: {len(content)}\r\n\r\n".encode() + content


async def closed(port: int, requests: Sequence[bytes], seconds: float, connections: int) -> Load:
    """As many as there is time for, each connection one after another."""
    loop, some = asyncio.get_running_loop(), cycle(requests)
    spent: list[float] = []
    statuses: list[int] = []
    until = time.perf_counter() + seconds

    async def work() -> None:
        made = await _connected(port)
        while time.perf_counter() < until:
            start = time.perf_counter()
            status = await made.ask(next(some), loop)
            spent.append(time.perf_counter() - start)
            statuses.append(status)
            if not status:
                made = await _connected(port)

    start = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(connections)))
    return _load(spent, statuses, time.perf_counter() - start)


async def open_loop(port: int, requests: Sequence[bytes], seconds: float, rate: float, connections: int = 32) -> Load:
    """At fixed times; a request that finds no free connection waits, and its waiting counts."""
    loop, some = asyncio.get_running_loop(), cycle(requests)
    free: asyncio.Queue[_Connection] = asyncio.Queue()
    for _ in range(connections):
        free.put_nowait(await _connected(port))
    spent: list[float] = []
    statuses: list[int] = []

    async def one(due: float, request: bytes) -> None:
        made = await free.get()
        status = await made.ask(request, loop)
        spent.append(time.perf_counter() - due)
        statuses.append(status)
        free.put_nowait(made if status else await _connected(port))

    start, tasks = time.perf_counter(), set()
    for due in _times(start, seconds, rate):
        late = due - time.perf_counter()
        if late > 0.0005:
            await asyncio.sleep(late)
        tasks.add(task := loop.create_task(one(due, next(some))))
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return _load(spent, statuses, time.perf_counter() - start)


def _times(start: float, seconds: float, rate: float) -> Iterator[float]:
    """When requests are due: chance decides, as with many independent listeners."""
    rng, now = np.random.default_rng(0), start
    while now < start + seconds:
        now += float(rng.exponential(1 / rate))
        yield now


async def _connected(port: int) -> _Connection:
    loop = asyncio.get_running_loop()
    return (await loop.create_connection(_Connection, "127.0.0.1", port))[1]


def _load(spent: list[float], statuses: list[int], seconds: float) -> Load:
    times = np.array(spent) * 1e3
    failed = sum(status != 200 for status in statuses)
    middle, late = np.percentile(times, [50, 99])
    return Load(len(times) / seconds, float(middle), float(late), float(times.max()), len(times), failed)


def main() -> None:
    """``python -m tests.benchmarks.load PORT SECONDS RATE CONNECTIONS < requests.json``; rate 0 = as fast as can be."""
    port, seconds, rate, connections = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
    requests = [get(one, port) if isinstance(one, str) else post(one[0], one[1], port) for one in json.load(sys.stdin)]
    way = (
        open_loop(port, requests, seconds, rate, connections) if rate else closed(port, requests, seconds, connections)
    )
    print(json.dumps(_run(way)._asdict()))


def _run(way: object) -> Load:
    try:
        import uvloop

        return uvloop.run(way)  # type: ignore[no-any-return]
    except ImportError:
        return asyncio.run(way)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
