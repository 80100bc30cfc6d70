"""Calibration mends probabilities that are too sure, or not sure enough, and leaves fair ones alone."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import softmax

from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.calibration import Calibration, calibrate, cross_calibrated, settled
from recsys.producers.labelling.grading import measures, reliability
from recsys.producers.labelling.targets import Target


def drawn(sharpness: float, n: int = 2000) -> tuple[Target, Prediction]:
    """Classes drawn from probabilities, and these made sharper."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, 3)) * 1.5
    chance = softmax(logits, axis=1)
    codes = (rng.random(n)[:, None] > chance.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    said = softmax(sharpness * logits, axis=1).astype(np.float32)
    return Target("t", "single", tuple("abc"), np.eye(3, dtype=np.float32)[codes]), Prediction(said)


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 3.0])
def test_temperature(sharpness: float) -> None:
    target, said = drawn(sharpness)
    fair = cross_calibrated(target, said, np.arange(len(target), dtype=np.int32) % 5)
    assert reliability(target, fair.mean).ece < 0.04
    assert (fair.mean.argmax(1) == said.mean.argmax(1)).all()
    assert fair.mean.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert calibrate(target, said).slope[0] == pytest.approx(1 / sharpness, rel=0.15)
    assert measures(target, fair.mean)["log_loss"] <= measures(target, said.mean)["log_loss"] + 0.002


def test_tags_have_slopes_and_shifts_of_their_own() -> None:
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(3000, 2))
    values = (rng.random((3000, 2)) < 1 / (1 + np.exp(-logits))).astype(np.float32)
    values[::7, 0] = np.nan
    said = Prediction((1 / (1 + np.exp(-3 * logits - 2))).astype(np.float32))
    target = Target("t", "multi", ("a", "b"), values)
    assert reliability(target, said.mean).ece > 0.15
    assert reliability(target, calibrate(target, said).apply(said).mean).ece < 0.03


def test_sigma_is_scaled_or_made() -> None:
    rng = np.random.default_rng(2)
    own = np.tile([[0.5], [1.5]], (1000, 1)).astype(np.float32)
    values = (own * rng.normal(size=own.shape) * 3).astype(np.float32)
    target, mean = Target("t", "numeric", ("t",), values), np.zeros_like(values)
    scaled = calibrate(target, Prediction(mean, own)).apply(Prediction(mean, own)).sigma
    assert scaled is not None
    assert scaled / own == pytest.approx(3, rel=0.1)
    made = calibrate(target, Prediction(mean)).apply(Prediction(mean)).sigma
    assert made is not None
    assert made == pytest.approx(float(values.std()), rel=0.02)


def test_what_would_do_harm_is_not_done() -> None:
    target, said = drawn(1.0, 30)
    fold = np.arange(30, dtype=np.int32) % 15
    calibration, fair = settled(target, said, fold)
    raw, crossed = (
        measures(target, mean)["log_loss"] for mean in (said.mean, cross_calibrated(target, said, fold).mean)
    )
    assert measures(target, fair.mean)["log_loss"] <= min(raw, crossed) + 1e-9
    assert (calibration.apply(said).mean == pytest.approx(said.mean, abs=1e-6)) == (raw < crossed)


def test_arrays_give_the_same_again() -> None:
    target, said = drawn(2.0, 200)
    one = calibrate(target, said)
    again = Calibration.from_arrays("single", one.arrays())
    assert (again.apply(said).mean == one.apply(said).mean).all()
