"""Measures against known values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import spearmanr

from recsys.producers.labelling import grading
from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.targets import Target


def test_macro_f1_counts_classes_alike() -> None:
    codes, chosen = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 0, 0])
    assert grading.macro_f1(codes, chosen) == pytest.approx((8 / 9 + 0) / 2)


def test_measures_agree_with_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    codes, said = rng.integers(0, 4, 80), rng.dirichlet(np.ones(4), 80)
    target = Target("t", "single", tuple("abcd"), np.eye(4, dtype=np.float32)[codes])
    found = grading.measures(target, said)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(codes, said.argmax(1), average="macro"))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(codes, said), rel=1e-6)
    tags = (rng.random((80, 3)) < 0.3).astype(np.float32)
    wanted = metrics.average_precision_score(tags, said[:, :3], average="macro")
    assert grading.measures(Target("t", "multi", tuple("abc"), tags), said[:, :3])[
        "average_precision"
    ] == pytest.approx(wanted)


@given(arrays(np.float64, 12, elements=st.integers(0, 5)), arrays(np.float64, 12, elements=st.integers(0, 5)))
def test_spearman_is_that_of_scipy(one: np.ndarray, other: np.ndarray) -> None:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        assert grading.spearman(one, other) == 0
    else:
        assert grading.spearman(one, other) == pytest.approx(spearmanr(one, other).statistic, abs=1e-9)


def test_unknown_cells_count_nowhere() -> None:
    values = np.array([[1, 5], [2, np.nan], [3, 7], [4, 9], [np.nan, 1]], np.float32)
    target = Target("t", "numeric", ("x", "y"), values)
    said = np.nan_to_num(values, nan=100)
    found = grading.measures(target, said)
    assert found["r2"] == pytest.approx(1)
    assert found["spearman"] == pytest.approx(1)
    assert found["mae"] == pytest.approx(0)


def test_intervals_are_wider_where_groups_are_few() -> None:
    rng = np.random.default_rng(0)
    values = np.repeat(rng.normal(size=20), 10)
    own = grading.interval(lambda rows: float(values[rows].mean()), np.arange(200))
    grouped = grading.interval(lambda rows: float(values[rows].mean()), np.arange(200) // 10)
    assert grouped.high - grouped.low > 2 * (own.high - own.low)
    assert own.mean == grouped.mean == pytest.approx(values.mean())


def test_a_better_arm_is_seen_as_such() -> None:
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 2, 100)
    target = Target("t", "single", ("a", "b"), np.eye(2, dtype=np.float32)[codes])
    right = np.eye(2)[codes]
    worse = np.where((np.arange(100) % 4 == 0)[:, None], 1 - right, right)
    gain = grading.difference(target, right, worse, np.arange(100), measure="accuracy")
    assert gain.mean == pytest.approx(0.25)
    assert 0.1 < gain.low < 0.25 < gain.high < 0.4


def test_confusion_has_the_truth_in_rows() -> None:
    target = Target("t", "single", ("a", "b"), np.array([[1, 0], [1, 0], [0, 1], [np.nan, np.nan]], np.float32))
    counts = grading.confusion(target, np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.5, 0.5]]))
    assert counts.tolist() == [[1, 1], [0, 1]]


def test_sigma_covers_what_it_should() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4000, 1)).astype(np.float32)
    said = Prediction(np.zeros_like(values), np.ones_like(values))
    assert grading.covered(Target("t", "numeric", ("t",), values), said) == pytest.approx(0.683, abs=0.02)


def test_chance_by_groups_is_what_fair_probabilities_show() -> None:
    """Against labels that are drawn from them, one for each group."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 6)
    sure = np.repeat(rng.uniform(0.55, 0.95, 40), 6)
    mean = np.stack([sure, 1 - sure], axis=1).astype(np.float32)
    found = []
    for _ in range(300):
        first = (rng.random(40)[groups] < sure).astype(np.float32)
        found.append(
            grading.reliability(Target("x", "single", ("a", "b"), np.stack([first, 1 - first], axis=1)), mean).ece
        )
    assert grading.chance_of_groups(mean, groups) == pytest.approx(np.mean(found), rel=0.15)
    alone = grading.reliability(
        Target("x", "single", ("a", "b"), np.eye(2, dtype=np.float32)[groups % 2]), mean
    ).by_chance
    assert grading.chance_of_groups(mean, np.arange(240)) == pytest.approx(alone, rel=0.02)
