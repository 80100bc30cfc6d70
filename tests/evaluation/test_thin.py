"""Tracks made rare: what is hidden, what stays, and that nothing of the hidden leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.evaluation.thin import LEVELS, thin
from recsys.tables import Catalogue, Dataset, IdMap, Interactions


def world(seed: int, listeners: int = 60, tracks: int = 40) -> Dataset:
    rng = np.random.default_rng(seed)
    user, track = np.nonzero(rng.random((listeners, tracks)) < 0.4)
    users, ids = IdMap(range(listeners)), IdMap(range(tracks))
    plays = Interactions(users, ids, user, track, rng.integers(1, 9, len(user)))
    lists = Interactions(IdMap(["mix"]), ids, np.zeros(tracks), np.arange(tracks), np.ones(tracks))
    names = pd.DataFrame({"artist": [f"a{t // 2}" for t in range(tracks)]})
    return replace(Dataset(plays, Catalogue(names)), playlists=lists)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 1000))
def test_what_is_held_is_gone_from_train_and_the_counts_are_true(seed: int) -> None:
    dataset = world(seed)
    found = thin(dataset, rng=np.random.default_rng(seed))
    before, after = dataset.matrix().toarray() > 0, found.train.matrix().toarray() > 0
    held = found.held.toarray() > 0
    assert not (after[found.users] & held).any()
    assert (before[found.users] >= held).all()
    assert after.sum(axis=0)[found.pool].tolist() == found.kept.tolist()
    assert set(np.flatnonzero(held.any(axis=0))) <= set(found.pool)
    assert found.kept.max() <= max(LEVELS)
    assert (found.kept <= before.sum(axis=0)[found.pool] // 2).all()
    np.testing.assert_array_equal(found.histories.toarray() > 0, after[found.users])


def test_artists_are_thinned_whole_and_leave_the_playlists() -> None:
    dataset = world(3)
    found = thin(dataset, rng=np.random.default_rng(3))
    lists = found.train.playlists
    assert lists is not None
    touched = np.flatnonzero(dataset.matrix().sum(axis=0) != found.train.matrix().sum(axis=0))
    artists = dataset.catalogue.artists
    assert not np.isin(artists[lists.track], artists[touched]).any()


def test_nobody_left_is_an_error() -> None:
    plays = Interactions(IdMap(["ann"]), IdMap(["x"]), [0], [0], [1])
    with pytest.raises(DataError, match="too small"):
        thin(Dataset(plays, Catalogue.empty(1)), rng=np.random.default_rng(0))
