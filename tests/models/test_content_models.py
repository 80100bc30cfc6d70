"""Models that know tracks nobody has played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys import models
from recsys.models.cease import Cease
from recsys.models.ease import Ease
from recsys.models.hybrid import Hybrid
from recsys.models.ials import IALS
from recsys.models.mapping import ContentMap, Described
from recsys.tables import Catalogue, Dataset, IdMap, Interactions
from tests.contracts import checkerboard
from tests.models.described import COLD, SMALL, rng, tastes


def test_an_artists_other_tracks_say_where_a_new_one_is() -> None:
    draw = rng()
    artist = np.repeat(np.arange(1, 41), 5).astype(np.uint64)
    effects = draw.normal(size=(41, 6))
    factors = (effects[artist.astype(int)] + 0.3 * draw.normal(size=(200, 6))).astype(np.float32)
    known = Described(np.zeros((200, 0), np.float32), {"artist": artist})
    mapped = ContentMap().fit(known, factors)
    new = mapped.predict(Described(np.zeros((3, 0), np.float32), {"artist": np.array([7, 999, 0], np.uint64)}))
    assert np.corrcoef(new[0], effects[7])[0, 1] > 0.9
    assert not new[1:].any()
    again = ContentMap.from_arrays(mapped.arrays()).predict(known)
    np.testing.assert_array_equal(again, mapped.predict(known))


def test_artists_that_say_nothing_are_not_believed() -> None:
    draw = rng()
    known = Described(np.zeros((200, 0), np.float32), {"artist": draw.integers(1, 9, 200).astype(np.uint64)})
    mapped = ContentMap().fit(known, draw.normal(size=(200, 20)).astype(np.float32))
    assert np.abs(mapped.predict(known)).max(initial=0) < 0.2


@pytest.mark.parametrize("name", COLD)
def test_tracks_that_nobody_played_go_to_those_who_like_their_kind(name: str) -> None:
    world = tastes()
    model = models.build(name, **SMALL.get(name, {})).fit(world, rng=rng())
    assert type(model).cold
    new = model.scores(world.matrix())[:, -8:]
    own = (np.arange(60)[:, None] - np.arange(40, 48)) % 4 == 0
    assert new[own].min() > new[~own].max()


def test_models_that_know_only_plays_say_so() -> None:
    assert {name for name in models.NAMES if models.model_class(name).cold} >= set(COLD) | {"lightfm"}
    assert not any(models.model_class(name).cold for name in ("popularity", "ials", "ease", "bpr", "rp3beta"))


def test_without_a_prior_the_hybrid_is_ials_and_maps_after_the_fact() -> None:
    world = tastes()
    plain = IALS(factors=8).fit(world, rng=rng())
    mapped = models.build("mapped", factors=8).fit(world, rng=rng())
    played = np.bincount(world.plays.track, minlength=48) > 0
    np.testing.assert_allclose(mapped.item_vectors()[played], plain.item_vectors()[played], atol=1e-5)
    np.testing.assert_array_equal(mapped.item_vectors()[~played], mapped.content_points()[~played])
    assert mapped.content_points().any(axis=1).all()
    assert not plain.item_vectors()[~played].any()


def test_evidence_moves_a_track_away_from_its_content() -> None:
    """A rock track that jazz listeners play: drawn to rock with one play, found with the jazz at twenty."""
    world, model = checkerboard(), Hybrid(factors=8)
    model.fit(world, rng=rng())
    known = model.describe(world, np.array([0]))
    jazz = np.arange(1, 40, 2)
    likeness = []
    for count in (0, 1, 20):
        plays = sp.csr_array((np.ones(count), (jazz[:count], np.zeros(count, int))), shape=(40, 1), dtype=np.float32)
        vector = model.item_fold_in(plays, world.matrix(), known)[0]
        items = model.item_vectors()
        likeness.append(float(vector @ items[1::2].mean(axis=0) - vector @ items[0::2].mean(axis=0)))
    assert likeness[0] < likeness[1] < likeness[2]
    assert likeness[0] < 0 < likeness[2]
    placed = model.map_.predict(known)[0, :8]
    nobody = sp.csr_array((40, 1), dtype=np.float32)
    np.testing.assert_allclose(model.item_fold_in(nobody, world.matrix(), known)[0], placed, atol=1e-6)


def test_the_hybrid_solves_its_objective() -> None:
    """Each played track is at the minimum of its row's loss, given the listeners and where content draws it."""
    world = tastes()
    model = Hybrid(factors=8, iterations=80, cg_steps=8).fit(world, rng=rng())
    plays = world.matrix()
    known = model.describe(world, np.flatnonzero(np.bincount(plays.indices, minlength=48)))
    points = ContentMap(model.map_.ridge_).left_out(known, model.items_[:40])[:, :8].astype(float)
    users, items = model.user_vectors(plays).astype(float), model.item_vectors()[:40].astype(float)
    confidence = model.confidences(plays).toarray()[:, :40].astype(float)
    count = (plays.toarray() > 0).sum(axis=0)[:40]
    scale = model.scale_
    ridge = 0.3 * 15.0 * np.sqrt(scale[1:]).sum() * (count / scale[2]) ** 0.65
    for track in (0, 7, 33):
        c = np.where(confidence[:, track] > 0, confidence[:, track], 1.0)
        left = (users.T * c) @ users + ridge[track] * np.eye(8)
        right = (users.T * c) @ (plays.toarray()[:, track] > 0) + 0.7 * ridge[track] * points[track]
        np.testing.assert_allclose(items[track], np.linalg.solve(left, right), atol=2e-2 * np.abs(items).max())


def test_content_draws_ease_only_as_far_as_asked() -> None:
    world = tastes()
    played = np.bincount(world.plays.track, minlength=48) > 0
    ease = Ease(regularization=3.0).fit(world, rng=rng()).coefficients_
    bare = Cease(content=0.0, regularization=3.0).fit(world, rng=rng()).coefficients_
    np.testing.assert_allclose(bare[:, played], ease[:, played], atol=1e-4)
    drawn = Cease(content=2.0, regularization=3.0).fit(world, rng=rng()).coefficients_
    assert not drawn.diagonal().any()
    assert np.abs(drawn[:, played] - ease[:, played]).max() > 0.01


@pytest.mark.parametrize("name", ["ridge", "hybrid", "cease", "content", "mapped"])
def test_nothing_known_of_played_tracks_still_gives_an_answer(name: str) -> None:
    world = tastes()
    frame = world.catalogue.frame.copy()
    frame.loc[:39, "genre"] = None
    model = models.build(name, **SMALL.get(name, {})).fit(replace(world, catalogue=Catalogue(frame)), rng=rng())
    assert np.isfinite(model.scores(world.matrix())).all()


def test_few_plays_leave_a_track_near_its_content() -> None:
    """Doubt holds a track nearer to what content says, and less so the more plays it has."""
    rng = np.random.default_rng(0)
    listeners, tracks = 120, 40
    taste = np.arange(listeners) % 2
    heard = rng.random((listeners, tracks)) < np.where(taste[:, None] == np.arange(tracks) % 2, 0.5, 0.05)
    heard[:, 0] = False
    others = np.flatnonzero(taste == 1)  # by its genre track 0 is for the others' rivals
    genres = pd.DataFrame({"genre": [["a"] if t % 2 == 0 else ["b"] for t in range(tracks)]})

    def cosine(plays: int, doubt: float) -> float:
        made = heard.copy()
        made[others[:plays], 0] = True
        user, track = np.nonzero(made)
        events = Interactions(IdMap(range(listeners)), IdMap(range(tracks)), user, track, np.ones(len(user)))
        world = Dataset(events, Catalogue(genres))
        model = models.build("hybrid", factors=4, doubt=doubt).fit(world, rng=np.random.default_rng(0))
        point = model.map_.predict(model.describe(world, np.array([0])))[0]  # type: ignore[attr-defined]
        vector = model.items_[0]  # type: ignore[attr-defined]
        return float(vector @ point / np.linalg.norm(vector) / np.linalg.norm(point))

    gains = [cosine(plays, 10.0) - cosine(plays, 0.0) for plays in (1, 5, 40)]
    assert gains[0] > gains[1] > gains[2] > -0.02
    assert gains[0] > 0.1


@pytest.mark.parametrize("name", ["hybrid", "mapped", "ridge", "content"])
def test_tracks_that_come_later_are_placed_without_training(name: str) -> None:
    """Trained when nothing was known of the last eight: absorbed by their genre alone, they suit the same people."""
    world = tastes()
    frame = world.catalogue.frame.copy()
    frame.loc[40:, "genre"] = None
    model = models.build(name, **SMALL.get(name, {})).fit(replace(world, catalogue=Catalogue(frame)), rng=rng())
    found = model.absorb(world, np.arange(40, 48, dtype=np.int32))
    assert set(range(40, 48)) <= set(found.tolist())
    new = model.scores(world.matrix())[:, -8:]
    own = (np.arange(60)[:, None] - np.arange(40, 48)) % 4 == 0
    assert new[own].min() > new[~own].max()


def test_absorbed_plays_move_a_track_from_its_content() -> None:
    world = tastes()
    model = Hybrid(factors=8).fit(world, rng=rng())
    others = np.arange(1, 60, 4)  # listeners of the next kind all take to track 40
    more = Interactions(
        world.users,
        world.tracks,
        np.r_[world.plays.user, others],
        np.r_[world.plays.track, np.full(len(others), 40)],
        np.ones(len(world.plays) + len(others)),
    )
    before = model.scores(world.matrix())[:, 40]
    found = model.absorb(replace(world, plays=more), np.array([40], np.int32))
    after = model.scores(world.matrix())[:, 40]
    assert 40 in found
    assert 47 in found  # still without plays, and still where its content says
    assert after[others].mean() > before[others].mean() + 0.1
    assert np.isfinite(model.item_vectors()).all()
