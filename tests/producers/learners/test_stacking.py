"""Stacking: better members weigh more, few files leave weights even, arrays keep it all."""

import io

import numpy as np
import pytest

from recsys.producers.labelling.arms import Prediction
from recsys.producers.labelling.targets import Target
from recsys.producers.learners.stacking import combine, from_arrays


def single(n, seed=0):
    codes = np.random.default_rng(seed).integers(0, 3, n)
    return Target("genre", "single", ("a", "b", "c"), np.eye(3, dtype=np.float32)[codes])


def noisy(target, noise, seed):
    raw = target.values * 2 + noise * np.random.default_rng(seed).normal(size=target.values.shape)
    odds = np.exp(raw)
    return Prediction((odds / odds.sum(axis=1, keepdims=True)).astype(np.float32))


def rows_of(n):
    return np.arange(n), np.arange(n)


def test_two_that_err_apart_are_better_together():
    target = single(600)
    members = {"linear": noisy(target, 1.5, 1), "svm": noisy(target, 1.5, 2)}
    stack = combine(members, target, *rows_of(600))
    np.testing.assert_allclose(stack.weights, 0.5, atol=0.1)
    right = {name: (one.mean.argmax(axis=1) == target.codes).mean() for name, one in members.items()}
    together = (stack.predict(members).mean.argmax(axis=1) == target.codes).mean()
    assert together > max(right.values())


def test_one_that_knows_nothing_gets_next_to_nothing():
    target = single(600)
    members = {"linear": noisy(target, 0.5, 1), "svm": Prediction(np.full((600, 3), 1 / 3, np.float32))}
    assert combine(members, target, *rows_of(600)).weights[0] > 0.9


def test_few_files_leave_weights_nearly_even():
    target = single(6)
    members = {"linear": noisy(target, 0.5, 1), "svm": noisy(target, 2.0, 2)}
    np.testing.assert_allclose(combine(members, target, *rows_of(6)).weights, 0.5, atol=0.15)


@pytest.mark.parametrize("kind", ["single", "multi", "numeric"])
def test_arrays_predict_the_same_for_every_kind(kind):
    rng = np.random.default_rng(0)
    values = single(50).values if kind == "single" else rng.integers(0, 2, (50, 2)).astype(np.float32)
    if kind != "single":
        values[::7, 1] = np.nan
    target = Target("x", kind, ("a", "b", "c")[: values.shape[1]], values)
    filled = np.nan_to_num(values, nan=0.5)
    members = {
        name: Prediction(
            (0.2 + 0.6 * filled + 0.1 * rng.uniform(size=filled.shape)).astype(np.float32),
            np.full(filled.shape, 0.3, np.float32) if kind == "numeric" and name == "kernel" else None,
        )
        for name in ("kernel", "forest")
    }
    stack = combine(members, target, *rows_of(50))
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **stack.arrays())
    buffer.seek(0)
    with np.load(buffer, allow_pickle=False) as arrays:
        again = from_arrays(arrays)
    first, second = stack.predict(members), again.predict(members)
    np.testing.assert_array_equal(first.mean, second.mean)
    assert (first.sigma is not None) == (kind == "numeric")
    if first.sigma is not None:
        assert (first.sigma >= 0.3).all(), "what members differ by adds to what the one is unsure of"


def test_a_lone_member_is_repeated():
    target = single(20)
    member = noisy(target, 1.0, 1)
    said = combine({"linear": member}, target, *rows_of(20)).predict({"linear": member}).mean
    np.testing.assert_allclose(said, member.mean, atol=2e-3)


def test_of_numbers_a_member_that_knows_nothing_weighs_little_even_with_few_files():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(80, 2)).astype(np.float32)
    good = Prediction(0.6 * values + 0.4 * rng.normal(size=values.shape).astype(np.float32))
    bad = Prediction(rng.normal(size=values.shape).astype(np.float32) * 0.5)
    stack = combine({"a": good, "b": bad}, Target("x", "numeric", ("u", "v"), values), *rows_of(80))
    assert stack.weights[0] > 0.9
