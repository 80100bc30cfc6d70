"""Playlists of every form, and how their entries find their tracks."""

from __future__ import annotations

import json

import pytest

from recsys.errors import DataError
from tests.sources.conftest import Write, ingest, reasons

TRACKS = (
    "track_id,title,artist,path,mbid,isrc\n"
    "t1,Jóga,Björk,music/joga.mp3,11111111-aaaa,\n"
    "t2,Army of Me,Björk,music/army.mp3,,GB1\n"
    "t3,Hyperballad,Björk,other/song.mp3,,\n"
    "t4,Human,Björk,more/song.mp3,,\n"
)
XSPF = """<?xml version="1.0" encoding="UTF-8"?>
<playlist version="1" xmlns="http://xspf.org/ns/0/"><title>Evening</title><trackList>
<track><location>file:///srv/music/army.mp3</location></track>
<track><identifier>https://musicbrainz.org/recording/11111111-AAAA</identifier></track>
<track><creator>BJORK</creator><title>hyperballad</title></track>
<track><title>Nothing</title></track>
</trackList></playlist>"""


def rows(gathered: object) -> list[tuple[str, str, int]]:
    lists = gathered.dataset.playlists  # type: ignore[attr-defined]
    assert lists is not None
    assert lists.weight.tolist() == [1.0] * len(lists)
    return list(zip(lists.users.at(lists.user), lists.tracks.at(lists.track), lists.time.tolist(), strict=True))


def test_m3u_entries_match_by_id_path_name_and_title(write: Write) -> None:
    lines = [
        *("#EXTM3U", "#PLAYLIST:Morning", "#EXTINF:200,Bjork - Jóga", "elsewhere/x.mp3", "t3", "../music/army.mp3"),
        *("C:\\Music\\joga.mp3", "nope/song.mp3", "#EXTINF:1,Nobody - Nothing", "http://radio.example/stream"),
    ]
    folder = write("lists/a.m3u8", "\r\n".join(lines)).parent
    gathered = ingest(tracks=[write("tracks.csv", TRACKS)], playlists=[folder])
    assert rows(gathered) == [("Morning", t, p) for t, p in (("t1", 1), ("t3", 2), ("t2", 3), ("t1", 4))]
    assert [line for line, _ in reasons(gathered)] == [8, 10]
    assert reasons(gathered)[1][1] == "no track matches this playlist entry: 'Nobody – Nothing'"
    assert gathered.counts["unmatched_entries"] == 2


def test_xspf_and_jspf_match_by_place_mbid_isrc_and_names(write: Write) -> None:
    tracks = write("tracks.csv", TRACKS)
    gathered = ingest(tracks=[tracks], playlists=[write("e.xspf", XSPF)])
    assert rows(gathered) == [("Evening", "t2", 1), ("Evening", "t1", 2), ("Evening", "t3", 3)]
    assert reasons(gathered) == [(4, "no track matches this playlist entry: 'Nothing'")]
    entries = [{"identifier": ["urn:isrc:gb1"]}, {"location": "more/song.mp3"}, {"creator": "Björk", "title": "Joga"}]
    content = json.dumps({"playlist": {"title": "Night", "track": entries}})
    for name in ("n.jspf", "n.json"):
        made = ingest(tracks=[tracks], playlists=[write(name, content)])
        assert rows(made) == [("Night", "t2", 1), ("Night", "t4", 2), ("Night", "t1", 3)]


def test_tables_bring_their_own_tracks_and_count_as_histories(write: Write) -> None:
    table = write("lists.csv", "playlist,track_id,position\nA,7,2\nA,9,1\nB,7,x\n")
    gathered = ingest(write("log.csv", "user,track\nann,7\n"), playlists=[table])
    assert rows(gathered) == [("A", 7, 2), ("A", 9, 1)]
    assert reasons(gathered) == [(4, "position is not a number: 'x'")]
    assert gathered.dataset.tracks.ids.tolist() == [7, 9]
    assert gathered.dataset.histories().toarray().tolist() == [[1, 0], [1, 1]]


def test_positions_follow_the_rows_when_there_are_none(write: Write) -> None:
    table = write("lists.csv", "pid,track_id\n5,x\n6,x\n5,y\n")
    assert rows(ingest(playlists=[table])) == [(5, "x", 1), (6, "x", 1), (5, "y", 2)]


def test_playlists_of_one_name_stay_apart(write: Write) -> None:
    for folder in "ab":
        write(f"lists/{folder}/mix.m3u", "t1\n")
    gathered = ingest(
        tracks=[write("tracks.csv", TRACKS)],
        playlists=[write("lists/c.m3u", b"#EXTINF:1,Bj\xf6rk - Human\nq\n").parent],
    )
    assert sorted(rows(gathered)) == [("c", "t4", 1), ("mix", "t1", 1), ("mix (2)", "t1", 1)]


def test_playlists_that_match_nothing_are_an_error(write: Write) -> None:
    with pytest.raises(DataError, match=r"none of the 1 playlist entries matches a track, e.g. .*a.m3u: zzz"):
        ingest(tracks=[write("tracks.csv", TRACKS)], playlists=[write("a.m3u", "zzz\n")])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xspf", '<!DOCTYPE b [<!ENTITY a "aa"><!ENTITY c "&a;&a;">]><playlist>&c;</playlist>', "a DOCTYPE"),
        ("a.xspf", '<!DOCTYPE b SYSTEM "file:///etc/passwd"><playlist/>', "a DOCTYPE"),
        ("a.xspf", "<playlist><track>", "not valid XML"),
        ("a.xspf", "<html/>", "found <html>; expected <playlist>"),
        ("a.jspf", '{"playlist": []}', "is not JSPF"),
        ("a.jspf", "{broken", "is not JSPF"),
        ("a.m3u", "", "is empty"),
        ("a.m3u", b"\x00\x01\x02", "is not text"),
    ],
)
def test_hostile_playlists_are_refused(write: Write, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        ingest(tracks=[write("tracks.csv", TRACKS)], playlists=[write(name, content)])


def test_a_doctype_in_utf16_is_refused_too(write: Write) -> None:
    bomb = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE b [<!ENTITY a "aa">]><playlist>&a;</playlist>'
    with pytest.raises(DataError, match=r"DOCTYPE|not valid XML"):
        ingest(tracks=[write("tracks.csv", TRACKS)], playlists=[write("a.xspf", bomb.encode("utf-16"))])
