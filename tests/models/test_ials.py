"""iALS: exact against a dense solver, the same for any number of threads, and finite whatever it is given."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys.errors import DataError, SettingsError
from recsys.models.ials import IALS
from recsys.models.whitened import diagonalise, gram, solve
from recsys.tables import Catalogue, Dataset, IdMap, Interactions


def log(users: int, tracks: int, seed: int = 0, groups: int = 4) -> sp.csr_array:
    """Listeners who stay within one group of tracks nine times out of ten; the last user and track are empty."""
    rng = np.random.default_rng(seed)
    own = (np.arange(users)[:, None] - np.arange(tracks)[None, :]) % groups == 0
    made = (rng.random((users, tracks)) < np.where(own, 0.3, 0.01)) * rng.integers(1, 50, (users, tracks))
    made[-1, :], made[:, -1] = 0, 0
    return sp.csr_array(made.astype(np.float32))


def dataset(plays: sp.csr_array) -> Dataset:
    users, tracks = (IdMap(np.arange(n)) for n in plays.shape)
    entries = plays.tocoo()
    return Dataset(Interactions(users, tracks, *entries.coords, entries.data), Catalogue.empty(plays.shape[1]))


def fitted(plays: sp.csr_array, seed: int = 0, **params: object) -> IALS:
    return IALS(**{"factors": 16, **params}).fit(dataset(plays), rng=np.random.default_rng(seed))


def dense_solution(fixed: NDArray[np.float64], extra: sp.csr_array, ridge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Every row's normal equations, solved one by one in double precision."""
    rows = []
    for entries, seen, own in zip(extra.toarray(), (extra != 0).toarray(), ridge, strict=True):
        left = fixed.T @ fixed + own * np.eye(fixed.shape[1]) + (fixed.T * entries) @ fixed
        rows.append(np.linalg.solve(left, ((1.0 + entries) * seen) @ fixed))
    return np.array(rows)


@given(st.integers(1, 60), st.integers(1, 700), st.sampled_from([1, 5, 16, 33]), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_solver_reaches_the_dense_solution_and_its_loss(rows: int, columns: int, rank: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    extra = sp.random_array((rows, columns), density=0.9, rng=rng, format="csr", dtype=np.float32)
    extra.data = extra.data * 9 + 0.1
    fixed, out = np.zeros((columns, 48), np.float32), np.zeros((rows, 48), np.float32)
    fixed[:, :rank] = rng.standard_normal((columns, rank)) * 0.3
    ridge = rng.uniform(0.5, 9, rows).astype(np.float32)
    system = diagonalise(fixed, out, rank, 1)
    loss = solve(system, extra, ridge, out, steps=200, tolerance=1e-6, threads=2)
    exact = dense_solution(fixed.astype(np.float64), extra, ridge)
    np.testing.assert_allclose(out, exact, atol=2e-4)
    seen = extra.toarray() != 0
    errors = np.where(seen, (1 + extra.toarray()) * (1 - exact @ fixed.T) ** 2, (exact @ fixed.T) ** 2)
    assert loss == pytest.approx((errors.sum(1) + ridge * (exact**2).sum(1))[seen.any(1)].sum(), rel=1e-3, abs=1e-2)


def test_turning_keeps_products_and_makes_the_gram_matrix_diagonal() -> None:
    rng = np.random.default_rng(1)
    fixed, warm = (rng.standard_normal((n, 32)).astype(np.float32) for n in (50, 40))
    before = warm @ fixed.T
    system = diagonalise(fixed, warm, 32, 2)
    np.testing.assert_allclose(warm @ fixed.T, before, atol=1e-4)
    np.testing.assert_allclose(gram(fixed, 1), np.diag(system.spectrum), atol=1e-3)


def test_loss_falls_and_taste_is_found() -> None:
    plays = log(120, 80)
    model = fitted(plays)
    assert np.all(np.diff(model.losses_) <= 1e-4 * model.losses_[0])
    scores = model.scores(plays)[:-1, :-1]
    group = (np.arange(119)[:, None] - np.arange(79)[None, :]) % 4 == 0
    unseen = plays.toarray()[:-1, :-1] == 0
    assert scores[group & unseen].mean() > 5 * abs(scores[~group & unseen].mean())


def test_same_seed_same_bits_for_one_and_two_threads() -> None:
    plays = log(300, 150)
    one, two, other = (fitted(plays, seed, threads=threads) for seed, threads in ((0, 1), (0, 2), (1, 1)))
    for name, value in one.arrays().items():
        np.testing.assert_array_equal(value, two.arrays()[name])
    assert not np.array_equal(one.items_, other.items_)
    np.testing.assert_array_equal(one.user_vectors(plays), two.user_vectors(plays))


def test_user_vectors_solve_the_stated_objective_exactly() -> None:
    plays = log(90, 60)
    model = fitted(plays, alpha=5.0, regularization=0.7, nu=0.5, weighting="root")
    logs = np.log(plays.toarray(), where=plays.toarray() > 0, out=np.zeros(plays.shape))
    counts = (plays.toarray() > 0).sum(1)
    level = np.exp(logs.sum(1) / np.maximum(counts, 1))
    shaped = np.sqrt(plays.toarray() / level[:, None])
    extra = 5.0 * shaped / shaped[plays.toarray() > 0].mean()
    n, m = plays.nnz / plays.shape[0], plays.nnz / plays.shape[1]
    ridge = 0.7 * 5.0 * (n**0.5 + m**0.5) * (np.maximum(counts, 1) / n) ** 0.5
    exact = dense_solution(model.item_vectors().astype(np.float64), sp.csr_array(extra), ridge)
    np.testing.assert_allclose(model.user_vectors(plays), exact, atol=1e-3 * np.abs(exact).max())


def test_a_history_scores_the_same_alone_and_among_others() -> None:
    plays = log(90, 60)
    model = fitted(plays)
    everyone = model.user_vectors(plays, np.arange(90, dtype=np.int32))
    np.testing.assert_array_equal(model.user_vectors(plays[[7]]), everyone[[7]])
    np.testing.assert_allclose(model.scores(plays), everyone @ model.item_vectors().T, atol=1e-6)


def test_twice_the_plays_is_the_same_taste() -> None:
    plays = log(90, 60)
    model = fitted(plays)
    np.testing.assert_allclose(model.user_vectors(plays * np.float32(2)), model.user_vectors(plays), atol=1e-3)


def test_a_track_folded_in_lands_where_training_put_it() -> None:
    plays = log(200, 80)
    model = fitted(plays, iterations=60, cg_steps=5)
    rest = plays.tolil()
    rest[:, 5] = 0
    folded = model.item_fold_in(plays[:, [5, 79]], plays)
    trained = model.item_vectors()[5]
    assert folded[0] @ trained > 0.98 * np.linalg.norm(folded[0]) * np.linalg.norm(trained)
    assert np.linalg.norm(folded[0]) == pytest.approx(np.linalg.norm(trained), rel=0.1)
    assert not folded[1].any()


def test_arrays_bring_the_model_back() -> None:
    plays = log(50, 40)
    model = fitted(plays, factors=20)
    again = IALS.from_arrays(model.arrays(), **model.params())
    np.testing.assert_array_equal(again.scores(plays), model.scores(plays))
    np.testing.assert_array_equal(again.item_fold_in(plays, plays), model.item_fold_in(plays, plays))
    assert again.item_vectors().shape == (40, 20)
    assert again.params() == model.params()


@pytest.mark.parametrize("rows", [[], [[0, 0, 1.0]], [[u, t, 10.0**u] for u in range(3) for t in range(2)]])
def test_hardly_any_plays_stay_finite(rows: list[list[float]]) -> None:
    user, track, weight = np.array(rows).reshape(-1, 3).T
    plays = sp.csr_array((weight.astype(np.float32), (user.astype(int), track.astype(int))), shape=(4, 6))
    model = fitted(plays, factors=8)
    assert np.isfinite(model.scores(plays)).all()
    assert not model.user_vectors(plays)[3].any()


def test_fitting_again_forgets_and_reports_progress() -> None:
    model, seen = IALS(factors=4, iterations=3), []
    model.fit(dataset(log(40, 30)), rng=np.random.default_rng(0))
    model.fit(dataset(log(20, 10)), rng=np.random.default_rng(0), progress=lambda *done: seen.append(done))
    assert model.item_vectors().shape == (10, 4)
    assert seen == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("wrong", [{"weighting": "lgo"}, {"factors": 0}, {"regularization": 0.0}, {"nu": -1.0}])
def test_wrong_settings_are_named(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        fitted(log(20, 10), **wrong)


def test_histories_of_another_catalogue_are_refused() -> None:
    with pytest.raises(DataError, match="9 tracks"):
        fitted(log(20, 10)).scores(sp.csr_array((1, 9), dtype=np.float32))
