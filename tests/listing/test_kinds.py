"""Every kind makes the list that its name promises, and says in one line what data it lacks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api
from recsys.engine import Engine
from recsys.errors import DataError, UnknownId
from recsys.listing import Desk, Listener, Listing, make
from recsys.listing.drafts import DAY
from recsys.playlists.recipes import parse_recipe


def one(desk: Desk, kind: str, who: Listener | None = None, **told: object) -> Listing:
    (made,) = lists(desk, kind, who, **told)
    return made


def lists(desk: Desk, kind: str, who: Listener | None = None, **told: object) -> list[Listing]:
    return make(desk, "a", parse_recipe({"kind": kind, "n": 12, **told}), who, seed=3)


def artists(desk: Desk, made: Listing) -> list[str]:
    return desk.engine.catalogue.values("artist")[made.made.rows].tolist()


LEAST: dict[str, dict[str, object]] = {
    "radio": {"seeds": ["t001"]},
    "mix": {"not_heard_days": 0},
    "continue": {"tracks": ["t001", "t050"]},
    "path": {"start": "t001", "end": "t100"},
    "mood": {"words": "calm"},
    "curve": {"curve": {"energy": "0:20% 100:90%"}},
    "rediscover": {"not_heard_days": 20, "loved": 1.0},
    "discover": {},
    "new": {"years": 15},
    "similar-artists": {"artists": ["Sulza"]},
    "library-map": {"collections": 4},
}


@pytest.mark.parametrize("kind", LEAST)
def test_rules_hold_or_are_named_and_every_track_has_a_reason(desk: Desk, who: Listener, kind: str) -> None:
    for made in lists(desk, kind, who, **LEAST[kind]):
        rows, named = made.made.rows, artists(desk, made)
        told = " ".join(made.report.relaxed)
        assert len(set(rows.tolist())) == len(rows) == made.report.tracks
        assert len(made.reasons) == len(rows)
        assert all(made.reasons)
        assert len(rows) >= 12 or "tracks relaxed" in told or kind == "library-map"
        most = max(named.count(artist) for artist in named)
        assert most <= 2 or "max_per_artist" in told
        assert made.title


@pytest.mark.parametrize("kind", LEAST)
def test_the_same_seed_gives_the_same_list(desk: Desk, who: Listener, kind: str) -> None:
    first, again = (lists(desk, kind, who, **LEAST[kind]) for _ in range(2))
    assert [m.made.rows.tolist() for m in first] == [m.made.rows.tolist() for m in again]
    assert [(m.name, m.title, m.reasons) for m in first] == [(m.name, m.title, m.reasons) for m in again]


def test_radio_opens_with_its_seed_and_keeps_away_from_what_is_unlike(desk: Desk) -> None:
    near = one(desk, "radio", seeds=["t001"], variety=0, smooth=0)
    assert desk.engine.tracks.at(near.made.rows)[0] == "t001"
    assert near.reasons[0] == "chosen as a seed"
    unlike = near.made.rows[-2:]
    away = one(desk, "radio", seeds=["t001"], unlike=desk.engine.tracks.at(unlike).tolist(), variety=0, smooth=0)
    assert not set(unlike.tolist()) & set(away.made.rows.tolist())
    closer = [desk.likeness(unlike, made.made.rows[1:]).mean() for made in (near, away)]  # type: ignore[misc]
    assert closer[1] < closer[0]


def test_seeds_may_be_named_by_artist_and_title(desk: Desk) -> None:
    song = desk.engine.catalogue.frame.iloc[5]
    made = one(desk, "continue", tracks=[f"{song['artist']} - {song['title']}"])
    assert made.made.rows[0] == 5
    with pytest.raises(UnknownId, match="nearest by spelling: t001"):
        one(desk, "continue", tracks=["t001x"])


def test_a_listener_bends_a_radio_to_their_taste(desk: Desk, who: Listener) -> None:
    alone, bent = (one(desk, "radio", w, seeds=["t001"], taste=1.0, variety=0, n=30) for w in (None, who))
    scores = [desk.scores(who, made.made.rows[1:]).mean() for made in (alone, bent)]
    assert scores[1] > scores[0]


def test_mixes_are_named_by_what_they_are_and_differ(desk: Desk, who: Listener) -> None:
    made = lists(desk, "mix", who, mixes=3, not_heard_days=0)
    assert len(made) > 1
    assert [m.name for m in made] == [f"a {i}" for i in range(1, len(made) + 1)]
    assert len({m.title for m in made}) == len(made)
    first, second = (set(m.made.rows.tolist()) for m in made[:2])
    assert len(first & second) < 6
    assert "one of your own" in {reason for m in made for reason in m.reasons}


def test_continue_keeps_what_is_there_and_adds(desk: Desk, lively: Path) -> None:
    file = sorted((lively / "raw" / "playlists").glob("*.m3u8"))[0]
    made = one(desk, "continue", file=str(file.relative_to(lively)), n=5)
    there = [line.split("/")[-1][:-4] for line in file.read_text().splitlines() if line.startswith("../audio")]
    assert desk.engine.tracks.at(made.made.rows)[: len(there)].tolist() == there
    assert len(made.made) == len(there) + 5
    added = one(desk, "continue", file=str(file), n=5, keep=False)
    assert not set(desk.engine.tracks.at(added.made.rows)) & set(there)


def test_what_a_list_holds_and_is_unknown_here_is_noted(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.m3u8").write_text("#EXTM3U\nt001\n#EXTINF:9,No - Body\nx.ogg\n")
    assert one(desk, "continue", file=str(tmp_path / "a.m3u8")).report.notes == ["not found: No – Body"]
    (tmp_path / "b.m3u8").write_text("x.ogg\n")
    with pytest.raises(DataError, match="none of the 1 entries"):
        one(desk, "continue", file=str(tmp_path / "b.m3u8"))


def test_a_path_begins_and_ends_exactly(desk: Desk) -> None:
    made = one(desk, "path", start="t001", end="t100", n=10)
    assert desk.engine.tracks.at(made.made.rows)[[0, -1]].tolist() == ["t001", "t100"]
    way = [float(reason.split("%")[0]) for reason in made.reasons]
    assert (way[0], way[-1]) == (0, 100)
    assert way == sorted(way)
    assert len(made.made) == 10
    short = one(desk, "path", start="t001", end="t100", n=200)
    assert len(short.made) < 200
    assert f"only {len(short.made)} of 200 tracks lie between the two" in short.report.notes
    with pytest.raises(DataError, match="or are the same"):
        one(desk, "path", start="t001", end="t001")


def test_a_mood_lies_where_its_words_say(desk: Desk) -> None:
    calm, party = (one(desk, "mood", words=words, n=20) for words in ("calm", "party"))
    energy = desk.facts.number("energy")
    assert np.nanmean(energy[calm.made.rows]) < np.nanmean(energy) < np.nanmean(energy[party.made.rows])
    low = one(desk, "mood", arousal=0.05, n=20)
    assert np.nanmean(energy[low.made.rows]) < np.nanquantile(energy, 0.4)
    with pytest.raises(DataError, match="mood 'clam' is not known; did you mean calm"):
        one(desk, "mood", words="clam")


def test_a_curve_is_followed(desk: Desk) -> None:
    made = one(desk, "curve", curve={"energy": "0:10% 50:90% 100:10%"}, n=21)
    energy = desk.facts.number("energy")[made.made.rows]
    wished = np.interp(np.linspace(0, 1, 21), (0, 0.5, 1), (0.1, 0.9, 0.1))
    assert np.corrcoef(energy, wished)[0, 1] > 0.9
    assert len(made.report.curves["energy"]) == 21


def test_rediscover_takes_what_was_loved_and_not_heard_lately(desk: Desk, who: Listener) -> None:
    made = one(desk, "rediscover", who, not_heard_days=20, loved=0.6, n=5)
    assert who.last is not None
    last = dict(zip(who.heard.tolist(), who.last.tolist(), strict=True))
    assert all(last[row] < desk.now - 20 * DAY for row in made.made.rows.tolist())
    with pytest.raises(DataError, match="has heard all they love within 9999 days"):
        one(desk, "rediscover", who, not_heard_days=9999)


def test_discover_gives_nothing_heard_and_half_by_new_artists(desk: Desk, who: Listener) -> None:
    made = one(desk, "discover", who, n=10, new_artists=0.5)
    assert not set(made.made.rows.tolist()) & set(who.heard.tolist())
    heard = set(desk.facts.artist[who.heard].tolist())
    strange = sum(artist not in heard for artist in desk.facts.artist[made.made.rows].tolist())
    assert strange >= 5 or "by artists never heard" in " ".join(made.report.relaxed)


def test_new_is_by_year_or_by_the_column_added(desk: Desk, engine: Engine) -> None:
    made = one(desk, "new", years=10, n=8)
    assert any("no dates in a column added" in note for note in made.report.notes)
    years = desk.facts.number("year")
    assert (years[made.made.rows] >= np.nanmax(years) - 9).all()
    dates = pd.Series(["2024-12-20", "2001-01-01", str(int(desk.now)), None, "no date"])
    from recsys.listing.tastes import added

    found = added(dates)
    assert found[2] == int(desk.now)
    assert found[0] == 1_734_652_800
    assert np.isnan(found[3:]).all()


def test_similar_artists_leaves_those_artists_out(desk: Desk) -> None:
    name = str(desk.engine.catalogue.values("artist")[0])
    made = one(desk, "similar-artists", artists=[name.upper()])
    assert name not in artists(desk, made)
    assert all(f"is like {name.upper()}" in reason for reason in made.reasons)
    with pytest.raises(UnknownId, match="unknown artist"):
        one(desk, "similar-artists", artists=["Nobody at all"])


def test_a_scene_has_its_length_tone_and_licences(desk: Desk) -> None:
    licences = ["CC0-1.0", "CC-BY-4.0"]
    recipe = {"kind": "for-scene", "minutes": 12, "licences": licences, "curve": {"energy": "0:10% 100:90%"}}
    (made,) = make(desk, "a", parse_recipe(recipe))
    assert made.report.seconds is not None
    assert abs(made.report.seconds - 720) <= 15 or "minutes" in " ".join(made.report.relaxed)
    assert set(desk.engine.catalogue.values("licence")[made.made.rows]) <= set(licences)
    energy = desk.facts.number("energy")[made.made.rows]
    assert energy[-1] > energy[0]


def test_a_library_map_puts_every_track_somewhere_once(desk: Desk) -> None:
    made = make(desk, "a", parse_recipe({"kind": "library-map", "collections": 5}))
    rows = np.concatenate([m.made.rows for m in made])
    known = np.concatenate([desk.index.vectors(block) for block in desk.weights], axis=1).any(axis=1)
    assert sorted(rows.tolist()) == np.flatnonzero(known).tolist()
    assert len({m.title for m in made}) == len(made) == 5
    assert all((np.diff(m.made.scores) <= 0).all() for m in made)
    some = lists(desk, "library-map", collections=5, n=6)
    assert [len(m.made) for m in some] == [6] * 5
    assert [set(m.made.rows) <= set(whole.made.rows) for m, whole in zip(some, made, strict=True)] == [True] * 5


def test_a_household_adds_histories(desk: Desk) -> None:
    ann, bo = desk.engine.users.ids[[3, 9]].tolist()
    both = desk.listener(ann, bo)
    parts = [desk.listener(one) for one in (ann, bo)]
    assert both.history.sum() == pytest.approx(sum(part.history.sum() for part in parts))
    assert set(both.heard.tolist()) == {row for part in parts for row in part.heard.tolist()}
    assert both.last is not None
    assert both.last.max() == max(part.last.max() for part in parts if part.last is not None)
    assert len(one(desk, "discover", both).made) == 12


def test_what_was_heard_lately_does_not_come(desk: Desk, who: Listener) -> None:
    assert who.last is not None
    for days in (0, 40):
        made = one(desk, "mix", who, mixes=1, not_heard_days=days)
        lately = set(who.heard[who.last >= desk.now - days * DAY].tolist())
        assert not set(made.made.rows.tolist()) & lately or days == 0


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"where": "year > 2100"}, "no track satisfies where, mood, only and without"),
        ({"curve": {"valour": "0:1 100:2"}}, "no track has valour; the catalogue has numbers for: year"),
        ({"only": {"years": ["eighties"]}}, 'expected a year or a span such as "1980-1989"'),
        ({"title": "{nme}"}, "expected {name}, {listener}, {date}"),
    ],
)
def test_what_is_not_there_is_said(desk: Desk, told: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        one(desk, "radio", seeds=["t001"], **told)


def test_a_personal_kind_needs_a_listener(desk: Desk) -> None:
    with pytest.raises(DataError, match="made for a listener; name one"):
        one(desk, "discover")


def test_a_log_without_times_can_not_be_rediscovered(tmp_path: Path) -> None:
    rows = [f"u{u},t{t},{1 + u * t % 5}" for u in range(8) for t in range(12) if (u + t) % 3]
    (tmp_path / "plays.csv").write_text("user_id,track_id,plays\n" + "\n".join(rows))
    api.ingest([tmp_path / "plays.csv"], out=tmp_path / "t")
    api.train(tmp_path / "t", out=tmp_path / "b", model="itemknn")
    desk = Desk(Engine.open(tmp_path / "b"), now=0)
    with pytest.raises(DataError, match="the log of this bundle has no times"):
        one(desk, "rediscover", desk.listener("u1"))
    with pytest.raises(DataError, match="give the table of tracks a column added"):
        one(desk, "new", desk.listener("u1"))
    assert len(one(desk, "mix", desk.listener("u1"), mixes=1, n=4).made) == 4


def test_filters_shares_and_spreads(desk: Desk, who: Listener) -> None:
    songs = desk.engine.catalogue
    made = one(
        desk,
        "curve",
        who,
        curve={"energy": "0:50% 100:50%"},
        only={"years": ["1980-1999", 2005]},
        without={"genres": ["Rock"], "artists": [str(songs.values("artist")[0])], "tracks": ["t010"]},
        explicit=False,
        shares=[{"of": "new", "at_least": 0.5}, {"where": "year = 2005", "at_most": 2}],
        different=[{"column": "decade", "at_least": 3}],
        include=["t001"],
        max_per_artist=3,
    )
    rows = made.made.rows
    free = rows[rows != 0]
    years = desk.facts.number("year")[free]
    assert 0 in rows
    assert (((years >= 1980) & (years <= 1999)) | (years == 2005)).all()
    assert not any("Rock" in (genres if genres is not None else []) for genres in songs.values("genre")[free])
    assert not any(flag is True for flag in songs.values("explicit")[free])
    told = " ".join(made.report.relaxed)
    assert np.isin(rows, who.heard).mean() <= 0.5 or "new" in told
    assert (desk.facts.number("year")[rows] == 2005).sum() <= 2 or "2005" in told
    assert len(set((desk.facts.number("year")[rows] // 10).tolist())) >= 3 or "decades" in told
