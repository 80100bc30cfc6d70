"""Tracks that come back a few plays at a time: nested, judged by the same listeners, never shown what is hidden."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.evaluation import Result, run, thaw
from recsys.evaluation.pairs import pair_keys
from recsys.evaluation.report import write_report
from tests.evaluation.worlds import fit, world

LEVELS = (0, 1, 3, 10)


def pairs(split) -> set[int]:
    return set(pair_keys(split.train.plays).tolist())


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 1000), group=st.sampled_from(["artist", None]))
def test_levels_are_nested_and_judged_alike(seed: int, group: str | None) -> None:
    dataset = world(seed % 3, users=90, plays=2500)
    splits = thaw(dataset, levels=LEVELS, group=group, min_givers=4, rng=np.random.default_rng(seed))
    alone, beside = splits[::2], splits[1::2]
    assert [s.name for s in alone] == [f"thaw-{n}" for n in LEVELS]
    pool = alone[0].pool
    new = np.setdiff1d(np.arange(40), alone[0].train.plays.track)
    for level, less, more in zip(LEVELS[1:], alone, alone[1:], strict=False):
        assert pairs(less) < pairs(more)
        added = more.train.matrix()
        counts = np.bincount(added.indices, minlength=40)
        assert (counts[pool] <= level).all()
        assert (counts[pool] >= min(level, 4)).all()
    for one, other in zip(alone, beside, strict=True):
        assert one.train is other.train
        assert other.pool is None
        for split in (one, other):
            assert (split.held != (alone if split is one else beside)[0].held).nnz == 0
            assert (split.histories != alone[0].histories).nnz == 0
            hidden = split.users[np.repeat(np.arange(len(split)), np.diff(split.held.indptr))] * 40 + split.held.indices
            assert not set(hidden.tolist()) & pairs(split)
        assert np.isin(one.held.indices, pool).all()
        extra = other.held - one.held
        assert (extra.data >= 0).all()
        assert extra.sum() > 0
        assert not np.isin(extra.indices[extra.data > 0], pool).any()
        for part in (one.train.skips, one.train.ratings):
            mentioned = np.isin(part.track, new)
            assert set(pair_keys(part)[mentioned].tolist()) <= pairs(one)
        assert not np.isin(one.train.playlists.track, pool).any()


def test_whole_artists_are_new() -> None:
    dataset = world(1, users=90, plays=2500)
    first = thaw(dataset, levels=(0,), min_givers=4, rng=np.random.default_rng(0))[0]
    gone = np.setdiff1d(np.arange(40), first.train.plays.track)
    artists = dataset.catalogue.artists
    kept = np.setdiff1d(np.arange(40), gone)
    assert not np.intersect1d(artists[gone][artists[gone] >= 0], artists[kept]).size


def test_impossible_levels_are_said() -> None:
    with pytest.raises(DataError, match="levels is"):
        thaw(world(), levels=(), rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="judges is 2"):
        thaw(world(), judges=2, rng=np.random.default_rng(0))
    with pytest.raises(DataError, match="played by 999"):
        thaw(world(), min_givers=999, rng=np.random.default_rng(0))


def test_one_section_for_all_levels(tmp_path) -> None:
    """Each training side is fitted once for both of its splits; the page has one section, and floors are in it."""
    splits = thaw(world(2, users=300, plays=9000), levels=(0, 10), min_givers=4, rng=np.random.default_rng(0))
    fitted = []
    results = run(splits, lambda train: fitted.append(1) or fit(train), draws=100, ks=(5,), clock=lambda: 0.0)
    assert len(fitted) == 2
    assert {"random", "same artist"} <= set(results[0].accuracy)
    assert "random" not in results[1].accuracy
    page, numbers = write_report(results, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.count('id="thaw"') == 1
    assert "Among the new tracks" in text
    assert 'id="thaw-0"' not in text
    assert isinstance(results[0], Result)
    assert '"thaw-10-all"' in numbers.read_text(encoding="utf-8")
