"""Candidates: the best of each row, the union of sources, and how much of what is wanted each brings."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.ranking.candidates import artist_share, best, by_artists, closed, recall_by_source, union


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(1, 60), st.booleans())
def test_best_is_a_stable_sort(seed: int, tracks: int, k: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.normal(size=(3, tracks)).astype(np.float32)
    if ties:
        scores = np.round(scores)
    scores[rng.random(scores.shape) < 0.2] = -np.inf
    found = best(scores, k)
    for line, rows in zip(scores, found, strict=True):
        order = np.argsort(-line, kind="stable")
        wanted = [row for row in order if np.isfinite(line[row])][:k]
        assert rows[rows >= 0].tolist() == wanted
        assert (rows[len(wanted) :] == -1).all()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_union_has_every_track_once_and_nothing_else(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lists = [rng.integers(-1, 12, (4, size)).astype(np.int32) for size in (3, 5)]
    found = union(lists, 12)
    for listener in range(4):
        mine = found.rows[found.starts[listener] : found.starts[listener + 1]]
        wanted = {int(row) for rows in lists for row in rows[listener] if row >= 0}
        assert mine.tolist() == sorted(wanted)
    assert found.owner.tolist() == np.repeat(np.arange(4), np.diff(found.starts)).tolist()


def test_closed_leaves_what_is_allowed_and_not_excluded() -> None:
    scores = np.arange(4, dtype=np.float32)[None]
    found = closed(scores, sp.csr_array([[0, 1, 0, 0]]), np.array([1, 2]))
    assert found.tolist() == [[-np.inf, -np.inf, 2, -np.inf]]
    assert scores.tolist() == [[0, 1, 2, 3]]


def test_tracks_by_played_artists_and_no_others() -> None:
    histories = sp.csr_array(np.float32([[1, 1, 0, 0, 0], [0, 0, 0, 0, 2]]))
    artist = np.array([0, 1, 0, 1, -1], np.int32)
    share = artist_share(histories, artist).toarray()
    np.testing.assert_allclose(share, [[0.5, 0.5], [0, 0]])
    scores = by_artists(histories, artist, np.float32([5, 1, 3, 9, 2]))
    assert np.isfinite(scores).tolist() == [[True] * 4 + [False], [False] * 5]
    assert scores[0, 3] > scores[0, 2]


def test_recall_counts_each_wanted_track_once() -> None:
    held = sp.csr_array([[1, 1, 0], [0, 0, 1]])
    found = recall_by_source({"a": np.array([[0, 1], [0, 1]]), "b": np.array([[1], [2]])}, held)
    assert found == {"a": pytest.approx(2 / 3), "b": pytest.approx(2 / 3), "all": 1.0}
