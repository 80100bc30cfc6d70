"""Foreign entries find their tracks by code, path and name; what is another song is not taken for it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from recsys.errors import DataError
from recsys.sources.matching import Matcher
from recsys.sources.playlist_entries import Entry
from recsys.sources.playlist_files import read_listing
from recsys.tables import Catalogue, IdMap

MBID = "0a1b2c3d-1111-2222-3333-444455556666"
SONGS = pd.DataFrame(
    {
        "title": ["Jóga", "Army of Me", "Army of Me (Live)", "Yesterday", "Human", "Human"],
        "artist": ["Björk", "Björk", "Björk", "The Beatles", "Björk", "The Killers"],
        "path": ["b/joga.mp3", "b/army.mp3", "b/live.mp3", "x/song.mp3", "y/song.mp3", None],
        "mbid": [MBID, None, None, None, None, None],
        "isrc": [None, "GBX1", None, None, None, None],
        "duration": [305.0, 234.0, 300.0, 125.0, 270.0, 245.0],
    }
)


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(IdMap([f"t{i}" for i in range(6)], "track"), Catalogue(SONGS))


@pytest.mark.parametrize(
    ("entry", "row", "by"),
    [
        (Entry(1, ["t4"]), 4, "id"),
        (Entry(1, [f"https://musicbrainz.org/recording/{MBID.upper()}"], ["b/army.mp3"]), 0, "MBID or ISRC"),
        (Entry(1, ["urn:isrc:gbx1"]), 1, "MBID or ISRC"),
        (Entry(1, [], ["b/live.mp3"], "Army of Me", "Björk"), 2, "path"),
        (Entry(1, [], ["C:/elsewhere/joga.mp3"]), 0, "file name"),
        (Entry(1, [], ["song.mp3"]), -1, None),
        (Entry(1, title="army of me!", artist="BJORK", duration=300.0), 1, "artist and title"),
        (Entry(1, title="Yesterday - Remastered 2009", artist="Beatles", duration=126.0), 3, "a name like it"),
        (Entry(1, title="Yesterday (2009 Remaster)", artist="Beatles, The"), 3, "a name like it"),
        (Entry(1, title="04 - Jogga (feat. Somebody)", artist="Björk"), 0, "a name like it"),
        (Entry(1, title="Yesterdayy", artist="The Beatles", duration=190.0), -1, None),
        (Entry(1, title="Jóga (Live)", artist="Björk"), -1, None),
        (Entry(1, title="Human (Acoustic)", artist="The Killers"), -1, None),
        (Entry(1, title="Human", artist="Rag'n'Bone Man"), -1, None),
        (Entry(1, title="Human"), -1, None),
    ],
)
def test_an_entry_finds_its_track(matcher: Matcher, entry: Entry, row: int, by: str | None) -> None:
    found = matcher.match(entry)
    assert (found.row, found.by) == (row, by)


def test_the_length_decides_between_takes_of_one_name() -> None:
    twice = pd.DataFrame({"title": "Song", "artist": "Ann", "duration": [200.0, 180.0, None]})
    matcher = Matcher(IdMap(["a", "b", "c"]), Catalogue(twice))
    assert [matcher.row(Entry(1, title="Song", artist="Ann", duration=d)) for d in (201.0, 181.0, None)] == [0, 1, 0]


def test_the_nearest_name_is_told_where_none_is_sure(matcher: Matcher) -> None:
    found = matcher.match(Entry(1, title="Yesterday Morning", artist="The Beatles"))
    assert found.row == -1
    assert found.nearest is not None
    assert found.nearest[0] == 3
    assert 0.6 <= found.nearest[1] < 0.87


def test_a_list_as_a_table_comes_in_order_of_position(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(
        "position,Track Name,Artist Name,ISRC,Duration (ms)\n2,B,Bo,,1000\n1,A,Ann,X1,2500\n"
    )
    first, second = read_listing(tmp_path / "a.csv").entries
    assert (first.title, first.artist, first.keys, first.duration) == ("A", "Ann", ["X1"], 2.5)
    assert (second.line, second.title, second.keys) == (2, "B", [])
    pd.DataFrame({"track_id": [7, 9], "path": ["a b.mp3", None]}).to_parquet(tmp_path / "b.parquet")
    first, second = read_listing(tmp_path / "b.parquet").entries
    assert (first.keys, first.paths[0], second.keys, second.paths) == (["7"], "a b.mp3", ["9"], [])


def test_a_table_that_tells_no_track_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("mood,plays\nblue,3\n")
    with pytest.raises(DataError, match="found columns mood, plays; expected one of track_id"):
        read_listing(tmp_path / "a.csv")


def test_files_tell_lengths_and_albums(tmp_path: Path) -> None:
    (tmp_path / "a.m3u8").write_text("#EXTM3U\n#EXTINF:184,Ann - Mido\nx/1.ogg\n#EXTINF:-1,Taza\n2.ogg\n3.ogg\n")
    assert [e.duration for e in read_listing(tmp_path / "a.m3u8").entries] == [184.0, None, None]
    (tmp_path / "a.xspf").write_text(
        '<playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track><location>a%20b%C3%A9.ogg</location>'
        "<album>Road</album><duration>183800</duration></track></trackList></playlist>"
    )
    (entry,) = read_listing(tmp_path / "a.xspf").entries
    assert (entry.album, entry.duration) == ("Road", 183.8)
    assert {"a bé.ogg", str(tmp_path.resolve() / "a bé.ogg")} <= set(entry.paths)
