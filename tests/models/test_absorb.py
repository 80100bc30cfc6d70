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
RESIZED = [name for name in SMALL if name not in ("blend", "ranked", "lightfm")]


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
    assert grown.absorb(world, new).tolist() == list(range(40))
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
    assert 40 not in grown.absorb(Dataset(larger, Catalogue.empty(41)), np.array([40], np.int32))
    assert not grown.track_vectors()[40].any()


@pytest.mark.parametrize("name", ["popularity", "itemknn", "rp3beta"])
def test_counts_are_counted_again(name: str) -> None:
    world = _clubs()
    model: Any = models.build(name).fit(world, rng=np.random.default_rng(0))
    before = model.scores(world.matrix())
    more = replace(world, plays=world.plays.take(np.r_[np.arange(len(world.plays)), [0] * 9]))
    assert set(range(4)) <= set(model.absorb(more, np.arange(4, dtype=np.int32)).tolist())
    again: Any = models.build(name).fit(more, rng=np.random.default_rng(0))
    assert np.allclose(model.scores(world.matrix()), again.scores(world.matrix()))
    assert name == "popularity" or not np.allclose(model.scores(world.matrix()), before)


@pytest.mark.parametrize("name", ["bpr", "ease", "slim"])
def test_models_that_must_be_fitted_again_say_so(name: str, world: Dataset) -> None:
    model: Any = models.build(name, **SMALL[name]).fit(world, rng=np.random.default_rng(0))
    assert len(model.absorb(world, np.array([0], np.int32))) == 0


def _blended(members: list[Any], weights: list[float]) -> tuple[Any, Any, Dataset]:
    """A blend of all tracks, one that took up four of them later, and the world."""
    world = _clubs()
    part = world.plays.take(world.plays.track >= 4)
    base = replace(part, tracks=IdMap(range(4, 40), "track"), track=part.track - 4)
    made = [models.build("blend", members=members, weights=weights) for _ in range(2)]
    full = made[0].fit(world, rng=np.random.default_rng(0))
    model: Any = made[1].fit(Dataset(base, Catalogue.empty(36)), rng=np.random.default_rng(0))
    known = np.arange(4, 40, dtype=np.int32)
    grown = model.resized(Place(known, 40), Place(np.arange(200, dtype=np.int32), 200))
    grown.absorb(world, np.arange(4, dtype=np.int32))
    return full, grown, world


IALS_SMALL = ["ials", {"factors": 8, "iterations": 6}]


def test_members_that_know_a_late_track_speak_for_those_that_do_not() -> None:
    full, grown, world = _blended([IALS_SMALL, ["slim", {"k": 20, "l2": 1.0}]], [0.5, 0.5])
    histories = world.matrix()
    scores = grown.scores(histories)
    late, rest = scores[:, :4], scores[:, 4:]
    same = (np.arange(200)[:, None] + np.arange(4)) % 2 == 0
    assert late[same].mean() > late[~same].mean() + 0.5
    assert 0.6 < late.std() / rest.std() < 1.4
    assert np.corrcoef(late.ravel(), full.scores(histories)[:, :4].ravel())[0, 1] > 0.8
    slim = list(grown.names).index("slim")
    rows = np.tile(np.arange(40, dtype=np.int32), (200, 1))
    parts = grown.parts(histories, None, rows)
    assert not parts[:, :4, slim].any()
    assert np.allclose(parts.sum(axis=2), scores, atol=1e-5)


def test_where_every_member_takes_tracks_up_nothing_is_late() -> None:
    _, grown, _ = _blended([IALS_SMALL, ["itemknn", {"k": 20}]], [0.5, 0.5])
    assert len(grown._late()) == 0
    assert (grown.evidence_[:, :4] > 0).all()


def test_an_updated_blend_comes_back_from_its_arrays() -> None:
    _, grown, world = _blended([IALS_SMALL, ["slim", {"k": 20, "l2": 1.0}]], [0.5, 0.5])
    again = models.from_arrays("blend", grown.arrays(), grown.params())
    assert np.array_equal(again.scores(world.matrix()), grown.scores(world.matrix()))
