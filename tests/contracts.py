"""One contract per protocol, run on every implementation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys.contracts import Recommender, VectorRecommender
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

LISTENERS, TRACKS = 40, 20


def checkerboard() -> Dataset:
    """Listener u likes every track of u's own parity but one, which is the only right answer for u.

    Liked tracks are rated 5, two others 1; even tracks are rock, odd ones jazz; a few playlists of one colour.
    """
    user, track = np.nonzero((np.arange(LISTENERS)[:, None] + np.arange(TRACKS)) % 2 == 0)
    plays_left = track != answers()[user]
    user, track = user[plays_left], track[plays_left]
    users, tracks = IdMap(range(LISTENERS)), IdMap(range(TRACKS))
    order = np.arange(len(user))
    plays = Interactions(users, tracks, user, track, 1 + order % 3, 1_700_000_000 + order * 3600)
    disliked = Interactions(
        users,
        tracks,
        np.concatenate([user, np.repeat(np.arange(LISTENERS), 2)]),
        np.concatenate([track, np.stack([_other(1), _other(5)], axis=1).ravel()]),
        np.concatenate([np.full(len(user), 5), np.ones(2 * LISTENERS)]),
    )
    lists = Interactions(
        IdMap(["jazz", "rock"]), tracks, np.repeat([0, 1], 5), [1, 3, 5, 7, 9, 0, 2, 4, 6, 8], np.ones(10)
    )
    genre = [[["rock"], ["jazz"]][t % 2] for t in range(TRACKS)]
    return Dataset(plays, Catalogue(pd.DataFrame({"genre": genre})), ratings=disliked, playlists=lists)


def answers() -> np.ndarray[Any, Any]:
    """The track that each listener would like and has not played, (listeners,)."""
    listener = np.arange(LISTENERS)
    return (listener % 2 + 2 * (listener // 2 % (TRACKS // 2))).astype(np.int32)


def _other(step: int) -> np.ndarray[Any, Any]:
    """A track of the other colour for each listener."""
    return (np.arange(LISTENERS) + 1 + 2 * step) % TRACKS


def unseen_best(model: Recommender, histories: sp.csr_array, users: Any = None) -> np.ndarray[Any, Any]:
    """The best track outside each history."""
    scores = model.scores(histories, users)
    return np.where(histories.toarray() > 0, -np.inf, scores).argmax(axis=1)


class RecommenderContract:
    """Subclass it, make ``model`` and set ``personal`` to False where every listener gets the same list."""

    personal = True

    @pytest.fixture(scope="class")
    @classmethod
    def dataset(cls) -> Dataset:
        return checkerboard()

    @classmethod
    def model(cls) -> Recommender:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def fitted(cls, dataset: Dataset) -> Recommender:
        return cls.model().fit(dataset, rng=np.random.default_rng(7))

    def test_is_a_recommender(self, fitted: Recommender) -> None:
        assert isinstance(fitted, Recommender)

    def test_finds_the_missing_track_of_known_and_new_listeners(self, fitted: Recommender, dataset: Dataset) -> None:
        if not self.personal:
            pytest.skip("the same list for everyone")
        histories = dataset.matrix()
        assert unseen_best(fitted, histories, np.arange(LISTENERS, dtype=np.int32)).tolist() == answers().tolist()
        assert unseen_best(fitted, histories).tolist() == answers().tolist()

    def test_scores_are_finite_float32_of_the_right_shape(self, fitted: Recommender, dataset: Dataset) -> None:
        histories = sp.csr_array(sp.vstack([dataset.matrix()[:3], sp.csr_array((1, TRACKS), dtype=np.float32)]))
        scores = fitted.scores(histories, np.array([0, 1, 2, -1], np.int32))
        assert scores.shape == (4, TRACKS)
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_no_histories_give_no_scores(self, fitted: Recommender) -> None:
        assert fitted.scores(sp.csr_array((0, TRACKS), dtype=np.float32)).shape == (0, TRACKS)

    def test_a_history_is_scored_alike_alone_and_in_company(self, fitted: Recommender, dataset: Dataset) -> None:
        together = fitted.scores(dataset.matrix())
        alone = fitted.scores(dataset.matrix()[[5]])
        np.testing.assert_allclose(alone[0], together[5], rtol=1e-4, atol=1e-5)

    def test_playlist_rows_may_be_named_as_users(self, fitted: Recommender, dataset: Dataset) -> None:
        rows = np.array([LISTENERS, LISTENERS + 1], np.int32)
        assert np.isfinite(fitted.scores(dataset.histories()[rows], rows)).all()

    def test_the_same_seed_gives_the_same_scores(self, fitted: Recommender, dataset: Dataset) -> None:
        again = self.model().fit(dataset, rng=np.random.default_rng(7))
        users = np.arange(LISTENERS, dtype=np.int32)
        np.testing.assert_array_equal(again.scores(dataset.matrix(), users), fitted.scores(dataset.matrix(), users))

    def test_fitting_again_forgets(self, dataset: Dataset, fitted: Recommender) -> None:
        model = self.model().fit(_halved(dataset), rng=np.random.default_rng(1))
        model.fit(dataset, rng=np.random.default_rng(7))
        np.testing.assert_array_equal(model.scores(dataset.matrix()), fitted.scores(dataset.matrix()))

    def test_arrays_and_params_restore_the_model(self, fitted: Recommender, dataset: Dataset) -> None:
        arrays = fitted.arrays()
        assert all(a.dtype != object for a in arrays.values())
        restored = type(fitted).from_arrays(arrays, **fitted.params())
        users = np.arange(LISTENERS, dtype=np.int32)
        np.testing.assert_array_equal(restored.scores(dataset.matrix(), users), fitted.scores(dataset.matrix(), users))
        assert restored.params() == fitted.params()

    def test_the_constructor_only_stores(self) -> None:
        model = self.model()
        assert not [name for name in vars(model) if name.endswith("_")]
        assert type(model)(**model.params()).params() == model.params()

    def test_track_vectors_put_the_same_colour_together(self, fitted: Recommender) -> None:
        vectors = fitted.track_vectors()
        if vectors is None:
            pytest.skip("no track vectors")
        assert vectors.dtype == np.float32
        assert len(vectors) == TRACKS
        unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        alike = unit @ unit.T
        same = (np.arange(TRACKS)[:, None] + np.arange(TRACKS)) % 2 == 0
        assert alike[same].mean() > alike[~same].mean() + 0.2

    def test_the_input_is_left_alone(self, fitted: Recommender, dataset: Dataset) -> None:
        histories = dataset.matrix()
        before = histories.copy()
        fitted.scores(histories)
        np.testing.assert_array_equal(histories.toarray(), before.toarray())


class VectorContract(RecommenderContract):
    """For models whose score is a dot product."""

    def test_scores_are_dot_products(self, fitted: Any, dataset: Dataset) -> None:
        assert isinstance(fitted, VectorRecommender)
        histories, users = dataset.matrix(), np.arange(LISTENERS, dtype=np.int32)
        product = fitted.user_vectors(histories, users) @ fitted.item_vectors().T
        np.testing.assert_allclose(fitted.scores(histories, users), product, rtol=1e-4, atol=1e-5)


def _halved(dataset: Dataset) -> Dataset:
    plays = dataset.plays
    return replace(dataset, plays=plays.take(plays.user < LISTENERS // 2))
