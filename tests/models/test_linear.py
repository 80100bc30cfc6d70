"""EASE and SLIM against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from recsys.errors import DataError
from recsys.models import ease
from recsys.models.ease import Ease, gram_matrix, ridge
from recsys.models.slim import Slim
from tests.models.test_neighbours import dataset_of, random_matrix

RNG = np.random.default_rng(0)


def test_ease_solves_each_track_from_the_others() -> None:
    world = dataset_of(random_matrix(0, 30, 7))
    model = Ease(regularization=2.0).fit(world, rng=RNG)
    gram = gram_matrix(world, "log", 0.5).astype(float)
    penalty = np.diag(ridge(gram.astype(np.float32), 2.0, 0.5))
    for track in range(7):
        others = np.arange(7) != track
        expected = np.linalg.solve((gram + penalty)[np.ix_(others, others)], gram[others, track])
        np.testing.assert_allclose(model.coefficients_[others, track], expected, rtol=1e-3, atol=1e-5)
    assert not model.coefficients_.diagonal().any()


def test_ease_does_not_depend_on_the_scale_of_weights() -> None:
    matrix = random_matrix(1, 30, 7)
    one, ten = (Ease(weight="raw").fit(dataset_of(m), rng=RNG).coefficients_ for m in (matrix, matrix * 10))
    np.testing.assert_allclose(one, ten, rtol=1e-3)


def test_slim_is_at_the_minimum_of_its_loss() -> None:
    world = dataset_of(random_matrix(2, 30, 7))
    model = Slim(k=6, l1=0.2, l2=1.0, sweeps=200).fit(world, rng=RNG)
    gram, weights = gram_matrix(world, "log", 0.5).astype(float), model.similarity_.toarray().astype(float)
    slope = gram @ weights - gram + 1.0 * weights + 0.2
    free = ~np.eye(7, dtype=bool)
    used = weights > 0
    assert used.any()
    assert np.abs(slope[used & free]).max() < 1e-2
    assert slope[~used & free].min() > -1e-2
    assert not weights.diagonal().any()


@pytest.mark.parametrize("model", [Ease(), Slim()])
def test_too_many_tracks_are_refused(model: Ease | Slim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "MOST_TRACKS", 5)
    with pytest.raises(DataError, match="7 tracks"):
        model.fit(dataset_of(random_matrix(3, 30, 7)), rng=RNG)
