"""Weights that follow the evidence: who is believed about rare tracks and for short histories."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.models.blend import Blend
from recsys.models.evidence import trust, weights_by_length
from recsys.models.weighing import HALVES, fit_fallback, looked_at, weigh_short
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

LISTENERS, TRACKS, PLAYED = 80, 60, 40
MEMBERS = [("rp3beta", {}), ("content", {}), ("popularity", {})]


def world() -> Dataset:
    """Even listeners play even tracks, odd ones odd tracks; the genre says which; the last 20 nobody has played."""
    rng = np.random.default_rng(0)
    same = (np.arange(LISTENERS)[:, None] % 2) == (np.arange(TRACKS)[None, :] % 2)
    heard = same & (rng.random((LISTENERS, TRACKS)) < 0.4) & (np.arange(TRACKS) < PLAYED)
    user, track = np.nonzero(heard)
    plays = Interactions(IdMap(range(LISTENERS)), IdMap(range(TRACKS)), user, track, np.ones(len(user)))
    genres = pd.DataFrame({"genre": [["even"] if t % 2 == 0 else ["odd"] for t in range(TRACKS)]})
    return Dataset(plays, Catalogue(genres))


def blend(**params: object) -> Blend:
    chosen: dict[str, object] = {"members": MEMBERS, "weights": [0.6, 0.3, 0.1], **params}
    return Blend(**chosen).fit(world(), rng=np.random.default_rng(0))  # type: ignore[arg-type]


@given(st.floats(0, 1e6), st.floats(0, 1e3))
def test_trust_grows_with_plays(plays: float, half: float) -> None:
    less, more = trust(np.array([plays, plays * 2 + 1]), half)
    assert 0 <= less <= more <= 1
    assert trust(np.zeros(1), half)[0] == 0


@settings(deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=9))
def test_weights_between_lengths_stay_weights(lengths: list[int]) -> None:
    table = np.float32([[0.2, 0.8], [0.7, 0.3], [1, 0]])
    found = weights_by_length(np.array(lengths), np.array([1.0, 5.0, 20.0]), table)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-5)
    assert found.min() >= 0


def test_a_track_without_plays_is_scored_by_what_it_is() -> None:
    model = blend()
    scores = model.scores(world().matrix())
    right = (np.arange(LISTENERS)[:, None] % 2) == (np.arange(PLAYED, TRACKS)[None, :] % 2)
    assert scores[:, PLAYED:][right].min() > scores[:, PLAYED:][~right].max()


def test_more_listeners_move_the_weight_to_those_who_count_plays() -> None:
    rows = np.tile(np.arange(PLAYED, dtype=np.int32), (LISTENERS, 1))
    by_content = [
        np.abs(blend(half=half).parts(world().matrix(), None, rows)[:, :, 1]).mean() for half in (0.5, 5.0, 500.0)
    ]
    assert by_content == sorted(by_content)


def test_parts_sum_to_the_score_whatever_the_evidence() -> None:
    model, histories = blend(half=7.0), world().matrix()
    rows = np.tile(np.array([0, 39, 40, 59], np.int32), (LISTENERS, 1))
    found = model.parts(histories, None, rows).sum(axis=2)
    np.testing.assert_allclose(found, model.scores(histories)[:, [0, 39, 40, 59]], rtol=1e-4, atol=1e-5)


def test_imputed_blocks_are_what_the_weights_are_for() -> None:
    model, histories = blend(), world().matrix()
    total = np.tensordot(model.weights_[0], np.stack(model.imputed(histories)), axes=1)
    np.testing.assert_allclose(total, model.scores(histories), rtol=1e-3, atol=1e-4)


def test_a_stored_blend_answers_the_same() -> None:
    model, histories = blend(half=3.0), world().matrix()
    again = Blend.from_arrays(model.arrays(), **model.params())
    np.testing.assert_array_equal(again.scores(histories), model.scores(histories))


def test_short_histories_get_weights_of_their_own() -> None:
    model = blend()
    histories = world().matrix()
    rng = np.random.default_rng(1)
    held = sp.csr_array((rng.random(histories.nnz) < 0.2, histories.indices, histories.indptr), shape=histories.shape)
    held = sp.csr_array(held.astype(np.float32))
    held.eliminate_zeros()
    lengths, table = weigh_short(model, histories, held, model.weights_[0], rng)
    assert lengths == sorted(lengths)
    assert lengths[0] == 1
    assert np.asarray(table).shape == (len(lengths), len(MEMBERS))
    np.testing.assert_allclose(np.sum(table, axis=1), 1, rtol=1e-5)


def test_the_fallback_goes_to_the_member_that_knows_content() -> None:
    dataset, model = world(), blend()
    pool = np.arange(PLAYED, TRACKS, dtype=np.int32)
    same = (np.arange(LISTENERS)[:, None] % 2) == (np.arange(TRACKS)[None, :] % 2)
    held = sp.csr_array((same & (np.arange(TRACKS) >= PLAYED)).astype(np.float32))
    found = fit_fallback(model, dataset.matrix(), held, None, pool, np.zeros(len(pool), int))
    assert found.shares == pytest.approx([0, 1, 0])
    assert found.half in HALVES
    assert looked_at(model, dataset.matrix(), held)


def made_of(*members: tuple[str, dict[str, object]], half: float = 6.0) -> Blend:
    shares = [1.0] * len(members)
    return blend(members=list(members), weights=shares, fallback=shares, half=half)


def test_a_map_made_after_the_fact_is_believed_of_new_tracks_and_of_well_known_ones() -> None:
    model = made_of(("mapped", {"factors": 4}), ("hybrid", {"factors": 4}), ("popularity", {}))
    plays = np.float32([-1, 0, 1, 6, 600])
    trusted = model.trusted(plays, 6.0)
    np.testing.assert_allclose(trusted[0], [0, 1, 1 / 2.5, 0.8, 600 / 601.5], rtol=1e-5)
    np.testing.assert_allclose(trusted[1], [0, 1, 1, 1, 1])
    np.testing.assert_allclose(trusted[2], [0, 0, 1 / 7, 0.5, 600 / 606], rtol=1e-5)
    shares = model.stand_ins(trusted)
    np.testing.assert_allclose(shares.sum(axis=0), [0, 1, 1, 1, 1], rtol=1e-5)
    assert (np.diff(shares[0, 2:]) > 0).all()
    assert not shares[2].any()


def test_weights_of_all_members_sum_to_one_whatever_the_evidence() -> None:
    model = made_of(("mapped", {"factors": 4}), ("content", {}), ("rp3beta", {"k": 5}), ("popularity", {}))
    histories = world().matrix()
    say = model.say(model.weights_for(histories))
    total = np.sum([np.broadcast_to(say.of(m), histories.shape) for m in range(4)], axis=0)
    np.testing.assert_allclose(total, 1, rtol=1e-4)
    parts = model.parts(histories, None, np.tile(np.arange(TRACKS, dtype=np.int32), (LISTENERS, 1)))
    np.testing.assert_allclose(parts.sum(axis=2), model.scores(histories), atol=1e-4)
    imputed = np.tensordot(model.weights_[0], np.stack(model.imputed(histories)), axes=1)
    np.testing.assert_allclose(imputed, model.scores(histories), atol=1e-4)


def test_a_member_that_took_no_late_track_up_says_nothing_of_it() -> None:
    from recsys.tables.merge import Place

    model = made_of(("cease", {"regularization": 1.0}), ("content", {}), ("popularity", {}))
    grown = model.resized(Place(np.arange(TRACKS, dtype=np.int32), TRACKS + 2), Place(np.arange(LISTENERS), LISTENERS))
    more = world()
    frame = pd.concat([more.catalogue.frame, more.catalogue.frame.iloc[:2]], ignore_index=True)
    plays = Interactions(
        more.users, IdMap(range(TRACKS + 2)), more.plays.user, more.plays.track, more.plays.weight, more.plays.time
    )
    grown.absorb(Dataset(plays, Catalogue(frame)), np.arange(TRACKS, TRACKS + 2, dtype=np.int32))
    rows = np.tile(np.arange(TRACKS, TRACKS + 2, dtype=np.int32), (LISTENERS, 1))
    parts = grown.parts(plays.matrix(), None, rows)
    assert not parts[:, :, 0].any()
    assert parts[:, :, 1].any()
