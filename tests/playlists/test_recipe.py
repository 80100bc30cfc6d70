"""The rules of a playlist hold, or the playlist says which gave way and by how much."""

from collections import Counter
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.playlists import build_playlist
from recsys.playlists.constraints import Rules, Start, closest_gap, loosest_needed, most_tracks, normalised
from recsys.tables import Catalogue


def catalogue(artists, durations=None, titles=None):
    frame = pd.DataFrame({"artist": pd.Series(artists, dtype=object)})
    frame["title"] = titles if titles is not None else [f"song {i}" for i in range(len(artists))]
    frame["duration"] = durations if durations is not None else 200.0
    return Catalogue(frame)


def artists_of(songs, rows):
    return [songs.frame["artist"].iat[r] for r in rows]


@st.composite
def tasks(draw):
    """A catalogue with few artists, candidates with ties and repeats, seeds, and rules."""
    size = draw(st.integers(1, 24))
    artists = draw(st.lists(st.sampled_from(["a", "b", "c", "d", "e", None]), min_size=size, max_size=size))
    titles = [f"song {draw(st.integers(0, 30))}" for _ in range(size)]
    durations = draw(st.lists(st.floats(60, 600) | st.just(np.nan), min_size=size, max_size=size))
    rows = draw(st.lists(st.integers(-1, size - 1), max_size=30))
    scores = draw(st.lists(st.sampled_from([0.1, 0.5, 0.9, -np.inf]), min_size=len(rows), max_size=len(rows)))
    seeds = draw(st.lists(st.integers(0, size - 1), max_size=3))
    rules = {"max_per_artist": draw(st.integers(1, 4)), "artist_gap": draw(st.integers(0, 5))}
    return catalogue(artists, durations, titles), rows, scores, seeds, rules


def closeness(a, b):
    return -np.abs(np.subtract.outer(a.astype(float), b.astype(float)))


@settings(max_examples=300, deadline=None)
@given(tasks(), st.integers(3, 20), st.booleans())
def test_every_rule_holds_or_is_named(task, n, smooth):
    songs, rows, scores, seeds, rules = task
    made = build_playlist(rows, scores, songs, seeds=seeds, n=n, similarity=closeness if smooth else None, **rules)
    names = artists_of(songs, made.rows)
    recordings = [
        (t, a) if a else r for r, t, a in zip(made.rows, songs.frame["title"].iloc[made.rows], names, strict=True)
    ]
    assert len(set(made.rows.tolist())) == len(made)
    assert len(set(recordings)) == len(made)
    assert set(made.rows.tolist()) <= set(rows) | set(seeds)
    assert len(made) <= n
    said = " ".join(made.relaxed)
    gap = closest_gap(names)
    assert (gap is not None and gap < rules["artist_gap"]) == (f"lowered to {gap}" in said)
    most = most_tracks(names)
    assert (most > rules["max_per_artist"]) == (f"raised to {most}" in said)
    assert (len(made) < n) == (f"shortened to {len(made)}" in said)


@settings(max_examples=100, deadline=None)
@given(tasks(), st.integers(3, 20))
def test_a_short_list_has_used_every_candidate(task, n):
    songs, rows, scores, seeds, rules = task
    made = build_playlist(rows, scores, songs, seeds=seeds, n=n, **rules)
    if len(made) < n:
        usable = {r for r, s in zip(rows, scores, strict=True) if r >= 0 and np.isfinite(s)} | set(seeds)
        keys = {(normalised(songs.frame["title"].iat[r]), songs.frame["artist"].iat[r] or r) for r in usable}
        assert len(made) == len(keys)


@settings(max_examples=100, deadline=None)
@given(tasks(), st.integers(3, 20))
def test_seeds_come_first_and_scores_belong_to_their_rows(task, n):
    songs, rows, scores, seeds, rules = task
    made = build_playlist(rows, scores, songs, seeds=seeds, n=n, **rules)
    first = made.rows[: len(seeds)].tolist()
    assert first[:1] == seeds[:1]
    for row, score in zip(made.rows, made.scores, strict=True):
        given_scores = [s for r, s in zip(rows, scores, strict=True) if r == row]
        assert np.isnan(score) if not given_scores else score == np.float32(max(given_scores))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=7),
    st.integers(0, 3),
    st.integers(1, 7),
    st.integers(1, 3),
    st.integers(1, 4),
)
def test_rules_give_way_only_when_no_arrangement_keeps_them(artists, seeds, n, cap, gap):
    """Against all arrangements: the cap is kept if any can, and then the gap as far as any can."""
    n, seeds = min(n, len(artists)), min(n, seeds, len(artists))
    songs = catalogue(artists)
    made = build_playlist(
        range(len(artists)),
        -np.arange(len(artists)),
        songs,
        seeds=range(seeds),
        n=n,
        max_per_artist=cap,
        artist_gap=gap,
    )

    def kept(names):
        return min(0, cap - most_tracks(names)), min(gap, closest_gap(names) or gap)

    others = set(permutations(artists[seeds:], n - seeds))
    assert kept(artists_of(songs, made.rows)) == max(kept([*artists[:seeds], *order]) for order in others)


@settings(max_examples=200, deadline=None)
@given(tasks(), st.floats(3, 60))
def test_minutes_are_met_within_half_a_track(task, minutes):
    songs, rows, scores, seeds, rules = task
    made = build_playlist(rows, scores, songs, seeds=seeds, minutes=minutes, **rules)
    durations = songs.frame["duration"]
    known = durations[durations.notna()]
    seconds = durations.fillna(known.median() if len(known) else 210.0).to_numpy()
    off = seconds[made.rows].sum() - 60 * minutes
    assert "no choice of tracks" not in " ".join(made.relaxed) or len(made) <= len(set(seeds)) + 1
    if not any("minutes became" in note for note in made.relaxed):
        assert abs(off) <= seconds[made.rows].max(initial=max(known.median() if len(known) else 210.0, 0)) / 2 + 1e-6
    assert any("durations unknown" in note for note in made.relaxed) == durations[made.rows].isna().any()


def test_the_best_tracks_are_taken_in_order_of_score():
    songs = catalogue(list("abcdef"))
    made = build_playlist([0, 1, 2, 3, 4, 5], [1, 5, 3, 2, 6, 4], songs, n=4)
    assert made.rows.tolist() == [4, 1, 5, 2]
    assert made.relaxed == []
    assert made.rows.dtype == np.int32
    assert made.seconds == 800.0


def test_another_artist_is_taken_before_a_rule_is_relaxed():
    songs = catalogue(["a"] * 5 + list("bcde"))
    made = build_playlist(range(9), -np.arange(9), songs, n=6)
    assert made.relaxed == []
    assert Counter(artists_of(songs, made.rows)) == {"a": 2, "b": 1, "c": 1, "d": 1, "e": 1}


def test_the_gap_gives_way_before_the_cap():
    songs = catalogue(["a"] * 4 + ["b"] * 4)
    assert build_playlist(range(8), np.ones(8), songs, n=4).relaxed == ["artist gap of 3 lowered to 2"]
    assert build_playlist(range(8), np.ones(8), songs, n=6).relaxed == [
        "artist gap of 3 lowered to 2",
        "artist cap of 2 raised to 3",
    ]


def test_the_same_recording_is_played_once():
    songs = catalogue(
        ["Ann", "ann", "Bo", "Ann"], titles=["Déjà Vu", "Deja vu (2011 Remaster)", "Deja Vu", "Deja Vu (Live)"]
    )
    made = build_playlist(range(4), [0.5, 0.9, 0.4, 0.3], songs, n=3, artist_gap=1)
    assert made.rows.tolist() == [1, 2, 3]


def test_a_seeds_other_edition_is_not_played():
    songs = catalogue(["Ann", "Ann", "Bo"], titles=["Mido", "MIDO", "Tasul"])
    made = build_playlist([1, 2], [0.9, 0.4], songs, seeds=[0], n=2)
    assert made.rows.tolist() == [0, 2]
    assert np.isnan(made.scores[0])


def test_unknown_titles_and_artists_are_bound_by_no_rule():
    songs = catalogue([None] * 4, titles=[None, None, "x", "x"])
    made = build_playlist(range(4), np.ones(4), songs, n=4)
    assert len(made) == 4
    assert made.relaxed == []


def test_each_track_is_followed_by_its_closest():
    songs = catalogue(list("abcdef"))
    made = build_playlist([0, 1, 2, 3, 4, 5], [5, 1, 2, 9, 3, 4], songs, n=6, similarity=closeness)
    assert made.rows.tolist() == [3, 4, 5, 2, 1, 0] or made.rows.tolist() == [3, 2, 1, 0, 4, 5]
    by_score = build_playlist([0, 1, 2, 3, 4, 5], [5, 1, 2, 9, 3, 4], songs, n=6).rows
    assert np.abs(np.diff(made.rows)).sum() < np.abs(np.diff(by_score)).sum()


def test_the_first_follower_is_close_to_the_last_seed():
    songs = catalogue(list("abcdefgh"))
    made = build_playlist([0, 1, 5, 7], [4, 3, 2, 1], songs, seeds=[2, 6], n=4, similarity=closeness)
    assert made.rows[:2].tolist() == [2, 6]
    assert len(made) == 4


def test_shortfalls_are_said():
    songs = catalogue(list("abc"))
    assert build_playlist(range(3), np.ones(3), songs, n=9).relaxed == [
        "9 tracks shortened to 3: the candidates ran out"
    ]
    assert build_playlist(range(3), np.ones(3), songs, minutes=60).relaxed == [
        "60 minutes became 10.0: the candidates ran out"
    ]
    empty = build_playlist([], [], songs)
    assert (len(empty), empty.seconds) == (0, None)


def test_unknown_durations_count_as_the_median_and_are_said():
    songs = catalogue(list("abcde"), durations=[100.0, 100.0, np.nan, 300.0, 100.0])
    made = build_playlist([2, 0, 1], [3, 2, 1], songs, minutes=5)
    assert made.relaxed == ["1 of 3 durations unknown, counted as 100 s each"]
    assert made.seconds == 300.0
    nothing = build_playlist([0, 1], [3, 2], catalogue(list("ab"), durations=[np.nan, np.nan]), minutes=7)
    assert nothing.seconds is None
    assert nothing.relaxed == ["2 of 2 durations unknown, counted as 210 s each"]


def test_a_candidate_longer_than_the_list_is_left_out():
    songs = catalogue(list("abcd"), durations=[3600.0, 200.0, 200.0, 200.0])
    assert build_playlist(range(4), [4, 3, 2, 1], songs, minutes=10).rows.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 0}, "n is 0; expected at least 1"),
        ({"max_per_artist": 0}, "max_per_artist is 0"),
        ({"artist_gap": -1}, "artist_gap is -1"),
        ({"minutes": 0.0}, "minutes is 0.0"),
        ({"minutes": float("nan")}, "minutes is nan"),
        ({"seeds": [9]}, "seeds span 9..9; expected 0..2"),
        ({"seeds": [0, 1], "n": 1}, "2 seeds for 1 tracks; expected n of at least 2"),
        ({"rows": [0, 5, 1]}, "rows span 0..5; expected -1..2"),
        ({"rows": [0, 1]}, "expected one shape"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    arguments = {"rows": [0, 1, 2], "scores": [1, 2, 3], "catalogue": catalogue(list("abc")), **arguments}
    with pytest.raises(DataError, match=message):
        build_playlist(**arguments)


def test_the_same_input_gives_the_same_list():
    rng = np.random.default_rng(0)
    songs = catalogue([f"a{i}" for i in rng.integers(0, 40, 300)])
    scores = rng.random(300).round(1)
    lists = [build_playlist(range(300), scores, songs, similarity=closeness).rows for _ in range(2)]
    assert np.array_equal(*lists)


def test_loosest_needed_keeps_rules_that_can_be_kept():
    assert loosest_needed(list("abcabc"), 6, Rules(2, 3), Start()) == Rules(2, 3)
    assert loosest_needed(list("ab"), 2, Rules(1, 3), Start(["a"])) == Rules(2, 2)


@pytest.mark.parametrize(
    ("title", "bare"),
    [
        ("Mido (Remastered 2011)", "mido"),
        ("Mido [Explicit]", "mido"),
        ("Mido - 2009 Digital Remaster", "mido"),
        ("Mido (Clean Bandit Remix)", "mido clean bandit remix"),
        ("Mido (Live)", "mido live"),
        ("Non-Stereo", "non stereo"),
        ("???", "???"),
        ("Мидо", "мидо"),
    ],
)
def test_only_notes_on_the_edition_are_dropped_from_a_title(title, bare):
    assert normalised(title) == bare
