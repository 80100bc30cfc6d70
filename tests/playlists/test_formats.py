"""Playlist files can be read back, whatever is in a name, and never point out of the library."""

import csv
import json
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recsys.errors import DataError
from recsys.playlists import Entry, write_playlist
from recsys.sources import gather

SONG = Entry("t1", "Mido", "Sulza", "Road", 183.8, "audio/t1.ogg", "m-1", "XX1", "liked by many who like Taza")
NS = {"x": "http://xspf.org/ns/0/"}
texts = (
    st.none()
    | st.text(st.characters(), max_size=12)
    | st.sampled_from(["#x", "a\nb", "a\r\n#EXTINF:1,evil", "-", "&<>"])
)
entries = st.builds(
    Entry,
    track_id=st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), min_size=1, max_size=8),
    title=texts,
    artist=texts,
    album=texts,
    duration=st.none() | st.floats(allow_nan=True),
    path=st.none() | st.sampled_from(["a.ogg", "x/y z.ogg", "../out.ogg", "a\nb.ogg", "x/../../b", "#1.ogg", ".", ""]),
    mbid=texts,
    isrc=texts,
    reason=texts,
)


def written(entries, suffix, title="A list", root=None):
    with TemporaryDirectory() as folder:
        path = Path(folder, "lists", f"a{suffix}")
        write_playlist(path, entries, title=title, root=None if root is None else Path(folder, root))
        assert [p.name for p in path.parent.iterdir()] == [path.name]
        return path.read_bytes().decode()


def locations(text, suffix):
    """What a player would open, decoded."""
    if suffix in (".m3u8", ".m3u"):
        return [line for line in text.split("\n") if line and not line.startswith("#")]
    if suffix == ".xspf":
        return [unquote(e.text) for e in ElementTree.fromstring(text).iterfind(".//x:location", NS)]
    if suffix == ".jspf":
        return [unquote(t["location"][0]) for t in json.loads(text)["playlist"]["track"]]
    return [row["path"] or row["track_id"] for row in csv.DictReader(text.splitlines())]


@settings(max_examples=100, deadline=None)
@given(st.lists(entries, max_size=4), texts, st.sampled_from([".m3u8", ".m3u", ".xspf", ".jspf", ".csv"]))
def test_any_names_give_one_readable_location_per_track(tracks, title, suffix):
    text = written(tracks, suffix, title)
    found = locations(text, suffix)
    assert len(found) == len(tracks)
    for track, location in zip(tracks, found, strict=True):
        assert location.removeprefix("./") in (track.path, track.track_id)
        assert ".." not in Path(location).parts or location == track.track_id


@settings(max_examples=50, deadline=None)
@given(st.lists(entries, max_size=4), texts)
def test_m3u8_has_one_comment_and_one_location_per_track(tracks, title):
    lines = written(tracks, ".m3u8", title).split("\n")
    assert lines[0] == "#EXTM3U"
    assert lines[1].startswith("#PLAYLIST:")
    assert lines[-1] == ""
    assert [line.startswith("#EXTINF:") for line in lines[2:-1]] == [True, False] * len(tracks)


def test_m3u8():
    assert written([SONG, Entry("t2")], ".m3u8") == (
        "#EXTM3U\n#PLAYLIST:A list\n#EXTINF:184,Sulza - Mido\naudio/t1.ogg\n#EXTINF:-1,t2\nt2\n"
    )


def test_xspf():
    playlist = ElementTree.fromstring(written([SONG], ".xspf"))
    assert (playlist.tag, playlist.get("version")) == ("{http://xspf.org/ns/0/}playlist", "1")
    assert [e.tag.removeprefix("{http://xspf.org/ns/0/}") for e in playlist] == ["title", "trackList"]
    assert {e.tag.split("}")[1]: e.text for e in playlist.iterfind(".//x:track/*", NS)} == {
        "location": "audio/t1.ogg",
        "identifier": "urn:isrc:XX1",
        "title": "Mido",
        "creator": "Sulza",
        "annotation": "liked by many who like Taza",
        "album": "Road",
        "duration": "183800",
    }


def test_jspf():
    (track,) = json.loads(written([SONG], ".jspf"))["playlist"]["track"]
    assert track == {
        "location": ["audio/t1.ogg"],
        "identifier": ["https://musicbrainz.org/recording/m-1", "urn:isrc:XX1"],
        "title": "Mido",
        "creator": "Sulza",
        "annotation": SONG.reason,
        "album": "Road",
        "duration": 183800,
        "extension": {"urn:recsys:track": [{"track_id": "t1", "reason": SONG.reason}]},
    }


def test_csv():
    rows = list(csv.DictReader(written([SONG, Entry("t2")], ".csv").splitlines()))
    assert [row["position"] for row in rows] == ["1", "2"]
    assert rows[0]["title"] == "Mido"
    assert rows[1]["path"] == ""


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("audio/t1.ogg", "../library/audio/t1.ogg"),
        ("../secret.ogg", "t1"),
        ("/etc/passwd", "t1"),
        ("a/../../x.ogg", "t1"),
        ("a/../x.ogg", "../library/x.ogg"),
        ("https://example.org/a.ogg", "https://example.org/a.ogg"),
        (None, "t1"),
    ],
)
def test_paths_stay_in_the_library_and_are_relative_to_the_playlist(path, location):
    for suffix in (".m3u8", ".xspf", ".jspf", ".csv"):
        assert locations(written([Entry("t1", path=path)], suffix, root="library"), suffix) == [location]


def test_without_a_library_an_absolute_path_becomes_relative_to_the_playlist(tmp_path):
    write_playlist(tmp_path / "lists" / "a.m3u8", [Entry("t1", path=str(tmp_path / "x" / "t1.ogg"))], title="A")
    assert (tmp_path / "lists" / "a.m3u8").read_text().splitlines()[-1] == "../x/t1.ogg"


def test_an_absolute_path_within_the_library_becomes_relative(tmp_path):
    write_playlist(tmp_path / "a.m3u8", [Entry("t1", path=str(tmp_path / "x" / "t1.ogg"))], title="A")
    assert (tmp_path / "a.m3u8").read_text().splitlines()[-1] == "x/t1.ogg"


def test_an_unknown_suffix_names_the_known_ones(tmp_path):
    with pytest.raises(DataError, match=r"'\.pls' is no playlist format known here; expected one of \.csv, \.jspf"):
        write_playlist(tmp_path / "a.pls", [SONG], title="A")


def test_an_existing_file_is_replaced_whole(tmp_path):
    write_playlist(tmp_path / "a.m3u8", [SONG] * 50, title="A")
    write_playlist(tmp_path / "a.m3u8", [SONG], title="A")
    assert len((tmp_path / "a.m3u8").read_text().splitlines()) == 4


@pytest.mark.parametrize("suffix", [".m3u8", ".m3u", ".xspf", ".jspf"])
def test_what_is_written_can_be_read_back_as_a_source(tmp_path, suffix):
    (tmp_path / "plays.csv").write_text("user_id,track_id\nann,t1\nann,t2\nbo,t 3\n")
    (tmp_path / "tracks.csv").write_text(
        "track_id,title,artist,path\nt1,Mido,Sulza,audio/a b.ogg\nt2,,,\nt 3,Taza,Lo,\n"
    )
    made = [Entry("t 3", "Taza", "Lo"), Entry("t1", "Mido", "Sulza", path="audio/a b.ogg"), Entry("t2")]
    write_playlist(tmp_path / f"list{suffix}", made, title="A list")
    paths = {what: [tmp_path / f"{what}.csv"] for what in ("plays", "tracks")}
    dataset = gather(**paths, playlists=[tmp_path / f"list{suffix}"]).dataset
    order = dataset.playlists.track[dataset.playlists.time.argsort()]
    assert dataset.tracks.at(order).tolist() == ["t 3", "t1", "t2"]
