"""Text of a catalogue: what words find, how typing errors are forgiven, and how fast."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recsys.bundle import open_arrays, save_arrays
from recsys.producers.text import index as text
from recsys.producers.text import reasons as text_reasons
from recsys.producers.text import search as text_search
from recsys.producers.text.spelling import Spellings, distance
from recsys.tables import Catalogue
from recsys.tables.words import folded, grams, squashed, tokens

SONGS = pd.DataFrame(
    {
        "title": ["Bohemian Rhapsody", "Blackbird", "東京の夜", "So What", "Calm", None, "!!!", "Déjà Vu"],
        "artist": ["Queen", "The Beatles", "椎名", "Miles Davis", "Noise Unit", "Ann", "Chk", "Beyoncé"],
        "album": [None, "Abbey", None, "Kind of Blue", None, None, None, None],
        "genre": [["Rock"], None, ["J-Pop"], ["Jazz"], ["Metal"], None, ["Hip-Hop"], ["R&B"]],
        "tags": [None, ["acoustic"], None, ["calm", "trumpet"], ["loud"], ["relaxing", "piano"], None, None],
        "genre_predicted": [None, ["folk"], None, None, None, ["jazz"], None, None],
        "p_genre_folk": [np.nan, 0.7, np.nan, np.nan, np.nan, 0.1, np.nan, np.nan],
        "p_genre_jazz": [np.nan, 0.1, np.nan, np.nan, np.nan, 0.83, np.nan, np.nan],
        "genre_by": [None, "library@1", None, None, None, "library@1", None, None],
    }
)
INDEX = text.build(SONGS)
CATALOGUE = Catalogue(SONGS.copy())


def found(query: str, n: int = 5, **options: object) -> list[int]:
    return text_search.search(INDEX, query, n, **options).rows.tolist()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("bohemian rhapsody", 0),
        ("bohemain rapsody", 0),
        ("queen bohemian rhapsody", 0),
        ("QUEEN", 0),
        ("the beatles", 1),
        ("beetles blackbird", 1),
        ("black bird", 1),
        ("東京", 2),
        ("夜", 2),
        ("椎名", 2),
        ("!!!", 6),
        ("hip hop", 6),
        ("hiphop", 6),
        ("deja vu", 7),
        ("beyonce", 7),
        ("kind of blue", 3),
        ("calm", 4),
        ("calm trumpet", 3),
        ("folk", 1),
        ("pianno", 5),
    ],
)
def test_what_words_find_first(query: str, first: int) -> None:
    assert found(query)[0] == first


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("тихое пианино", 0),
        ("ТИХОЕ", 0),
        ("пианно", 0),
        ("σιωπη", 1),
        ("Σιωπή", 1),
        ("서울", 2),
        ("서울의 밤", 2),
        ("ﾎﾞｳｲ", 3),
        ("สวัสดี", 4),
        ("straße", 5),
        ("STRASSE", 5),
        ("सपना", 6),
        ("ليل", 7),
    ],
)
def test_any_script_is_found(query: str, first: int) -> None:
    titles = ["Тихое пианино", "Σιωπή", "서울의 밤", "ボウイ", "สวัสดีชาวโลก", "Straße", "सपना", "ليل"]
    songs = text.build(pd.DataFrame({"title": titles, "artist": ["Ann"] * len(titles)}))
    assert text_search.search(songs, query, 1).rows.tolist() == [first]


@pytest.mark.parametrize(
    "query", ["\ud800calm\udcff", "calm " * 50_000, "\0calm\x1b[31m", "calm" + "\n" * 5000, "ca\u200blm"]
)
def test_odd_queries_are_read_as_far_as_they_say_anything(query: str) -> None:
    assert found(query)[:1] in ([4], [])
    assert len(text_search.understand(INDEX, query).text) <= text_search.LONGEST


def test_a_word_for_a_mood_finds_what_is_called_otherwise() -> None:
    songs = pd.DataFrame({"title": ["a", "b", "c"], "tags": [["chill"], ["loud"], ["relaxed"]]})
    assert sorted(text_search.search(text.build(songs), "relaxing", 3).rows.tolist()) == [0, 2]


def test_a_predicted_mood_is_said_with_its_chance() -> None:
    songs = pd.DataFrame({"title": ["a", "b"], "tags": [["sad"], None], "mood_predicted": [None, ["calm"]]})
    songs = songs.assign(p_mood_calm=[np.nan, 0.7], p_mood_sad=[np.nan, 0.1], mood_by=[None, "library@1"])
    index = text.build(songs)
    said = text_search.search(index, "calm", 2)
    assert said.rows.tolist() == [1]
    assert text_reasons.reasons(index, Catalogue(songs), said) == ["mood calm, predicted with 70 %"]


def test_of_a_label_that_nothing_is_sure_to_have_the_likeliest_are_found() -> None:
    chances = np.linspace(0, 0.27, 100)
    songs = pd.DataFrame({"instrument_predicted": [["drums"]] * 100, "instrument_by": "i@1", "title": "x"})
    index = text.build(songs.assign(p_instrument_piano=chances, p_instrument_oboe=chances / 4, p_instrument_drums=0.9))
    assert text_search.search(index, "piano", 9).rows.tolist() == [99, 98]
    assert text_search.search(index, "oboe", 9).rows.tolist() == []
    assert len(text_search.search(index, "drums", 100).rows) == 100


def test_words_that_are_sung_are_found_after_titles() -> None:
    songs = pd.DataFrame({"title": ["Other", "Sea", "None"], "lyrics": ["calm waves of the sea tonight", None, None]})
    assert text_search.search(text.build(songs), "sea", 3).rows.tolist() == [1, 0]


def test_a_given_label_comes_before_a_predicted_one() -> None:
    assert found("jazz")[:2] == [3, 5]


def test_reasons_say_what_matched() -> None:
    said = {}
    for query in ("queen", "calm trumpet", "jazz", "rapsody"):
        hits = text_search.search(INDEX, query, 5)
        said[query] = dict(zip(hits.rows.tolist(), text_reasons.reasons(INDEX, CATALOGUE, hits), strict=True))
    assert said["queen"][0] == "artist"
    assert said["calm trumpet"][3] == "tags calm, trumpet"
    assert said["jazz"][5] == "genre jazz, predicted with 83 %"
    assert said["rapsody"][0] == "title rhapsody"


def test_unknown_words_are_named_and_the_rest_is_found() -> None:
    hits = text_search.search(INDEX, "xyzzyq trumpet", 5)
    assert hits.asked.unknown == ["xyzzyq"]
    assert hits.rows.tolist()[0] == 3
    assert not len(text_search.search(INDEX, "xyzzyq", 5).rows)


def test_only_what_is_allowed_is_found() -> None:
    allow = np.arange(len(SONGS)) != 3
    assert found("jazz", allow=allow)[0] == 5


def test_among_equals_more_listeners_come_first() -> None:
    songs = pd.DataFrame({"title": list("abcdefgh"), "tags": [["soft"]] * 8})
    heard = np.array([0, 3, 1, 9, 0, 2, 4, 5], np.float32)
    assert text_search.search(text.build(songs), "soft", 3, listeners=heard).rows.tolist() == [3, 7, 6]


def test_meaning_finds_what_is_tagged_otherwise() -> None:
    near = [["calm", "relaxing"], ["relaxing", "ambient"], ["calm", "ambient"], ["ambient"]] * 5
    songs = pd.DataFrame({"title": [None] * 40, "tags": near + [["loud", "metal"], ["metal", "angry"]] * 10})
    hits = text_search.search(text.build(songs, dimensions=2), "calm", 30).rows
    assert set(hits) == set(range(20))


def test_kept_and_mapped_it_answers_the_same(tmp_path: Path) -> None:
    save_arrays(tmp_path, INDEX.arrays())
    opened = text.TextIndex.from_arrays(open_arrays(tmp_path))
    for query in ("bohemain rapsody", "jazz", "東京", "calm trumpet"):
        before, after = (text_search.search(index, query, 5) for index in (INDEX, opened))
        np.testing.assert_array_equal(before.rows, after.rows)
        np.testing.assert_array_equal(before.scores, after.scores)


@pytest.mark.parametrize("frame", [pd.DataFrame({"title": [None, None]}), pd.DataFrame(index=range(3)), SONGS.head(0)])
def test_a_catalogue_without_text_finds_nothing(frame: pd.DataFrame, tmp_path: Path) -> None:
    save_arrays(tmp_path, text.build(frame).arrays())
    opened = text.TextIndex.from_arrays(open_arrays(tmp_path))
    assert not len(text_search.search(opened, "jazz", 5).rows)


@given(st.text(max_size=60))
def test_any_query_gives_rows_best_first(query: str) -> None:
    hits = text_search.search(INDEX, query, 5)
    assert (np.diff(hits.scores) <= 0).all()
    assert len(set(hits.rows.tolist())) == len(hits.rows)
    assert len(text_reasons.reasons(INDEX, CATALOGUE, hits)) == len(hits.rows)


@given(st.text(max_size=30))
def test_words_are_the_same_whatever_the_case_and_form(written: str) -> None:
    import unicodedata

    assert tokens(folded(written)) == tokens(written)
    assert tokens(unicodedata.normalize("NFD", written)) == tokens(unicodedata.normalize("NFC", written))
    assert not any(character.isspace() for character in squashed(written))


@given(st.lists(st.text(alphabet="abcd", min_size=1, max_size=9), max_size=20), st.text(alphabet="abcd", max_size=9))
def test_spellings_find_what_is_there_and_the_nearest(known: list[str], asked: str) -> None:
    spelt = Spellings.of(known)
    assert (spelt.find(asked) >= 0) == (asked in known)
    assert [spelt[i] for i in range(len(spelt))] == sorted(set(known))
    for one in spelt.near(asked):
        assert distance(asked, spelt[one.place], 9) == one.edits <= 2


@given(st.text(alphabet="abc", max_size=7), st.text(alphabet="abc", max_size=7))
def test_distance_is_symmetric_and_bounded_by_length(a: str, b: str) -> None:
    assert distance(a, b, 9) == distance(b, a, 9) <= max(len(a), len(b))
    assert (distance(a, b, 9) == 0) == (a == b)


def test_pieces_of_a_word_hold_it_together() -> None:
    assert len(set(grams("rhapsody")) & set(grams("rapsody"))) >= 5


def test_weights_and_places_are_those_of_scikit_learn() -> None:
    learn = pytest.importorskip("sklearn.feature_extraction.text")
    rng = np.random.default_rng(0)
    often = 1 / np.arange(1, 31)
    tags = [[f"w{w}" for w in rng.choice(30, 5, p=often / often.sum())] for _ in range(90)]
    made = text.build(pd.DataFrame({"tags": tags}), dimensions=4)
    vectors = learn.TfidfVectorizer(analyzer=lambda row: row, sublinear_tf=True)
    expected = vectors.fit_transform(tags).toarray()
    mine = made.fields["tags"].toarray()
    order = [made.words.find(word) for word in vectors.get_feature_names_out()]
    np.testing.assert_allclose(mine.T[:, order], expected, atol=1e-6)
    most = (np.linalg.svd(mine)[1][:4] ** 2).sum()
    assert ((made.word_places.T @ mine) ** 2).sum() > 0.99 * most


def test_searching_loads_nothing_that_learns(bundle: Path) -> None:
    code = f"import sys; from recsys import api; api.search('rock', bundle={str(bundle)!r}, n=3); print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sklearn", "torch", "librosa", "implicit", "lightfm"} & set(ran.stdout.split())
