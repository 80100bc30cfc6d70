"""A new bundle takes over while questions come, and none of them is dropped."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import httpx

from recsys.engine import Engine
from tests.serving.conftest import point

FIRST, SECOND = "20260101T000000Z-00000001", "20260102T000000Z-00000002"


def settled(client: httpx.Client, name: str, seconds: float = 30) -> bool:
    """Whether a bundle answers within some time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if client.get("/health").json()["bundle"] == name:
            return True
        time.sleep(0.02)
    return False


def test_a_bundle_takes_over_without_a_dropped_request(served: Any, bundles: Path) -> None:
    client = served(bundles, limits={"watch_seconds": 0.05})
    track = str(Engine.open(bundles).most_played(1)[0])
    stop, seen, failures = threading.Event(), set(), []

    def load() -> None:
        with httpx.Client(base_url=client.base_url, timeout=30, trust_env=False) as mine:
            while not stop.is_set():
                answer = mine.get(f"/similar/{track}")
                seen.add(answer.headers["x-bundle"])
                if answer.status_code != 200 or answer.json()["bundle"] != answer.headers["x-bundle"]:
                    failures.append(answer.text)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for name in (SECOND, FIRST, SECOND, FIRST, SECOND):
            point(bundles, name)
            assert settled(client, name)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert seen == {FIRST, SECOND}
    assert 'recsys_bundle_swaps_total{result="ok"} 5' in client.get("/metrics").text


def test_a_tag_of_the_old_bundle_is_no_longer_good(served: Any, bundles: Path) -> None:
    client = served(bundles, limits={"watch_seconds": 0.05})
    track = str(Engine.open(bundles).most_played(1)[0])
    tag = client.get(f"/similar/{track}").headers["etag"]
    point(bundles, SECOND)
    assert settled(client, SECOND)
    assert client.get(f"/similar/{track}", headers={"If-None-Match": tag}).status_code == 200


def test_a_broken_bundle_changes_nothing(served: Any, bundles: Path) -> None:
    client = served(bundles, limits={"watch_seconds": 0.05})
    track = str(Engine.open(bundles).most_played(1)[0])
    (bundles / SECOND / "index" / "index.json").write_text("{")
    point(bundles, SECOND)
    until = time.monotonic() + 30
    while 'result="failed"} 1' not in client.get("/metrics").text:
        assert time.monotonic() < until
        time.sleep(0.05)
    answer = client.get(f"/similar/{track}")
    assert (answer.status_code, answer.headers["x-bundle"]) == (200, FIRST)
    (bundles / "CURRENT").unlink()
    time.sleep(0.2)
    assert client.get(f"/similar/{track}").status_code == 200
