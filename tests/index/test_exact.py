"""Exact search against brute force in plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.index import exact, select, top_k


def brute(scores: NDArray[np.float32], k: int, banned: NDArray[np.bool_]) -> tuple[list[list[int]], list[list[float]]]:
    """Rows and scores by a full sort; larger first, then the lower row."""
    rows, values = [], []
    for line, no in zip(scores, banned, strict=True):
        order = [int(r) for r in np.lexsort((np.arange(len(line)), -line)) if not no[r]][:k]
        rows.append(order + [-1] * (k - len(order)))
        values.append([float(line[r]) for r in order] + [-np.inf] * (k - len(order)))
    return rows, values


@st.composite
def worlds(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.float32], int, sp.csr_array, object, int]:
    """Integer vectors (exact sums, many ties, both zeros), k up to more than n, and filters."""
    seed, q, n, d = draw(st.tuples(st.integers(0, 2**31), st.integers(1, 7), st.integers(1, 200), st.integers(1, 4)))
    rng = np.random.default_rng(seed)
    queries = rng.integers(-2, 3, (q, d)).astype(np.float32)
    vectors = rng.integers(-2, 3, (n, d)).astype(np.float32) * np.float32(draw(st.sampled_from([1, -1, 0.5])))
    exclude = sp.csr_array((rng.random((q, n)) < draw(st.sampled_from([0, 0.1, 0.9]))).astype(np.float32))
    share = draw(st.sampled_from([None, 0.0, 0.05, 0.5, 1.0]))
    mask = None if share is None else rng.random(n) < share
    allow = mask if mask is None or draw(st.booleans()) else rng.permutation(np.flatnonzero(mask))
    return queries, vectors, draw(st.integers(1, n + 3)), exclude, allow, draw(st.integers(1, 3))


def banned(exclude: sp.csr_array, allow: object, n: int) -> NDArray[np.bool_]:
    no = exclude.toarray() != 0
    if allow is not None:
        kept = np.zeros(n, bool)
        kept[np.asarray(allow)] = True
        no |= ~kept
    return no


@settings(max_examples=150, deadline=None)
@given(worlds())
def test_both_searches_equal_brute_force(world) -> None:
    queries, vectors, k, exclude, allow, threads = world
    scores = queries @ vectors.T
    rows, values = brute(scores, k, banned(exclude, allow, len(vectors)))
    for lists in (
        top_k(queries, vectors, k, exclude=exclude, allow=allow, threads=threads),
        select(scores, k, exclude=exclude, allow=allow, threads=threads),
    ):
        assert lists.rows.tolist() == rows
        assert lists.scores.tolist() == values


@pytest.fixture
def many() -> tuple[NDArray[np.float32], NDArray[np.float32], sp.csr_array]:
    """More users and tracks than fit one tile, with ties from repeated vectors."""
    rng = np.random.default_rng(0)
    queries = rng.standard_normal((1100, 16), dtype=np.float32)
    vectors = np.tile(rng.standard_normal((700, 16), dtype=np.float32), (3, 1))
    return queries, vectors, sp.random_array((1100, 2100), density=0.02, format="csr", rng=rng, dtype=np.float32)


@pytest.mark.parametrize("share", [None, 0.05, 0.6])
def test_many_tiles_equal_brute_force(many, share: float | None) -> None:
    queries, vectors, exclude = many
    allow = None if share is None else np.random.default_rng(1).random(2100) < share
    lists = top_k(queries, vectors, 50, exclude=exclude, allow=allow)
    scores = queries @ vectors.T
    no = banned(exclude, allow, 2100)
    assert not no[np.arange(1100)[:, None], lists.rows].any()
    best = -np.sort(-np.where(no, -np.inf, scores), axis=1)[:, :50]
    np.testing.assert_allclose(lists.scores, best, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(np.take_along_axis(scores, lists.rows, axis=1), lists.scores, rtol=1e-5, atol=1e-5)


def test_the_same_bytes_with_any_number_of_threads(many) -> None:
    queries, vectors, exclude = many
    one, three = (top_k(queries, vectors, 100, exclude=exclude, threads=t) for t in (1, 3))
    assert one.rows.tobytes() == three.rows.tobytes()
    assert one.scores.tobytes() == three.scores.tobytes()


def test_equal_scores_come_by_row_across_tiles() -> None:
    n = 3 * exact.TRACKS + 5
    lists = top_k(np.ones((exact.USERS, 1), np.float32), np.ones((n, 1), np.float32), 2 * exact.TRACKS)
    assert (lists.rows == np.arange(2 * exact.TRACKS)).all()


def test_nothing_and_not_a_number_are_never_returned() -> None:
    scores = np.array([[np.nan, -np.inf, 1, -3.5]], dtype=np.float32)
    lists = select(scores, 4)
    assert lists.rows.tolist() == [[2, 3, -1, -1]]
    assert lists.scores.tolist() == [[1, -3.5, -np.inf, -np.inf]]
    assert np.isnan(scores[0, 0])  # the caller's scores are left alone


def test_exclusions_may_be_unsorted_or_padded_rows() -> None:
    scores = np.array([[1, 2, 3, 4], [1, 2, 3, 4]], dtype=np.float32)
    unsorted = sp.csr_array((np.ones(3), np.array([3, 0, 2]), np.array([0, 2, 3])), shape=(2, 4))
    padded = np.array([[3, 0], [-1, 2]])
    for exclude in (unsorted, padded):
        assert select(scores, 3, exclude=exclude).rows.tolist() == [[2, 1, -1], [3, 1, 0]]


def test_no_queries_and_no_tracks() -> None:
    empty = np.empty((0, 3), np.float32)
    assert top_k(empty, np.ones((5, 3), np.float32), 2).rows.shape == (0, 2)
    assert top_k(np.ones((2, 3), np.float32), empty, 2).rows.tolist() == [[-1, -1], [-1, -1]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 0}, "k = 0; expected at least 1"),
        ({"vectors": np.ones((3, 5), np.float32)}, "same number of columns"),
        ({"queries": np.ones(2, np.float32)}, "expected two dimensions"),
        ({"allow": np.array([3])}, "allowed rows span 3..3; expected 0..2"),
        ({"allow": np.array([True])}, r"expected \(3,\)"),
        ({"exclude": sp.csr_array((2, 3))}, r"exclude has shape \(2, 3\); expected \(1, 3\)"),
        ({"exclude": np.array([[3]])}, "rows from −1 to 2"),
    ],
)
def test_errors_say_what_was_expected(change, message: str) -> None:
    call = {"queries": np.ones((1, 2), np.float32), "vectors": np.ones((3, 2), np.float32), "k": 1} | change
    with pytest.raises(DataError, match=message):
        top_k(**call)
