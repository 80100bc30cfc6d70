"""A night's lists: due, the same again, fresh; remembered, turned over, in parts, resumed; nothing on a dry run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api, manifest
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError, SettingsError, UnknownId
from recsys.listing import jobs, nightly
from recsys.listing.editions import edition, period
from recsys.playlists.kinds import Discover, Mix
from recsys.playlists.ledger import DAY, Ledger, listed

RECIPES = """version = 1
library = "music"
[defaults]
n = 8
not_heard_days = 0
[recipe.daily]
kind = "mix"
mixes = 2
[recipe.weekly]
kind = "discover"
format = "jspf"
[recipe.calm]
kind = "mood"
words = "calm"
[recipe.way]
kind = "path"
start = "t001"
end = "t100"
format = "xspf"
"""


@pytest.fixture
def home(lively: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "playlists.toml").write_text(RECIPES)
    return tmp_path


@pytest.fixture
def night(engine: Engine) -> int:
    newest = engine.listening.newest
    assert newest is not None
    return newest


def run(lively: Path, names: tuple[str, ...] = (), **told: object) -> api.Made:
    told = {"out": "lists/now", "listeners": ["u01"], "workers": 1, **told}
    return api.playlist_run(names, bundle=lively / "bundle", **told)  # type: ignore[arg-type]


def files(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_lists_are_written_by_listener_and_shared_ones_once(home: Path, lively: Path, night: int) -> None:
    made = run(lively, listeners=["u01", "u02"], time=night)
    found = files(home / "lists" / "now")
    assert {"way.xspf", "u01/weekly.jspf", "u02/calm.m3u8", "u01/daily 1.m3u8"} <= set(found)
    assert made.facts["playlists"] == len(found)
    assert made.facts["without"] == {}
    assert made.facts["tracks"] == sum(one["tracks"] for one in made.facts["lists"])
    rows = Ledger(home / "lists" / "ledger").read()
    assert set(rows["listener"]) == {"u01", "u02", ""}
    assert set(rows["time"]) == {night}
    assert set(rows["asof"]) == {night // DAY * DAY, period(night, "week")}
    assert b"../../../music/audio/" in found["u01/calm.m3u8"]


def test_again_the_same_day_changes_nothing_and_the_next_night_turns_over(home: Path, lively: Path, night: int) -> None:
    run(lively, time=night)
    before = files(home)
    run(lively, time=night + 60)
    assert files(home) == before
    made = run(lively, ("calm",), time=night + DAY, diff=True)
    (one,) = made.facts["lists"]
    assert one["overlap"] <= 0.3
    assert one["diff"].count("\n+ ") + one["diff"].startswith("+ ") >= 5
    assert len(Ledger(home / "lists" / "ledger").lists("u01", "calm")) == 2


def test_same_gives_the_last_list_and_fresh_another(home: Path, lively: Path, night: int) -> None:
    first = run(lively, ("calm",), time=night)
    before = files(home)
    again = run(lively, ("calm",), same=True, time=night + 9 * DAY)
    assert files(home) == before
    assert again.facts["lists"][0]["seed"] == first.facts["lists"][0]["seed"]
    fresh = run(lively, ("calm",), fresh=True, time=night + 7)
    assert files(home)["lists/now/u01/calm.m3u8"] != before["lists/now/u01/calm.m3u8"]
    assert fresh.facts["lists"][0]["overlap"] <= 0.3
    kept = files(home)
    run(lively, ("calm",), time=night + 8)
    assert files(home) == kept
    with pytest.raises(SettingsError, match="same and fresh"):
        run(lively, same=True, fresh=True)


def test_a_dry_run_writes_nothing_and_tells_all(home: Path, lively: Path, night: int) -> None:
    made = run(lively, ("daily",), dry_run=True, diff=True, report="told", time=night)
    assert set(files(home)) == {"playlists.toml"}
    assert made.facts["lists"][0]["tracks"] == 8


def test_reports_stand_beside(home: Path, lively: Path, night: int) -> None:
    run(lively, ("calm",), report="told", time=night)
    found = files(home / "told")
    assert set(found) == {"u01/calm.json", "u01/calm.svg"}
    assert b'"reason"' in found["u01/calm.json"]
    assert found["u01/calm.svg"].startswith(b"<svg")


def test_all_listeners_in_parts_by_several_processes_are_the_same_as_by_one(
    home: Path, lively: Path, night: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TASKS_PER_PART", 16)
    told = {"listeners": ["all"], "batch": True, "time": night}
    made = run(lively, ("calm",), out="one/parts", ledger="one/ledger", **told)
    run(lively, ("calm",), out="two/parts", ledger="two/ledger", workers=2, **told)
    first, second = (files(home / name) for name in ("one", "two"))
    assert made.facts["parts"] == 4
    assert {k: v for k, v in first.items() if "manifest" not in k} == {
        k: v for k, v in second.items() if "manifest" not in k
    }
    rows = pd.read_parquet(home / "one" / "parts")
    assert list(rows.columns) == ["listener", "name", "title", "position", "track_id", "score", "reason"]
    assert rows.groupby(["listener", "name"])["position"].max().between(1, 8).all()
    assert len(rows) == made.facts["tracks"]
    assert manifest.read(home / "one" / "parts", "playlists")["playlists"] == made.facts["playlists"]


def test_a_killed_batch_goes_on_where_it_stopped(
    home: Path, lively: Path, night: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "TASKS_PER_PART", 25)
    told = {"listeners": ["all"], "batch": True, "out": "lists/parts", "time": night}
    run(lively, ("calm",), **told)
    whole = files(home)
    parts = home / "lists" / "parts"
    (parts / "part-00001.parquet").unlink()
    plan = manifest.read(parts, "playlists")["plan"]
    (parts / manifest.OUTPUT_NAME).unlink()
    manifest.write_json(parts / "_plan.json", plan)
    stamp = (parts / "part-00000.parquet").stat().st_mtime_ns
    run(lively, ("calm",), resume=True, **{**told, "time": night + 3 * DAY})
    again = files(home)
    assert {k for k in whole if whole[k] != again[k]} <= {"lists/parts/_manifest.json"}
    assert (parts / "part-00000.parquet").stat().st_mtime_ns == stamp
    with pytest.raises(ArtefactError, match="differs in recipes, tasks"):
        run(lively, ("weekly",), resume=True, **told)
    (parts / "mine.txt").write_text("mine")
    with pytest.raises(ArtefactError, match=r"holds mine\.txt"):
        run(lively, ("calm",), **told)


def test_a_worker_ends_with_the_process_that_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[object] = []

    class Parent:
        def join(self) -> None:
            ended.append("gone")

    monkeypatch.setattr(nightly.os, "_exit", ended.append)
    nightly._end_with(None)
    assert ended == []
    nightly._end_with(Parent())
    assert ended == ["gone", 1]


def test_a_household_gets_one_list_and_each_member_can_be_erased(home: Path, lively: Path, night: int) -> None:
    text = RECIPES.replace('kind = "discover"', 'kind = "discover"\nhousehold = true\nlisteners = ["u01", "u02"]')
    (home / "playlists.toml").write_text(text)
    run(lively, ("weekly",), listeners=None, time=night)
    assert (home / "lists" / "now" / "u01 + u02" / "weekly.jspf").is_file()
    rows = api.playlist_ledger("lists/ledger", listeners=["u02"])
    assert len(rows) == 8
    erased = api.playlist_ledger("lists/ledger", listeners=["u02"], erase=True)
    assert erased.to_dict("records") == [{"listener": "u02", "rows": 8, "parts": 1, "left": 0}]
    assert api.playlist_ledger("lists/ledger", listeners=["u02"]).empty
    assert len(api.playlist_ledger("lists/ledger", names=["weekly"], days=9, time=night)) == 8
    with pytest.raises(DataError, match="erase needs listeners"):
        api.playlist_ledger("lists/ledger", erase=True)


def test_plays_since_join_the_ledger(home: Path, lively: Path, night: int) -> None:
    made = run(lively, ("calm",), time=night)
    track = Ledger(home / "lists" / "ledger").read()["track"].iat[0]
    (home / "since.csv").write_text(
        f"user_id,track_id,timestamp,ms_played,skipped\nu01,{track},{night + 99},200000,false\n"
        f"u01,nothing,{night + 99},200000,false\nu01,{track},{night + 199},2000,true\n"
    )
    for _ in range(2):
        rows = api.playlist_ledger("lists/ledger", plays=["since.csv"])
    assert rows["event"].value_counts().to_dict() == {"listed": made.facts["tracks"], "played": 1, "skipped": 1}


def test_what_can_not_be_made_is_said_and_the_rest_is(home: Path, lively: Path, night: int) -> None:
    (home / "playlists.toml").write_text(RECIPES + '[recipe.old]\nkind = "rediscover"\nnot_heard_days = 9000\n')
    made = run(lively, ("old", "calm"), time=night)
    assert list(made.facts["without"]) == ["old for u01"]
    assert "has heard all they love" in made.facts["without"]["old for u01"]
    assert made.facts["playlists"] == 1


def test_whom_for_is_said_when_missing_or_unknown(home: Path, lively: Path) -> None:
    with pytest.raises(DataError, match="recipe 'daily' is made for a listener; name one with --for"):
        run(lively, ("daily",), listeners=None)
    with pytest.raises(UnknownId, match="unknown user 'nobody'"):
        run(lively, ("daily",), listeners=["nobody"])


def test_editions() -> None:
    mix, weekly = Mix(kind="mix"), Discover(kind="discover")
    rows = pd.concat(
        [listed("ann", "mix 1", ["a"], time=5 * DAY, seed=7), listed("ann", "mixture", ["a"], time=9 * DAY)]
    )
    due = edition(mix, "mix", "ann", 5.5 * DAY, rows)
    assert due == (7, 5 * DAY, 5 * DAY)
    assert edition(mix, "mix", "ann", 6.5 * DAY, rows)[1:] == (6 * DAY, 6.5 * DAY)
    assert edition(mix, "mix", "ann", 99 * DAY, rows, "same").seed == 7
    assert edition(weekly, "mix", "ann", 10.5 * DAY, rows).seed == 7
    fresh = {edition(mix, "mix", "ann", 5.5 * DAY + i, rows, "fresh") for i in range(3)}
    assert len({one.seed for one in fresh}) == 3
    once = mix.model_copy(update={"every": "once"})
    assert edition(once, "mix", "ann", 99 * DAY, rows).seed == 7
    assert edition(once, "other", "ann", 99 * DAY, rows).made == 99 * DAY
    assert np.unique([edition(mix, "mix", who, DAY, rows[:0]).seed for who in "abc"]).size == 3


def test_rotation_brings_everything_and_what_was_listed_stays_away(home: Path, lively: Path, night: int) -> None:
    (home / "playlists.toml").write_text(
        'version = 1\n[recipe.calm]\nkind = "mood"\nwords = "calm"\nn = 12\nnot_heard_days = 0\nmax_per_artist = 9\n'
        'rotation = { where = "year >= 2005 and year <= 2010", lists = 3 }\n'
        '[recipe.other]\nkind = "mood"\nwords = "calm"\nn = 12\nnot_heard_days = 0\nnot_listed_days = 2\n'
    )
    shown: set[str] = set()
    for day in range(3):
        run(lively, ("calm",), time=night + day * DAY)
        shown |= set(Ledger(home / "lists" / "ledger").lists("u01", "calm", last=1)[0]["track"])
    engine = Engine.open(lively / "bundle")
    wanted = set(engine.tracks.at(np.flatnonzero(engine.catalogue.where("year >= 2005 and year <= 2010"))))
    assert 3 <= len(wanted) <= 30
    assert wanted <= shown
    run(lively, ("other",), time=night + 2 * DAY + 5)
    book = Ledger(home / "lists" / "ledger")
    lately = book.read(listeners=["u01"], name="calm", since=night + 2 * DAY + 5 - 2 * DAY)
    assert not set(book.lists("u01", "other")[0]["track"]) & set(lately["track"])
