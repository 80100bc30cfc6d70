"""Dials: neutral ones change nothing, and each moves what it is named after."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.ranking.dials import Dials, Facts, capped, dialled, novel, recent
from recsys.ranking.dislikes import disliked, unlike
from recsys.ranking.mix import ALPHA, bands, calibrated, classes, own_mix
from recsys.tables import TopK

DAY = 86_400
NOBODY = sp.csr_array((6, 30), dtype=np.float32)


def _lists(seed: int, queries: int = 6, tracks: int = 30, c: int = 12) -> TopK:
    """Random candidates, the last list shorter than the others."""
    rng = np.random.default_rng(seed)
    rows = np.argsort(rng.random((queries, tracks)), axis=1)[:, :c]
    scores = -np.sort(-rng.normal(size=(queries, c)), axis=1)
    rows[-1, c // 2 :], scores[-1, c // 2 :] = -1, -np.inf
    return TopK(rows, scores)


@given(st.integers(0, 200))
def test_neutral_dials_change_nothing(seed: int) -> None:
    lists = _lists(seed)
    found = dialled(lists, Dials(), Facts(np.arange(30)), 12, histories=NOBODY)
    assert np.array_equal(found.rows, lists.rows)
    assert np.array_equal(found.scores, lists.scores)
    assert Dials().neutral
    assert not Dials(novelty=0.1).neutral


@given(st.integers(0, 200), st.floats(0.01, 1))
def test_novelty_keeps_the_candidates_and_lowers_their_fame(seed: int, dial: float) -> None:
    lists, listeners = _lists(seed), np.random.default_rng(seed).integers(0, 1000, 30)
    found = novel(lists, listeners, dial)
    assert np.array_equal(np.sort(found.rows, axis=1), np.sort(lists.rows, axis=1))
    assert np.isfinite(found.scores).sum() == np.isfinite(lists.scores).sum()
    assert (np.diff(found.scores[:-1], axis=1) <= 0).all()
    fame = np.log1p(listeners)
    head = fame[found.rows[:-1, :4]].mean(axis=1) - fame[lists.rows[:-1, :4]].mean(axis=1)
    assert head.max() <= 1e-6


def test_all_the_way_up_only_rarity_counts() -> None:
    listeners = np.random.default_rng(0).permutation(30)
    found = novel(_lists(1), listeners, 1.0)
    assert (np.diff(listeners[found.rows[:-1]], axis=1) > 0).all()


def test_bands_hold_a_fifth_three_fifths_and_a_fifth_of_all_plays() -> None:
    listeners = np.random.default_rng(0).pareto(1.2, 5000) + 1
    share = listeners @ bands(listeners) / listeners.sum()
    assert np.allclose(share, [0.2, 0.6, 0.2], atol=0.03)


def _divergence(mix: np.ndarray, found: np.ndarray) -> float:
    inside = mix > 0
    return float((mix[inside] * np.log(mix[inside] / ((1 - ALPHA) * found + ALPHA * mix)[inside])).sum())


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 100), st.floats(0.05, 1.0))
def test_calibration_is_the_greedy_choice(seed: int, weight: float) -> None:
    rng = np.random.default_rng(seed)
    lists, ways = (
        _lists(seed),
        classes([sp.csr_array(rng.integers(0, 2, (30, 4)).astype(float)), bands(rng.random(30))]),
    )
    mix = own_mix(sp.csr_array(rng.integers(0, 3, (6, 30)).astype(np.float32)), ways)
    found = calibrated(lists, mix, ways, weight, 5)
    shares = ways.toarray().astype(np.float64)
    for q in range(5):
        scores = (lists.scores[q] - lists.scores[q].mean()) / lists.scores[q].std()
        score = dict(zip(lists.rows[q].tolist(), scores.tolist(), strict=True))
        chosen: list[int] = []
        for row in found.rows[q].tolist():
            value = {
                other: (1 - weight) * np.mean([score[i] for i in [*chosen, other]])
                - weight * _divergence(mix[q].astype(np.float64), shares[[*chosen, other]].mean(axis=0))
                for other in score
                if other not in chosen
            }
            assert value[row] == pytest.approx(max(value.values()), abs=1e-4)
            chosen.append(row)


def test_calibration_brings_the_mix_nearer() -> None:
    rng = np.random.default_rng(3)
    ways = classes([sp.csr_array(np.eye(3)[rng.integers(0, 3, 30)])])
    heard = sp.csr_array((np.eye(3)[[0, 1, 2, 0, 1, 2]] @ ways.toarray()[:, :3].T).astype(np.float32))
    mix, lists = own_mix(heard, ways), _lists(2)
    gaps = []
    for weight in (0.0, 0.5, 1.0):
        found = calibrated(lists, mix, ways, weight, 4).head(4)
        gaps.append(np.mean([_divergence(mix[q], ways[found.rows[q]].toarray().mean(axis=0)) for q in range(5)]))
    assert gaps[0] > gaps[1] >= gaps[2]


def test_a_listener_without_plays_keeps_the_order() -> None:
    lists, ways = _lists(0), classes([bands(np.arange(30))])
    found = calibrated(lists, own_mix(NOBODY, ways), ways, 0.9, 8)
    assert np.array_equal(found.rows, lists.rows[:, :8])


def test_what_was_heard_lately_is_excluded_to_the_second() -> None:
    heard = sp.csr_array([[1.0, 0, 1.0, 1.0]])
    last = np.array([100, 200, 300])
    gone = recent(heard, last, now=100 + 2 * DAY, days=2)
    assert gone.indices.tolist() == [2, 3]
    assert recent(heard, last, now=301 + 2 * DAY, days=2).nnz == 0


@given(st.integers(0, 200), st.integers(1, 4))
def test_artist_caps_keep_the_order_and_the_first_of_each(seed: int, most: int) -> None:
    lists, artists = _lists(seed), np.random.default_rng(seed).integers(-1, 5, 30)
    found = capped(lists, artists.astype(np.int32), most)
    for before, after in zip(lists.rows, found.rows, strict=True):
        seen: dict[int, int] = {}
        wanted = []
        for row in before[before >= 0].tolist():
            seen[artists[row]] = seen.get(artists[row], 0) + 1
            if artists[row] < 0 or seen[artists[row]] <= most:
                wanted.append(row)
        assert after[after >= 0].tolist() == wanted
        assert not (np.diff((after >= 0).astype(int)) > 0).any()


def test_dislikes_fade_and_are_outweighed_by_plays() -> None:
    skips, plays = sp.csr_array([[1.0, 1.0, 1.0]]), sp.csr_array([[0, 0, 9.0]])
    found = disliked(skips, np.array([0, 30 * DAY, 30 * DAY]), plays, now=30 * DAY, half_life=30)
    assert found.toarray()[0] == pytest.approx([0.5, 1, 0.1])
    assert disliked(skips, None, plays, None, 30).toarray()[0] == pytest.approx([1, 1, 0.1])


def test_what_is_like_a_disliked_track_falls_and_the_track_itself_goes() -> None:
    angle = np.linspace(0, np.pi / 2, 5)
    vectors = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    lists = TopK(np.array([[0, 1, 2, 3, 4]] * 2), np.array([[5.0, 4.9, 4.8, 4.7, 4.6]] * 2))
    dislikes = sp.csr_array(np.array([[0.9, 0, 0, 0, 0], [0, 0, 0, 0, 0]], dtype=np.float32))
    found = unlike(lists, dislikes, vectors, 10.0)
    assert found.rows[0].tolist() == [4, 3, 2, 1, -1]
    assert found.rows[1].tolist() == [0, 1, 2, 3, 4]
    faded = unlike(lists, dislikes * 0.1, vectors, 3.0)
    assert sorted(faded.rows[0].tolist()) == [0, 1, 2, 3, 4]


def test_all_dials_at_once() -> None:
    rng = np.random.default_rng(0)
    listeners, vectors = rng.integers(1, 99, 30), rng.normal(size=(30, 4)).astype(np.float32)
    facts = Facts(listeners, rng.integers(0, 9, 30).astype(np.int32), classes([bands(listeners)]), vectors)
    dials = Dials(novelty=0.3, calibrate=0.3, max_per_artist=1, dislike=1.0)
    heard = sp.csr_array(rng.integers(0, 2, (6, 30)).astype(np.float32))
    found = dialled(_lists(0), dials, facts, 5, histories=heard, dislikes=heard)
    assert found.rows.shape == (6, 5)
    for row, list_ in itertools.product(range(6), [found.rows]):
        real = list_[row][list_[row] >= 0]
        assert len(set(real.tolist())) == len(real)
        assert np.bincount(facts.artists[real]).max(initial=0) <= 1  # type: ignore[index]
        assert not heard[[row], :].toarray()[0, real].any()
