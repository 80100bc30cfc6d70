"""Folds keep groups together and classes even."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.producers.labelling.folds import folds, same_sound
from recsys.producers.labelling.targets import Target


def single(codes: np.ndarray) -> Target:
    values = np.where(codes[:, None] < 0, np.nan, np.eye(4)[np.maximum(codes, 0)])
    return Target("t", "single", ("a", "b", "c", "d"), values.astype(np.float32))


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 3)), min_size=4, max_size=60), st.integers(2, 6))
def test_no_group_lies_in_two_folds(rows: list[tuple[int, int]], count: int) -> None:
    groups, codes = np.array(rows).T
    target = single(codes)
    known = len(np.unique(groups[codes >= 0]))
    if known < 2:
        with pytest.raises(DataError, match="expected two or more"):
            folds(target, groups, count)
        return
    fold = folds(target, groups, count)
    assert ((fold >= 0) == (codes >= 0)).all()
    assert len(np.unique(fold[fold >= 0])) == min(count, known)
    for group in np.unique(groups):
        mine = fold[(groups == group) & (fold >= 0)]
        assert len(np.unique(mine)) <= 1
    assert (fold == folds(target, groups, count)).all()


def test_classes_are_spread_evenly() -> None:
    rng = np.random.default_rng(1)
    codes = rng.choice(4, 400, p=[0.6, 0.2, 0.15, 0.05])
    fold = folds(single(codes), np.arange(400) // 2, 5, seed=3)
    counts = np.array([np.bincount(codes[fold == number], minlength=4) for number in range(5)])
    assert (np.ptp(counts, axis=0) <= 3).all()


def test_high_and_low_numbers_are_spread() -> None:
    values = np.linspace(0, 1, 100, dtype=np.float32)[:, None]
    fold = folds(Target("t", "numeric", ("t",), values), np.arange(100), 5)
    means = [values[fold == number].mean() for number in range(5)]
    assert np.ptp(means) < 0.1


@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from("abcdef")), min_size=1, max_size=30))
def test_the_same_sound_is_one_group(rows: list[tuple[int, str]]) -> None:
    groups, digests = np.array([group for group, _ in rows]), [digest for _, digest in rows]
    made = same_sound(groups, digests)
    for one in range(len(rows)):
        for other in range(one):
            if groups[one] == groups[other] or digests[one] == digests[other]:
                assert made[one] == made[other]
