"""Given labels: spellings that are one label, what is rare, and when there is enough to learn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from recsys.producers.tagging.given import BY, ENOUGH, LEAST, MOST, cleaned, given, key, split


@pytest.mark.parametrize(
    "spellings",
    [
        ("Hip-Hop", "hip hop", "HIPHOP", "Hip Hop"),
        ("R&B", "RnB", "r and b", "R & B"),
        ("Drum & Bass", "drum n bass", "Drum and Bass", "drum'n'bass"),
        ("Rock & Roll", "rock'n'roll", "Rock and Roll"),
        ("Électro", "electro"),
        ("DnB", "Drum & Bass"),
        ("1980s", "80's", "eighties", "80s"),
        ("Rhythm & Blues", "R&B"),
    ],
)
def test_spellings_of_one_label(spellings: tuple[str, ...]) -> None:
    assert len({key(one) for one in spellings}) == 1
    assert cleaned([[one] for one in spellings]) == [[cleaned([list(spellings)])[0][0]]] * len(spellings)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("Rock; Pop|Jazz", ["Rock", "Pop", "Jazz"]),
        ("House, Techno", ["House", "Techno"]),
        ("Electronic/House", ["Electronic", "House"]),
        ("Dub / Reggae", ["Dub", "Reggae"]),
        ("(17)Rock", ["Rock"]),
        ("Other", []),
        ("Singer/Songwriter", ["Singer/Songwriter"]),
        ("seen live; My Favourite Songs; love", []),
        ("love songs; live; best of 2009", ["love songs", "live", "best of 2009"]),
        ("  ", []),
        ("ジャズ", ["ジャズ"]),
    ],
)
def test_a_cell_with_several(text: str, labels: list[str]) -> None:
    assert split(text) == labels


@drawn(st.lists(st.one_of(st.none(), st.text(max_size=20), st.lists(st.text(max_size=12), max_size=3)), max_size=12))
def test_cleaning_twice_changes_nothing(cells: list[object]) -> None:
    once = cleaned(cells)
    assert cleaned(once) == once
    assert all(len(set(row)) == len(row) for row in once)


@pytest.mark.parametrize(
    ("cells", "labels"),
    [
        (["vocals", "Vocal", "Vocal"], ["Vocal"] * 3),
        (["1990", "1990s", "90s", "90s"], ["1990", "90s", "90s", "90s"]),
        (["world music", "world", "world"], ["world"] * 3),
        (["house music"], ["house music"]),
        (["blues", "blue", "blue"], ["blues", "blue", "blue"]),
    ],
)
def test_what_joins_only_where_both_are_there(cells: list[str], labels: list[str]) -> None:
    assert [row[0] for row in cleaned([[cell] for cell in cells])] == labels


def library(counts: dict[str, int], artists: int = 30, several: bool = False) -> pd.DataFrame:
    genres = [[label] for label, count in counts.items() for _ in range(count)]
    if several:
        genres = [[*row, "Loud"] if place % 2 else row for place, row in enumerate(genres)]
    return pd.DataFrame({"genre": genres, "artist": [f"a{i % artists}" for i in range(len(genres))]})


def found(frame: pd.DataFrame, *wanted: str, usable: np.ndarray | None = None) -> object:
    groups = pd.factorize(frame["artist"])[0]
    return given(frame, groups, wanted or ["genre"], np.arange(len(frame)) if usable is None else usable)


def test_rare_labels_are_unknown_and_not_another_class() -> None:
    target = found(library({"Rock": 40, "Jazz": 40, "Polka": LEAST - 1})).targets["genre"]
    assert target.classes == ("Jazz", "Rock")
    assert target.known.sum() == 80


def test_tracks_with_several_labels_make_tags_and_rare_ones_are_known() -> None:
    target = found(library({"Rock": 40, "Jazz": 40, "Polka": 2}, several=True)).targets["genre"]
    assert target.kind == "multi"
    assert target.classes == ("Jazz", "Loud", "Rock")
    assert target.known.all()


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (library({"Rock": 20, "Jazz": 20}), f"expected {ENOUGH} by {BY}"),
        (library({"Rock": 60, "Jazz": 60}, artists=5), "by 5 artists"),
        (library({"Rock": 100}), "no two labels"),
        (library({"Rock": 60, "Jazz": 60}).drop(columns="genre"), "no column genre"),
    ],
)
def test_why_there_is_nothing_to_learn(frame: pd.DataFrame, reason: str) -> None:
    made = found(frame)
    assert not made.targets
    assert reason in made.reasons["genre"]


def test_a_label_of_one_artist_is_not_learned() -> None:
    frame = library({"Rock": 40, "Jazz": 40, "Solo": 20})
    frame.loc[frame["genre"].map(lambda row: row == ["Solo"]), "artist"] = "one"
    assert found(frame).targets["genre"].classes == ("Jazz", "Rock")


def test_moods_come_from_tags_and_emotions_from_numbers() -> None:
    tags = [["relaxing", "seen live"], ["Sad"], ["angry", "chill"], ["rock"]] * 25
    frame = pd.DataFrame({"tags": tags, "valence": np.linspace(0, 1, 100), "arousal": 0.5})
    frame["artist"] = [f"a{i % 20}" for i in range(100)]
    made = found(frame, "mood", "emotion", "instrument")
    assert made.targets["mood"].classes == ("angry", "relaxed", "sad")
    assert made.targets["mood"].known.sum() == 75
    assert made.reasons == {
        "emotion": "arousal is the same everywhere",
        "instrument": "the catalogue has no column instrument",
    }


def test_numbers_and_emotions_of_the_geneva_scale_are_learned_as_numbers() -> None:
    rows = np.arange(100)
    frame = pd.DataFrame({"tension": rows / 100, "calmness": 1 - rows / 100, "danceability": rows % 7})
    frame["artist"] = [f"a{i % 20}" for i in rows]
    frame.loc[:20, "tension"] = np.nan
    made = found(frame, "emotion", "danceability").targets
    assert (made["emotion"].kind, made["emotion"].classes) == ("numeric", ("calmness", "tension"))
    assert (made["danceability"].kind, made["danceability"].classes) == ("numeric", ("danceability",))
    assert np.isnan(made["emotion"].values[:, 1]).sum() == 21


def test_of_very_many_labels_the_commonest_are_learned() -> None:
    counts = {f"label {i:02}": LEAST + (i >= 20) for i in range(MOST + 20)}
    assert found(library(counts)).targets["genre"].classes == tuple(f"label {i:02}" for i in range(20, MOST + 20))
