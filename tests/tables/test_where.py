"""The filter grammar: right answers, no code, clear errors."""

from __future__ import annotations

import contextlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.tables import where_mask

SONGS = pd.DataFrame(
    {
        "title": ["Jingle", "Rain", None, "Sun"],
        "year": [1985.0, 1999.0, np.nan, 2010.0],
        "genre": [["Christmas"], ["Rock", "Pop"], ["Jazz"], None],
        "explicit": [True, False, None, False],
    }
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("year >= 1990", [1, 3]),
        ("year != 1999", [0, 3]),
        ("year >= 1990 and genre != 'Christmas'", [1, 3]),
        ("genre = 'pop'", [1]),
        ('genre == "ROCK" or year < 1990', [0, 1]),
        ("genre in ('jazz', 'christmas')", [0, 2]),
        ("NOT genre = 'rock'", [0, 2, 3]),
        ("title not in ['rain']", [0, 3]),
        ("explicit", [0]),
        ("not explicit", [1, 2, 3]),
        ("explicit = False", [1, 3]),
        ("title = 'a=b'", []),
        ("year > -1", [0, 1, 3]),
    ],
)
def test_answers(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(where_mask(SONGS, text)).tolist() == rows


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "year.__class__ = 1",
        "year == year",
        "1 < year < 3",
        "yaer > 1",
        "year >",
        "year > 'x'",
        "",
        "x" * 3000,
        "(" * 500,
    ],
)
def test_what_is_not_a_filter_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        where_mask(SONGS, text)


def test_a_misspelt_column_is_guessed() -> None:
    with pytest.raises(DataError, match="did you mean year"):
        where_mask(SONGS, "yaer > 1")


@given(st.text(max_size=40))
def test_any_text_gives_a_mask_or_a_data_error(text: str) -> None:
    with contextlib.suppress(DataError):
        assert where_mask(SONGS, text).shape == (4,)
