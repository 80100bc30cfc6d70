"""Scores told apart by block: parts that sum to what the models say, and a planted block that gets the credit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys import models
from recsys.explain import CONTENT, Known, explain, reasons
from recsys.models.splitting import Split
from recsys.ranking.aspects import Facts, leading
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions

NAMES = ("hybrid", "mapped", "ridge", "cease", "content")
PARAMS: dict[str, dict[str, Any]] = {
    "hybrid": {"factors": 8},
    "mapped": {"factors": 8},
    "cease": {"regularization": 1.0},
}
TRACKS, NEW = 60, 10


def world(*, artists: bool = True) -> Dataset:
    """Listeners play tracks of their genre, whatever the tags, year and sound; nobody played the last ten."""
    rng = np.random.default_rng(4)
    kind = np.arange(TRACKS) % 3
    likes = rng.random((80, TRACKS)) < np.where(np.arange(80)[:, None] % 3 == kind, 0.5, 0.03)
    likes[:, -NEW:] = False
    user, track = np.nonzero(likes)
    frame = pd.DataFrame(
        {
            "genre": [[f"g{k}"] for k in kind],
            "tags": [[f"t{t}" for t in rng.integers(0, 6, 2)] for _ in kind],
            "artist": [f"a{t // 4}" if artists else None for t in range(TRACKS)],
            "year": rng.integers(1970, 2020, TRACKS).astype(float),
        }
    )
    sound = rng.normal(size=(TRACKS, 5)).astype(np.float32)
    sound[::7] = 0
    plays = Interactions(IdMap(range(80)), IdMap(range(TRACKS)), user, track, 1 + rng.integers(0, 4, len(user)))
    return Dataset(plays, Catalogue(frame), {"sound": Embeddings(sound, sound.any(axis=1), "sound")})


def known_of(dataset: Dataset) -> Dataset:
    """What answering has: everything but the plays."""
    return replace(dataset, plays=Interactions.empty(dataset.users, dataset.tracks))


def fitted(name: str, dataset: Dataset) -> Any:
    return models.build(name, **PARAMS.get(name, {})).fit(dataset, rng=np.random.default_rng(0))


def known(dataset: Dataset, described: Dataset | None) -> Known:
    popular = np.bincount(dataset.plays.track, minlength=TRACKS).astype(np.float32)
    return Known(None, None, Facts.of(dataset.catalogue), popular, described)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("artists", [True, False])
def test_parts_are_those_of_the_score_up_to_what_all_tracks_share(name: str, artists: bool) -> None:
    dataset = world(artists=artists)
    model, histories = fitted(name, dataset), dataset.matrix()[:6]
    rows = np.broadcast_to(np.arange(TRACKS, dtype=np.int32), (6, TRACKS))
    found = model.split(known_of(dataset), histories, rows)
    told = found.rest + np.sum(list(found.given.values()), axis=0)
    gap = model.scores(histories) - told
    for some in (slice(0, TRACKS - NEW), slice(TRACKS - NEW, TRACKS)):
        mine = np.where(histories.toarray() > 0, np.nan, gap)[:, some]
        if name == "content":  # cosines: in proportion, not in sum
            continue
        assert np.nanmax(np.nanstd(mine, axis=1)) < 1e-4 * max(1, np.abs(gap).max())


@pytest.mark.parametrize("name", ["hybrid", "mapped", "ridge", "cease"])
def test_parts_sum_where_genres_are_known_of_some_tracks_and_nothing_of_others(name: str) -> None:
    dataset = world(artists=False)
    frame, space = dataset.catalogue.frame.copy(), dataset.contents["sound"]
    frame.loc[::2, "genre"] = None
    frame.loc[::5, ["genre", "tags", "year"]] = [None, None, np.nan]
    silent = np.arange(TRACKS) % 5 == 0
    sound = Embeddings(np.where(silent[:, None], 0, space.vectors), space.known & ~silent, "sound")
    dataset = replace(dataset, catalogue=Catalogue(frame), contents={"sound": sound})
    model, histories = fitted(name, dataset), dataset.matrix()[:6]
    rows = np.broadcast_to(np.arange(TRACKS, dtype=np.int32), (6, TRACKS))
    found = model.split(known_of(dataset), histories, rows)
    gap = model.scores(histories) - found.rest - np.sum(list(found.given.values()), axis=0)
    for some in (slice(0, TRACKS - NEW), slice(TRACKS - NEW, TRACKS)):
        mine = np.where(histories.toarray() > 0, np.nan, gap)[:, some]
        assert np.nanmax(np.nanstd(mine, axis=1)) < 1e-4 * max(1, np.abs(gap).max())


@pytest.mark.parametrize("name", ["hybrid", "mapped", "ridge"])
def test_a_track_without_plays_owes_nothing_to_them(name: str) -> None:
    dataset = world()
    rows = np.broadcast_to(np.arange(TRACKS - NEW, TRACKS, dtype=np.int32), (6, NEW))
    found = fitted(name, dataset).split(known_of(dataset), dataset.matrix()[:6], rows)
    assert np.abs(found.rest).max() < 1e-6
    assert {"genre", "tags", "year", "sound"} <= set(found.given)


@pytest.mark.parametrize("name", NAMES)
def test_credit_goes_to_the_block_that_listeners_follow(name: str) -> None:
    dataset = world(artists=False)
    rows = np.broadcast_to(np.arange(TRACKS - NEW, TRACKS, dtype=np.int32), (30, NEW))
    found = fitted(name, dataset).split(known_of(dataset), dataset.matrix()[:30], rows)
    own = np.arange(30)[:, None] % 3 == rows % 3
    gain = {block: float(part[own].mean() - part[~own].mean()) for block, part in found.given.items()}
    assert gain["genre"] > 2 * sum(abs(g) for block, g in gain.items() if block != "genre")


def test_played_tracks_of_a_map_made_after_the_fact_owe_nothing_to_content() -> None:
    dataset = world()
    rows = np.broadcast_to(np.arange(20, dtype=np.int32), (5, 20))
    found = fitted("mapped", dataset).split(known_of(dataset), dataset.matrix()[:5], rows)
    assert not any(part.any() for part in found.given.values())


@given(st.lists(st.floats(-5, 5, width=32), min_size=3, max_size=3))
@settings(max_examples=50, deadline=None)
def test_shares_are_bounded_and_sum_to_one_with_the_rest(parts: list[float]) -> None:
    one, two, rest = (np.float32([[part]]) for part in parts)
    found = Split({"a": one, "b": two}, rest).shares()
    assert all(abs(float(share[0, 0])) <= 2 + 1e-5 for share in found.values())
    total, size = sum(parts), sum(map(abs, parts))
    if abs(total) > 0.6 * size:
        np.testing.assert_allclose(found["a"], one / np.float32(total), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", [*NAMES, "blend", "ranked"])
def test_every_row_has_parts_by_block_that_sum_to_its_score(name: str) -> None:
    dataset = world()
    if name in ("blend", "ranked"):
        members = [["ials", {"factors": 8}], *([n, PARAMS.get(n, {})] for n in NAMES)]
        more = {"nets": 1} if name == "ranked" else {}
        model = models.build(name, members=members, weights=[1.0] * 6, fallback=[0, 1, 1, 1, 1, 1], half=4.0, **more)
        model = model.fit(dataset, rng=np.random.default_rng(0))
    else:
        model = fitted(name, dataset)
    histories = dataset.matrix()
    found = explain(model, known(dataset, known_of(dataset)), histories, 15, exclude=histories)
    plain = explain(model, known(dataset, None), histories, 15, exclude=histories)
    np.testing.assert_array_equal(found.lists.rows, plain.lists.rows)
    np.testing.assert_array_equal(found.sources, plain.sources)
    total = np.sum(list(found.parts.values()), axis=0)
    np.testing.assert_allclose(total, found.lists.scores, rtol=1e-4, atol=1e-4)
    assert {f"{CONTENT}genre", f"{CONTENT}tags", f"{CONTENT}sound"} <= set(found.parts)
    assert not any(kind.startswith(CONTENT) for kind in plain.parts)


def test_a_row_without_plays_behind_it_says_which_block_led() -> None:
    nobody = np.full((2, 3), -1, np.int32)
    found = reasons(nobody, np.array([leading("year"), 0], np.uint16), str).tolist()
    assert found == ["it suits what you played, by its year", "popular with all listeners"]


def test_parts_do_not_depend_on_how_many_are_told_apart_together(monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = world()
    model, histories, described = fitted("hybrid", dataset), dataset.matrix(), known_of(dataset)
    whole = explain(model, known(dataset, described), histories, 5, exclude=histories).parts
    monkeypatch.setattr("recsys.explain.ROWS", 35)
    few = explain(model, known(dataset, described), histories, 5, exclude=histories).parts
    for kind, part in whole.items():
        np.testing.assert_allclose(few[kind], part, atol=1e-5)
