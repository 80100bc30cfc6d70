"""Features of candidates: what each says of a small world whose answers are known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys.ranking import scenes
from recsys.ranking.candidates import Candidates
from recsys.ranking.facts import RECENT, facts_of, latest_plays
from recsys.ranking.features import FEATURES, columns, feature, possible, table
from recsys.ranking.likeness import likeness
from recsys.ranking.scenes import Scene, strongest
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

DAY = 86_400


def world() -> Dataset:
    """Ann plays 0 (three times as strongly) and 1, Bo plays 1 and, long after, 2; nobody plays 3."""
    plays = Interactions(
        IdMap(["ann", "bo"]), IdMap(range(4)), [0, 0, 1, 1], [0, 1, 1, 2], [3, 1, 1, 1], [0, DAY, DAY, 100 * DAY]
    )
    frame = pd.DataFrame(
        {
            "artist": ["x", "y", "x", None],
            "tempo": [100.0, 100.0, 200.0, np.nan],
            "key": ["A", "B", "A", None],
            "energy": [0.1, 0.3, 0.9, np.nan],
        }
    )
    return Dataset(plays, Catalogue(frame))


def scene() -> Scene:
    dataset = world()
    spaces = {"taste": np.float32([[1, 0], [0, 1], [0.6, 0.8], [0, 0]])}
    candidates = Candidates(np.array([0, 2, 4]), np.array([2, 3, 0, 3], np.int32))
    said = np.float32([[1, 2, 3, 4]])
    return Scene(dataset.matrix(), candidates, said, said - 1, facts_of(dataset, spaces), latest_plays(dataset))


def column(name: str) -> np.ndarray:
    return np.asarray(FEATURES[name].make(scene()), np.float32)


def test_plays_and_histories() -> None:
    np.testing.assert_allclose(column("plays"), np.log1p([1, 0, 1, 0]))
    np.testing.assert_allclose(column("length"), np.log1p([2, 2, 2, 2]))
    np.testing.assert_allclose(column("usual plays"), np.mean(np.log1p([1, 2])) * np.ones(4), rtol=1e-6)
    np.testing.assert_allclose(column("plays against usual")[0], np.log1p(1) - np.mean(np.log1p([1, 2])), rtol=1e-6)


def test_times() -> None:
    assert column("age")[0] == 0
    assert column("age")[2] == pytest.approx(np.log1p(100))
    assert np.isnan(column("age")[1])
    assert column("trend")[0] > column("trend")[2]


def test_age_and_trend_are_compared_with_what_the_listener_plays() -> None:
    usual = np.log1p([100, 99]).mean()
    np.testing.assert_allclose(column("age against usual")[0], -usual, rtol=1e-5)
    assert column("trend against usual")[0] > 0 > column("trend against usual")[2]
    assert np.isnan(column("age against usual")[1])


def test_coming_back_counts_days_and_not_listeners() -> None:
    plays = Interactions(
        IdMap(["ann", "bo"]), IdMap(range(2)), [0, 0, 0, 1], [0, 0, 0, 1], [1] * 4, [0, DAY, 2 * DAY, 0]
    )
    np.testing.assert_allclose(facts_of(Dataset(plays, Catalogue.empty(2)), {})["returns"], [np.log(3), 0], rtol=1e-6)


def test_the_latest_plays_come_first_and_once() -> None:
    made = latest_plays(world())
    assert made.shape == (2, RECENT)
    assert made[:, :3].tolist() == [[1, 0, -1], [2, 1, -1]]
    np.testing.assert_allclose(column("taste latest 5"), [(0.6 + 0.8) / 2, 0, (0.6 + 0) / 2, 0], atol=1e-6)
    np.testing.assert_array_equal(column("artist lately"), np.float32([0.5, np.nan, 0.5, np.nan]))


def test_without_times_nobody_has_latest_plays() -> None:
    bare = Scene(scene().histories, scene().candidates, scene().scores, scene().ranks, scene().facts)
    assert np.isnan(FEATURES["taste latest 5"].make(bare)).all()
    assert np.isnan(FEATURES["artist lately"].make(bare)).all()


def test_what_tracks_are() -> None:
    np.testing.assert_array_equal(column("artist share"), np.float32([0.5, np.nan, 0.5, np.nan]))
    np.testing.assert_array_equal(column("key"), np.float32([0.5, np.nan, 0.5, np.nan]))
    np.testing.assert_allclose(column("tempo"), [0, np.nan, 0.5, np.nan], atol=1e-6)
    assert np.isnan(column("mood")[[1, 3]]).all()
    assert column("mood")[0] > 0


def test_likeness_to_nearest_and_strongest_plays() -> None:
    found = likeness(scene(), "taste")
    np.testing.assert_allclose(found[0], [0.8, 0.7, 0.7], rtol=1e-5)
    np.testing.assert_allclose(found[1], 0)
    np.testing.assert_allclose(found[2], [0.6, 0.3, 0.3], rtol=1e-5)


def test_strongest_plays_first() -> None:
    few = strongest(sp.csr_array(np.float32([[1, 5, 3], [0, 0, 2]])), 2)
    assert few.indices.tolist() == [1, 2, 2]
    assert few.indptr.tolist() == [0, 2, 3]


def test_likeness_is_that_of_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes, "LONGEST", 4)
    rng = np.random.default_rng(0)
    histories = sp.csr_array((rng.random((5, 30)) < 0.3) * rng.random((5, 30)).astype(np.float32))
    vectors = rng.normal(size=(30, 3)).astype(np.float32)
    candidates = Candidates(np.arange(0, 51, 10), rng.integers(0, 30, 50).astype(np.int32))
    found = likeness(Scene(histories, candidates, np.empty((0, 50)), np.empty((0, 50)), {"taste": vectors}), "taste")
    for n, (owner, row) in enumerate(zip(candidates.owner, candidates.rows, strict=True)):
        line = histories[[owner]].toarray()[0]
        own = np.argsort(-line, kind="stable")[: min(4, (line > 0).sum())]
        cosines = vectors[own] @ vectors[row]
        wanted = [cosines.max(), np.sort(cosines)[-5:].mean(), cosines[:5].mean()]
        np.testing.assert_allclose(found[n], wanted, rtol=1e-4, atol=1e-5)


def test_a_table_has_a_column_for_each_name() -> None:
    names = possible(scene().facts)
    made = table(scene(), names)
    assert made.shape == (4, len(columns(["ials"], names)))
    assert columns(["ials"], names)[:2] == [("score ials", "ials"), ("rank ials", "ials")]
    np.testing.assert_allclose(made[:, 1], -np.log1p([0, 1, 2, 3]))


def test_facts_that_are_missing_leave_features_out() -> None:
    bare = world()
    plays = Interactions(bare.users, bare.tracks, bare.plays.user, bare.plays.track, bare.plays.weight)
    names = possible(facts_of(Dataset(plays, Catalogue.empty(4)), {}))
    assert {"plays", "length"} <= set(names)
    assert not {
        "age",
        "trend",
        "returns",
        "taste latest 5",
        "artist share",
        "tempo",
        "key",
        "mood",
        "taste nearest",
    } & set(names)


@pytest.fixture
def surprise() -> Iterator[str]:
    feature("surprise", "content", "surprise")(lambda scene: (scene.fact("surprise") - 0.5) ** 2)
    yield "surprise"
    del FEATURES["surprise"]


def test_a_later_feature_is_one_registered_function(surprise: str) -> None:
    facts = {**scene().facts, "surprise": np.float32([0, 0, 1, 1])}
    assert surprise in possible(facts)
    assert surprise not in possible(scene().facts)
    later = Scene(scene().histories, scene().candidates, scene().scores, scene().ranks, facts)
    np.testing.assert_allclose(table(later, [surprise])[:, -1], [0.25] * 4)
