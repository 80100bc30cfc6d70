"""What two tracks have in common, in bits and in words."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from recsys.ranking.aspects import (
    ALBUM,
    ARTIST,
    ENERGY,
    GENRE,
    KEY,
    PLAYED,
    SOUND,
    TEMPO,
    Facts,
    by_played_artists,
    leading,
    shared,
    words,
)
from recsys.tables import Catalogue

SONGS = Catalogue(
    pd.DataFrame(
        {
            "artist": ["Ann", "Ann", "Bo", None, "Bo"],
            "album": ["One", "One", "One", None, None],
            "genre": [["Jazz", "Pop"], ["jazz"], ["Rock"], None, ["rock"]],
            "key": ["C major", "A minor", "C major", None, None],
            "tempo": [120.0, 61.0, 90.0, np.nan, 91.0],
            "energy": [0.5, 0.55, 0.9, np.nan, 0.3],
        }
    )
)


@pytest.mark.parametrize(
    ("pair", "bits"),
    [
        ((0, 1), ARTIST | ALBUM | GENRE | TEMPO | ENERGY),
        ((0, 2), KEY),  # an album of the same title by another artist is another album
        ((2, 4), ARTIST | GENRE | TEMPO),
        ((3, 3), 0),  # nothing is known, so nothing is shared
        ((0, -1), 0),
    ],
)
def test_what_two_tracks_share(pair: tuple[int, int], bits: int) -> None:
    assert shared(Facts.of(SONGS), np.array([pair[0]]), np.array([pair[1]]))[0] == bits


def test_sound_is_compared_by_cosine() -> None:
    vectors = np.float32([[1, 0], [0.8, 0.6], [0, 1], [0, 0], [0, 0]])
    found = shared(Facts.of(SONGS, vectors), np.array([0, 0, 3]), np.array([1, 2, 4]))
    assert [bool(bits & SOUND) for bits in found] == [True, False, False]


def test_artists_that_a_listener_plays() -> None:
    histories = sp.csr_array(np.float32([[1, 0, 0, 1, 0], [0, 0, 1, 0, 0], [0, 0, 0, 0, 0]]))
    rows = np.array([[1, 2, 3, -1]] * 3)
    found = by_played_artists(Facts.of(SONGS), rows, histories)
    assert found.tolist() == [[True, False, False, False], [False, True, False, False], [False] * 4]


def test_words_do_not_repeat_themselves() -> None:
    assert words(np.array([PLAYED | ARTIST | ALBUM], np.uint16)) == ["same album"]
    assert words(np.array([PLAYED | KEY, 0], np.uint16)) == ["by an artist you play, same key", ""]


def test_what_led_is_said_once() -> None:
    def said(bits: int) -> str:
        return words(np.array([bits], np.uint16))[0]

    assert said(leading("tags") | KEY) == "same key, by its tags"
    assert said(leading("artist") | PLAYED) == "by an artist you play"
    assert said(leading("genre") | GENRE) == "same genre"
    assert said(leading("sound") | GENRE) == "same genre, by its sound"
    assert said(leading("lyrics")) == "by its content"
