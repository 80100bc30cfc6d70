"""Listeners of whom something is known: planted tastes by country and age, and what that is worth to new people."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys.errors import DataError
from recsys.explain import Known, explain
from recsys.models.blend import Blend
from recsys.models.hybrid import Hybrid
from recsys.models.people import People, described
from recsys.ranking.aspects import Facts
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

LISTENERS, TRACKS, NEW = 240, 60, 60


def world(informed: bool = True) -> tuple[Dataset, pd.DataFrame, np.ndarray]:
    """A country likes a third of the tracks, whatever its genre; the last 60 people have played nothing yet.

    Returns:
        The plays, what is known of the listeners, and which tracks each would play, bool (listeners, tracks).
    """
    rng = np.random.default_rng(2)
    country = rng.integers(0, 3, LISTENERS)
    likes = rng.random((LISTENERS, TRACKS)) < np.where(country[:, None] == np.arange(TRACKS) % 3, 0.5, 0.08)
    plays = likes.copy()
    plays[-NEW:] = False
    user, track = np.nonzero(plays)
    told = country if informed else rng.permutation(country)
    frame = pd.DataFrame({"country": [("no", "se", None)[c] if c < 2 else "fi" for c in told], "age": 20.0 + 20 * told})
    frame.loc[::9, "age"] = np.nan
    genre = pd.DataFrame({"genre": [[f"g{g}"] for g in rng.integers(0, 4, TRACKS)]})
    events = Interactions(IdMap(range(LISTENERS)), IdMap(range(TRACKS)), user, track, np.ones(len(user)))
    return Dataset(events, Catalogue(genre)), frame, likes


def hits(scores: np.ndarray, likes: np.ndarray, seen: np.ndarray | None = None) -> float:
    """Share of the first ten that would be played."""
    shown = scores if seen is None else np.where(seen, -np.inf, scores)
    return float(np.take_along_axis(likes, np.argsort(-shown, axis=1)[:, :10], axis=1).mean())


def fitted(informed: bool = True, known: bool = True) -> tuple[Hybrid, Dataset, pd.DataFrame, np.ndarray]:
    dataset, frame, likes = world(informed)
    dataset = replace(dataset, listeners=frame if known else None)
    model = Hybrid(factors=8).fit(dataset, rng=np.random.default_rng(0))
    return model, dataset, frame, likes


def test_people_without_plays_get_what_their_kind_plays() -> None:
    model, dataset, frame, likes = fitted()
    users = np.arange(LISTENERS - NEW, LISTENERS, dtype=np.int32)
    histories = dataset.matrix()
    found = hits(model.scores(histories[users], users), likes[users])
    popular = np.tile(np.bincount(dataset.plays.track, minlength=TRACKS), (NEW, 1))
    assert hits(popular, likes[users]) < 0.3
    assert found > 0.42
    others = model.vectors_from(histories[users], model.people_.place(frame.iloc[users]))  # type: ignore[union-attr]
    np.testing.assert_allclose(others, model.user_vectors(histories[users], users), atol=1e-5)
    nobody = np.array([-1, LISTENERS + 3], np.int32)  # unseen, and a playlist
    assert not model.user_vectors(histories[users]).any()
    assert not model.user_vectors(histories[users[:2]], nobody).any()


def gain(plays: int, *, informed: bool = True) -> float:
    """What being known adds for people whom training has not seen playing, given some of their plays."""
    model, _, _, likes = fitted(informed)
    users = np.arange(LISTENERS - NEW, LISTENERS, dtype=np.int32)
    order = np.where(likes[users], np.random.default_rng(1).random((NEW, TRACKS)), 2)
    seen = likes[users] & (np.argsort(np.argsort(order, axis=1), axis=1) < plays)
    short, left = sp.csr_array(seen.astype(np.float32)), likes[users] & ~seen
    with_, without = (hits(model.scores(short, who), left, seen) for who in (users, None))
    return with_ - without


def test_what_is_known_helps_short_histories_most() -> None:
    one, four, eight = gain(1), gain(4), gain(8)
    assert one > 0.07
    assert one > 2 * max(four, eight)
    assert eight > -0.01


def test_what_says_nothing_does_little_harm() -> None:
    assert gain(1, informed=False) > -0.03
    assert gain(8, informed=False) > -0.03


def test_nothing_known_changes_nothing() -> None:
    model, dataset, _, _ = fitted(known=False)
    plain = Hybrid(factors=8).fit(dataset, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(model.item_vectors(), plain.item_vectors())
    assert not [name for name in model.arrays() if name.startswith("people")]


def test_people_are_stored_and_forgotten_when_the_axes_turn() -> None:
    model, dataset, _, _ = fitted()
    again = Hybrid.from_arrays(model.arrays(), **model.params())
    users = np.arange(LISTENERS, dtype=np.int32)
    np.testing.assert_array_equal(
        again.user_vectors(dataset.matrix(), users), model.user_vectors(dataset.matrix(), users)
    )
    again.absorb(dataset, np.empty(0, np.int32))
    assert again.people_ is None
    assert np.isfinite(again.scores(dataset.matrix(), users)).all()


@pytest.mark.parametrize("frame", [pd.DataFrame({"age": [1.0, 2.0]}), pd.DataFrame({"city": ["x", None]})])
def test_one_kind_of_knowledge_is_enough(frame: pd.DataFrame) -> None:
    found = People(frame, np.ones(2, bool)).settled(np.float32([[1, 0], [0, 1]]))
    assert found.points_.shape == (2, 2)
    assert np.isfinite(found.points_).all()


def test_words_and_numbers_are_told_apart() -> None:
    frame = pd.DataFrame({"age": [3, 4], "premium": [True, False], "city": ["", "x"]})
    found = described(frame).catalogue.frame
    assert found["of age"].tolist() == [3, 4]
    assert found["tags"].tolist() == [["premium=True"], ["premium=False", "city=x"]]


def test_lists_of_people_without_plays_say_who_knew() -> None:
    dataset, frame, likes = world()
    dataset = replace(dataset, listeners=frame)
    frame.loc[LISTENERS - 1] = [None, np.nan]  # nothing is known of the last one
    model = Blend([("hybrid", {"factors": 8}), ("rp3beta", {})], [0.5, 0.5]).fit(dataset, rng=np.random.default_rng(0))
    users = np.arange(LISTENERS - NEW, LISTENERS, dtype=np.int32)
    popular = np.bincount(dataset.plays.track, minlength=TRACKS).astype(np.float32)
    known = Known(None, None, Facts.of(dataset.catalogue), popular)
    found = explain(model, known, dataset.matrix()[users], 10, users=users)
    assert np.take_along_axis(likes[users], found.lists.rows, axis=1).mean() > 0.4
    assert set(found.sources[:-1].ravel()) == {"hybrid"}
    assert set(found.sources[-1]) == {"popularity"}
    np.testing.assert_allclose(np.sum(list(found.parts.values()), axis=0), found.lists.scores, rtol=1e-4)
    strangers = explain(model, known, dataset.matrix()[users], 10)
    assert set(strangers.sources.ravel()) == {"popularity"}


def test_listeners_are_stored_beside_the_log(tmp_path: Path) -> None:
    dataset, frame, _ = world()
    replace(dataset, listeners=frame).save(tmp_path, inputs={}, facts={})
    again = Dataset.open(tmp_path).listeners
    assert again is not None
    pd.testing.assert_frame_equal(again, frame, check_dtype=False)
    with pytest.raises(DataError, match="one for each user"):
        replace(dataset, listeners=frame.iloc[:3])
