"""What the measuring programs of the hybrid must not get wrong: leaks through tags, and what is simulated."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from tests.measure import holdout, simulate

USERS, TRACKS = 30, 40


@pytest.fixture
def files(tmp_path: Path) -> SimpleNamespace:
    """A log, and one tag by each listener for each track of theirs that says who gave it to which."""
    rng = np.random.default_rng(0)
    user, track = np.nonzero(rng.random((USERS, TRACKS)) < 0.5)
    log = pd.DataFrame({"user_id": user, "item_id": track, "count": 1 + rng.integers(0, 9, len(user))})
    log.to_parquet(tmp_path / "log.parquet")
    tags = [f"{u} likes {t}" for u, t in zip(user, track, strict=True)]
    log.assign(tag=tags).drop(columns="count").to_parquet(tmp_path / "tags.parquet")
    titles = pd.DataFrame({"track_id": range(TRACKS), "title": [f"title {t}" for t in range(TRACKS)]})
    titles.to_parquet(tmp_path / "tracks.parquet")
    return SimpleNamespace(
        log=tmp_path / "log.parquet", tags=tmp_path / "tags.parquet", tracks=tmp_path / "tracks.parquet", content=None
    )


def told(dataset: Dataset) -> set[tuple[int, int]]:
    """Pairs (listener, track) that the tags give away."""
    words = (word for tags in dataset.catalogue.frame["tags"].dropna() for word in tags)
    return {(int(u), int(t)) for u, _, t in (word.split() for word in words)}


def test_tags_say_nothing_of_hidden_pairs(files: SimpleNamespace) -> None:
    parts = holdout._tagged(holdout._split_log(files, 0), files.tags)
    users, tracks = parts.whole.users.ids, parts.whole.tracks.ids

    def pairs(split) -> set[tuple[int, int]]:
        return {(int(users[k // len(tracks)]), int(tracks[k % len(tracks)])) for k in holdout._pairs(split)}

    test, valid = pairs(parts.test), pairs(parts.hidden)
    assert not told(parts.whole) & test
    assert not told(parts.hidden.train) & (test | valid)
    assert told(parts.whole) > told(parts.hidden.train)
    assert told(parts.whole) & valid
    assert parts.test.train is parts.whole
    assert parts.whole.catalogue.frame["title"].str.startswith("title").all()


@pytest.fixture
def library() -> simulate.Library:
    rng = np.random.default_rng(1)
    tracks = IdMap([f"t{i:03d}" for i in range(120)], "track")
    empty = Interactions.empty(IdMap([], "user"), tracks)
    space = Embeddings(rng.normal(size=(120, 4)), np.ones(120, bool), "sound")
    heard = Dataset(empty, Catalogue.empty(120), {"sound": space})
    artists = np.array([f"artist {i // 4}" for i in range(120)], object)
    return simulate.Library(heard, {}, rng.integers(0, 4, 120), rng.random((120, 9)), artists)


def test_simulated_listeners_follow_their_taste_and_are_called_simulated(library: simulate.Library) -> None:
    dataset, taste = simulate.simulated(library, 0)
    assert all(str(user).startswith("simulated") for user in dataset.users.ids)
    played = dataset.matrix().toarray() > 0
    assert played.sum(axis=1).mean() == pytest.approx(simulate.PLAYS, rel=0.1)
    assert taste[played].mean() > taste[~played].mean() + 0.5
    again, _ = simulate.simulated(library, 0)
    assert (again.matrix() != dataset.matrix()).nnz == 0
    other, _ = simulate.simulated(library, 1)
    assert (other.matrix() != dataset.matrix()).nnz > 0


def test_new_artists_are_new_and_taste_is_the_ceiling(library: simulate.Library) -> None:
    dataset, taste = simulate.simulated(library, 0)
    split = simulate.new_artists(dataset, 0)
    artists = dataset.catalogue.artists
    trained = np.unique(split.train.plays.track)
    assert not np.intersect1d(artists[split.pool], artists[trained]).size
    ceiling = simulate._of_taste(split, taste).ndcg.mean()
    found = simulate.measured(split, {})
    assert ceiling > max(one.ndcg.mean() for name, one in found.items() if "all" in name or "sound" in name)
    assert found["floor: random"].ndcg.mean() < ceiling - 0.2
