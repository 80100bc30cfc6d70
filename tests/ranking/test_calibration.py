"""Calibration: a curve that never falls, and tells the truth about plays it has not seen."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.ranking.calibration import MOST, calibrate, expected_error


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(1, 200))
def test_chances_never_fall_and_stay_between_0_and_1(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    curve = calibrate(rng.normal(size=count), rng.random(count) < 0.3)
    told = curve(np.linspace(-5, 5, 101))
    assert (np.diff(told) >= 0).all()
    assert ((told >= 0) & (told <= 1)).all()


def test_it_tells_the_truth_about_other_plays() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(-3, 2, 40_000)
    hits = rng.random(40_000) < 1 / (1 + np.exp(-scores))
    curve = calibrate(scores[::2], hits[::2])
    assert len(curve.score) <= MOST
    assert expected_error(curve(scores[1::2]), hits[1::2]) < 0.01
    assert expected_error(np.full(20_000, 0.5, np.float32), hits[1::2]) > 0.2


def test_nothing_to_learn_from_and_no_candidate() -> None:
    assert calibrate(np.empty(0), np.empty(0, bool))(np.array([1.0])).tolist() == [0.0]
    assert calibrate(np.array([1.0]), np.array([True]))(np.array([-np.inf, 1.0])).tolist() == [0.0, 1.0]
