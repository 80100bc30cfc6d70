"""Floors know nothing that they should not: chance is chance, ties are broken at random, candidates are kept to."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys.evaluation import metrics
from recsys.evaluation.floors import floors, ranked_by
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

TRACKS = 200


def dataset(**columns) -> Dataset:
    plays = Interactions(IdMap(["ann"]), IdMap(range(TRACKS)), [0], [0], [1])
    return Dataset(plays, Catalogue(pd.DataFrame(columns, index=range(TRACKS))))


def test_chance_finds_a_fair_share() -> None:
    held = sp.csr_array(np.tile(np.arange(TRACKS) < 20, (400, 1)).astype(np.float32))
    nothing = sp.csr_array((400, TRACKS), dtype=np.float32)
    pool = np.arange(100, dtype=np.int32)
    lists = floors(dataset())["random"](nothing, np.full(400, -1, np.int32), pool, 10)
    share = metrics.hits(lists, held).mean()
    assert abs(share - 20 / 100) < 0.02
    assert np.isin(lists.rows, pool).all()


def test_what_is_unknown_makes_no_floor() -> None:
    assert set(floors(dataset())) == {"random"}
    tagged = [["a"] * (t % 3) for t in range(TRACKS)]
    assert set(floors(dataset(tags=tagged, artist=["x"] * TRACKS))) == {"random", "same artist", "tag count"}


def test_the_same_artist_comes_first_and_never_what_was_played() -> None:
    artists = [f"artist {t // 10}" for t in range(TRACKS)]
    history = sp.csr_array(([1.0], ([0], [15])), shape=(1, TRACKS))
    rows = floors(dataset(artist=artists))["same artist"](history, np.array([0]), None, TRACKS).rows[0]
    assert set(rows[:9]) == set(range(10, 20)) - {15}
    assert rows[-1] == -1


def test_ties_are_broken_at_random() -> None:
    nothing = sp.csr_array((50, TRACKS), dtype=np.float32)
    rows = ranked_by(np.arange(TRACKS) >= 100)(nothing, np.full(50, -1), None, 5).rows
    assert (rows >= 100).all()
    assert len(np.unique(rows)) > 50
