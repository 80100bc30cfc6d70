"""Plays and skips with their times go into a bundle and come back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from recsys.listening import Listening
from recsys.tables import Catalogue, Dataset, IdMap, Interactions

USERS, TRACKS = IdMap(["ann", "bo"], "user"), IdMap(["x", "y", "z"], "track")


def _events(rows: list[tuple[int, int, float, int]]) -> Interactions:
    user, track, weight, time = zip(*rows, strict=True)
    return Interactions(USERS, TRACKS, user, track, weight, time)  # type: ignore[arg-type]


PLAYS = _events([(1, 2, 1, 50), (0, 1, 2, 10), (0, 1, 3, 40), (0, 0, 1, 20)])
SKIPS = _events([(1, 0, 1, 70), (1, 0, 1, 60)])


def test_there_and_back(tmp_path: Path) -> None:
    Listening.of(Dataset(PLAYS, Catalogue.empty(3), skips=SKIPS)).save(tmp_path)
    found = Listening.open(tmp_path, (2, 3))
    assert found.histories.toarray().tolist() == [[1, 5, 0], [0, 0, 1]]
    assert found.last is not None
    assert found.last.tolist() == [20, 40, 50]
    assert found.skips is not None
    assert found.skips.toarray().tolist() == [[0, 0, 0], [2, 0, 0]]
    assert found.skipped is not None
    assert found.skipped.tolist() == [70]
    assert found.newest == 70


def test_a_log_without_times_or_skips(tmp_path: Path) -> None:
    Listening.of(Dataset(replace(PLAYS, time=None), Catalogue.empty(3))).save(tmp_path)
    found = Listening.open(tmp_path, (2, 3))
    assert (found.last, found.skips, found.skipped, found.newest) == (None, None, None, None)


def test_last_times_lie_beside_the_entries_of_the_matrix() -> None:
    rng = np.random.default_rng(0)
    plays = Interactions(USERS, TRACKS, rng.integers(0, 2, 50), rng.integers(0, 3, 50), np.ones(50), np.arange(50))
    matrix, last = plays.matrix().tocoo(), plays.last_times()
    assert last is not None
    for user, track, time in zip(matrix.row, matrix.col, last, strict=True):
        assert time == np.flatnonzero((plays.user == user) & (plays.track == track)).max()
