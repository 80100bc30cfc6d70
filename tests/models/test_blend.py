"""Standardised scores, fitted weights, and who contributed what."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import SettingsError
from recsys.models.blend import PRIOR, Blend
from recsys.models.fusion import candidates, fit_weights, standardised
from recsys.models.weighing import looked_at, weigh
from tests.contracts import LISTENERS, TRACKS, answers, checkerboard
from tests.models.test_neighbours import random_matrix

MEMBERS: list[Any] = [["ease", {"regularization": 1.0}], ["rp3beta", {"k": 10}]]


def blend(**params: Any) -> Blend:
    return Blend(**{"members": MEMBERS, **params}).fit(checkerboard(), rng=np.random.default_rng(0))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-50, 50))
def test_standardised_ignores_scale_and_what_was_heard(seed: int, scale: float, shift: float) -> None:
    histories = random_matrix(seed)
    scores = np.random.default_rng(seed).normal(size=histories.shape).astype(np.float32)
    found = standardised(scores.copy(), histories)
    free = histories.toarray() == 0
    for row, unseen in zip(found, free, strict=True):
        if unseen.sum() > 1:
            assert row[unseen].mean() == pytest.approx(0, abs=1e-4)
            assert row[unseen].std() == pytest.approx(1, abs=1e-3)
    changed = np.where(free, scores * scale + shift, 99).astype(np.float32)
    np.testing.assert_allclose(standardised(changed, histories)[free], found[free], atol=2e-2)


def test_a_flat_row_becomes_nothing() -> None:
    assert not standardised(np.full((1, 9), 0.3, np.float32), random_matrix(0)[[0]]).any()


def test_parts_sum_to_the_score_and_pads_are_empty() -> None:
    model, histories = blend(weights=[0.7, 0.3]), checkerboard().matrix()
    rows = np.array([[3, 0, -1]] * LISTENERS, np.int32)
    parts = model.parts(histories, None, rows)
    assert parts.shape == (LISTENERS, 3, len(model.names))
    assert model.names == ("ease", "rp3beta", PRIOR)
    np.testing.assert_allclose(parts.sum(axis=2)[:, :2], model.scores(histories)[:, [3, 0]], rtol=1e-4, atol=1e-5)
    assert not parts[:, 2].any()


def test_an_empty_history_is_answered_by_popularity_alone() -> None:
    model, world = blend(), checkerboard()
    nothing = sp.csr_array((1, TRACKS), dtype=np.float32)
    popular = np.bincount(world.histories().indices, minlength=TRACKS)
    assert model.scores(nothing)[0].argmax() == popular.argmax()
    parts = model.parts(nothing, None, np.array([[4]], np.int32))[0, 0]
    assert not parts[:2].any()
    assert parts[2] != 0


def test_many_histories_are_scored_like_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    model, histories = blend(), checkerboard().matrix()
    whole = model.scores(histories)
    monkeypatch.setattr("recsys.models.blend.at_once", lambda tracks: 7)
    np.testing.assert_allclose(model.scores(histories), whole, rtol=1e-5, atol=1e-6)


def test_weights_go_to_the_member_that_ranks_better() -> None:
    histories = checkerboard().matrix()
    held = sp.csr_array((np.ones(LISTENERS), (np.arange(LISTENERS), answers())), shape=histories.shape)
    noise = np.random.default_rng(0).normal(size=histories.shape).astype(np.float32)
    right = noise + 3 * held.toarray().astype(np.float32)
    blocks = [standardised(b, histories) for b in (noise, right)]
    weights = fit_weights([candidates(blocks, histories, held)])
    assert weights[1] > 0.5
    assert weights.sum() == pytest.approx(1)


def test_fitting_weights_improves_a_blend_that_is_weighed_badly() -> None:
    histories = checkerboard().matrix()
    held = sp.csr_array((np.ones(LISTENERS), (np.arange(LISTENERS), answers())), shape=histories.shape)
    members = [["popularity", {}], ["ease", {"regularization": 1.0}]]
    model = Blend(members=members, weights=[0.99, 0.01]).fit(checkerboard(), rng=np.random.default_rng(0))

    def place() -> float:
        unseen = np.where(histories.toarray() > 0, -np.inf, model.scores(histories))
        wanted = unseen[np.arange(LISTENERS), answers()]
        return float((unseen > wanted[:, None]).sum(axis=1).mean())

    before = place()
    model.weights_ = weigh(model, looked_at(model, histories, held))[None, :]
    assert place() < before
    assert place() == 0


def test_parameters_survive_json() -> None:
    model = blend(weights=[0.6, 0.4])
    again = Blend(**json.loads(json.dumps(model.params())))
    assert again.params() == model.params()


def test_members_of_no_weight_are_not_fitted() -> None:
    assert blend(weights=[1.0, 0.0]).names == ("ease", PRIOR)


def test_by_default_members_are_those_that_can_be_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("recsys.models.ease.MOST_TRACKS", 5)
    monkeypatch.setattr("recsys.models.blend.MEMBERS", (("ease", {}), ("itemknn", {}), ("rp3beta", {})))
    model = Blend().fit(checkerboard(), rng=np.random.default_rng(0))
    assert model.names == ("itemknn", "rp3beta", PRIOR)


@pytest.mark.parametrize("weights", [[1.0], [1.0, 2.0, 3.0], [-1.0, 2.0], [0.0, 0.0], [float("nan"), 1.0]])
def test_weights_that_do_not_fit_are_refused(weights: list[float]) -> None:
    with pytest.raises(SettingsError, match="weights"):
        blend(weights=weights)


def test_the_usual_members_find_the_missing_track() -> None:
    world = checkerboard()
    model = Blend().fit(world, rng=np.random.default_rng(0))
    assert model.names == ("ials", "bpr", "slim", PRIOR)
    unseen = np.where(world.matrix().toarray() > 0, -np.inf, model.scores(world.matrix()))
    assert unseen.argmax(axis=1).tolist() == answers().tolist()
