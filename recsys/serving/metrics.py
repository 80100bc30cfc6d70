"""Requests in, counts and times in Prometheus' text format out."""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
TYPE = "text/plain; version=0.0.4; charset=utf-8"
Key = tuple[str, str, int]


class Metrics:
    """What happened since the start; only the event loop writes.

    >>> made = Metrics()
    >>> made.done("GET", "/similar/{track_id}", 200, 0.004)
    >>> [line for line in made.text("b1", 80, 0).splitlines() if line.startswith("recsys_requests_total")]
    ['recsys_requests_total{method="GET",route="/similar/{track_id}",status="200"} 1']
    """

    def __init__(self) -> None:
        self.started = time.time()
        self.running = 0
        self.swaps = self.swap_failures = 0
        self.refused: Counter[str] = Counter()
        self.requests: Counter[Key] = Counter()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.buckets: defaultdict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS) + 1))

    def done(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request that was answered."""
        self.requests[method, route, status] += 1
        self.seconds[route] += seconds
        place = next((i for i, limit in enumerate(BUCKETS) if seconds <= limit), len(BUCKETS))
        self.buckets[route][place] += 1

    def text(self, bundle: str | None, tracks: int, waiting: int) -> str:
        """All of it, as Prometheus reads it."""
        return "\n".join(self._lines(bundle, tracks, waiting)) + "\n"

    def _lines(self, bundle: str | None, tracks: int, waiting: int) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests answered.")
        for (method, route, status), count in sorted(self.requests.items()):
            yield f'recsys_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'
        yield from _head("request_seconds", "histogram", "Time from the first byte asked to the last byte sent.")
        for route, counts in sorted(self.buckets.items()):
            yield from _histogram(route, counts, self.seconds[route])
        yield from _head("refused_total", "counter", "Requests refused before they were read, by reason.")
        for reason, count in sorted(self.refused.items()):
            yield f'recsys_refused_total{{reason="{reason}"}} {count}'
        yield from _head("bundle_swaps_total", "counter", "New bundles taken, and those that could not be opened.")
        yield f'recsys_bundle_swaps_total{{result="ok"}} {self.swaps}'
        yield f'recsys_bundle_swaps_total{{result="failed"}} {self.swap_failures}'
        yield from _head("bundle_info", "gauge", "The bundle that answers.")
        yield f'recsys_bundle_info{{bundle="{bundle or ""}"}} {int(bundle is not None)}'
        gauges = {
            "tracks": ("Tracks in the bundle.", tracks),
            "requests_running": ("Requests being answered.", self.running),
            "requests_waiting": ("Requests that wait for a thread.", waiting),
            "start_time_seconds": ("When the process started, Unix seconds.", round(self.started, 3)),
            "resident_memory_bytes": ("Memory of the process.", resident()),
        }
        for name, (words, value) in gauges.items():
            yield from _head(name, "gauge", words)
            yield f"recsys_{name} {value}"


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP recsys_{name} {words}", f"# TYPE recsys_{name} {kind}"


def _histogram(route: str, counts: list[int], seconds: float) -> Iterator[str]:
    total = 0
    for limit, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
        total += count
        yield f'recsys_request_seconds_bucket{{route="{route}",le="{limit}"}} {total}'
    yield f'recsys_request_seconds_sum{{route="{route}"}} {seconds:.6f}'
    yield f'recsys_request_seconds_count{{route="{route}"}} {total}'


def resident() -> int:
    """Memory of this process in bytes; 0 where the system doesn't tell."""
    with suppress(OSError, ValueError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return 0
