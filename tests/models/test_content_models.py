"""Blocks, content rows, the map to factors, and the models that know tracks nobody has played."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys import models
from recsys.errors import DataError
from recsys.models.blocks import MAKERS, Block, blocks, group_codes, maker, named
from recsys.models.cease import Cease
from recsys.models.ease import Ease
from recsys.models.features import Features, leading_axes
from recsys.models.hybrid import Hybrid
from recsys.models.ials import IALS
from recsys.models.mapping import ContentMap, Described
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from tests.contracts import checkerboard

COLD = ("content", "ridge", "hybrid", "mapped", "cease")
SMALL: dict[str, dict[str, Any]] = {"hybrid": {"factors": 8}, "mapped": {"factors": 8}, "cease": {"regularization": 1}}


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def described(**columns: Any) -> Dataset:
    frame = pd.DataFrame(columns)
    return Dataset(Interactions.empty(IdMap(["ann"]), IdMap(range(len(frame)))), Catalogue(frame))


def tastes(listeners: int = 60, tracks: int = 48, kinds: int = 4) -> Dataset:
    """Listeners who play half of the tracks of one genre; the last eight tracks are played by nobody."""
    draw = np.random.default_rng(3)
    own = (np.arange(listeners)[:, None] - np.arange(tracks)) % kinds == 0
    plays = own & (draw.random(own.shape) < 0.5)
    plays[:, -8:] = False
    user, track = np.nonzero(plays)
    frame = pd.DataFrame({"genre": [[f"g{t % kinds}"] for t in range(tracks)], "artist": [None] * tracks})
    return Dataset(
        Interactions(IdMap(range(listeners)), IdMap(range(tracks)), user, track, np.ones(len(user))), Catalogue(frame)
    )


def test_every_kind_of_knowledge_is_a_block() -> None:
    world = described(
        artist=["A", "B", None],
        genre=[["rock"], None, ["Rock", "pop"]],
        year=[1997.0, np.nan, 2004.0],
        tempo=[120.0, 90.0, np.nan],
        duration=[100.0, 200.0, 300.0],
        disc_number=[1.0, 2.0, 1.0],
    )
    vectors = np.array([[1, 0], [0, 0], [0, 1]], np.float32)
    world = replace(world, contents={"sound": Embeddings(vectors, vectors.any(axis=1), "sound")})
    found = {block.name: block for block in blocks(world)}
    assert list(found) == ["artist", "genre", "year", "numbers", "sound"]
    assert found["numbers"].matrix.shape == (3, 1)  # tempo; a duration or the number of a disc is no taste
    assert {name: block.known.tolist() for name, block in found.items()} == {
        "artist": [True, True, False],
        "genre": [True, False, True],
        "year": [True, False, True],
        "numbers": [True, True, False],
        "sound": [True, False, True],
    }
    np.testing.assert_allclose(found["year"].matrix.sum(axis=1), [1, 0, 1])
    assert [b.name for b in blocks(world, drop=["sound", "artist"])] == ["genre", "year", "numbers"]


def test_a_later_maker_is_taken_up_by_every_model() -> None:
    world = replace(tastes(), catalogue=Catalogue.empty(48))
    with pytest.raises(DataError):
        Hybrid(factors=4).fit(world, rng=rng())

    def moods(dataset: Dataset) -> list[Block]:
        columns = np.array([named(f"mood#{k}") for k in range(4)], np.uint64)
        return [Block("mood", columns, np.eye(4, dtype=np.float32)[np.arange(48) % 4])]

    maker(moods)
    try:
        for name in COLD:
            scores = models.build(name, **SMALL.get(name, {})).fit(world, rng=rng()).scores(world.matrix())
            assert scores[0, 44] > scores[0, 45], name
    finally:
        MAKERS.remove(moods)


def test_the_same_album_by_another_artist_is_another_album() -> None:
    codes = group_codes(described(album=["Live", "Live", "live", None], artist=["A", "B", "a", "C"]), "album")
    assert codes[0] == codes[2]
    assert len(set(codes.tolist())) == 3
    assert codes[3] == 0


def test_scales_come_from_training_tracks_and_later_tracks_use_them() -> None:
    world = described(tempo=[100.0, 120.0, 140.0, 9e9], genre=[["a"], ["a"], ["b"], ["c"]])
    training = np.array([True, True, True, False])
    features = Features().fit(world, training)
    rows = features.rows(world)
    again = Features.from_arrays(features.arrays()).rows(world, np.array([2, 0]))
    np.testing.assert_allclose(again, rows[[2, 0]], atol=1e-6)
    outlier = described(tempo=[9e9], genre=[["a"]])
    assert np.linalg.norm(features.rows(outlier)[0]) < 10  # held back, and "c" was never trained on
    np.testing.assert_allclose(rows[training].T @ rows[training], np.diag(features.strength_), atol=1e-4)


def test_blocks_weigh_the_same_whatever_their_units() -> None:
    draw = rng()
    loud = draw.normal(size=200)
    numbers = {"tempo": 100 + 30 * draw.normal(size=200), "loudness": 1e-3 * loud}
    plain, scaled = (
        Features().fit(described(**frame), np.ones(200, bool)).rows(described(**frame))
        for frame in (numbers, {**numbers, "loudness": 1e4 * loud})
    )
    np.testing.assert_allclose(plain @ plain.T, scaled @ scaled.T, atol=1e-4)
    assert np.square(plain).sum(axis=1).mean() == pytest.approx(1, rel=0.01)


@given(st.integers(0, 99), st.integers(30, 90))
@settings(max_examples=10, deadline=None)
def test_leading_axes_are_those_of_the_whole_matrix(seed: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    matrix = draw.normal(size=(2 * size, size)) * 0.8 ** np.arange(size)
    gram = matrix.T @ matrix
    values, axes = leading_axes(gram, 10)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(gram)[::-1][:10], rtol=0.05)
    np.testing.assert_allclose(axes.T @ axes, np.eye(10), atol=1e-8)
    np.testing.assert_allclose(axes.T @ gram @ axes, np.diag(values), atol=1e-6 * values[0])


@given(st.integers(0, 999))
@settings(max_examples=15, deadline=None)
def test_a_left_out_prediction_is_that_of_a_fit_without_the_track(seed: int) -> None:
    draw = np.random.default_rng(seed)
    rows = np.linalg.qr(draw.normal(size=(30, 4)))[0].astype(np.float32) * np.float32([4, 3, 2, 1])
    factors = draw.normal(size=(30, 3)).astype(np.float32)
    mapped = ContentMap(ridge=0.5)
    found = mapped.left_out(Described(rows, {}), factors)
    ridge = 0.5 * np.square(rows).sum() / 4
    for track in (0, 17):
        rest = np.arange(30) != track
        gram = rows[rest].T @ rows[rest] + ridge * np.eye(4)
        expected = rows[track] @ np.linalg.solve(gram, rows[rest].T @ factors[rest])
        np.testing.assert_allclose(found[track], expected, atol=1e-3)


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
