"""Playlist files: M3U8, XSPF, JSPF, CSV and Parquet, chosen by suffix; replaced whole, so no player sees half a list.

Paths are written relative to the playlist's folder, so that it can be moved together with the library. A track
without a usable path, or whose path leads out of the library, has its id as location. ``.m3u`` is UTF-8 like ``.m3u8``.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import quote
from xml.etree import ElementTree

from recsys import manifest
from recsys.errors import DataError, did_you_mean

XSPF = "http://xspf.org/ns/0/"
EXTENSION = "urn:recsys:track"  # names our part of a JSPF track
UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")
WEB = re.compile(r"https?://[^\s\x00-\x20]+$", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One track of a playlist file.

    Attributes:
        duration: seconds.
        path: of the sound file, relative to the library's root, or absolute; or a web address.
        reason: why the track is in the list.
        licence: as the catalogue names it.
        marks: "explicit", "generated", or both.
    """

    track_id: str
    title: str | None = None
    artist: str | None = None
    album: str | None = None
    duration: float | None = None
    path: str | None = None
    mbid: str | None = None
    isrc: str | None = None
    reason: str | None = None
    licence: str | None = None
    marks: str | None = None


@dataclass(frozen=True)
class List:
    """What goes into a file: a title, safe entries whose ``path`` is their location, a sentence about it all."""

    title: str
    entries: Sequence[Entry]
    about: str | None = None


def write_playlist(
    path: Path,
    entries: Sequence[Entry],
    *,
    title: str,
    root: Path | None = None,
    about: str | None = None,
    absolute: bool = False,
    outside: bool = False,
) -> None:
    """Write a playlist file atomically; the suffix names the format: .m3u8 .m3u .xspf .jspf .csv .parquet.

    Args:
        title: the playlist's name (tables have no place for it).
        root: the library that paths are relative to and must stay in. Without it, relative paths are relative to
            the playlist's folder and must stay there, and absolute ones may be anywhere.
        about: a sentence about the list, for XSPF and JSPF.
        absolute: write whole paths instead of relative ones.
        outside: paths may lead out of the library.

    Raises:
        DataError: another suffix.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     write_playlist(Path(folder, "a.m3u8"), [Entry("t1", "Mido", "Sulza", path="audio/t1.ogg")], title="A")
    ...     print(Path(folder, "a.m3u8").read_text())
    #EXTM3U
    #PLAYLIST:A
    #EXTINF:-1,Sulza - Mido
    audio/t1.ogg
    """
    writer = writer_of(path.suffix)
    placed = [_clean(entry, _location(entry, path, root, absolute, outside)) for entry in entries]
    made = writer(List(_plain(title) or "", placed, _plain(about)))
    manifest.write_bytes(path, made.encode() if isinstance(made, str) else made)


def writer_of(suffix: str) -> Writer:
    """What writes files of a suffix.

    Raises:
        DataError: a suffix that is not known.
    """
    writer = WRITERS.get(suffix.lower())
    if writer is None:
        raise DataError(f"{suffix!r} is no playlist format known here{did_you_mean(suffix.lower(), WRITERS)}")
    return writer


def _plain(text: object | None) -> str | None:
    """Text on one line, without characters that a file format can't hold; None for nothing."""
    if text is None:
        return None
    return UNSAFE.sub(" ", str(text)).strip() or None


def _clean(entry: Entry, location: str | None) -> Entry:
    """Safe text everywhere; ``path`` is now the location, None when only the id is left."""
    duration = entry.duration if entry.duration is not None and 0 < entry.duration < 1e9 else None
    text = {name: _plain(value) for name, value in asdict(entry).items() if name not in ("duration", "path")}
    text["track_id"] = text["track_id"] or ""
    return Entry(**text, duration=duration, path=location)  # type: ignore[arg-type]


def _location(entry: Entry, playlist: Path, root: Path | None, absolute: bool, outside: bool) -> str | None:
    """The entry's path from the playlist's folder, with forward slashes; None when it has none that may be used."""
    if not entry.path or UNSAFE.search(entry.path):
        return None
    if WEB.match(entry.path):
        return entry.path
    folder = os.path.abspath(playlist.parent)
    home = os.path.abspath(root or folder)
    target = os.path.normpath(os.path.join(home, entry.path))
    inside = os.path.commonpath([home, target]) == home and target != home
    if not (inside or outside) and (root or not os.path.isabs(entry.path)):
        return None
    return Path(target if absolute else os.path.relpath(target, folder)).as_posix()


def _name(entry: Entry) -> str:
    return " - ".join(part for part in (entry.artist, entry.title) if part) or entry.track_id


def _address(entry: Entry) -> str:
    """The location as a URI reference."""
    location = entry.path or entry.track_id
    return location if WEB.match(location) else quote(location)


def _identifiers(entry: Entry) -> list[str]:
    mbid = [f"https://musicbrainz.org/recording/{quote(entry.mbid)}"] if entry.mbid else []
    return mbid + ([f"urn:isrc:{quote(entry.isrc)}"] if entry.isrc else [])


def _m3u8(made: List) -> str:
    lines = ["#EXTM3U", f"#PLAYLIST:{made.title}"]
    for entry in made.entries:
        location = entry.path or entry.track_id
        seconds = -1 if entry.duration is None else round(entry.duration)
        lines += [f"#EXTINF:{seconds},{_name(entry)}", f"./{location}" if location.startswith("#") else location]
    return "\n".join(lines) + "\n"


def _xspf(made: List) -> str:
    playlist = ElementTree.Element("playlist", {"version": "1", "xmlns": XSPF})
    for name, value in _head(made):
        ElementTree.SubElement(playlist, name).text = value
    tracks = ElementTree.SubElement(playlist, "trackList")
    for entry in made.entries:
        track = ElementTree.SubElement(tracks, "track")
        for name, value in _parts(entry):
            ElementTree.SubElement(track, name).text = value
        for name, value in _own(entry, "licence", "marks").items():
            ElementTree.SubElement(track, "meta", {"rel": f"{EXTENSION}:{name}"}).text = value
    ElementTree.indent(playlist, " ")
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(playlist, encoding="unicode") + "\n"


def _head(made: List) -> list[tuple[str, str]]:
    return [("title", made.title), *([("annotation", made.about)] if made.about else [])]


def _parts(entry: Entry) -> list[tuple[str, str]]:
    """The elements of an XSPF track that there is something to say in."""
    milliseconds = None if entry.duration is None else str(round(entry.duration * 1000))
    parts = [
        ("location", _address(entry)),
        *(("identifier", identifier) for identifier in _identifiers(entry)),
        ("title", entry.title),
        ("creator", entry.artist),
        ("annotation", entry.reason),
        ("album", entry.album),
        ("duration", milliseconds),
    ]
    return [(name, value) for name, value in parts if value]


def _jspf(made: List) -> str:
    content = {"playlist": {**dict(_head(made)), "track": [_jspf_track(entry) for entry in made.entries]}}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _jspf_track(entry: Entry) -> dict[str, object]:
    own = _own(entry, "track_id", "reason", "licence", "marks")
    track: dict[str, object] = {"location": [_address(entry)], "identifier": _identifiers(entry)}
    track |= {name: value for name, value in _parts(entry) if name not in ("location", "identifier", "duration")}
    if entry.duration is not None:
        track["duration"] = round(entry.duration * 1000)
    return {name: value for name, value in track.items() if value} | {"extension": {EXTENSION: [own]}}


def _own(entry: Entry, *names: str) -> dict[str, str]:
    """What only our part of a track has a place for."""
    return {name: value for name in names if (value := getattr(entry, name))}


def _rows(made: List) -> list[dict[str, object]]:
    return [{"position": place, **asdict(entry)} for place, entry in enumerate(made.entries, start=1)]


def _csv(made: List) -> str:
    file = io.StringIO()
    table = csv.DictWriter(file, ["position", *asdict(Entry(""))], lineterminator="\n")
    table.writeheader()
    table.writerows(_rows(made))
    return file.getvalue()


def _parquet(made: List) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {"position": pa.int32(), "duration": pa.float64()}
    fields = [pa.field(name, types.get(name, pa.string())) for name in ("position", *asdict(Entry("")))]
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(_rows(made), schema=pa.schema(fields)), file)
    return file.getvalue()


Writer = Callable[[List], str | bytes]
WRITERS: dict[str, Writer] = {
    ".m3u8": _m3u8,
    ".m3u": _m3u8,
    ".xspf": _xspf,
    ".jspf": _jspf,
    ".csv": _csv,
    ".parquet": _parquet,
}
