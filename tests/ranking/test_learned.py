"""The learned ranker: slopes against finite differences, exact parts, missing values, and a rule it must find."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.ranking.learned import Net, _slopes, learn


def lists(seed: int, count: int = 60, size: int = 30) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lists whose first feature decides where the second is positive, and whose third is noise."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(count * size, 3)).astype(np.float32)
    value = np.where(rows[:, 1] > 0, 3, -3) * rows[:, 0] + rng.normal(size=len(rows))
    hits = (value.reshape(count, size) >= np.sort(value.reshape(count, size), axis=1)[:, -3:-2]).ravel()
    return rows, np.arange(0, len(rows) + 1, size).astype(np.int64), hits


def loss(weights: list[np.ndarray], rows: np.ndarray, starts: np.ndarray, hits: np.ndarray) -> float:
    line, turn, shift, tip = (weight[1] for weight in weights)
    score = rows @ line + np.maximum(rows @ turn + shift, 0) @ tip
    total = 0.0
    for a, b in pairwise(starts):
        logs = score[a:b] - np.log(np.exp(score[a:b]).sum())
        total -= logs[hits[a:b]].sum() / np.sqrt(hits[a:b].sum())
    return total / (len(starts) - 1)


def test_slopes_are_those_of_the_loss() -> None:
    rng = np.random.default_rng(0)
    rows, starts, hits = lists(1, 4, 6)
    weights = [rng.normal(size=shape) for shape in ((2, 3), (2, 3, 5), (2, 5), (2, 5))]
    rows = rows.astype(np.float64)
    found = _slopes(weights, rows, hits, np.diff(starts))
    for number, weight in enumerate(weights):
        for place in np.ndindex(weight.shape):
            if place[0] == 0:  # the loss looks at the second net
                continue
            moved = [w.copy() for w in weights]
            moved[number][place] += 1e-6
            slope = (loss(moved, rows, starts, hits) - loss(weights, rows, starts, hits)) / 1e-6
            assert found[number][place] == pytest.approx(slope, abs=1e-4)


def test_it_finds_a_rule_that_no_weighted_sum_can_express() -> None:
    rows, starts, hits = lists(0, 300)
    net = learn(rows, starts, hits, rng=np.random.default_rng(0), nets=2)
    other, other_starts, wanted = lists(1)
    score = net.score(other)
    size = other_starts[1]
    top = np.argsort(-score.reshape(-1, size), axis=1)[:, :3]
    found = np.take_along_axis(wanted.reshape(-1, size), top, axis=1).mean()
    assert found > 0.6
    alone = np.take_along_axis(wanted.reshape(-1, size), np.argsort(-other[:, 0].reshape(-1, size))[:, :3], axis=1)
    assert alone.mean() < 0.4


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000))
def test_parts_sum_to_the_score(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = ((4,), (2, 4), (2, 4, 3), (2, 3), (2, 3))
    net = Net(np.zeros(4, np.float32), *(rng.normal(1, 0.5, shape).astype(np.float32) for shape in shapes))
    rows = rng.normal(size=(20, 4)).astype(np.float32)
    np.testing.assert_allclose(net.parts(rows).sum(axis=1), net.score(rows), rtol=1e-3, atol=1e-4)


def test_what_is_unknown_counts_as_usual() -> None:
    rows, starts, hits = lists(0)
    rows[::3, 2] = np.nan
    net = learn(rows, starts, hits, rng=np.random.default_rng(0), nets=1, epochs=2)
    usual = rows.copy()
    usual[::3, 2] = net.mean[2]
    np.testing.assert_allclose(net.score(rows), net.score(usual), atol=1e-5)
    assert np.isfinite(net.score(rows)).all()


def test_without_hits_nothing_is_learned_and_the_same_seed_learns_the_same() -> None:
    rows, starts, hits = lists(0)
    assert not learn(rows, starts, np.zeros_like(hits), rng=np.random.default_rng(0)).score(rows).any()
    first, second = (learn(rows, starts, hits, rng=np.random.default_rng(3), nets=1, epochs=2) for _ in range(2))
    np.testing.assert_array_equal(first.score(rows), second.score(rows))
    again = Net.from_arrays(first.arrays())
    np.testing.assert_array_equal(again.score(rows), first.score(rows))


def test_empty_lists_are_passed_over() -> None:
    rows, starts, hits = lists(0)
    holes = np.sort(np.concatenate([starts, starts[[0, 5, -1]]]))
    net = learn(rows, holes, hits, rng=np.random.default_rng(3), nets=1, epochs=1)
    assert np.isfinite(net.score(rows)).all()
