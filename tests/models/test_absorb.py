"""Fitted models over more tracks: old answers stay, and new tracks are taken up without fitting again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp

from recsys import models
from recsys.models.ials import IALS
from recsys.tables import Catalogue, Dataset, IdMap, Interactions
from recsys.tables.merge import Place
from tests.contracts import LISTENERS, TRACKS, checkerboard
from tests.models.test_contract import SMALL, VECTORS

PLACE = Place((np.arange(TRACKS) + 1).astype(np.int32), TRACKS + 2)  # a new track before all others and one after
PEOPLE = Place(np.arange(LISTENERS, dtype=np.int32), LISTENERS)
RESIZED = [name for name in SMALL if name not in ("blend", "lightfm")]


@pytest.fixture(scope="module")
def world() -> Dataset:
    return checkerboard()


@pytest.mark.parametrize("name", RESIZED)
def test_old_tracks_are_scored_as_before(name: str, world: Dataset) -> None:
    model: Any = models.build(name, **SMALL[name]).fit(world, rng=np.random.default_rng(0))
    histories = world.matrix()
    wider = sp.csr_array((histories.data, PLACE.rows[histories.indices], histories.indptr), shape=(LISTENERS, 22))
    grown = model.resized(PLACE, PEOPLE)
    before, after = model.scores(histories), grown.scores(wider)
    assert np.allclose(after[:, PLACE.rows], before, atol=1e-5)
    assert all(np.shape(value) for value in grown.arrays().values())
    if name in VECTORS:
        assert np.allclose(after[:, PLACE.new], 0)


def test_listeners_that_move_keep_their_ratings(world: Dataset) -> None:
    model: Any = models.build("ratings", factors=4).fit(world, rng=np.random.default_rng(0))
    people = Place((np.arange(LISTENERS) + 1).astype(np.int32), LISTENERS + 1)
    grown = model.resized(Place(np.arange(TRACKS, dtype=np.int32), TRACKS), people)
    histories, rows = world.matrix(), np.arange(LISTENERS, dtype=np.int32)
    assert np.array_equal(grown.scores(histories, rows + 1), model.scores(histories, rows))
    stranger = np.zeros(1, np.int32)
    assert np.array_equal(grown.scores(histories[:1], stranger), model.scores(histories[:1]))


def _clubs(seed: int = 0) -> Dataset:
    """Two circles of listeners, each with tracks of its own: even tracks and odd ones."""
    rng = np.random.default_rng(seed)
    user, track = np.nonzero(rng.random((200, 40)) < np.where((np.arange(200)[:, None] + np.arange(40)) % 2, 0.02, 0.4))
    return Dataset(
        Interactions(IdMap(range(200), "user"), IdMap(range(40), "track"), user, track, np.ones(len(user))),
        Catalogue.empty(40),
    )


def test_ials_places_new_tracks_among_those_of_the_same_listeners() -> None:
    world = _clubs()
    known, new = np.arange(4, 40, dtype=np.int32), np.arange(4, dtype=np.int32)
    part = world.plays.take(world.plays.track >= 4)
    base = replace(part, tracks=IdMap(range(4, 40), "track"), track=part.track - 4)
    model = IALS(factors=8, iterations=6).fit(Dataset(base, Catalogue.empty(36)), rng=np.random.default_rng(0))
    grown = model.resized(Place(known, 40), Place(np.arange(200, dtype=np.int32), 200))
    assert grown.absorb(world, new).tolist() == new.tolist()
    vectors = grown.track_vectors()
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    alike = unit[new] @ unit[known].T
    same = (new[:, None] + known) % 2 == 0
    assert alike[same].min() > alike[~same].max()
    histories = base.matrix()
    wider = sp.csr_array((histories.data, known[histories.indices], histories.indptr), shape=(200, 40))
    assert np.corrcoef(grown.scores(wider)[:, known].ravel(), model.scores(histories).ravel())[0, 1] > 0.999


def test_a_track_that_nobody_played_stays_unknown() -> None:
    world = _clubs()
    model = IALS(factors=8, iterations=3).fit(world, rng=np.random.default_rng(0))
    place = Place(np.arange(40, dtype=np.int32), 41)
    larger = replace(world.plays, tracks=IdMap(range(41), "track"))
    grown = model.resized(place, Place(np.arange(200, dtype=np.int32), 200))
    assert len(grown.absorb(Dataset(larger, Catalogue.empty(41)), np.array([40], np.int32))) == 0
    assert not grown.track_vectors()[40].any()


def test_counts_are_counted_again() -> None:
    world = _clubs()
    model: Any = models.build("popularity").fit(world, rng=np.random.default_rng(0))
    assert model.absorb(world, np.array([3], np.int32)).tolist() == [3]


@pytest.mark.parametrize("name", ["itemknn", "ease", "slim"])
def test_models_that_must_be_fitted_again_say_so(name: str, world: Dataset) -> None:
    model: Any = models.build(name, **SMALL[name]).fit(world, rng=np.random.default_rng(0))
    assert len(model.absorb(world, np.array([0], np.int32))) == 0
