"""Answers by id: what is recommended, why, and what the rules do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from recsys import api
from recsys.engine import Engine
from recsys.errors import ArtefactError, DataError, UnknownId
from recsys.tables import Interactions


@pytest.fixture(scope="module")
def engine(bundle: Path) -> Engine:
    return Engine.open(bundle)


def test_lists_are_ranked_new_and_complete(engine: Engine) -> None:
    found = engine.recommend(n=10)
    assert list(found.columns) == [
        *("user_id", "rank", "track_id", "score", "source", "reason", "why", "marks", "licence")
    ]
    for user, mine in found.groupby("user_id", observed=True):
        assert mine["rank"].tolist() == list(range(1, 11))
        assert mine["track_id"].is_unique
        played = engine.tracks.at(engine.histories[engine.users.rows([user])].indices)
        assert not set(mine["track_id"]) & set(played)
    assert set(found["user_id"]) == set(engine.users.ids)


def test_scores_fall(engine: Engine) -> None:
    found = engine.recommend(n=20)
    heard = found[found["source"] == "ials"]
    assert (heard.groupby("user_id")["score"].diff().dropna() <= 0).all()


def test_seen_tracks_come_when_asked(engine: Engine) -> None:
    user = engine.users.ids[int(np.argmax(np.diff(engine.histories.indptr)))]
    found = engine.recommend([user], n=5, include_seen=True)
    played = set(engine.tracks.at(engine.histories[engine.users.rows([user])].indices))
    assert set(found["track_id"]) & played


def test_candidates_limit_the_pool(engine: Engine) -> None:
    pool = list(engine.tracks.ids[:7])
    found = engine.recommend(n=100, candidates=[*pool, "not-a-track"], include_seen=True)
    assert set(found["track_id"]) == set(pool)


def test_reasons_name_an_own_play(engine: Engine) -> None:
    user = engine.users.ids[int(np.argmax(np.diff(engine.histories.indptr)))]
    found = engine.recommend([user], n=5)
    rows = engine.histories[engine.users.rows([user])].indices
    own = {engine.name(row) for row in rows}
    for reason, why in zip(found["reason"], found["why"], strict=True):
        assert reason.removeprefix("because you played ").split(" (")[0].split(" and ")[0] in own
        assert 1 <= len(why["plays"]) <= 3
        assert set(why["plays"]) <= set(engine.tracks.at(rows))


def test_parts_add_up_to_the_score(engine: Engine) -> None:
    found = engine.recommend(n=5)
    total = [sum(value for value in why["parts"].values()) for why in found["why"]]
    np.testing.assert_allclose(total, found["score"], rtol=1e-4, atol=1e-5)


def test_an_unknown_listener_is_an_error_with_near_ids(engine: Engine) -> None:
    with pytest.raises(UnknownId, match="nearest by spelling"):
        engine.recommend(["u0001x"])


def test_fold_in_equals_the_trained_listener(engine: Engine) -> None:
    rows = np.flatnonzero(np.diff(engine.histories.indptr) > 3)[:5].astype(np.int32)
    known = engine.recommend(engine.users.at(rows), n=10)
    part = engine.histories[rows].tocoo()
    plays = Interactions(
        type(engine.users)(engine.users.at(rows)), engine.tracks, part.coords[0], part.coords[1], part.data
    )
    folded = engine.recommend_histories(plays, n=10)
    assert folded["track_id"].tolist() == known["track_id"].tolist()


def test_a_listener_without_plays_gets_what_is_popular(engine: Engine, tmp_path: Path, bundle: Path) -> None:
    (tmp_path / "users.txt").write_text(f"{engine.users.ids[0]}\nnobody\n")
    made = api.recommend(bundle, out=tmp_path / "recs", n=3, users=tmp_path / "users.txt")
    found = pd.read_parquet(made.path)
    nobody = found[found["user_id"] == "nobody"]
    assert nobody["track_id"].tolist() == engine.most_played(3)
    assert set(nobody["source"]) == {"popularity"}


@pytest.mark.parametrize("by", ["hybrid", "collaborative", "content"])
def test_a_track_is_never_its_own_neighbour(engine: Engine, by: str) -> None:
    seeds = engine.most_played(5)
    found = engine.similar(seeds, 5, by=by)
    assert len(found) == 25
    assert (found["query"] != found["track_id"]).all()
    assert found["reason"].str.len().min() > 0


def test_filters_apply_inside_the_search(engine: Engine) -> None:
    seed = engine.most_played(1)
    genre = engine.catalogue.frame["genre"].dropna().iloc[0][0]
    found = engine.similar(seed, 5, where=f"genre = '{genre}'")
    rows = engine.tracks.rows(found["track_id"].tolist())
    assert len(found) == 5
    assert all(genre in engine.catalogue.frame["genre"].iloc[r] for r in rows)


def test_artist_cap_still_gives_n(engine: Engine) -> None:
    found = engine.similar(engine.most_played(1), 10, max_per_artist=1)
    assert len(found) == 10
    assert found["artist"].dropna().is_unique


def test_other_albums_only(engine: Engine) -> None:
    albums = engine.catalogue.albums
    row = int(np.argmax(np.bincount(albums[albums >= 0])[albums] * (albums >= 0)))
    plain = engine.similar([engine.tracks.at(row)], 79)
    found = engine.similar([engine.tracks.at(row)], 79, not_same_album=True)
    mates = set(engine.tracks.at(np.flatnonzero(albums == albums[row])))
    assert mates & set(plain["track_id"])
    assert not mates & set(found["track_id"])


def test_unknown_ways_and_columns_are_clear_errors(engine: Engine) -> None:
    seed = engine.most_played(1)
    with pytest.raises(DataError, match="expected one of hybrid"):
        engine.similar(seed, by="magic")
    with pytest.raises(DataError, match="did you mean year"):
        engine.similar(seed, where="yaer > 1")


def test_a_playlist_keeps_its_rules(engine: Engine) -> None:
    made, entries = engine.playlist(engine.most_played(2), n=20)
    artists = engine.catalogue.artists[made.rows]
    assert not made.relaxed
    assert len(entries) == 20
    assert len(set(made.rows.tolist())) == 20
    assert np.bincount(artists[artists >= 0]).max() <= 2


def test_blend_names_its_members_as_sources(blend_bundle: Path) -> None:
    found = Engine.open(blend_bundle).recommend(n=10)
    assert set(found["source"]) <= set(Engine.open(blend_bundle).model.names)  # type: ignore[attr-defined]
    assert found["source"].nunique() > 1


def test_a_bundle_without_plays_compares_but_does_not_recommend(world: Path, tmp_path: Path) -> None:
    tables = api.ingest(out=tmp_path / "t", tracks=[world / "tracks.csv"], content=[world / "descriptors.csv"]).path
    api.train(tables, out=tmp_path / "b")
    engine = Engine.open(tmp_path / "b")
    assert len(engine.similar([engine.tracks.ids[0]], 3, by="content")) == 3
    with pytest.raises(DataError, match="no collaborative space; it has content"):
        engine.similar([engine.tracks.ids[0]], by="collaborative")
    with pytest.raises(DataError, match="without plays"):
        engine.recommend(n=3)


def test_a_torn_bundle_is_refused(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    with pytest.raises(ArtefactError, match="recsys train"):
        Engine.open(tmp_path / "half")


def test_answering_loads_no_training_library(bundle: Path, blend_bundle: Path) -> None:
    code = (
        "import sys; from recsys.engine import Engine\n"
        "for path in sys.argv[1:]:\n"
        "    engine = Engine.open(path); engine.recommend(n=3); engine.similar(engine.most_played(1))\n"
        "print(sorted({'torch', "
        " 'librosa', 'implicit', 'lightfm', 'matplotlib', 'optuna', 'polars'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(bundle), str(blend_bundle)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
