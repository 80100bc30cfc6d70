"""Two stages: the ranker's order for what it knows, the blend's for the rest, and parts that sum to the score."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys.models.blend import PRIOR, Blend
from recsys.models.hiding import hide, shortened
from recsys.models.ranked import Ranked
from recsys.tables import Catalogue, Dataset, IdMap, Interactions
from recsys.tables.merge import Place

LISTENERS, TRACKS = 120, 90
MEMBERS: list[Any] = [["rp3beta", {"k": 20}], ["itemknn", {"k": 20}], ["content", {}]]


def world(seed: int = 0) -> Dataset:
    """Three kinds of listeners and tracks; the last ten tracks, of the first kind, have no plays."""
    rng = np.random.default_rng(seed)
    kind = np.arange(TRACKS) % 3
    kind[-10:] = 0
    likes = np.where(np.arange(LISTENERS)[:, None] % 3 == kind, 0.35, 0.03) * rng.uniform(0.3, 1.7, TRACKS)
    likes[:, -10:] = 0
    user, track = np.nonzero(rng.random(likes.shape) < likes)
    plays = Interactions(
        IdMap(range(LISTENERS)), IdMap(range(TRACKS)), user, track, rng.integers(1, 9, len(user)).astype(np.float32)
    )
    frame = pd.DataFrame({"tags": [[f"kind {k}"] for k in kind], "artist": [f"artist {t // 6}" for t in range(TRACKS)]})
    return Dataset(plays, Catalogue(frame))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return world()


@pytest.fixture(scope="module")
def model(dataset: Dataset) -> Ranked:
    return Ranked(members=MEMBERS, nets=2).fit(dataset, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def histories(dataset: Dataset) -> sp.csr_array:
    return dataset.matrix()


def test_it_learns_at_least_the_order_of_its_members(dataset: Dataset) -> None:
    shown, held = hide(dataset, 0.2, np.random.default_rng(5))
    users = np.flatnonzero(np.diff(held.indptr)).astype(np.int32)
    ranked = Ranked(members=MEMBERS, nets=2).fit(shown, rng=np.random.default_rng(0))
    mine, wanted = shown.matrix()[users], held[users].toarray() > 0

    def found(rows: np.ndarray) -> float:
        return float(np.take_along_axis(wanted, rows[:, :10], axis=1).sum() / wanted.sum())

    best = found(ranked.top_parts(mine, 10, exclude=mine)[0].rows)
    alone = []
    for member in ranked.models_:
        scores = np.where(mine.toarray() > 0, -np.inf, member.scores(mine))
        alone.append(found(np.argsort(-scores, axis=1)))
    assert best > max(alone) - 0.05
    assert best > np.mean(alone) + 0.05


def test_lists_are_sorted_complete_and_as_the_dense_scores_say(model: Ranked, histories: sp.csr_array) -> None:
    lists, _ = model.top_parts(histories, 40, exclude=histories)
    scores = np.where(histories.toarray() > 0, -np.inf, model.scores(histories))
    assert (np.diff(lists.scores, axis=1) <= 0).all()
    np.testing.assert_allclose(lists.scores, -np.sort(-scores, axis=1)[:, :40], rtol=1e-4, atol=1e-4)
    assert not np.take_along_axis(histories.toarray(), lists.rows, axis=1).any()


def test_parts_sum_to_the_score(model: Ranked, histories: sp.csr_array) -> None:
    lists, parts = model.top_parts(histories, 40, exclude=histories)
    assert parts.shape == (LISTENERS, 40, len(model.names))
    np.testing.assert_allclose(parts.sum(axis=2), lists.scores, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(model.parts(histories, None, lists.rows), parts, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(sum(model.shares(histories)), model.scores(histories), rtol=1e-3, atol=1e-3)
    assert np.abs(parts[:, :, 0]).sum() > 0


def test_tracks_without_plays_keep_the_order_of_the_blend(model: Ranked, histories: sp.csr_array) -> None:
    new = np.arange(TRACKS - 10, TRACKS, dtype=np.int32)
    blend = Blend(MEMBERS).fit(world(), rng=np.random.default_rng(0))
    lists, _ = model.top_parts(histories, 10, exclude=histories, allow=new)
    assert np.isin(lists.rows, new).all()
    wanted = np.take_along_axis(blend.scores(histories), lists.rows, axis=1)
    assert (np.diff(wanted, axis=1) <= 1e-4).all()


def test_candidates_are_looked_for_among_what_is_allowed(model: Ranked, histories: sp.csr_array) -> None:
    allow = np.arange(0, TRACKS, 2, dtype=np.int32)
    lists, _ = model.top_parts(histories, 20, exclude=histories, allow=allow)
    assert (lists.rows % 2 == 0).all()
    every, _ = model.top_parts(histories, TRACKS, exclude=histories)
    first = every.rows[0][every.rows[0] % 2 == 0][:20]
    assert len(set(first) & set(lists.rows[0])) >= 18


def test_an_empty_history_is_answered_by_the_blend(model: Ranked, dataset: Dataset) -> None:
    both = sp.csr_array(sp.vstack([sp.csr_array((1, TRACKS), dtype=np.float32), dataset.matrix()[:1]]))
    blend = Blend(MEMBERS).fit(dataset, rng=np.random.default_rng(0))
    np.testing.assert_allclose(model.scores(both)[0], blend.scores(both)[0], rtol=1e-4, atol=1e-4)


def test_without_a_ranker_it_is_the_blend(dataset: Dataset, histories: sp.csr_array) -> None:
    blend = Blend(MEMBERS).fit(dataset, rng=np.random.default_rng(0))
    members = [(m.name, m.params()) for m in blend.models_]
    ranked = Ranked(members, blend.weights_[0]).adopt(blend.models_, dataset)
    assert ranked.order_ is None
    assert not ranked.chances(histories, np.zeros((LISTENERS, 1), np.int32)).any()
    np.testing.assert_allclose(ranked.scores(histories), blend.scores(histories), rtol=1e-5, atol=1e-5)


def test_a_ranker_of_other_members_is_not_taken(model: Ranked, dataset: Dataset) -> None:
    other = Ranked(MEMBERS[:2], nets=1).fit(dataset, rng=np.random.default_rng(0))
    assert other.order_ is not None
    assert other.take(model.order_).order_ is None
    again = Ranked(MEMBERS)._fit_members(dataset, np.random.default_rng(0)).take(model.order_)
    assert again.order_ is model.order_


def test_arrays_hold_the_ranker(model: Ranked, histories: sp.csr_array) -> None:
    arrays = model.arrays()
    assert all(value.dtype != object for value in arrays.values())
    again = Ranked.from_arrays(arrays, **model.params())
    np.testing.assert_array_equal(again.scores(histories), model.scores(histories))
    rows = np.tile(np.arange(5, dtype=np.int32), (LISTENERS, 1))
    np.testing.assert_array_equal(again.chances(histories, rows), model.chances(histories, rows))


def test_chances_follow_the_order_of_each_list(model: Ranked, histories: sp.csr_array) -> None:
    lists, _ = model.top_parts(histories, 30, exclude=histories, allow=np.arange(TRACKS - 10, dtype=np.int32))
    told = model.chances(histories, lists.rows)
    assert ((told >= 0) & (told <= 1)).all()
    assert (np.diff(told, axis=1) <= 1e-6).mean() > 0.99
    assert told[:, 0].mean() > told[:, -1].mean()
    assert not model.chances(histories, np.full((LISTENERS, 1), -1, np.int32)).any()


def test_sources_and_what_they_bring(dataset: Dataset) -> None:
    shown, held = hide(dataset, 0.2, np.random.default_rng(5))
    model = Ranked(MEMBERS, nets=1).fit(shown, rng=np.random.default_rng(0))
    found = model.recall_by_source(shown.matrix(), held)
    assert {"rp3beta", "content", PRIOR, "same artist", "near the strongest plays", "all"} == {*found} - {"itemknn"}
    recalls = [recall for recall, _ in found.values()]
    assert found["all"][0] == max(recalls)
    assert all(0 <= recall <= 1 for recall in recalls)


def test_many_histories_are_ranked_like_a_few(
    model: Ranked, histories: sp.csr_array, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = model.scores(histories)
    monkeypatch.setattr("recsys.models.staging.TILE", 1)
    assert np.isclose(model.scores(histories), whole, rtol=1e-2, atol=1e-2).mean() > 0.98


def test_more_tracks_and_listeners_make_room(model: Ranked, histories: sp.csr_array) -> None:
    tracks = Place(np.arange(TRACKS, dtype=np.int32), TRACKS + 5)
    users = Place(np.arange(LISTENERS, dtype=np.int32), LISTENERS + 1)
    larger = model.resized(tracks, users)
    wide = sp.csr_array((histories.data, histories.indices, histories.indptr), shape=(LISTENERS, TRACKS + 5))
    old, _ = model.top_parts(histories, 20, exclude=histories)
    new, _ = larger.top_parts(wide, 20, exclude=wide, allow=np.arange(TRACKS, dtype=np.int32))
    assert (old.rows == new.rows).mean() > 0.95


def test_plays_alone_are_enough(dataset: Dataset, histories: sp.csr_array) -> None:
    bare = replace(dataset, catalogue=Catalogue.empty(TRACKS))
    model = Ranked(MEMBERS[:2], nets=1).fit(bare, rng=np.random.default_rng(0))
    assert model.order_ is not None
    assert not [name for name in model.order_.features if "content" in name or "artist" in name]
    assert np.isfinite(model.scores(histories)).all()


def test_hidden_plays_are_in_no_layer(dataset: Dataset) -> None:
    both = replace(dataset, ratings=dataset.plays)
    shown, held = hide(both, 0.2, np.random.default_rng(0))
    assert held.nnz
    assert not (shown.matrix() * held).nnz
    assert shown.ratings is not None
    assert len(shown.ratings) == len(shown.plays) == len(dataset.plays) - held.nnz


def test_shortened_histories_are_parts_of_them(histories: sp.csr_array) -> None:
    short = shortened(histories, np.random.default_rng(0))
    length = np.diff(short.indptr)
    assert ((length >= 1) | (np.diff(histories.indptr) == 0)).all()
    assert length.min() == 1
    assert length.max() <= 20
    assert ((short.toarray() == 0) | (short.toarray() == histories.toarray())).all()


def test_answering_needs_numpy_alone(model: Ranked, tmp_path: Any) -> None:
    np.savez(tmp_path / "model.npz", **model.arrays())
    code = f"""
import json, sys
import numpy as np
import scipy.sparse as sp
from recsys import models
arrays = dict(np.load({str(tmp_path / "model.npz")!r}, allow_pickle=False))
model = models.from_arrays("ranked", arrays, json.loads({__import__("json").dumps(model.params())!r}))
model.top_parts(sp.csr_array(np.eye(2, {TRACKS}, dtype=np.float32)), 5)
loaded = {{"torch", "implicit", "lightfm", "sklearn", "lightgbm"}} & set(sys.modules)
assert not loaded, loaded
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_ranker_is_believed_as_far_as_there_are_plays(model: Ranked, histories: sp.csr_array) -> None:
    _, stage = next(model.stages(histories, None, None))
    sure, rows = model._sure(stage.scene), stage.scene.candidates.rows
    played = stage.scene.candidates.inside(stage.scene.histories)
    assert not sure[played].any()
    assert not sure[rows >= TRACKS - 10].any()
    plays = np.bincount(histories.indices, minlength=TRACKS)[rows]
    asked = ~played & (plays > 0)
    np.testing.assert_allclose(sure[asked], (plays / (plays + 8))[asked], rtol=1e-5)


def test_examples_of_some_listeners_are_their_lists(dataset: Dataset) -> None:
    shown, held = hide(dataset, 0.2, np.random.default_rng(5))
    model = Ranked(MEMBERS, nets=1)._fit_members(shown, np.random.default_rng(0))
    every = model.examples(shown.matrix(), held, rng=np.random.default_rng(0))
    some = np.arange(LISTENERS) < 7
    few = every.of(some)
    assert set(few.listeners) <= set(range(7))
    assert len(few.rows) == few.sizes.sum() == len(few.hits) == len(few.blend)
    assert few.hits.sum() < every.hits.sum()
    assert (few.lengths >= 1).all()


def test_nothing_hidden_teaches_nothing(dataset: Dataset) -> None:
    model = Ranked(MEMBERS, nets=1)._fit_members(dataset, np.random.default_rng(0))
    nothing = sp.csr_array((LISTENERS, TRACKS), dtype=np.float32)
    assert model.fit_ranker(dataset.matrix(), nothing, rng=np.random.default_rng(0)).order_ is None


def test_a_catalogue_of_candidates_alone(model: Ranked, histories: sp.csr_array) -> None:
    lists, parts = model.top_parts(histories[:4], TRACKS + 3)
    assert (lists.lengths == TRACKS).all()
    assert np.isfinite(parts).all()


def drifting(listeners: int = 160, kinds: int = 6, each: int = 10) -> tuple[Dataset, sp.csr_array]:
    """Listeners move from one kind of track to the next and the next; hidden are more of the last kind."""
    rng = np.random.default_rng(1)
    user, track, time, later = [], [], [], []
    for listener in range(listeners):
        for step, kind in enumerate(rng.permutation(kinds)[:3]):
            chosen = kind * each + rng.permutation(each)[:7]
            user += [listener] * 4
            track += chosen[:4].tolist()
            time += [10_000 * step + place for place in range(4)]
            later += [(listener, row) for row in chosen[4:]] if step == 2 else []
    tracks = kinds * each
    plays = Interactions(IdMap(range(listeners)), IdMap(range(tracks)), user, track, np.ones(len(user)), time)
    owner, rows = np.array(later).T
    held = sp.csr_array((np.ones(len(rows), np.float32), (owner, rows)), shape=(listeners, tracks))
    return Dataset(plays, Catalogue.empty(tracks)), held


@pytest.mark.parametrize("times", [True, False])
def test_a_taste_that_moves_is_followed_where_plays_have_times(times: bool) -> None:
    world, held = drifting()
    model = Ranked([("ials", {"factors": 12})], nets=1)._fit_members(world, np.random.default_rng(0))
    if not times:
        model.latest_ = model.latest_[:, :0]
    half = np.arange(len(world.users)) % 2 == 0
    histories, users = world.matrix(), np.arange(len(world.users), dtype=np.int32)
    model.learn_order(
        model.examples(histories, held, users, rng=np.random.default_rng(0)), half, rng=np.random.default_rng(0)
    )
    lists, _ = model.top_parts(histories[~half], 3, users=users[~half], exclude=histories[~half])
    hits = np.take_along_axis(held[~half].toarray(), lists.rows, axis=1).mean()
    assert (hits > 0.33) if times else (hits < 0.25), hits  # 1/2 is all that can be known, 1/6 without times


def test_the_latest_plays_move_along_with_tracks_and_listeners() -> None:
    world, _ = drifting(listeners=20)
    model = Ranked([("ials", {"factors": 4})], nets=1)._fit_members(world, np.random.default_rng(0))
    rows, people = np.arange(60, dtype=np.int32) * 2, np.arange(1, 21, dtype=np.int32)
    larger = model.resized(Place(rows, 120), Place(people, 22))
    assert (larger.latest_[[0, 21]] == -1).all()
    known = model.latest_ >= 0
    np.testing.assert_array_equal(larger.latest_[people][known], 2 * model.latest_[known])
    again = Ranked.from_arrays(model.arrays(), **model.params())
    np.testing.assert_array_equal(again.latest_, model.latest_)
