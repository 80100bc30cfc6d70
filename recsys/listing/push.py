"""Lists to a Subsonic or OpenSubsonic server: created, or replaced by name. Credentials come from the environment.

``RECSYS_SUBSONIC_USER`` and ``RECSYS_SUBSONIC_PASSWORD``, or ``RECSYS_SUBSONIC_APIKEY`` for servers with API keys. The
password itself is only sent to a server that says it does not take tokens.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

import pandas as pd

from recsys.errors import DataError
from recsys.playlists.formats import Entry
from recsys.sources.matching import Matcher
from recsys.sources.playlist_entries import Entry as Wanted
from recsys.tables import Catalogue, IdMap

USER, PASSWORD, KEY = "RECSYS_SUBSONIC_USER", "RECSYS_SUBSONIC_PASSWORD", "RECSYS_SUBSONIC_APIKEY"
VERSION, CLIENT = "1.16.1", "recsys"
NO_TOKENS = (10, 41)  # errors of servers that want the password
AT_ONCE = 100  # songs in one request
FOUND = 20  # songs looked at per search
SECONDS = 30
FIELDS = {  # ours: theirs
    **{name: name for name in ("id", "title", "artist", "album", "path", "duration")},
    "mbid": "musicBrainzId",
}


class Pushed(NamedTuple):
    """What came of a list: its id on the server, songs in it, and entries that the server does not have."""

    id: str
    songs: int
    lost: list[str]


class Server:
    """A server by its address, such as ``https://music.example.org``.

    Raises:
        DataError: no credentials in the environment, no server there, or an answer that is none.
    """

    def __init__(self, url: str, environment: Mapping[str, str] = os.environ) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).netloc:
            raise DataError(f"{url} is no address of a server; expected e.g. https://music.example.org")
        self.url = url.rstrip("/").removesuffix("/rest")
        self.user, self.password = environment.get(USER, ""), environment.get(PASSWORD, "")
        self.key, self.tokens = environment.get(KEY, ""), True
        if not self.key and not (self.user and self.password):
            raise DataError(f"no credentials for {self.url}; set {USER} and {PASSWORD}, or {KEY}")

    def push(self, name: str, entries: Sequence[Entry]) -> Pushed:
        """Make the playlist of this name hold these entries, in order; those that are not there are told."""
        found = [(entry, self._song(entry)) for entry in entries]
        songs = [song for _, song in found if song]
        lost = [
            f"{entry.artist} – {entry.title}" if entry.title else entry.track_id for entry, song in found if not song
        ]
        if not songs:
            raise DataError(f"none of the {len(found)} tracks of {name!r} is on {self.url}")
        there = self._named(name)
        first = {"playlistId": there} if there else {"name": name}
        self.ask("createPlaylist", {**first, "songId": songs[:AT_ONCE]})
        made = there or self._named(name)
        for start in range(AT_ONCE, len(songs), AT_ONCE):
            self.ask("updatePlaylist", {"playlistId": made, "songIdToAdd": songs[start : start + AT_ONCE]})
        return Pushed(str(made), len(songs), lost)

    def ask(self, method: str, told: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The answer to one request.

        Raises:
            DataError: the server is not there or refuses.
        """
        answer = self._get(method, told or {})
        error = answer.get("error", {})
        if error.get("code") in NO_TOKENS and self.tokens and self.password and not self.key:
            self.tokens = False
            answer = self._get(method, told or {})
            error = answer.get("error", {})
        if answer.get("status") != "ok":
            raise DataError(f"{self.url} refused {method}: {error.get('message', answer)} (code {error.get('code')})")
        return answer

    def _get(self, method: str, told: Mapping[str, Any]) -> dict[str, Any]:
        query = urlencode({**told, **self._credentials(), "v": VERSION, "c": CLIENT, "f": "json"}, doseq=True)
        try:
            with urlopen(Request(f"{self.url}/rest/{method}.view?{query}"), timeout=SECONDS) as answer:
                return json.load(answer)["subsonic-response"]
        except HTTPError as error:
            raise DataError(f"{self.url} answered {method} with {error.code} {error.reason}") from error
        except (URLError, OSError, http.client.HTTPException) as error:
            raise DataError(f"no answer from {self.url}: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{self.url} is no Subsonic server: its answer to {method} can't be read") from error

    def _credentials(self) -> dict[str, str]:
        if self.key:
            return {"apiKey": self.key}
        if not self.tokens:
            return {"u": self.user, "p": f"enc:{self.password.encode().hex()}"}
        salt = secrets.token_hex(8)
        token = hashlib.md5((self.password + salt).encode(), usedforsecurity=False).hexdigest()  # as the protocol asks
        return {"u": self.user, "t": token, "s": salt}

    def _named(self, name: str) -> str | None:
        """The id of the user's playlist of a name."""
        lists = self.ask("getPlaylists").get("playlists", {}).get("playlist", [])
        owners = {one.get("owner") for one in lists} if self.key else {self.user, None}
        mine = [one for one in lists if one.get("name") == name and one.get("owner") in owners]
        return str(mine[0]["id"]) if mine else None

    def _song(self, entry: Entry) -> str | None:
        """The server's id of a track: by MBID or path where it tells them, else by artist, title and length."""
        if not entry.title:
            return None
        asked = {"query": entry.title, "songCount": FOUND, "artistCount": 0, "albumCount": 0}
        songs = self.ask("search3", asked).get("searchResult3", {}).get("song", [])
        if not songs:
            return None
        frame = pd.DataFrame([{name: song.get(theirs) for name, theirs in FIELDS.items()} for song in songs])
        matcher = Matcher(IdMap.sorted(frame["id"].to_numpy(object), "song"), Catalogue(frame.drop(columns="id")))
        keys = [key for key in (entry.mbid, entry.isrc) if key]
        wanted = Wanted(1, keys, [entry.path] if entry.path else [], entry.title, entry.artist, duration=entry.duration)
        row = matcher.row(wanted)
        return str(frame["id"].iat[row]) if row >= 0 else None
