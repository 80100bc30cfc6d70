"""Nothing of what is hidden can be read from the training side, whatever the split."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.evaluation import Split, cold, continuation, folds, strong, temporal, warm
from recsys.tables import Catalogue, Dataset, IdMap, Interactions
from tests.evaluation.worlds import world

SEEDS = st.integers(0, 10_000)
quick = settings(max_examples=15, deadline=None)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def stored(part: Interactions | None) -> set[tuple[int, int]]:
    return set() if part is None else set(zip(part.user.tolist(), part.track.tolist(), strict=True))


def held_pairs(split: Split) -> set[tuple[int, int]]:
    q, track = split.held.nonzero()
    return set(zip(split.users[q].tolist(), track.tolist(), strict=True))


def check_rows(split: Split) -> None:
    """What every split promises."""
    assert len(split) == split.held.shape[0] == split.histories.shape[0] > 0
    assert split.held.shape[1] == split.histories.shape[1] == len(split.train.tracks)
    assert split.held.multiply(split.histories).nnz == 0
    assert (np.diff(split.held.indptr) > 0).all()
    assert (np.diff(split.histories.indptr) > 0).all()
    known = split.users >= 0
    ours = split.train.matrix()[split.users[known]]
    assert (split.histories[np.flatnonzero(known)] != ours).nnz == 0


def same(a: Split, b: Split) -> bool:
    def parts(split: Split) -> list[np.ndarray]:
        return [
            split.users,
            split.held.indices,
            split.histories.indices,
            split.train.plays.user,
            split.train.plays.track,
        ]

    return all(np.array_equal(x, y) for x, y in zip(parts(a), parts(b), strict=True))


@quick
@given(SEEDS, st.floats(0.05, 0.6))
def test_warm_hides_a_share_of_every_listener_and_leaks_none_of_it(seed, share):
    dataset = world(seed)
    split = warm(dataset, share=share, rng=rng(seed))
    check_rows(split)
    hidden = held_pairs(split)
    for layer in (split.train.plays, split.train.skips, split.train.ratings):
        assert not hidden & stored(layer)
    assert set(split.held.indices) <= set(split.train.histories().indices)
    everything, left = np.diff(dataset.matrix().indptr), np.diff(split.train.matrix().indptr)
    assert np.array_equal(everything - left, np.where(everything > 1, np.maximum(1, np.floor(share * everything)), 0))


def test_warm_keeps_all_other_rows():
    dataset = world(3)
    split = warm(dataset, rng=rng())
    gone = stored(dataset.plays) - stored(split.train.plays)
    for name in ("plays", "skips", "ratings"):
        before, after = getattr(dataset, name), getattr(split.train, name)
        pairs = list(zip(before.user.tolist(), before.track.tolist(), strict=True))
        assert len(after) == sum(pair not in gone for pair in pairs)
    assert len(split.train.playlists) == len(dataset.playlists)


def test_a_listener_with_one_track_hides_nothing():
    user = [0, *np.repeat(np.arange(1, 9), 2)]
    plays = Interactions(IdMap(range(9)), IdMap(["x", "y"]), user, [0] + [0, 1] * 8, np.ones(17))
    for seed in range(5):
        split = warm(Dataset(plays, Catalogue.empty(2)), rng=rng(seed))
        assert np.diff(split.train.matrix().indptr).tolist() == [1] * 9
        assert 0 not in split.users


@quick
@given(SEEDS)
def test_folds_hide_every_pair_once(seed):
    dataset = world(seed, timed=False)
    parts = folds(dataset, count=4, rng=rng(seed))
    gone = [stored(dataset.plays) - stored(part.train.plays) for part in parts]
    for part in parts:
        check_rows(part)
    assert sum(map(len, gone)) == len(set().union(*gone))
    assert set().union(*gone) == stored(dataset.plays)


@quick
@given(SEEDS)
def test_cold_takes_whole_artists_out_of_every_layer(seed):
    dataset = world(seed)
    split = cold(dataset, share=0.4, min_plays=12, rng=rng(seed))
    check_rows(split)
    artists = dataset.catalogue.artists
    assert set(split.held.indices) <= set(split.pool)
    hidden = set(np.unique(artists[split.pool])) - {-1}
    gone = np.isin(artists, list(hidden)) | np.isin(np.arange(len(artists)), split.pool)
    for layer in ("plays", "skips", "ratings", "playlists"):
        part = getattr(split.train, layer)
        assert not gone[part.track].any()
        assert len(part) > 0
    listeners = np.bincount(dataset.matrix().indices, minlength=len(artists))
    assert (listeners[split.pool] >= 12).all()


def test_cold_without_artists_hides_tracks():
    dataset = replace(world(1), catalogue=Catalogue.empty(40))
    assert len(cold(dataset, share=0.25, min_plays=1, rng=rng()).pool) == 10
    assert len(cold(world(1), share=0.25, group=None, min_plays=1, rng=rng()).pool) == 10


@quick
@given(SEEDS)
def test_strong_listeners_are_absent_from_training(seed):
    dataset = world(seed)
    split = strong(dataset, share=0.2, rng=rng(seed))
    check_rows(split)
    assert (split.users == -1).all()
    gone = set(range(60)) - set(split.train.plays.user.tolist())
    assert len(gone) == 12
    for layer in (split.train.skips, split.train.ratings):
        assert not gone & set(layer.user.tolist())
    whole = np.diff(split.held.indptr) + np.diff(split.histories.indptr)
    assert np.array_equal(np.diff(split.held.indptr), np.maximum(1, np.floor(0.2 * whole)))


@quick
@given(SEEDS, st.sampled_from(["users", "playlists"]))
def test_continuation_shows_the_first_k_and_hides_the_rest(seed, of):
    dataset = world(seed)
    parts = continuation(dataset, known=(1, 3, 5), share=0.3, of=of, rng=rng(seed))
    assert [p.name for p in parts] == ["continuation-1", "continuation-3", "continuation-5"]
    layer = dataset.plays if of == "users" else dataset.playlists
    left = parts[0].train.plays if of == "users" else parts[0].train.playlists
    gone = set(layer.user.tolist()) - set(left.user.tolist())
    for part, k in zip(parts, (1, 3, 5), strict=True):
        check_rows(part)
        assert part.train is parts[0].train
        assert (part.held != parts[0].held).nnz == 0
        assert (np.diff(part.histories.indptr) == k).all()
        assert (part.histories.multiply(parts[-1].histories) > 0).nnz == part.histories.nnz
    firsts = {u: {} for u in gone}
    for u, t, when in zip(layer.user.tolist(), layer.track.tolist(), layer.time.tolist(), strict=True):
        if u in gone:
            firsts[u][t] = min(when, firsts[u].get(t, when))
    shown, hidden = parts[-1].histories, parts[-1].held
    for i in range(len(parts[-1])):
        early, late = set(shown[[i]].indices), set(hidden[[i]].indices)
        assert any(
            early | late <= set(first) and max(first[t] for t in early) <= min(first[t] for t in late)
            for first in firsts.values()
        )


def test_continuation_chooses_the_layer_with_more_long_sequences():
    assert len(continuation(world(0), known=(1,), rng=rng())[0].train.plays.users) == 60
    few = replace(world(0), playlists=world(0).playlists.take(np.arange(5)))
    assert len(continuation(few, known=(1, 5), share=0.5, rng=rng())[0].train.playlists) == 5
    with pytest.raises(DataError, match="no playlists with 20 different tracks"):
        continuation(few, of="playlists", rng=rng())


@quick
@given(SEEDS, st.floats(0.05, 0.4))
def test_temporal_knows_nothing_after_the_cut(seed, share):
    dataset = world(seed)
    split = temporal(dataset, share=share)
    check_rows(split)
    train, plays = split.train, dataset.plays
    cut = train.plays.time.max()
    assert train.playlists is None
    assert train.skips.time.max() <= cut + 100
    assert len(train.plays) == (plays.time <= cut).sum()
    later = {
        (u, t) for u, t, when in zip(plays.user.tolist(), plays.track.tolist(), plays.time, strict=True) if when > cut
    }
    assert held_pairs(split) <= later - stored(train.plays)
    assert (np.diff(split.histories.indptr) >= 5).all()


def test_temporal_counts_unknown_new_tracks():
    users, tracks = IdMap(range(2)), IdMap(range(8))
    user, track = [0] * 6 + [1] * 6 + [0, 1], [0, 1, 2, 3, 4, 5] * 2 + [7, 6]
    plays = Interactions(users, tracks, user, track, np.ones(14), np.arange(14))
    split = temporal(Dataset(plays, Catalogue.empty(8)), share=0.14)
    assert split.sizes()["hidden pairs of tracks not in train"] == 1.0
    assert split.held.nnz == 2


@pytest.mark.parametrize("splitter", [warm, cold, strong, lambda d, rng: continuation(d, known=(1, 2), rng=rng)[0]])
def test_the_generator_decides(splitter):
    dataset = world(5)
    assert same(splitter(dataset, rng=rng(1)), splitter(dataset, rng=rng(1)))
    assert not same(splitter(dataset, rng=rng(1)), splitter(dataset, rng=rng(2)))


def test_refusals_say_what_was_found():
    with pytest.raises(DataError, match=r"share is 1\.5"):
        warm(world(), share=1.5, rng=rng())
    with pytest.raises(DataError, match="no times"):
        temporal(world(timed=False))
    with pytest.raises(DataError, match="folds is 1"):
        folds(world(), count=1, rng=rng())
    with pytest.raises(DataError, match="known is"):
        continuation(world(), known=(0,), rng=rng())
    empty = Dataset(Interactions.empty(IdMap([1]), IdMap([1])), Catalogue.empty(1))
    with pytest.raises(DataError, match="leaves 0 listeners"):
        warm(empty, rng=rng())
