"""Tables of listeners: what is known of them, beside the log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import recsys
from recsys.errors import DataError
from recsys.sources import gather
from recsys.tables import Dataset


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "plays.csv"
    path.write_text("user,track\nbo,x\nann,x\nann,y\n")
    return path


def test_what_is_known_is_laid_over_the_listeners(log: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("userID,age,country\nann,31,no\ncy,,se\nann,99,fi\n")
    found = gather([log], listeners=[table])
    people = found.dataset.listeners
    assert people is not None
    assert found.dataset.users.ids.tolist() == ["ann", "bo", "cy"]  # cy has played nothing
    assert people["country"].tolist()[0] == "no"
    assert people["country"].isna().tolist() == [False, True, False]
    np.testing.assert_array_equal(people["age"], [31, np.nan, np.nan])
    assert found.counts["duplicate_listeners"] == 1
    assert found.counts["listeners_files"] == 1


def test_words_that_are_no_numbers_stay_words(log: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.parquet"
    pd.DataFrame({"user_id": ["ann", "bo"], "zip": ["01", "x"], "premium": [True, False]}).to_parquet(table)
    people = gather([log], listeners=[table]).dataset.listeners
    assert people is not None
    assert people["zip"].tolist() == ["01", "x"]
    assert people["premium"].tolist() == [True, False]


def test_without_a_table_nothing_is_known(log: Path) -> None:
    found = gather([log])
    assert found.dataset.listeners is None
    assert "listeners_files" not in found.counts


def test_a_table_needs_the_listeners_ids(log: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("age,country\n31,no\n")
    with pytest.raises(DataError, match="listeners"):
        gather([log], listeners=[table])


def test_ingest_keeps_it_with_the_tables(log: Path, tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("user,age\nbo,40\nann,20\n")
    made = recsys.ingest([log], listeners=[table], out=tmp_path / "tables")
    people = Dataset.open(made.path).listeners
    assert people is not None
    assert people["age"].tolist() == [20, 40]
