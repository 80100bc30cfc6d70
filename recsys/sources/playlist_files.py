"""Playlist files to entries: M3U and M3U8, XSPF, JSPF, and a list as a table (CSV, Parquet)."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from recsys.errors import DataError
from recsys.sources.playlist_entries import Entry, Listing, paths
from recsys.sources.read import plain_errors, stem
from recsys.sources.text import open_text

SUFFIXES = (".m3u", ".m3u8", ".xspf", ".jspf")
LARGEST = 64 << 20
EXTINF = re.compile(r"#EXTINF:\s*(-?[\d.]*)[^,]*,(.*)", re.IGNORECASE)


def read_listing(file: Path) -> Listing:
    """Read one playlist file; the format is told by its suffix and content.

    Raises:
        DataError: not a playlist, broken, larger than 64 MB, or an XML file with a DOCTYPE.
    """
    if file.suffix.lower() in (".csv", ".tsv", ".parquet"):
        from recsys.sources.playlist_tables import read_table

        return Listing(file, stem(file), read_table(file))
    with plain_errors(file):
        content = _content(file)
    start = content.lstrip()[:1]
    if start == b"<":
        return _xspf(file, content)
    return _jspf(file, content) if start == b"{" else _m3u(file, content)


def looks_like_jspf(file: Path) -> bool:
    """Whether a .json file holds a playlist rather than rows."""
    if file.suffix.lower() != ".json":
        return False
    with plain_errors(file), open_text(file) as stream:
        return bool(re.match(rb'\s*\{\s*"playlist"\s*:', stream.read(1024)))


def _content(file: Path) -> bytes:
    if file.read_bytes()[:2] in (b"\xff\xfe", b"\xfe\xff") or file.suffix == ".gz":
        with open_text(file) as stream:
            content = stream.read(LARGEST + 1)
    else:
        with file.open("rb") as raw:
            content = raw.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise DataError(f"{file} is larger than {LARGEST >> 20} MB; expected a playlist")
    if not content.strip():
        raise DataError(f"{file} is empty; expected a playlist")
    if b"\0" in content:
        raise DataError(f"{file} is not text (it has zero bytes); expected M3U, XSPF or JSPF")
    return content.removeprefix(b"\xef\xbb\xbf")


def _m3u(file: Path, content: bytes) -> Listing:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    listing = Listing(file, stem(file), [])
    about: dict[str, Any] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.strip()
        if line.upper().startswith("#PLAYLIST:"):
            listing.name = line.partition(":")[2].strip() or listing.name
        elif match := EXTINF.match(line):
            about = {**_artist_title(match.group(2)), "duration": _seconds(match.group(1))}
        elif line and not line.startswith("#"):
            listing.entries.append(Entry(number, [line], paths(line, file), **about))
            about = {}
    return listing


def _artist_title(text: str) -> dict[str, str | None]:
    artist, dash, title = re.sub(r"\s[–—]\s", " - ", text).partition(" - ")
    artist, title = (artist, title) if dash else ("", text)
    return {"artist": artist.strip() or None, "title": title.strip() or None}


def _seconds(text: str | None, per: float = 1.0) -> float | None:
    """A length in seconds; None for what is no number or not more than 0."""
    try:
        found = float(text or "nan") / per
    except ValueError:
        return None
    return found if 0 < found < 1e9 else None


class _NoDoctype(ET.TreeBuilder):
    """Builds a tree, and stops at a DOCTYPE, before any entity could be defined."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        raise DataError(f"a DOCTYPE ({name}) is not accepted; expected plain XSPF without one")


FIELDS = ("location", "identifier", "title", "creator", "album", "duration", "annotation")


def _xspf(file: Path, content: bytes) -> Listing:
    parser = ET.XMLParser(target=_NoDoctype())
    try:
        parser.feed(content)
        root = parser.close()
    except ET.ParseError as error:
        raise DataError(f"{file} is not valid XML: {error}; expected XSPF") from error
    except DataError as error:
        raise DataError(f"{file}: {error}") from None
    if _tag(root) != "playlist":
        raise DataError(f"{file}: found <{_tag(root)}>; expected <playlist>, as in XSPF")
    listing = Listing(file, _child(root, "title") or stem(file), [])
    for place, track in enumerate((t for t in root.iter() if _tag(t) == "track"), 1):
        fields = {name: _children(track, name) for name in FIELDS}
        listing.entries.append(_entry(place, fields, file))
    return listing


def _jspf(file: Path, content: bytes) -> Listing:
    try:
        playlist = json.loads(content)["playlist"]
        tracks = playlist["track"]
        title = playlist.get("title")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f'{file} is not JSPF ({error}); expected {{"playlist": {{"track": [...]}}}}') from error
    items = [track if isinstance(track, dict) else {} for track in (tracks if isinstance(tracks, list) else [])]
    fields = [{key: list(_strings(value)) for key, value in item.items()} for item in items]
    entries = [_entry(place, field, file) for place, field in enumerate(fields, 1)]
    return Listing(file, title if isinstance(title, str) and title else stem(file), entries)


def _entry(number: int, fields: dict[str, list[str]], file: Path) -> Entry:
    """XSPF and JSPF say the same: places are URI references, lengths milliseconds."""
    first = {name: next(iter(values), None) for name, values in fields.items()}
    places = list(dict.fromkeys(place for location in fields.get("location", []) for place in _spelt(location)))
    return Entry(
        number,
        [*fields.get("identifier", []), *places],
        [path for location in places for path in paths(location, file)],
        first.get("title"),
        first.get("creator"),
        first.get("album"),
        _seconds(first.get("duration"), per=1000.0),
        first.get("annotation"),
    )


def _spelt(location: str) -> list[str]:
    """A place as it is meant and, if that differs, as it is written."""
    return [location] if "://" in location else [unquote(location), location]


def _strings(value: Any) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, (str, int)) and str(item).strip():
            yield str(item).strip()


def _tag(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def _children(element: ET.Element, name: str) -> list[str]:
    return [c.text.strip() for c in element if _tag(c) == name and c.text and c.text.strip()]


def _child(element: ET.Element, name: str) -> str | None:
    return next(iter(_children(element, name)), None)
