"""Copies, versions and covers among made songs, and nothing where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from recsys import manifest
from recsys.audio import analyse as analysing
from recsys.audio import parts
from recsys.audio.candidates import Pairs, alike, crowd, likeness, nearest, together
from recsys.audio.ids import identify
from recsys.audio.journal import opened
from recsys.audio.relations import (
    COLUMNS,
    COVER,
    SAME,
    VERSION,
    collapse,
    onsets_together,
    read_relations,
    recordings,
    relations,
    write_relations,
)
from recsys.audio.scan import Found
from recsys.audio.sound import RATE
from recsys.audio.store import Features, open_features
from recsys.audio.titles import plain_artist, plain_title
from recsys.errors import ArtefactError
from recsys.sources.sample.compose import Note, compose
from recsys.sources.sample.synth import render
from recsys.sources.sample.world import make_tracks

SECONDS = 22.0
SONGS = {track.artist: track for track in make_tracks(40, np.random.default_rng(3))}  # one of each artist
PICKED = sorted(SONGS)[:5]


def song(artist: int, **changes: Any) -> NDArray[np.float32]:
    """A song, or the same notes by other means."""
    return render(notes(artist, **changes), SECONDS)


def notes(artist: int, **changes: Any) -> list[Note]:
    return compose(replace(SONGS[artist], **changes), SECONDS, np.random.default_rng(artist)).notes


def covered(artist: int, steps: int) -> NDArray[np.float32]:
    """Every note that is not a drum's in another key, played duller."""
    moved = [n if n.instrument == "drums" else n._replace(midi=n.midi + steps) for n in notes(artist)]
    return render(moved, SECONDS, brightness=0.3)


def library(folder: Path, files: Mapping[str, tuple[NDArray[Any], dict[str, str]]]) -> Features:
    """Sounds with their tags as features; file names sort as the given names do."""
    folder.mkdir()
    with opened(folder / "features") as journal:
        for name, (samples, tags) in files.items():
            path = str(folder / name)
            soundfile.write(path, samples, RATE)
            identity = identify(path)
            row = parts.identified(parts.file_row(Found(path, 1, 1), "x"), identity)
            journal.add({**row, **tags}, parts.analysis_row(identity.digest, "x", analysing.analyse(path)))
        journal.seal([str(folder / name) for name in files], {})
    return open_features(folder / "features")


@pytest.fixture(scope="module")
def features(tmp_path_factory: pytest.TempPathFactory) -> Features:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(analysing, "DESCRIPTORS", tuple(dict.fromkeys((*analysing.DESCRIPTORS, "fingerprint"))))
        one, two, three, *others = PICKED
        live = np.concatenate([song(three, tempo=SONGS[three].tempo * 1.1), song(three)[: 5 * RATE]])
        files = {
            "one.flac": (song(one), {"title": "Dawn", "artist": "Ann"}),
            "one copied.ogg": (song(one), {}),
            "one quiet.flac": (0.2 * song(one), {"title": "Dawn (Remastered)", "artist": "Ann"}),
            "one trimmed.flac": (song(one)[RATE:], {}),
            "two.flac": (song(two), {"title": "Dusk", "artist": "Bo"}),
            "two covered.flac": (covered(two, 3), {"artist": "Cy"}),
            "three.flac": (song(three), {"title": "Noon", "artist": "The Dots"}),
            "three live.flac": (live, {"title": "Noon - Live 1999", "artist": "Dots feat. Ann"}),
        }
        files |= {f"other {i}.flac": (song(i), {"title": f"Other {i}", "artist": f"E{i}"}) for i in others}
        return library(tmp_path_factory.mktemp("relations") / "library", files)


@pytest.fixture(scope="module")
def found(features: Features) -> dict[tuple[str, str], tuple[str, float]]:
    """Relation and confidence by names of files."""
    names = {track: Path(path).stem for track, path in features.catalogue["path"].items()}
    rows = relations(features).itertuples(index=False)
    return {tuple(sorted((names[r.track_a], names[r.track_b]))): (r.relation, r.confidence) for r in rows}


def kind(found: dict[tuple[str, str], tuple[str, float]], one: str, other: str) -> str | None:
    return found.get(tuple(sorted((one, other))), (None, 0.0))[0]


@pytest.mark.parametrize("copy", ["one copied", "one quiet", "one trimmed"])
def test_codec_gain_and_trim_leave_the_same_recording(found: Any, copy: str) -> None:
    assert kind(found, "one", copy) == SAME
    assert found[tuple(sorted(("one", copy)))][1] > 0.75


def test_the_same_notes_in_another_key_are_a_cover(found: Any) -> None:
    assert kind(found, "two", "two covered") == COVER


def test_title_and_artist_make_a_version(found: Any) -> None:
    assert kind(found, "three", "three live") == VERSION


def test_what_is_unrelated_stays_so(found: Any) -> None:
    related = {pair for pair in found if pair[0].split()[0] != pair[1].split()[0]}
    assert related == set()
    assert not [pair for pair in found if pair[0].startswith("other")]


def test_a_pair_is_told_once_in_order(features: Features) -> None:
    table = relations(features)
    assert table.columns.tolist() == COLUMNS
    assert (table["track_a"] < table["track_b"]).all()
    assert not table.duplicated(["track_a", "track_b"]).any()
    assert table["confidence"].between(0, 1, inclusive="right").all()


def test_relations_are_stored_and_read(features: Features, tmp_path: Path) -> None:
    table = relations(features)
    write_relations(table, tmp_path / "relations", features)
    pd.testing.assert_frame_equal(read_relations(tmp_path / "relations"), table)
    assert manifest.problems(tmp_path / "relations") == []
    assert manifest.read(tmp_path / "relations")["relations"][SAME] == (table["relation"] == SAME).sum()
    with pytest.raises(ArtefactError, match="relations"):
        read_relations(features.folder)


def test_without_fingerprints_titles_still_tell(features: Features) -> None:
    bare = replace(features, extra={})
    assert set(relations(bare)["relation"]) == {VERSION}


def test_no_tracks_no_relations(features: Features) -> None:
    none = replace(
        features,
        tracks=type(features.tracks)([], "track"),
        catalogue=features.catalogue.iloc[:0],
        traits=features.traits.iloc[:0],
        blocks={name: empty(space) for name, space in features.blocks.items()},
        extra={name: empty(space) for name, space in features.extra.items()},
    )
    assert relations(none).columns.tolist() == COLUMNS
    assert relations(none).empty


def empty(space: Any) -> Any:
    return type(space)(space.vectors[:0], space.known[:0], space.space)


def related(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


def test_collapse_keeps_the_first_of_each_group_and_counts_anew() -> None:
    rows = pd.DataFrame({"query": ["q", "q", "q", "q", "r"], "rank": [1, 2, 3, 4, 1], "track_id": list("abcdb")})
    table = related(("a", "b", SAME, 0.9), ("b", "d", SAME, 0.8), ("b", "c", VERSION, 1.0))
    kept = collapse(rows, table)
    assert kept["track_id"].tolist() == ["a", "c", "b"]
    assert kept["rank"].tolist() == [1, 2, 1]
    assert collapse(rows, table, kinds=(SAME, VERSION))["track_id"].tolist() == ["a", "b"]
    assert collapse(rows, table, least=0.85)["track_id"].tolist() == ["a", "c", "d", "b"]


def test_recordings_are_named_after_their_first_track() -> None:
    table = related(("a", "b", SAME, 0.9), ("b", "c", SAME, 0.9), ("d", "e", VERSION, 1.0), ("f", "g", SAME, 0.4))
    assert recordings(table) == {"a": "a", "b": "a", "c": "a"}


def test_collapse_takes_out_what_is_the_query_itself() -> None:
    rows = pd.DataFrame({"query": ["q", "q"], "rank": [1, 2], "track_id": ["a", "b"]})
    assert collapse(rows, related(("a", "q", SAME, 0.9)))["track_id"].tolist() == ["b"]
    assert collapse(rows, related())["track_id"].tolist() == ["a", "b"]


@given(seed=st.integers(0, 1000), shift=st.floats(-2.4, 2.4), cut=st.integers(0, 10))
def test_onsets_agree_at_any_shift(seed: int, shift: float, cut: int) -> None:
    times = np.cumsum(np.random.default_rng(seed).uniform(0.1, 0.9, 40)).astype(np.float32)
    assert onsets_together(times, times[cut:] + np.float32(shift)) == 1.0
    assert np.isnan(onsets_together(times[:5], times))


def test_onsets_of_another_song_do_not_agree() -> None:
    rng = np.random.default_rng(0)
    one, other = (np.cumsum(rng.uniform(0.1, 0.9, 60)).astype(np.float32) for _ in range(2))
    assert onsets_together(one, other) < 0.5


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40), count=st.integers(1, 5))
def test_nearest_is_what_sorting_finds(seed: int, rows: int, count: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, 3)).astype(np.float32)
    table = vectors @ vectors.T
    np.fill_diagonal(table, -np.inf)
    lists = [{int(j) for j in np.argsort(-row)[:count] if row[j] >= 0.2} for row in table]
    expected = {(min(i, j), max(i, j)): i in lists[j] and j in lists[i] for i in range(rows) for j in lists[i]}
    got = nearest(vectors, count, 0.2)
    assert dict(zip(zip(got.a.tolist(), got.b.tolist(), strict=True), got.mutual.tolist(), strict=True)) == expected


def test_nearest_works_over_several_blocks() -> None:
    vectors = np.zeros((700, 700), np.float32)
    vectors[np.arange(700), np.arange(700) % 350] = 1
    found = nearest(vectors, 3, 0.5)
    np.testing.assert_array_equal(found.b, found.a + 350)
    assert found.mutual.all()
    np.testing.assert_array_equal(likeness(vectors, found, step=64), 1.0)


@given(seed=st.integers(0, 1000), rows=st.integers(1, 30), count=st.integers(1, 6))
def test_a_crowd_is_what_sorting_finds(seed: int, rows: int, count: int) -> None:
    vectors = np.random.default_rng(seed).normal(size=(rows, 4)).astype(np.float32)
    asked = np.arange(0, rows, 2)
    others = [np.sort(np.delete(vectors @ vectors[row], row))[::-1][1 : count + 1] for row in asked]
    expected = [other.mean() if rows > 2 else 0.0 for other in others]
    np.testing.assert_allclose(crowd(vectors, asked, count), expected, atol=1e-5)


def test_copies_are_no_crowd() -> None:
    vectors = np.eye(8, dtype=np.float32)[[0, 0, 0, 0, 1, 2, 3]]
    vectors[4, 0] = vectors[5, 0] = 0.5
    assert crowd(vectors, np.array([0]), 2)[0] == 1.0
    assert crowd(vectors, np.array([0]), 2, below=0.9)[0] == 0.25, "the nearest is left out, the next is 0.5"


@pytest.mark.parametrize(("alike_ones", "pairs"), [(2, 1), (8, 0)])
def test_what_is_near_to_many_is_no_cover(
    features: Features, monkeypatch: pytest.MonkeyPatch, alike_ones: int, pairs: int
) -> None:
    """Two songs that move alike are a cover each of the other; eight that all do are a style."""
    vectors = np.eye(len(features) + 1, dtype=np.float32)[1:]
    vectors[:alike_ones] *= np.float32(np.sqrt(1 - 0.91))
    vectors[:alike_ones, 0] = np.sqrt(0.91)
    monkeypatch.setattr("recsys.audio.relations.fingerprints", lambda _: vectors)
    apart = np.arange(len(features)) * 10.0 + 30  # lengths that rule out the same recording
    catalogue = features.catalogue.assign(title=None, artist=None, duration=apart)
    assert relations(replace(features, catalogue=catalogue))["relation"].tolist() == [COVER] * pairs


def test_a_common_title_makes_few_pairs() -> None:
    codes = np.zeros(1000, np.int64)
    found = alike(codes, np.arange(1000), 10)
    assert len(found.a) <= 10_000
    assert (found.a < found.b).all()


def test_pairs_are_joined_and_stay_mutual() -> None:
    rows, true = np.array([0, 1]), np.array([True, False])
    one, other = Pairs(rows, rows + 2, true), Pairs(rows, rows + 2, ~true)
    both = together(one, other)
    assert (both.a.tolist(), both.mutual.tolist()) == ([0, 1], [True, True])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Für Elise", "Fur Elise (Piano Version)"),
        ("Don't Stop", "DONT STOP – Remastered 2011"),
        ("Song [Live] feat. Bo", "song"),
        ("Night ft. Ann", "Night"),
    ],
)
def test_titles_of_one_song_are_equal(one: str, other: str) -> None:
    assert plain_title(one) == plain_title(other)


def test_titles_of_other_songs_are_not() -> None:
    texts = ["Feat of Strength", "Strength", "(I)", "(II)", "Life - Death", "Live", "Life", "夜", ""]
    assert len({plain_title(text) for text in texts}) == len(texts)
    assert plain_title(float("nan")) == ""
    assert plain_artist("The The") == "the"
