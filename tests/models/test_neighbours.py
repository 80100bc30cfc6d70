"""Neighbour kernels against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import SettingsError
from recsys.models.base import weighted
from recsys.models.kernels import gram_neighbours, sparse_product
from recsys.models.neighbours import ItemKNN, RP3Beta
from recsys.tables import Catalogue, Dataset, IdMap, Interactions


def random_matrix(seed: int, users: int = 12, tracks: int = 9) -> sp.csr_array:
    rng = np.random.default_rng(seed)
    dense = rng.integers(1, 5, (users, tracks)) * (rng.random((users, tracks)) < 0.4)
    return sp.csr_array(dense.astype(np.float32))


def dataset_of(matrix: sp.csr_array) -> Dataset:
    found = matrix.tocoo()
    users, tracks = (IdMap(range(n)) for n in matrix.shape)
    return Dataset(Interactions(users, tracks, *found.coords, found.data), Catalogue.empty(matrix.shape[1]))


def largest(rows: np.ndarray, k: int) -> np.ndarray:
    """Each row with all but its k largest entries set to 0, ties to the left."""
    kept = np.zeros_like(rows)
    for i, row in enumerate(rows):
        best = np.argsort(-row, kind="stable")[:k]
        kept[i, best] = row[best]
    return kept


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 8), st.integers(1, 4))
def test_gram_neighbours_are_the_largest_of_each_row(seed: int, k: int, threads: int) -> None:
    right = random_matrix(seed)
    left = sp.csr_array(right.T)
    scale = np.linspace(0.5, 2, right.shape[1]).astype(np.float32)
    rows, values = gram_neighbours(
        left.indptr, left.indices, left.data, right.indptr, right.indices, right.data, scale, k, threads
    )
    full = (left @ right).toarray() * scale
    np.fill_diagonal(full, 0)
    found = np.zeros_like(full)
    for i in range(len(rows)):
        real = rows[i] >= 0
        assert len(set(rows[i, real])) == real.sum()
        found[i, rows[i, real]] = values[i, real]
    np.testing.assert_allclose(found, largest(full, k), rtol=1e-5)


def test_sparse_product_is_the_product() -> None:
    left, right = random_matrix(1), random_matrix(2, users=9, tracks=5)
    out = np.zeros((12, 5), np.float32)
    sparse_product(left.indptr, left.indices, left.data, right.indptr, right.indices, right.data, out)
    np.testing.assert_allclose(out, (left @ right).toarray(), rtol=1e-6)


def test_cosine_is_cosine() -> None:
    matrix = random_matrix(3)
    model = ItemKNN(k=8, weighting="cosine", weight="raw").fit(dataset_of(matrix), rng=np.random.default_rng(0))
    unit = matrix.toarray() / np.linalg.norm(matrix.toarray(), axis=0)
    expected = unit.T @ unit
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.similarity_.toarray(), expected, rtol=1e-5, atol=1e-7)


def test_rp3beta_is_the_walk() -> None:
    matrix = random_matrix(4)
    model = RP3Beta(k=8, alpha=0.7, beta=0.4, weight="log").fit(dataset_of(matrix), rng=np.random.default_rng(0))
    steps = weighted(matrix, "log").toarray()
    to_user = (steps / steps.sum(axis=0)) ** 0.7
    to_track = (steps / np.maximum(steps.sum(axis=1, keepdims=True), 1e-9)) ** 0.7
    expected = to_user.T @ to_track / (steps > 0).sum(axis=0) ** 0.4
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(model.similarity_.toarray(), expected, rtol=1e-4)


def test_a_track_that_nobody_played_has_no_neighbours() -> None:
    matrix = random_matrix(5).tolil()
    matrix[:, 3] = 0
    for model in (ItemKNN(k=4), ItemKNN(k=4, weighting="bm25"), RP3Beta(k=4)):
        near = model.fit(dataset_of(matrix.tocsr()), rng=np.random.default_rng(0)).similarity_.toarray()
        assert np.isfinite(near).all()
        assert not near[3].any()
        assert not near[:, 3].any()


def test_an_unknown_weighting_is_named() -> None:
    with pytest.raises(SettingsError, match="did you mean bm25"):
        ItemKNN(weighting="bm52").fit(dataset_of(random_matrix(6)), rng=np.random.default_rng(0))
