"""Which column is which: the names that listening logs, track lists and exports use for the same thing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from recsys.errors import DataError, did_you_mean

ALIASES: dict[str, tuple[str, ...]] = {
    "user_id": ("userid", "user", "username", "listener", "listenerid", "uid", "userhash", "userkey", "member"),
    "track_id": (
        *("trackid", "itemid", "songid", "track", "item", "song", "recordingmbid", "recordingid", "trackmbid"),
        *("recordingmsid", "spotifytrackuri", "trackuri", "musicid", "artistid", "artistmbid", "artist"),
    ),
    "timestamp": (
        *("timestamp", "ts", "time", "listenedat", "playedat", "datetime", "date", "unixtime", "uts", "endtime"),
        *("utctime", "scrobbledat", "eventtime", "createdat"),
    ),
    "plays": (
        *("plays", "count", "weight", "listens", "playcount", "listencount", "nplays", "numplays", "scrobbles"),
        *("playscount", "frequency", "freq"),
    ),
    "ms_played": ("msplayed", "playedms", "msplaytime", "listenedms"),
    "skipped": ("skipped", "isskipped", "skip", "wasskipped"),
    "rating": ("rating", "stars", "score", "userrating"),
    "title": ("title", "trackname", "songname", "tracktitle", "songtitle", "name", "song", "track"),
    "artist": ("artist", "artistname", "artists", "artistcredit", "creator", "performer"),
    "album": ("album", "albumname", "albumtitle", "release", "releasename"),
    "year": ("year", "releaseyear", "releasedate", "date"),
    "duration": ("duration", "durations", "durationseconds", "durationsec", "seconds", "length"),
    "duration_ms": ("durationms", "lengthms", "ms", "milliseconds"),
    "genre": ("genre", "genres"),
    "tags": ("tags", "tag", "labels"),
    "explicit": ("explicit", "isexplicit"),
    "generated": ("generated", "isgenerated", "aigenerated", "isaigenerated", "madebyai"),
    "licence": ("licence", "license"),
    "isrc": ("isrc",),
    "mbid": ("mbid", "recordingmbid", "trackmbid", "musicbrainzid", "musicbrainztrackid"),
    "path": ("path", "audiofile", "audiopath", "filepath", "filename", "file", "location"),
    "playlist_id": ("playlistid", "playlist", "pid", "playlistname", "listid", "name"),
    "position": ("position", "pos", "index", "order", "rank", "tracknumber"),
}
PLAYS = ("user_id", "track_id", "timestamp", "plays", "ms_played", "skipped", "rating")
TRACKS = (
    *("track_id", "title", "artist", "album", "year", "duration", "duration_ms", "genre", "tags", "explicit"),
    *("generated", "licence", "isrc", "mbid", "path"),
)
PLAYLISTS = ("playlist_id", "track_id", "position")


def plain(name: str) -> str:
    """A column name without case, spaces and punctuation.

    >>> plain("User ID"), plain("userID"), plain("user_id")
    ('userid', 'userid', 'userid')
    """
    return "".join(c for c in name.casefold() if c.isalnum())


def find(names: Sequence[str], mapping: Mapping[str, str], fields: Iterable[str]) -> dict[str, str]:
    """Our names to theirs, for the fields that a file has; the settings' mapping wins over guesses.

    Each of their columns is used once. Fields come in order, and so do the aliases of each.

    >>> find(["userID", "artistID", "weight"], {}, PLAYS)
    {'user_id': 'userID', 'track_id': 'artistID', 'plays': 'weight'}
    """
    fields = list(fields)
    found = {ours: mapping[ours] for ours in fields if mapping.get(ours) in names}
    free = {plain(name): name for name in reversed(names) if name not in found.values()}
    for ours in fields:
        alias = next((a for a in ALIASES[ours] if a in free), None)
        if ours not in found and alias:
            found[ours] = free.pop(alias)
    return {ours: found[ours] for ours in fields if ours in found}


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse a mapping whose left side is no name of ours.

    Raises:
        DataError: names the key and what was probably meant.
    """
    for ours in mapping:
        if ours not in ALIASES:
            raise DataError(f"unknown column {ours!r} in [ingest.columns]{did_you_mean(ours, ALIASES)}")


def missing(path: Path, names: Sequence[str], wanted: Sequence[str], what: str) -> DataError:
    """The error for a file that lacks columns: what it has, what was expected, how to map it."""
    expected = "; ".join(f"{ours} (or {', '.join(ALIASES[ours][:5])}, …)" for ours in wanted)
    headless = bool(names) and all(_like_a_value(name) for name in names)
    hint = "; the first line looks like data, so add a header line" if headless else ""
    example = names[0] if names else "theirs"
    return DataError(
        f"{path}: found columns {', '.join(names) or 'none'}{hint}; expected {what} with {expected}. "
        f"Or map them in recsys.toml: [ingest.columns] {wanted[0]} = {example!r}"
    )


def _like_a_value(name: str) -> bool:
    text = name.strip()
    try:
        float(text)
        return True
    except ValueError:
        return not text or sum(c.isdigit() for c in text) * 2 > len(text)
