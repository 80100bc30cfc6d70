"""The ledger keeps what was listed, whole and once; remembers it in rows; and forgets a listener for good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import ArtefactError, DataError
from recsys.playlists.ledger import DAY, Ledger, heard, listed
from recsys.playlists.memory import Memory, overlap
from recsys.tables import IdMap

TRACKS = IdMap([f"t{i}" for i in range(9)], "track")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger")
    for day in range(3):
        both = [listed(who, "mix", [f"t{day}", f"t{day + 1}"], time=day * DAY, seed=day) for who in ("ann", "bo")]
        made.append(pd.concat(both))
    made.append(listed("ann", "radio", ["t8"], time=2 * DAY))
    return made


def test_rows_come_back_by_listener_list_event_and_time(ledger: Ledger) -> None:
    assert len(ledger.read()) == 13
    assert ledger.read(listeners=["ann"], name="mix", since=DAY, until=2 * DAY)["track"].tolist() == ["t1", "t2"]
    assert ledger.read(listeners=["cy"]).empty
    assert ledger.read(listeners=[]).empty
    assert [one["track"].tolist() for one in ledger.lists("ann", "mix", last=2)] == [["t1", "t2"], ["t2", "t3"]]
    assert [one["seed"].iat[0] for one in ledger.lists("bo", until=2 * DAY)] == [0, 1]


def test_the_same_rows_again_change_nothing(ledger: Ledger) -> None:
    before = sorted(path.name for path in ledger.folder.iterdir())
    ledger.append(listed("ann", "radio", ["t8"], time=2 * DAY))
    assert sorted(path.name for path in ledger.folder.iterdir()) == before
    assert ledger.append(ledger.read().head(0)) is None


def test_compacting_keeps_every_row(ledger: Ledger) -> None:
    before = ledger.read()
    assert ledger.compact() == 4
    assert len(list(ledger.folder.iterdir())) == 1
    pd.testing.assert_frame_equal(ledger.read(), before)
    assert ledger.compact() == 1


def test_what_a_killed_erase_left_twice_counts_once(ledger: Ledger) -> None:
    before = ledger.read()
    ledger.append(before[before["time"] == DAY])
    pd.testing.assert_frame_equal(ledger.read(), before)


def test_a_listener_is_erased_from_every_file(ledger: Ledger) -> None:
    before = ledger.read(listeners=["bo"])
    erased = ledger.erase("ann")
    assert (erased.rows, erased.parts, erased.left) == (7, 4, 0)
    for path in ledger.folder.iterdir():
        assert "ann" not in pq.read_table(path)["listener"].to_pylist()
        statistics = [pq.ParquetFile(path).metadata.row_group(0).column(2).statistics]
        assert [(s.min, s.max) for s in statistics] == [("bo", "bo")]
        assert b"ann" not in path.read_bytes()
    pd.testing.assert_frame_equal(ledger.read(), before)
    assert ledger.erase("ann").rows == 0


def test_plays_count_once_and_only_of_what_was_listed_before(ledger: Ledger) -> None:
    plays = (["ann", "ann", "ann", "cy"], ["t1", "t1", "t7", "t1"], [2 * DAY, 5, 9 * DAY, 9 * DAY])
    fresh = heard(ledger, *plays)
    assert fresh[["listener", "track", "time"]].to_numpy().tolist() == [["ann", "t1", 2 * DAY], ["ann", "t1", 5]]
    ledger.append(fresh)
    assert heard(ledger, *plays).empty
    assert len(ledger.read(event="played")) == 2


def test_foreign_files_and_wrong_rows_are_clear_errors(ledger: Ledger) -> None:
    with pytest.raises(DataError, match="ledger rows lack seed"):
        ledger.append(listed("a", "b", ["c"], time=0).drop(columns="seed"))
    (ledger.folder / "part-0-1-0123456789abcdef.parquet").write_bytes(b"no")
    with pytest.raises(ArtefactError, match="not a readable part"):
        ledger.read()
    (ledger.folder / "part-0-1-0123456789abcdef.parquet").rename(ledger.folder / "part-x.parquet")
    with pytest.raises(ArtefactError, match="no part of a ledger"):
        ledger.read()


def test_many_parts_become_one(ledger: Ledger) -> None:
    from recsys import api

    before = ledger.read()
    told = api.playlist_ledger(ledger.folder, compact=True)
    assert told[["parts", "rows"]].to_numpy().tolist() == [[4, len(before)]]
    assert len(list(ledger.folder.iterdir())) == 1
    pd.testing.assert_frame_equal(ledger.read(), before)
    with pytest.raises(DataError, match="erase and compact"):
        api.playlist_ledger(ledger.folder, listeners=["ann"], erase=True, compact=True)


def test_memory_of_lists(ledger: Ledger) -> None:
    memory = Memory.of(ledger.read(listeners=["ann"]), TRACKS, now=2.5 * DAY)
    assert np.flatnonzero(memory.on_last("mix", 2)).tolist() == [1, 2, 3]
    assert not memory.on_last("mix", 0).any()
    assert np.flatnonzero(memory.within(1.0)).tolist() == [2, 3, 8]
    assert memory.last_listed()[[0, 8, 7]].tolist() == [0, 2 * DAY, -np.inf]
    assert overlap(np.array([2, 3, 4, 5], np.int32), memory.on_last("mix", 2)) == 0.5
    assert Memory.of(ledger.read(listeners=["ann"]), TRACKS, now=DAY).on_last("mix", 9).sum() == 2


def test_fatigue_grows_with_listings_and_skips_fades_and_is_taken_away_by_plays(ledger: Ledger) -> None:
    ledger.append(heard(ledger, ["ann"], ["t3"], [2 * DAY], "skipped"))
    ledger.append(heard(ledger, ["ann"], ["t8"], [2 * DAY], "played"))
    tired = Memory.of(ledger.read(listeners=["ann"]), TRACKS, now=2 * DAY + 1).fatigue(half_life=1.0)
    np.testing.assert_allclose(tired[[0, 1, 2, 3, 7, 8]], [0.25, 0.75, 1.5, 3.0, 0, 0], atol=1e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 6), st.integers(1, 30))
def test_rotation_brings_every_track_within_so_many_lists(size: int, lists: int, nights: int) -> None:
    among = np.arange(9) < size
    rows = listed("ann", "mix", [], time=0)
    shown: list[set[int]] = []
    for night in range(nights):
        due = Memory.of(rows, TRACKS, now=night * DAY).due("mix", among, lists)
        shown.append(set(due.tolist()))
        rows = pd.concat([rows, listed("ann", "mix", TRACKS.at(due), time=night * DAY)], ignore_index=True)
    for start in range(nights - lists + 1):
        assert set().union(*shown[start : start + lists]) == set(range(size))
