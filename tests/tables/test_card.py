"""Data cards: every number is that of the tables, and no word is a listener's."""

from __future__ import annotations

import numpy as np
import pandas as pd

from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from recsys.tables.card import data_card

DAY = 86_400


def dataset(listeners: pd.DataFrame | None = None) -> Dataset:
    rows = np.array([0, 0, 1], np.int32), np.array([0, 1, 0], np.int32)
    times = np.array([0, DAY, 9 * DAY])
    plays = Interactions(IdMap(["ann", "bo"]), IdMap(["x", "y", "z"]), *rows, np.ones(3, np.float32), times)
    frame = pd.DataFrame(
        {
            "title": ["A|B", None, "C"],
            "genre": [["rock"], [], None],
            "licence": ["CC0", "CC0", None],
            "explicit": [True, None, None],
        }
    )
    space = Embeddings(np.eye(3, 2, dtype=np.float32), np.array([True, True, False]), "sound")
    return Dataset(plays, Catalogue(frame), {"sound": space}, listeners=listeners)


def card(rejects: list[str], listeners: pd.DataFrame | None = None) -> str:
    found = pd.DataFrame({"file": "p.csv", "line": 1, "reason": rejects})
    return data_card(dataset(listeners), found, {"plays": {"/home/me/p.csv": "ab" * 32}, "tracks": {}})


def test_it_counts_rows_days_and_what_is_missing() -> None:
    told = card([])
    assert told.startswith("# Tables: 3 plays of 3 tracks by 2 listeners\n")
    assert "| plays | 3 | 2 | 2 | 1970-01-01 | 1970-01-10 |" in told
    assert "| genre | 1 | 66.7 % |" in told
    assert "| sound | 2 | 2 | 33.3 % |" in told
    assert "| licence | CC0 | 2 |\n| licence | not said | 1 |" in told
    assert "| plays | p.csv | `abababababababab` |" in told
    assert "None." in told


def test_rejects_are_told_by_reason_and_never_quoted() -> None:
    told = card(["count is negative: '-1'", "count is negative: '-2'", "no listener: 'ann'"])
    assert "| count is negative | 2 |\n| no listener | 1 |" in told
    assert "ann" not in told.replace("another", "").replace("cannot", "")


def test_what_is_known_of_listeners_is_named_without_values() -> None:
    told = card([], pd.DataFrame({"country": ["NO", None]}))
    assert "| country | 1 | 50.0 % |" in told
    assert "NO" not in told.replace("NOT", "")
    assert "Nothing else is known of them" in card([])
