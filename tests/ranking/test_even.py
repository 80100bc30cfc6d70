"""Exposure goes where it is wanted, lists stay the same alone and together, and nothing moves at 0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from recsys.engine import Engine
from recsys.errors import DataError
from recsys.evaluation.exposure import attributes
from recsys.ranking.dials import Dials
from recsys.ranking.even import evened, offsets, shares
from recsys.tables import TopK

TRACKS, LISTS = 60, 50


def world(seed: int) -> tuple[TopK, sp.csr_array]:
    """Lists in which the first of three groups has most of the first places."""
    rng = np.random.default_rng(seed)
    group = np.arange(TRACKS) % 3
    scores = rng.normal(0, 1, (LISTS, TRACKS)) + np.where(group == 0, 1.5, 0)
    order = np.argsort(-scores, axis=1)
    return TopK(order, np.take_along_axis(scores, order, axis=1)), sp.csr_array(np.eye(3)[group])


@given(st.integers(0, 9), st.sampled_from([(1 / 3, 1 / 3, 1 / 3), (0.1, 0.6, 0.3)]))
def test_the_first_places_fall_as_wanted(seed: int, target: tuple[float, ...]) -> None:
    lists, classes = world(seed)
    whole = shares(evened(lists, offsets(lists, classes, np.array(target), 1.0, 10)), classes, 10)
    assert whole == pytest.approx(target, abs=0.04)
    before = shares(lists, classes, 10)
    half = shares(evened(lists, offsets(lists, classes, np.array(target), 0.5, 10)), classes, 10)
    assert half == pytest.approx((before + target) / 2, abs=0.04)


@given(st.integers(0, 9))
def test_at_nothing_nothing_moves(seed: int) -> None:
    lists, classes = world(seed)
    assert not offsets(lists, classes, np.array([0.1, 0.1, 0.8]), 0.0, 10).any()
    same = evened(lists, np.zeros(TRACKS, np.float32))
    assert (same.rows == lists.rows).all()


def test_an_engine_evens_out(bundle: Path) -> None:
    engine = Engine.open(bundle)
    classes = attributes(engine.catalogue, engine.listeners)["genre"][1]
    target = np.asarray(np.ones(len(engine.tracks)) @ classes) / len(engine.tracks)

    def apart(dials: Dials | None) -> float:
        found = engine.recommend(n=20, dials=dials)
        rows = engine.tracks.rows(found["track_id"]).reshape(-1, 20)
        return float(np.abs(shares(TopK(rows, np.zeros(rows.shape)), classes, 20) - target).sum())

    assert apart(Dials(even=1.0, even_by="genre")) < 0.6 * apart(None)
    alone = engine.recommend(engine.users.ids[:1], n=9, dials=Dials(even=0.5))
    together = engine.recommend(n=9, dials=Dials(even=0.5))
    assert alone["track_id"].tolist() == together["track_id"].tolist()[:9]
    parts = pd.DataFrame(list(alone["why"].map(lambda why: why["parts"])[0]))
    assert "dials" in parts.to_string()
    with pytest.raises(DataError, match="no attribute 'genr' to even out; did you mean genre"):
        engine.recommend(n=1, dials=Dials(even=0.5, even_by="genr"))


def test_neutral_whatever_the_attribute() -> None:
    assert Dials(even_by="country", even_to="plays").neutral
    assert not Dials(even=0.1).neutral
