"""What is meant to harm gets a 4xx and one clear line, and everybody else is answered meanwhile."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from recsys.engine import Engine
from recsys.serving import patience
from tests.serving.test_http import problem


@pytest.fixture(scope="module")
def track(bundle: Path) -> str:
    return str(Engine.open(bundle).most_played(1)[0])


def raw(client: httpx.Client, data: bytes, *, seconds: float = 10) -> tuple[bytes, socket.socket]:
    """What a server says to bytes, and the connection."""
    made = connected(client, seconds)
    made.sendall(data)
    return made.recv(65_536), made


def connected(client: httpx.Client, seconds: float = 10) -> socket.socket:
    """A connection to a server."""
    return socket.create_connection((client.base_url.host, client.base_url.port or 80), timeout=seconds)


def others_are_answered(client: httpx.Client, track: str) -> bool:
    return client.get(f"/similar/{track}", timeout=5).status_code == 200


@pytest.mark.parametrize(
    "address",
    [
        "/tracks/..%2f..%2f..%2fetc%2fpasswd/audio",
        "/tracks/../../../../etc/passwd/audio",
        "/tracks/%2e%2e/%2e%2e/etc/passwd",
        "/tracks//etc/passwd/audio",
        "/similar/%2fetc%2fpasswd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%5c..%5cetc",
        "/similar/a%00b",
        "/similar/%0d%0aSet-Cookie:%20a=b",
        "/similar/%ff%fe%1b[31m",
        "/similar/" + "a" * 600,
        "/similar/x?like=" + "b" * 600,
        "/similar/x?where=" + "(" * 1500,
        "/similar/{track}?where=" + "not%20" * 300 + "explicit",
        "/similar/{track}?where=__import__('os').system('id')>1",
        "/similar/{track}?where=year>9**9**9**9",
        "/similar/{track}?" + "&".join(["like={track}"] * 100),
        "/search?q=" + "%20".join(["a"] * 250),
        "/map?n=100000000",
        "/rest/findSonicPath?count=99999999999",
        "/similar/{track}?offset=-1",
        "/similar/{track}?n=1e3",
        "/similar/{track}?n=٣",
        "/recommend/{track}?context=%ed%a0%80",
    ],
)
def test_addresses(ask: httpx.Client, track: str, address: str) -> None:
    data = f"GET {address.replace('{track}', track)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    answer, made = raw(ask, data)
    made.close()
    assert answer[9:10] in (b"2", b"4"), answer
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b"set-cookie" not in head.lower()
    assert b"root:" not in body
    if answer[9:10] == b"4":
        assert body.count(b"\n") == 0
        assert len(body) < 1500
    assert others_are_answered(ask, track)


def test_a_long_address(ask: httpx.Client, track: str) -> None:
    assert problem(ask.get(f"/similar/{track}?where=" + "x" * 9000), 414).code == "too-long"


def test_a_head_without_end_is_cut(ask: httpx.Client, track: str) -> None:
    line = b"X-Filler: " + b"a" * 1000 + b"\r\n"
    answer = b""
    with connected(ask) as made, suppress(OSError):
        made.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n")
        for _ in range(1000):
            made.sendall(line)
        answer = made.recv(1000)
    assert answer[:12] in (b"", b"HTTP/1.1 431", b"HTTP/1.1 400")
    assert others_are_answered(ask, track)


def test_a_body_too_large_is_refused_by_its_length(ask: httpx.Client, track: str) -> None:
    for address, length in (("/recommend", 1 << 40), ("/search/audio", 1 << 30), ("/playlist", 2 << 20)):
        head = f"POST {address} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        started = time.perf_counter()
        answer, made = raw(ask, f"{head}Content-Length: {length}\r\n\r\n".encode())
        assert answer.startswith(b"HTTP/1.1 413")
        assert b"the body is larger than" in answer
        assert time.perf_counter() - started < 5
        made.close()
    assert others_are_answered(ask, track)


def test_a_body_too_large_is_refused_as_it_comes(served: Any, bundle: Path, track: str) -> None:
    client = served(bundle, limits={"body_kilobytes": 64})
    head = "POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    sent, piece = 0, b"4000\r\n" + b"a" * 0x4000 + b"\r\n"
    with connected(client) as made, suppress(OSError):
        made.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        while sent < 64 << 20:
            made.sendall(piece)
            sent += len(piece)
    assert sent < 32 << 20  # the connection was closed on them
    assert others_are_answered(client, track)


def test_the_refusal_of_a_stream_is_one_line(served: Any, bundle: Path) -> None:
    client = served(bundle, limits={"body_kilobytes": 1})
    answer = client.post("/recommend", content=iter([b"a" * 900] * 3), headers={"Content-Type": "application/json"})
    assert problem(answer, 413).code == "too-large"


def test_lengths_that_are_none(ask: httpx.Client, track: str) -> None:
    for length in ("-1", "1e9", "0x10", "9" * 400):
        head = f"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        answer, made = raw(ask, head.encode())
        assert answer[9:10] == b"4", answer
        made.close()
    assert others_are_answered(ask, track)


def test_compressed_bodies_are_not_taken(ask: httpx.Client) -> None:
    answer = ask.post("/recommend", content=b"\x1f\x8b", headers={"Content-Encoding": "gzip"})
    assert problem(answer, 415).code == "encoded"


def test_batches_and_histories_have_an_end(ask: httpx.Client, track: str) -> None:
    queries = {"queries": [{"track": track}] * 10_000}
    assert "at most 100" in problem(ask.post("/batch/similar", json=queries), 422).detail
    queries = {"queries": [{"user": "x"}] * 10_000}
    assert "at most 100" in problem(ask.post("/batch/recommend", json=queries), 422).detail
    history = {"history": [{"track": track}] * 10_000}
    assert "at most 5000" in problem(ask.post("/recommend", json=history), 422).detail
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    assert ask.post("/playlist", json={"kind": "radio", "seeds": [track], "only": deep}).status_code == 400
    flat = b"[" * 200_000
    answer = ask.post("/playlist", content=flat, headers={"Content-Type": "application/json"})
    assert problem(answer, 400)
    assert others_are_answered(ask, track)


def test_texts_that_are_none(ask: httpx.Client, track: str) -> None:
    for text in (b'"\\ud800"', b'"a\\u0000b\\u001b[31m"', b'"\xff\xfe"'):
        body = b'{"history": [{"track": ' + text + b"}]}"
        answer = ask.post("/recommend", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 404, 422), answer.text
        assert "\x1b" not in problem(answer, answer.status_code).detail


def while_slow(client: httpx.Client, data: bytes, track: str, count: int = 20) -> list[bytes]:
    """What slow clients get in the end; meanwhile others are answered."""
    slow = [connected(client, 20) for _ in range(count)]
    for one in slow:
        one.sendall(data)
    for _ in range(20):
        assert others_are_answered(client, track)
    answers = [one.recv(4096) for one in slow]
    for one in slow:
        one.close()
    return answers


def test_slow_heads(served: Any, bundle: Path, track: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 1.0)
    client = served(bundle)
    answers = while_slow(client, b"GET /health HTTP/1.1\r\nHost: loc", track)
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    assert {answer[:12] for answer in while_slow(client, b"", track)} == {b"HTTP/1.1 408"}


def test_slow_bodies(served: Any, bundle: Path, track: str) -> None:
    client = served(bundle, limits={"body_seconds": 1.0})
    head = (
        b"POST /recommend HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 90\r\n\r\n{"
    )
    answers = while_slow(client, head, track)
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    assert b"the body did not arrive within 1 seconds" in answers[0]


def test_questions_that_take_long_wait_in_line_and_quick_ones_do_not(served: Any, bundle: Path, track: str) -> None:
    client = served(bundle, limits={"threads": 1, "waiting": 2})
    statuses: list[int] = []
    retry: list[str] = []

    def long() -> None:
        with httpx.Client(base_url=client.base_url, timeout=60, trust_env=False) as mine:
            answer = mine.post("/playlist", json={"kind": "radio", "seeds": [track], "n": 40})
            statuses.append(answer.status_code)
            retry.append(answer.headers.get("retry-after", ""))

    threads = [threading.Thread(target=long) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        assert others_are_answered(client, track)
    for thread in threads:
        thread.join()
    assert set(statuses) == {200, 503}
    assert all((status == 503) == bool(after) for status, after in zip(statuses, retry, strict=True))


def silent_flac(seconds: int) -> bytes:
    """A FLAC file that says it holds many hours, each of its frames a constant of some bytes."""
    import io

    import soundfile

    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", 48_000, 8, "PCM_16", format="FLAC") as writer:
        block = np.zeros((48_000, 8), np.int16)
        for _ in range(seconds):
            writer.write(block)
    return file.getvalue()


def wav_that_lies() -> bytes:
    """A WAV whose header promises 4 GB."""
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 2, 48_000, 192_000, 4, 16)
    return (
        b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + form + b"data" + struct.pack("<I", 0xFFFFFFF0) + b"\0" * 999
    )


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(lambda: silent_flac(1200), id="twenty minutes of silence in few bytes"),
        pytest.param(wav_that_lies, id="a header that lies"),
        pytest.param(lambda: np.random.default_rng(0).bytes(300_000), id="noise"),
        pytest.param(lambda: b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + b"\0" * 100, id="a tag without end"),
        pytest.param(lambda: b"x", id="one byte"),
        pytest.param(lambda: b"", id="nothing"),
    ],
)
def test_sounds_that_are_none(hear: httpx.Client, made: Callable[[], bytes]) -> None:
    answer = hear.post("/search/audio", content=made(), headers={"Content-Type": "audio/flac"})
    assert problem(answer, 400).code == "bad-request"
    assert hear.get("/health").status_code == 200


def test_a_body_of_another_type(hear: httpx.Client) -> None:
    answer = hear.post("/search/audio", content=b"x", headers={"Content-Type": "text/html"})
    assert problem(answer, 415).code == "type"


def test_many_ranges_are_one_question(hear: httpx.Client) -> None:
    track = hear.get("/tracks?n=1").json()["items"][0]["id"]
    ranges = "bytes=" + ",".join("0-" for _ in range(1000))
    answer = hear.get(f"/tracks/{track}/audio", headers={"Range": ranges})
    assert answer.status_code in (200, 206, 416)
    assert len(answer.content) < 1 << 20
