"""Intervals cover what they promise, are seeded, and see paired differences that single ones can't."""

import numpy as np
import pytest

from recsys.errors import DataError
from recsys.evaluation import interval, intervals, paired


def test_seeded():
    values = np.random.default_rng(0).random(200)
    assert interval(values, seed=3) == interval(values, seed=3)
    assert interval(values, seed=3) != interval(values, seed=4)


def test_close_to_the_textbook_interval():
    values = np.random.default_rng(1).normal(5, 2, 4000)
    found = interval(values)
    half = 1.96 * values.std() / np.sqrt(4000)
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_covers_the_truth_about_95_times_of_100():
    rng = np.random.default_rng(2)
    inside = 0
    for seed in range(300):
        found = interval(rng.exponential(1, 80), seed=seed, draws=300)
        inside += found.low <= 1 <= found.high
    assert 270 <= inside <= 298


def test_many_listeners_use_the_normal_approximation_and_agree():
    values = np.random.default_rng(3).exponential(1, 20_000)
    small, large = interval(values, draws=400), interval(np.r_[values, values.mean()])
    assert small.low == pytest.approx(large.low, abs=2e-3)
    assert small.high == pytest.approx(large.high, abs=2e-3)


def test_paired_differences_are_sharper():
    rng = np.random.default_rng(4)
    base = rng.random(300)
    better = base + rng.normal(0.02, 0.02, 300)
    assert paired(better, base).low > 0
    assert interval(better).low < interval(base).high
    with pytest.raises(DataError, match="300 and 299"):
        paired(base, base[:-1])


def test_columns_together_equal_columns_alone():
    rng = np.random.default_rng(5)
    columns = {"a": rng.random(50), "b": rng.random(50)}
    together = intervals.intervals(columns, seed=1)
    for name, values in columns.items():
        assert together[name] == pytest.approx(interval(values, seed=1))


def test_not_a_number_is_left_out():
    found = interval(np.array([1.0, np.nan, 1.0]))
    assert found.mean == found.high == 1
    assert np.isnan(interval(np.array([np.nan])).low)
    with pytest.raises(DataError, match="no listeners"):
        interval(np.empty(0))
