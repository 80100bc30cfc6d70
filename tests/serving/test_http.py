"""Tags, problems, keys, limits, sound in parts, health and counts: what every answer has in common."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import httpx
import pytest

from recsys.engine import Engine
from recsys.serving import schemas
from recsys.serving.answers.library import Library
from recsys.serving.logs import AsJson
from recsys.serving.options import Options


@pytest.fixture(scope="module")
def track(bundle: Path) -> str:
    return str(Engine.open(bundle).most_played(1)[0])


def problem(answer: httpx.Response, status: int) -> schemas.Problem:
    """A problem on one line that tells nothing of this machine."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found = schemas.Problem.model_validate(answer.json())
    assert found.status == status
    assert "\n" not in found.detail
    assert "/tmp" not in answer.text
    assert "Traceback" not in answer.text
    return found


def test_every_answer_names_its_bundle_and_a_tag_saves_asking_again(ask: httpx.Client, track: str) -> None:
    first = ask.get(f"/similar/{track}")
    assert first.headers["x-bundle"] == first.json()["bundle"]
    again = ask.get(f"/similar/{track}", headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    assert ask.get(f"/similar/{track}", headers={"If-None-Match": '"old"'}).status_code == 200
    assert "etag" not in ask.get("/similar/nobody").headers
    assert ask.get("/health").headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("address", "status", "code", "words"),
    [
        ("/similar/nobody", 404, "unknown-id", "unknown track 'nobody'"),
        ("/recommend/nobody", 404, "unknown-id", "unknown user 'nobody'"),
        ("/similar/{track}?n=0", 422, "invalid", "query.n = '0'"),
        ("/similar/{track}?n=10000000000", 422, "invalid", "less than or equal to 500"),
        ("/similar/{track}?taste=nan", 422, "invalid", "finite"),
        ("/similar/{track}?taste=.5&blend=taste:1", 400, "bad-request", "one of them"),
        ("/similar/{track}?blend=sond:1", 400, "bad-request", "did you mean sound?"),
        ("/similar/{track}?blend=harmony:1", 400, "bad-request", "no such space"),
        ("/similar/{track}?blend=taste:0", 400, "bad-request", "nothing weighs"),
        ("/similar/{track}?blend=taste:nan", 400, "bad-request", "numbers from 0"),
        ("/similar/{track}?where=yaer>1990", 400, "bad-request", "did you mean year?"),
        ("/similar/{track}?like=nobody", 404, "unknown-id", "unknown track"),
        ("/explain?user=x", 422, "invalid", "query.track: field required"),
        ("/path?from={track}&to={track}", 400, "bad-request", "are the same"),
        ("/tracks/{track}/audio", 404, "no-sound", "no sound"),
        ("/nowhere", 404, "not-found", "Not Found"),
        ("/batch/similar", 405, "method-not-allowed", "Method Not Allowed"),
        ("/search", 422, "invalid", "query.q: field required"),
    ],
)
def test_problems_say_what_was_found(
    ask: httpx.Client, track: str, address: str, status: int, code: str, words: str
) -> None:
    found = problem(ask.get(address.replace("{track}", track)), status)
    assert found.code == code
    assert words in found.detail


def test_an_unknown_track_names_those_beside_it_and_an_unknown_listener_names_nobody(
    ask: httpx.Client, track: str
) -> None:
    assert problem(ask.get(f"/similar/{track}x"), 404).nearest
    assert problem(ask.get("/recommend/u9999"), 404).nearest is None


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"kind": "radoi"}, "did you mean radio?"),
        ({"kind": "path", "start": "{track}", "ende": "{track}"}, "did you mean end?"),
        ({"kind": "continue", "file": "/etc/passwd"}, "file can't be said here"),
        ({"kind": "radio", "seeds": ["/etc/passwd"]}, "unknown track"),
        ({"kind": "curve", "curve": {"energy": "0:1"}, "include": ["/etc/passwd"]}, "unknown track"),
        ({"kind": "radio", "seeds": ["{track}"], "only": {"playlists": ["/etc/passwd"]}}, "can't be said here"),
        ({"kind": "discover"}, "made for a listener"),
        ({"kind": "radio", "seeds": ["{track}"], "n": 5, "minutes": 5}, "not both"),
        ({"kind": "radio", "seeds": ["{track}"], "where": "year > 2100"}, "no track satisfies"),
    ],
)
def test_recipes_that_can_not_be(ask: httpx.Client, track: str, recipe: dict[str, Any], words: str) -> None:
    answer = ask.post("/playlist", json=json.loads(json.dumps(recipe).replace("{track}", track)))
    assert 400 <= answer.status_code < 500
    assert words in problem(answer, answer.status_code).detail


def test_bodies_that_are_none(ask: httpx.Client) -> None:
    headers = {"Content-Type": "application/json"}
    assert "not valid JSON" in problem(ask.post("/recommend", content=b"{", headers=headers), 422).detail
    assert "body.history" in problem(ask.post("/recommend", json={"history": []}), 422).detail
    nan = b'{"history": [{"track": "t", "weight": NaN}]}'
    assert "finite" in problem(ask.post("/recommend", content=nan, headers=headers), 422).detail
    unknown = {"history": [{"track": "t", "wieght": 2}]}
    assert "wieght" in problem(ask.post("/recommend", json=unknown), 422).detail
    assert "Content-Type" in problem(ask.post("/playlist", content=b"{}"), 422).detail


def test_a_key(served: Any, bundle: Path, track: str) -> None:
    client = served(bundle, key="sesame")
    assert problem(client.get(f"/similar/{track}"), 401).code == "key"
    assert problem(client.get(f"/similar/{track}", headers={"X-API-Key": "sesam"}), 401)
    for headers in ({"X-API-Key": "sesame"}, {"Authorization": "Bearer sesame"}):
        assert client.get(f"/similar/{track}", headers=headers).status_code == 200
    assert client.get(f"/similar/{track}?apiKey=sesame").status_code == 200
    tag = client.get(f"/similar/{track}?apiKey=sesame").headers["etag"]
    assert client.get(f"/similar/{track}", headers={"If-None-Match": tag}).status_code == 401
    assert client.get("/health").status_code == client.get("/ready").status_code == 200
    told = client.get("/openapi.json").json()
    assert {"header": []} in told["security"]
    assert told["paths"]["/health"]["get"]["security"] == []


def test_a_rate(served: Any, bundle: Path, track: str) -> None:
    client = served(bundle, limits={"rate": 5})
    answers = [client.get(f"/similar/{track}") for _ in range(30)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 200 in {answer.status_code for answer in answers}
    assert refused
    assert problem(refused[0], 429).code == "rate"
    assert int(refused[0].headers["retry-after"]) >= 1


def test_no_header_comes_twice(ask: httpx.Client, hear: httpx.Client, track: str) -> None:
    sound = hear.get("/tracks?n=1").json()["items"][0]["id"]
    for answer in (ask.get("/"), ask.get(f"/similar/{track}"), hear.get(f"/tracks/{sound}/audio")):
        names = [name.lower() for name, _ in answer.headers.raw]
        assert len(names) == len(set(names))
        assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_only_names_that_mean_this_machine(served: Any, bundle: Path) -> None:
    from recsys.serving.run import hosts

    client = served(bundle, hosts=hosts(Options()))
    assert client.get("/health").status_code == 200
    assert problem(client.get("/health", headers={"Host": "evil.example"}), 421).code == "host"


def test_pages_elsewhere_may_ask_only_where_that_was_set(ask: httpx.Client, served: Any, bundle: Path) -> None:
    origin = {"Origin": "https://music.example"}
    assert "access-control-allow-origin" not in ask.get("/health", headers=origin).headers
    client = served(bundle, limits={"origins": ["https://music.example"]})
    assert client.get("/health", headers=origin).headers["access-control-allow-origin"] == origin["Origin"]


def test_sound_comes_whole_and_in_parts(hear: httpx.Client, sounding: Path) -> None:
    track = hear.get("/tracks?n=1").json()["items"][0]
    assert track["audio"]
    whole = hear.get(f"/tracks/{track['id']}/audio")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/ogg")
    part = hear.get(f"/tracks/{track['id']}/audio", headers={"Range": "bytes=5-24"})
    assert (part.status_code, part.content) == (206, whole.content[5:25])
    end = hear.get(f"/tracks/{track['id']}/audio", headers={"Range": "bytes=-7"})
    assert end.content == whole.content[-7:]
    assert hear.get(f"/tracks/{track['id']}/audio", headers={"Range": "bytes=999999999-"}).status_code == 416


def test_search_by_sound(hear: httpx.Client, sounding: Path) -> None:
    clip = sorted((sounding / "raw" / "audio").iterdir())[3]
    answer = hear.post("/search/audio?n=4", content=clip.read_bytes(), headers={"Content-Type": "audio/ogg"})
    assert answer.status_code == 200, answer.text
    found = schemas.Found.model_validate(answer.json())
    assert len(found.items) == 4
    assert found.items[0].reasons == ["this is the sound that was sent"]
    later = hear.post("/search/audio?n=4&offset=2", content=clip.read_bytes()).json()
    assert [item["track"]["id"] for item in later["items"][:2]] == [item.track.id for item in found.items[2:]]


def test_a_library_holds_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "music" / "a").mkdir(parents=True)
    (tmp_path / "music" / "a" / "x.mp3").write_bytes(b"x")
    (tmp_path / "secret.mp3").write_bytes(b"x")
    (tmp_path / "music" / "notes.txt").write_bytes(b"x")
    (tmp_path / "music" / "link.mp3").symlink_to(tmp_path / "secret.mp3")
    library = Library([tmp_path / "music"])
    inside = (tmp_path / "music" / "a" / "x.mp3").resolve()
    assert library.find("a/x.mp3") == library.find(str(inside)) == library.find("a/../a/x.mp3") == inside
    for path in ("../secret.mp3", str(tmp_path / "secret.mp3"), "link.mp3", "notes.txt", "", ".", None, "a\0.mp3", "a"):
        assert library.find(path) is None, path


def test_health_and_counts(ask: httpx.Client, track: str) -> None:
    schemas.Health.model_validate(ask.get("/health").json())
    ready = schemas.Health.model_validate(ask.get("/ready").json())
    assert ready.status == "ok"
    ask.get(f"/similar/{track}")
    text = ask.get("/metrics").text
    assert 'recsys_requests_total{method="GET",route="/similar/{track_id}",status="200"}' in text.replace(":path", "")
    assert f'recsys_bundle_info{{bundle="{ready.bundle}"}} 1' in text
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


def test_logs_are_json_where_that_is_asked_for() -> None:
    record = logging.LogRecord("x", logging.INFO, "p", 1, "GET %s", ("/similar/ü\n",), None)
    record.facts = {"status": 200}
    told = json.loads(AsJson().format(record))
    assert (told["status"], told["level"], told["message"]) == (200, "info", "GET /similar/ü\n")


def test_the_description_is_complete(ask: httpx.Client) -> None:
    told = ask.get("/openapi.json").json()
    assert told["info"]["title"] == "recsys"
    for address, operations in told["paths"].items():
        for operation in operations.values():
            assert operation["summary"], address
            assert operation["description"], address
            assert operation["responses"]["200"]["description"], address
    assert told["components"]["schemas"]["Similar"]["required"]
    for name in ("Track", "Item", "History", "Recipe", "Export", "Event", "Problem"):
        assert told["components"]["schemas"][name]["examples"], name


def test_the_description_can_be_read_by_people_without_asking_another_machine(ask: httpx.Client) -> None:
    answer = ask.get("/docs")
    assert answer.headers["content-type"].startswith("text/html")
    for address in ask.get("/openapi.json").json()["paths"]:
        assert f"{address}</code>" in answer.text
    assert "<script" not in answer.text
    assert "src=" not in answer.text


@pytest.mark.parametrize("address", ["/similar/{}", "/tracks?n=3", "/tracks/nobody", "/health", "/", "/openapi.json"])
def test_head_is_get_without_its_body(ask: httpx.Client, track: str, address: str) -> None:
    whole, head = ask.get(address.format(track)), ask.head(address.format(track))
    assert head.content == b""
    own = {"date", "connection"}
    first, second = ({k: v for k, v in one.headers.items() if k not in own} for one in (whole, head))
    assert (head.status_code, second) == (whole.status_code, first)
    assert int(head.headers["content-length"]) == len(whole.content)


def test_head_where_nothing_can_be_got(ask: httpx.Client) -> None:
    answer = ask.head("/recommend")
    assert answer.status_code == 405
    assert answer.content == b""


def test_head_of_a_sound(hear: httpx.Client) -> None:
    track = hear.get("/tracks?n=1").json()["items"][0]["id"]
    head = hear.head(f"/tracks/{track}/audio")
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["content-length"]) == len(hear.get(f"/tracks/{track}/audio").content)
