"""Predictions beside what was given: filters read both together, and a given label wins."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.tables import where_mask
from recsys.tables.predicted import chance_of, is_predicted, numbers, targets, together, told

SONGS = pd.DataFrame(
    {
        "genre": [["Jazz"], None, [], ["Hip Hop", "Pop"]],
        "genre_predicted": [None, ["jazz"], None, None],
        "p_genre": [np.nan, 0.9, 0.4, np.nan],
        "p_genre_jazz": [np.nan, 0.9, 0.3, np.nan],
        "p_genre_hip_hop": [np.nan, 0.05, 0.4, np.nan],
        "genre_by": [None, "library@1", "library@1", None],
        "valence_predicted": [np.nan, 0.1, 0.2, 0.9],
        "valence_sigma": [np.nan, 0.1, 0.1, 0.2],
        "valence_by": "library@1",
        "valence": [0.5, np.nan, np.nan, np.nan],
        "energy": [0.1, 0.2, 0.3, 0.9],
        "composed_by": ["Bo", "Bo", "Bo", "Bo"],
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("genre = 'jazz'", [0, 1]),
        ("genre = 'jazz' and p_genre > .8", [0, 1]),
        ("genre = 'jazz' and p_genre = 1", [0]),
        ("p_genre_jazz > .2", [0, 1, 2]),
        ("p_genre_jazz < .1", [3]),
        ("p_genre_hip_hop = 1", [3]),
        ("genre != 'jazz'", [2, 3]),
        ("valence < .15", [1]),
        ("valence >= .5", [0, 3]),
        ("valence_sigma = 0", [0]),
        ("mood = 'party'", [3]),
        ("composed_by = 'bo'", [0, 1, 2, 3]),
    ],
)
def test_filters_read_both_together(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(where_mask(SONGS, text)).tolist() == rows


def test_what_was_given_is_never_touched() -> None:
    before = SONGS.copy(deep=True)
    for name in SONGS:
        together(SONGS, str(name))
    pd.testing.assert_frame_equal(SONGS, before)


def test_only_columns_beside_a_prediction_are_predicted() -> None:
    assert targets(SONGS) == ["genre", "valence"]
    found = {str(name) for name in SONGS if is_predicted(str(name), SONGS)}
    assert found == set(SONGS) - {"genre", "valence", "energy", "composed_by"}


def test_a_mood_that_was_given_is_believed() -> None:
    given = SONGS.assign(mood=["calm", None, None, None])
    assert np.flatnonzero(where_mask(given, "mood = 'calm'")).tolist() == [0]


def test_names_of_chances_are_words_in_any_script() -> None:
    assert chance_of("genre", "R&B / Soul").isidentifier()
    assert chance_of("genre", "クラシック") != chance_of("genre", "ロック")


def test_numbers_that_nobody_knows() -> None:
    assert np.isnan(numbers(SONGS, "happiness")).all()
    assert numbers(SONGS, "valence").tolist() == [0.5, 0.1, 0.2, 0.9]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64])
def test_a_given_number_stays_one(kind: type[np.generic]) -> None:
    songs = pd.DataFrame({"level": np.array([2], kind), "level_predicted": [1.0], "level_by": ["library@1"]})
    assert told(songs, 0) == {"level": {"given": [2]}}
