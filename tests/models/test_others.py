"""What is particular to popularity, ratings, content, LightFM and the estimate of listeners."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys import models
from recsys.errors import MissingExtra
from recsys.models.als import ALS
from recsys.models.content import Content, content_vectors, words
from recsys.models.popularity import Popularity, Recent
from recsys.models.ratings import Ratings
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from tests.contracts import LISTENERS, TRACKS, checkerboard

DAY = 86_400


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def one_row() -> sp.csr_array:
    return sp.csr_array((1, 2), dtype=np.float32)


def test_recent_halves_a_listener_per_half_life_and_counts_each_once() -> None:
    users, tracks = IdMap(["ann", "bo"]), IdMap(["old", "new"])
    times = np.array([0, 0, 5, 30, 30]) * DAY
    old, new = tracks.rows(["old", "new"])
    plays = Interactions(users, tracks, [0, 1, 0, 0, 0], [old, old, old, new, new], np.ones(5), times)
    found = Recent(half_life=5.0).fit(Dataset(plays, Catalogue.empty(2)), rng=rng()).scores(one_row())[0]
    assert found[new] == pytest.approx(1)
    assert found[old] == pytest.approx(2**-6 + 2**-5)


def test_popularity_counts_playlists_too() -> None:
    world = checkerboard()
    with_lists, without = (Popularity().fit(w, rng=rng()) for w in (world, replace(world, playlists=None)))
    assert (with_lists.listeners_ - without.listeners_).sum() == len(world.playlists or ())


def test_als_solves_the_history_exactly() -> None:
    world = checkerboard()
    model = ALS(factors=6, regularization=2.0, alpha=3.0, weight="log").fit(world, rng=rng())
    history = world.matrix()[[4]]
    confidence = np.ones(TRACKS)
    confidence[history.indices] += 3.0 * np.log1p(history.data)
    items = model.items_.astype(float)
    system = (items.T * confidence) @ items + 2.0 * np.eye(6)
    played = (history.toarray()[0] > 0) * confidence
    np.testing.assert_allclose(model.user_vectors(history)[0], np.linalg.solve(system, items.T @ played), rtol=1e-3)


def rated(noise: float = 0.0) -> tuple[Dataset, np.ndarray]:
    """Ratings from two hidden tastes; the whole truth, and a dataset with 60 % of it."""
    draw = np.random.default_rng(5)
    truth = 3 + draw.normal(0, 0.5, (60, 1)) + draw.normal(0, 0.5, (1, 30))
    truth = truth + draw.normal(0, 1, (60, 2)) @ draw.normal(0, 0.7, (2, 30))
    user, track = np.nonzero(draw.random(truth.shape) < 0.6)
    ids = IdMap(range(60), "user"), IdMap(range(30), "track")
    shifted = truth - truth.min() + 0.5
    given = Interactions(*ids, user, track, shifted[user, track] + draw.normal(0, noise, len(user)).clip(-0.4))
    return Dataset(Interactions(*ids, user, track, np.ones(len(user))), Catalogue.empty(30), ratings=given), shifted


def test_ratings_predicts_what_was_not_rated() -> None:
    world, truth = rated(0.1)
    model = Ratings(factors=2, regularization=0.01, iterations=30).fit(world, rng=rng())
    predicted = model.scores(world.matrix(), np.arange(60, dtype=np.int32))
    hidden = world.matrix().toarray() == 0
    error = np.sqrt(np.mean((predicted - truth)[hidden] ** 2))
    assert error < 0.35 * truth[hidden].std()


def test_two_ratings_of_one_track_are_averaged() -> None:
    ids = IdMap(["ann"]), IdMap(["x"])
    given = Interactions(*ids, [0, 0], [0, 0], [2, 4])
    world = Dataset(Interactions(*ids, [0], [0], [1]), Catalogue.empty(1), ratings=given)
    model = Ratings(factors=1).fit(world, rng=rng())
    assert model.scores(world.matrix(), np.array([0], np.int32))[0, 0] == pytest.approx(3, abs=1e-3)


def test_words_know_their_column_and_not_their_case() -> None:
    genre, tags = [["pop"], ["POP"], None], [None, ["pop"], []]
    frame = pd.DataFrame({"artist": ["Pop", "Ann", None], "genre": genre, "tags": tags})
    found = words(Catalogue(frame)).toarray()
    assert found.sum(axis=1).tolist() == [2, 3, 0]
    assert (found[0] @ found[1]) == 1


def test_content_spaces_count_as_much_as_words() -> None:
    world = checkerboard()
    vectors = np.zeros((TRACKS, 2), np.float32)
    vectors[::4, 0], vectors[1::4, 1] = 5, 5
    spaces = {"sound": Embeddings(vectors, vectors.any(axis=1), "sound")}
    alike = (lambda v: v @ v.T)(content_vectors(replace(world, contents=spaces)))
    assert alike[0, 4] == pytest.approx(1, abs=1e-5)
    assert alike[0, 1] < 0
    assert 0.3 < alike[0, 2] < 0.8  # the same genre, and a sound that is not known


def test_content_knows_nothing_about_an_undescribed_track() -> None:
    world = checkerboard()
    frame = world.catalogue.frame.copy()
    frame.loc[0, "genre"] = None
    model = Content().fit(replace(world, catalogue=Catalogue(frame)), rng=rng())
    assert not model.items_[0].any()
    assert np.isfinite(model.scores(world.matrix())).all()


def test_lightfm_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightfm", None)
    with pytest.raises(MissingExtra, match=r"pip install 'recsys\[lightfm\]'"):
        models.build("lightfm").fit(checkerboard(), rng=rng())


def test_lightfm_features_reach_a_track_that_nobody_played() -> None:
    pytest.importorskip("lightfm")
    world = checkerboard()
    heard = replace(world, plays=world.plays.take(world.plays.track != 0))
    heard = replace(heard, playlists=None)
    rock = np.arange(LISTENERS) % 2 == 0
    gain = {}
    for features in (True, False):
        model = models.build("lightfm", factors=8, epochs=30, features=features).fit(heard, rng=rng())
        scores = model.scores(heard.matrix())[:, 0]
        gain[features] = (scores[rock].mean() - scores[~rock].mean()) / scores.std()
    assert gain[True] > 1
    assert gain[True] > gain[False]
