"""A mood beside a filter: which tracks are left."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from recsys.errors import DataError
from recsys.tables import where_mask
from recsys.tables.narrowed import narrowed
from recsys.tables.predicted import together, told, where_none_is_given

SONGS = pd.DataFrame(
    {
        "year": [1990.0, 2000.0, 2010.0, 2020.0, 2021.0],
        "tags": [["Chill-Out", "rock"], ["rock"], None, ["Sad"], ["driving"]],
        "mood_predicted": [["sad"], ["calm", "sad"], [], ["calm"], None],
        "mood_by": ["library@1", "library@1", "library@1", "library@1", None],
        "p_mood_calm": [0.2, 0.8, 0.3, 0.9, np.nan],
        "valence": [0.1, 0.2, 0.3, 0.4, 0.9],
        "arousal": [10.0, 20.0, 30.0, 40.0, 99.0],
    }
)


def rows(where: str | None, mood: str | None) -> list[int]:
    asked = narrowed(SONGS, where, mood)
    return np.flatnonzero(where_mask(SONGS, asked)).tolist() if asked else list(range(len(SONGS)))


@pytest.mark.parametrize(
    ("where", "mood", "left"),
    [
        (None, None, [0, 1, 2, 3, 4]),
        (None, "chill", [0]),
        (None, "CALM", [1]),
        (None, "calm, sadness", [1, 3]),
        (None, "valence > .4", [2, 3, 4]),
        (None, "Valence > .4", [2, 3, 4]),
        (None, "valence>.4,arousal<=.75", [2, 3]),
        (None, "sad, valence < .5", [1]),
        (None, "joyful", [4]),
        ("year < 2000 or year > 2010", "sad", [3]),
    ],
)
def test_filter_and_mood_both_hold(where: str | None, mood: str | None, left: list[int]) -> None:
    assert rows(where, mood) == left


def test_a_given_mood_counts_before_a_likely_one_and_that_before_valence() -> None:
    assert together(SONGS, "mood").tolist()[:4] == [
        ["relaxed"],
        ["calm", "sad"],
        ["focus", "romantic", "dreamy", "tender"],
        ["sad"],
    ]
    assert "joyful" in together(SONGS, "mood")[4]
    assert together(SONGS, "p_mood_calm").tolist()[:4] == [0.0, 0.8, 0.3, 0.0]


def test_tags_that_name_a_mood_leave_no_prediction() -> None:
    kept = where_none_is_given(SONGS)
    assert [row is not None for row in kept["mood_predicted"]] == [False, True, True, False, False]
    assert told(SONGS, 0)["mood"] == {"given": ["relaxed"]}
    assert "predicted" in told(SONGS, 1)["mood"]


@pytest.mark.parametrize(
    ("mood", "message"),
    [
        ("", "the mood is empty"),
        (" , ", "the mood is empty"),
        ("sadd", "did you mean sad"),
        ("angry", "no track is known to be angry; moods here: .*calm.*sad"),
        ("valence > 7", "expected a part of the library from 0 to 1"),
        ("loudness > .5", "can't read 'loudness > .5' in a mood"),
        ("valence > __import__('os')", "can't read"),
        ("mood' or 1 == 1 or mood = '", "can't read"),
        ("calm'] or year in [1990", "is not known"),
    ],
)
def test_what_cannot_be_understood_is_told(mood: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        narrowed(SONGS, None, mood)


def test_a_library_without_moods_says_what_it_lacks() -> None:
    bare = pd.DataFrame({"title": ["a"], "tags": [None], "energy": [0.5]})
    with pytest.raises(DataError, match="nothing here tells moods; expected a column mood"):
        narrowed(bare, None, "calm")
    with pytest.raises(DataError, match="nothing here tells valence"):
        narrowed(bare, None, "valence > .5")
    assert narrowed(bare, None, "arousal > .5") == "arousal_rank > .5"


def test_labels_of_any_script_and_with_quotes_can_be_asked_for() -> None:
    songs = pd.DataFrame({"mood": [["Печаль"], ['don\'t "stop"'], None]})
    for mood, row in (("печаль", 0), ('don\'t "stop"', 1)):
        assert np.flatnonzero(where_mask(songs, str(narrowed(songs, None, mood)))).tolist() == [row]
