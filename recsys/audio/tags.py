"""What a file says about itself: title, artist and the rest, cleaned; never an error."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST = 500
HEAD = 1 << 18
UFID = re.compile(rb"UFID.{6}http://musicbrainz\.org\x00([0-9a-fA-F-]{36})", re.DOTALL)
MBID = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
ISRC = re.compile(r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$")
MBID_NAMES = ("musicbrainz_trackid", "musicbrainz track id", "musicbrainz/track id", "musicbrainz_recordingid")


@dataclass(frozen=True)
class Tags:
    """Tags of one file; None where unknown. ``cut`` tells that a text was longer than 500 characters."""

    title: str | None = None
    artist: str | None = None
    album: str | None = None
    year: int | None = None
    genre: list[str] | None = None
    duration: float | None = None
    isrc: str | None = None
    mbid: str | None = None
    cut: bool = False


def read_tags(path: str) -> Tags:
    """The tags of a file, as far as they can be read; ``duration`` is what the header declares, in seconds.

    Raises:
        OSError: the file cannot be opened.
    """
    from tinytag import TinyTag

    with open(path, "rb") as file:
        head = file.read(HEAD)
        file.seek(0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = TinyTag.get(file_obj=file)
        except Exception:  # whatever a broken tag makes of a parser: the file has no tags then
            return Tags(mbid=_mbid(head, {}))
    return _clean(found, head)


def _clean(found: Any, head: bytes) -> Tags:
    other = {str(name).lower(): values for name, values in (found.other or {}).items()}
    texts = {name: getattr(found, name, None) for name in ("title", "artist", "album")}
    genres = [g for value in [found.genre, *other.get("genre", [])] if (g := _text(value))]
    return Tags(
        **{name: _text(value) for name, value in texts.items()},
        year=_year(found.year),
        genre=genres or None,
        duration=float(found.duration) if found.duration else None,
        isrc=_isrc(other),
        mbid=_mbid(head, other),
        cut=any(isinstance(value, str) and len(value) > LONGEST for value in [*texts.values(), found.genre]),
    )


def _text(value: object) -> str | None:
    """Printable text of a sensible length, or None.

    >>> _text("  Blue\\x00 \\ud800Moon "), _text("\\x00")
    ('Blue Moon', None)
    """
    kept = "".join(c if c.isprintable() else " " if c.isspace() else "" for c in str(value or "")[: 2 * LONGEST])
    return " ".join(kept.split())[:LONGEST] or None


def _year(value: object) -> int | None:
    """The first four digits that can be a year.

    >>> _year("1997-05-21"), _year("0"), _year(None)
    (1997, None, None)
    """
    match = re.search(r"\b(1[6-9]\d\d|2[01]\d\d)", str(value or "")[:100])
    return int(match.group(1)) if match else None


def _isrc(other: Mapping[str, Any]) -> str | None:
    code = re.sub(r"[^A-Z0-9]", "", _first(other, ("isrc",)).upper())
    return code if ISRC.match(code) and len(set(code)) > 2 else None


def _mbid(head: bytes, other: Mapping[str, Any]) -> str | None:
    """The MusicBrainz recording: a field of that name, or the unique file identifier of ID3."""
    match = UFID.search(head) if head[:3] == b"ID3" else None
    text = match.group(1).decode("ascii") if match else _first(other, MBID_NAMES)
    code = text.strip().lower()
    return code if MBID.match(code) and len(set(code)) > 2 else None


def _first(other: Mapping[str, Any], names: tuple[str, ...]) -> str:
    return next((str(other[name][0])[:100] for name in names if other.get(name)), "")
