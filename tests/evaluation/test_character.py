"""Spread, popularity and variety on lists small enough to count."""

import numpy as np
import pytest
import scipy.sparse as sp

from recsys.evaluation import character
from recsys.tables import TopK

LISTS = TopK(np.array([[0, 1], [0, 2], [-1, -1]]), np.array([[2, 1], [2, 1], [-np.inf, -np.inf]]))
PLAYS = sp.csr_array([[1, 0, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
HISTORIES = sp.csr_array([[0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
POPULARITY = np.array([3, 1, 1, 0])


def test_spread_over_the_catalogue():
    assert character.coverage(LISTS, 4, 2) == 0.75
    assert character.coverage(LISTS, 4, 1) == 0.25
    assert character.gini(LISTS, 3, 1) == pytest.approx(2 / 3)
    counts = [0, 1, 1, 2]
    expected = sum(abs(a - b) for a in counts for b in counts) / (2 * 4 * 4)
    assert character.gini(LISTS, 4, 2) == pytest.approx(expected)


def test_popularity_and_repetition():
    assert character.novelty(LISTS, POPULARITY, 3, 2)[:2] == pytest.approx([0.5, 0.5])
    lift = character.popularity_lift(LISTS, HISTORIES, POPULARITY, 2)
    assert lift == pytest.approx([2 / 1 - 1, 2 / 3 - 1, np.nan], nan_ok=True)
    assert character.repeat_rate(LISTS, HISTORIES, 2) == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)
    cold = TopK(np.array([[3, 0]]), np.zeros((1, 2)))
    assert character.cold_share(cold, POPULARITY, 2).tolist() == [0.5]


def test_one_artist_in_a_list():
    rows = TopK(np.array([[0, 1, 2, 3], [0, 3, -1, -1], [-1, -1, -1, -1]]), np.zeros((3, 4)))
    shares = character.artist_share(rows, np.array([5, 6, 5, -1]), 4)
    assert shares == pytest.approx([0.5, 0.5, np.nan], nan_ok=True)


def test_two_artists_share_a_list():
    rows = TopK(np.array([[0, 2, 1, 3]]), np.zeros((1, 4)))
    assert character.artist_share(rows, np.array([1, 1, 2, 2]), 4).tolist() == [0.5]


def test_diversity_against_all_pairs():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5))
    vectors[3] = 0
    rows = np.stack([rng.permutation(30)[:8] for _ in range(20)])
    found = character.diversity(TopK(rows, np.zeros(rows.shape)), vectors, 8)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    for i, mine in enumerate(rows):
        mine = mine[mine != 3]
        pairs = [1 - unit[a] @ unit[b] for a in mine for b in mine if a != b]
        assert found[i] == pytest.approx(np.mean(pairs), abs=1e-5)


def test_all_by_name():
    found = character.evaluate(
        LISTS, HISTORIES, PLAYS, k=2, artists=np.array([0, 0, 1, 1]), spaces={"sound": np.eye(4)}
    )
    assert found["coverage@2"] == 0.75  # of all four tracks, the unplayed one too
    assert found["artist_share@2"] == pytest.approx(0.75)
    assert found["diversity_sound@2"] == pytest.approx(1.0)
    assert {"gini@2", "novelty@2", "popularity_lift@2", "repeat_rate@2", "cold_share@2"} < set(found)
