"""What the API answers is what the engine answers, page by page, typed as it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from recsys.engine import Engine
from recsys.serving import schemas
from recsys.tables.narrowed import narrowed


@pytest.fixture(scope="module")
def engine(bundle: Path) -> Engine:
    return Engine.open(bundle)


@pytest.fixture(scope="module")
def track(engine: Engine) -> str:
    return str(engine.most_played(1)[0])


@pytest.fixture(scope="module")
def user(engine: Engine) -> str:
    return str(engine.users.ids[0])


def got(client: httpx.Client, address: str, model: type[schemas.Model] | None = None, **query: Any) -> dict[str, Any]:
    """An answer that is of a type."""
    answer = client.get(address, params=query)
    assert answer.status_code == 200, answer.text
    if model is not None:
        model.model_validate(answer.json())
    found: dict[str, Any] = answer.json()
    return found


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["track"]["id"] for item in answer["items"]]


def test_neighbours_are_those_of_the_engine(ask: httpx.Client, engine: Engine, track: str) -> None:
    found = got(ask, f"/similar/{track}", schemas.Similar, n=8)
    truth = engine.similar([track], 8)
    assert ids(found) == truth["track_id"].tolist()
    assert [item["score"] for item in found["items"]] == pytest.approx(truth["score"].tolist(), abs=1e-5)
    assert ["; ".join(item["reasons"]) for item in found["items"]] == truth["reason"].tolist()


@pytest.mark.parametrize(
    ("query", "by"), [({"taste": 1}, "collaborative"), ({"taste": 0}, "content"), ({"blend": "content:1"}, "content")]
)
def test_the_blend_is_a_matter_of_the_question(
    ask: httpx.Client, engine: Engine, track: str, query: dict[str, Any], by: str
) -> None:
    assert ids(got(ask, f"/similar/{track}", n=6, **query)) == engine.similar([track], 6, by=by)["track_id"].tolist()


@pytest.mark.parametrize("query", ["", "n=3", "taste=.25", "n=7&taste=0", "n=100&taste=1"])
def test_the_plainest_question_is_answered_as_the_others_are(ask: httpx.Client, track: str, query: str) -> None:
    express = ask.get(f"/similar/{track}?{query}")
    route = ask.get(f"/similar/{track}?offset=0&{query}")
    assert express.status_code == route.status_code == 200
    assert express.content == route.content
    assert express.headers.keys() == route.headers.keys()


def test_several_seeds_and_a_cap(ask: httpx.Client, engine: Engine, track: str) -> None:
    like, unlike = (str(one) for one in engine.most_played(3)[1:])
    found = got(ask, f"/similar/{track}", n=6, like=like, unlike=unlike, max_per_artist=1)
    truth = engine.similar([track], 6, like=[like], unlike=[unlike], max_per_artist=1)
    assert ids(found) == truth["track_id"].tolist()


def test_pages_make_the_whole_list(ask: httpx.Client, engine: Engine, track: str) -> None:
    pages, start = [], 0
    while start is not None:
        page = got(ask, f"/similar/{track}", n=30, offset=start)
        pages, start = pages + ids(page), page["next"]
    assert sorted([*pages, track]) == sorted(map(str, engine.tracks.ids))
    assert got(ask, f"/similar/{track}", n=5, offset=9000)["items"] == []


def test_filters_hold(ask: httpx.Client, engine: Engine, track: str, user: str) -> None:
    old = engine.catalogue.where("year < 2000")
    for address in (f"/similar/{track}", f"/recommend/{user}"):
        found = got(ask, address, n=10, where="year < 2000")
        assert old[engine.tracks.rows(ids(found))].all()


def test_moods_hold_beside_filters(hear: httpx.Client, sounding: Path) -> None:
    engine = Engine.open(sounding / "bundles")
    track, user = str(engine.tracks.ids[0]), str(engine.users.ids[0])
    rule = narrowed(engine.catalogue.frame, "duration > 1", "arousal<.5")
    wanted = engine.catalogue.where(rule or "")
    assert 0 < wanted.sum() < len(wanted)
    asked = {"mood": "arousal<.5", "where": "duration > 1", "n": 10}
    for address in (f"/similar/{track}", f"/recommend/{user}"):
        found = got(hear, address, **asked)
        assert found["items"]
        assert wanted[engine.tracks.rows(ids(found))].all()
    sent = [
        hear.post("/recommend", json={"history": [{"track": track}], **asked}).json(),
        hear.post("/batch/similar", json={"queries": [{"track": track, **asked}]}).json()["answers"][0],
        hear.post("/batch/recommend", json={"queries": [{"user": user, **asked}]}).json()["answers"][0],
        hear.post("/playlist", json={"kind": "radio", "seeds": [ids(found)[0]], **asked}).json()["lists"][0],
    ]
    for found in sent:
        assert found["items"]
        assert wanted[engine.tracks.rows(ids(found))].all()
    wrong = hear.get(f"/similar/{track}", params={"mood": "arousal<7"})
    assert wrong.status_code == 400
    assert "expected a part of the library from 0 to 1" in wrong.json()["detail"]


def test_recommendations_are_those_of_the_engine(ask: httpx.Client, engine: Engine, user: str) -> None:
    found = got(ask, f"/recommend/{user}", schemas.Recommended, n=7)
    truth = engine.recommend([user], 7)
    assert ids(found) == truth["track_id"].tolist()
    assert [item["reasons"][0] for item in found["items"]] == truth["reason"].tolist()
    later = got(ask, f"/recommend/{user}", n=3, offset=4)
    assert ids(later) == ids(found)[4:]


def test_context_is_left_out_and_leads(ask: httpx.Client, engine: Engine, user: str) -> None:
    plain = ids(got(ask, f"/recommend/{user}", n=5))
    led = ids(got(ask, f"/recommend/{user}", n=5, context=plain[:2]))
    assert not set(led) & set(plain[:2])


def test_a_history_is_folded_in(ask: httpx.Client, engine: Engine, user: str) -> None:
    row = engine.users.rows([user])[0]
    mine = engine.histories[[row]]
    plays = [
        {"track": str(engine.tracks.ids[t]), "weight": float(w)} for t, w in zip(mine.indices, mine.data, strict=True)
    ]
    answer = ask.post("/recommend", json={"history": plays, "n": 5})
    assert answer.status_code == 200
    found = schemas.Recommended.model_validate(answer.json())
    assert found.user is None
    heard = {play["track"] for play in plays}
    assert not heard & {item.track.id for item in found.items}
    seen = ask.post("/recommend", json={"history": plays, "n": 60, "include_seen": True, "max_per_artist": 1}).json()
    artists = [item["track"]["artist"] for item in seen["items"]]
    assert len(artists) == len(set(artists))


def test_why_a_track(ask: httpx.Client, engine: Engine, user: str) -> None:
    best = got(ask, f"/recommend/{user}", n=1)["items"][0]
    why = got(ask, "/explain", schemas.Explained, user=user, track=best["track"]["id"])
    assert why["score"] == pytest.approx(best["score"], abs=1e-4)
    assert sum(why["parts"].values()) == pytest.approx(why["score"], abs=1e-4)
    assert why["heard"] is False
    assert why["plays"]


def test_everything_known_of_a_track(ask: httpx.Client, engine: Engine, track: str) -> None:
    found = got(ask, f"/tracks/{track}", schemas.Known)
    row = engine.tracks.rows([track])[0]
    assert found["track"]["title"] == engine.catalogue.values("title")[row]
    assert found["listeners"] == int(engine.listeners[row])
    assert "path" not in found["facts"]
    assert found["facts"]["year"] == engine.catalogue.values("year")[row]
    assert set(found["spaces"]) <= set(engine.index.blocks)
    assert all(one["id"] != track for rows in found["relations"].values() for one in rows)


def test_the_catalogue_page_by_page(ask: httpx.Client, engine: Engine) -> None:
    first = got(ask, "/tracks", schemas.Listed, n=50)
    rest = got(ask, "/tracks", schemas.Listed, n=50, offset=first["next"])
    assert [one["id"] for one in [*first["items"], *rest["items"]]] == [str(i) for i in engine.tracks.ids]
    title = str(engine.catalogue.values("title")[3])
    assert title in [one["title"] for one in got(ask, "/tracks", schemas.Listed, q=title)["items"]]


def test_search(ask: httpx.Client, engine: Engine) -> None:
    title = str(engine.catalogue.values("title")[3])
    found = got(ask, "/search", schemas.Found, q=f"{title} qxzzy", n=5)
    assert title in [item["track"]["title"] for item in found["items"]]
    assert found["unknown"] == ["qxzzy"]
    assert got(ask, "/search", schemas.Found, q="qxzzy")["items"] == []


def test_a_path_goes_from_one_to_the_other(ask: httpx.Client, engine: Engine) -> None:
    start, end = (str(one) for one in engine.most_played(9)[::8])
    found = got(ask, "/path", schemas.Way, **{"from": start, "to": end, "n": 6})
    assert (ids(found)[0], ids(found)[-1]) == (start, end)
    assert [item["score"] for item in found["items"]] == sorted(item["score"] for item in found["items"])


@pytest.mark.parametrize(
    "recipe",
    [
        {"kind": "radio", "seeds": ["{0}"], "n": 8, "max_per_artist": 1},
        {"kind": "continue", "tracks": ["{0}", "{1}"], "n": 4},
        {"kind": "path", "start": "{0}", "end": "{1}", "n": 5},
        {"kind": "discover", "listeners": ["{user}"], "n": 6},
        {"kind": "library-map", "collections": 3},
    ],
)
def test_playlists_of_every_sort(ask: httpx.Client, engine: Engine, user: str, recipe: dict[str, Any]) -> None:
    one, two = (str(one) for one in engine.most_played(2))
    text = json.dumps(recipe).replace("{0}", one).replace("{1}", two).replace("{user}", user)
    answer = ask.post("/playlist", json=json.loads(text))
    assert answer.status_code == 200, answer.text
    found = schemas.Playlists.model_validate(answer.json())
    assert found.kind == recipe["kind"]
    for made in found.lists:
        assert made.report.tracks == len(made.items) > 0
        assert all(item.reasons for item in made.items)


def test_a_title_is_no_format(ask: httpx.Client, track: str) -> None:
    said = {"kind": "radio", "seeds": [track], "n": 3, "title": "{name.__class__} {0:>999999999}"}
    assert ask.post("/playlist", json=said).json()["lists"][0]["title"] == said["title"]


@pytest.mark.parametrize("kind", ["m3u8", "xspf", "jspf", "csv"])
def test_exports(ask: httpx.Client, engine: Engine, kind: str) -> None:
    tracks = [str(one) for one in engine.most_played(3)]
    answer = ask.post("/export", json={"tracks": tracks, "title": "Evening", "format": kind})
    assert answer.status_code == 200
    assert f'filename="playlist.{kind}"' in answer.headers["content-disposition"]
    for track in tracks:
        assert str(engine.catalogue.values("title")[engine.tracks.rows([track])[0]]) in answer.text


def test_the_map_has_every_track_once(ask: httpx.Client, engine: Engine) -> None:
    whole = got(ask, "/map", schemas.Map)
    assert sorted(point["id"] for point in whole["points"]) == sorted(map(str, engine.tracks.ids))
    some = got(ask, "/map", schemas.Map, n=10)
    assert (len(some["points"]), some["sampled"], some["total"]) == (10, True, len(engine.tracks))


def test_batches_answer_each_question_or_say_why_not(ask: httpx.Client, track: str, user: str) -> None:
    queries = [{"track": track, "n": 3}, {"track": "nobody"}, {"track": track, "where": "year >"}]
    made = ask.post("/batch/similar", json={"queries": queries}).json()
    schemas.SimilarAnswers.model_validate(made)
    assert ids(made["answers"][0]) == ids(got(ask, f"/similar/{track}", n=3))
    assert [answer.get("status") for answer in made["answers"]] == [None, 404, 400]
    made = ask.post("/batch/recommend", json={"queries": [{"user": user, "n": 2}, {"user": "nobody"}]}).json()
    schemas.RecommendAnswers.model_validate(made)
    assert [answer.get("status") for answer in made["answers"]] == [None, 404]


def test_what_was_heard_is_taken_down_only_where_the_server_may_write(
    ask: httpx.Client, served: Any, bundle: Path, tmp_path: Path, track: str, user: str
) -> None:
    event = {"user": user, "track": track, "event": "skip", "seconds": 12.5, "time": 1_790_000_000}
    assert ask.post("/feedback", json=event).status_code == 403
    client = served(bundle, writable=tmp_path / "heard")
    assert client.post("/feedback", json=event).json() == {"taken": 1}
    assert client.post("/feedback", json=[event, {**event, "event": "like"}]).json() == {"taken": 2}
    assert client.post("/feedback", json=[event, {**event, "track": "nobody"}]).status_code == 404
    (file,) = (tmp_path / "heard").iterdir()
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["skipped"] for line in lines] == [True, True, False]
    assert lines[0] == {
        **{"user_id": user, "track_id": track, "timestamp": 1_790_000_000, "ms_played": 12_500},
        **{"skipped": True, "rating": None},
    }


def test_what_was_heard_can_be_ingested(served: Any, bundle: Path, tmp_path: Path, track: str) -> None:
    from recsys import api
    from recsys.tables import Dataset

    client = served(bundle, writable=tmp_path / "heard")
    events = [
        {"user": f"u{i}", "track": track, "event": what, "seconds": 100, "time": 1_790_000_000 + i}
        for i, what in enumerate(("play", "play", "skip", "like"))
    ]
    assert client.post("/feedback", json=events).status_code == 200
    made = Dataset.open(api.ingest([tmp_path / "heard"], out=tmp_path / "tables").path)
    assert len(made.plays) >= 2
    assert made.skips is not None
    assert len(made.skips) == 1
