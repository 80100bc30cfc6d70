"""Two orders in one: guesses keep the other order and end on the ranker's scale."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.ranking.trusted import asked_lists, between_listeners, guessed


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000))
def test_guesses_keep_the_other_order_and_the_scale(seed: int) -> None:
    rng = np.random.default_rng(seed)
    starts = np.array([0, 12, 12, 30])
    scores, others = rng.normal(size=(2, 30)).astype(np.float32)
    sure = (rng.random(30) < 0.6).astype(np.float32)
    found = guessed(scores, others, sure, starts)
    asked = asked_lists(sure, starts)
    for number, (start, stop) in enumerate(((0, 12), (12, 12), (12, 30))):
        mine, own = found[start:stop], sure[start:stop] > 0
        assert asked[number] == (own.sum() >= 2)
        if asked[number]:
            assert (np.diff(mine[np.argsort(others[start:stop], kind="stable")]) >= -1e-6).all()
            np.testing.assert_allclose(np.sort(mine[own]), np.sort(scores[start:stop][own]), rtol=1e-5, atol=1e-6)
        else:
            np.testing.assert_array_equal(mine, others[start:stop])


def test_between_listeners_are_shares_and_lengths() -> None:
    scores = np.log(np.float32([1, 3, 5, 5]))
    found = between_listeners(scores, np.array([0, 2, 2, 4]), np.array([1, 7, 3]))
    np.testing.assert_allclose(np.exp(found), [0.25 * 2, 0.75 * 2, 0.5 * 4, 0.5 * 4], rtol=1e-5)
    assert not len(between_listeners(scores[:0], np.array([0, 0]), np.array([4])))
