"""Tracks like tracks, like files and like tunes, asked by outside id of an opened bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys import nearby
from recsys.audio.space import NAME as SOUND
from recsys.contracts import Rows
from recsys.errors import DataError
from recsys.nearby import Near, Seeds, likenesses, neighbours
from recsys.opened import Opened
from recsys.settings import Similar as SimilarSettings

if TYPE_CHECKING:
    from recsys.audio.outside import Outside
    from recsys.producers.melody.search import Found
    from recsys.producers.notation import Notes


class Alike(Opened):
    """The half of an engine that finds what is like something; see ``recsys.engine``."""

    def similar(
        self,
        track_ids: Sequence[Any] = (),
        n: int | None = None,
        *,
        like: Sequence[Any] = (),
        unlike: Sequence[Any] = (),
        by: str | None = None,
        where: str | None = None,
        max_per_artist: int | None = None,
        not_same_album: bool = False,
        collapse: bool = False,
        settings: SimilarSettings | None = None,
    ) -> pd.DataFrame:
        """Neighbours of each track, columns query, rank, track_id, score, title, artist, reason.

        A path of a sound file may stand for a track. If a track has the same sound or code, it is that track; any other
        file is heard, and its neighbours are found by sound.

        Args:
            track_ids: the tracks to start from; a track is never its own neighbour.
            n: neighbours per track.
            like, unlike: one search from all of ``track_ids`` and ``like`` together, away from ``unlike``.
            by: "hybrid" (both), "collaborative" (who listens), "content" (what it is), "sound", "harmony" or "melody".
            where: a filter over catalogue columns; applied inside the search.
            max_per_artist: at most so many neighbours by one artist.
            not_same_album: leave out the album of the track asked for.
            collapse: one track of each recording, and none that is the recording asked for.
            settings: defaults for what is None.

        Raises:
            UnknownId: a track that is not in the catalogue.
            DataError: a space this bundle does not have, a filter that can't be read, or nothing to start from.
        """
        settings = settings or SimilarSettings()
        n, by = n or settings.n, by or settings.by
        rules: dict[str, Any] = {
            "allow": self._allowed(where),
            "max_per_artist": max_per_artist or settings.max_per_artist,
            "not_same_album": not_same_album,
            "collapse": collapse,
        }
        wanted = [([*track_ids, *like], list(unlike))] if like or unlike else [([track], []) for track in track_ids]
        if not all(likes for likes, _ in wanted) or not wanted:
            raise DataError("nothing to start from; expected a track id, or like with the ids of tracks")
        if by == nearby.MELODY:
            if like or unlike:
                raise DataError("like or unlike by melody; expected track ids, each compared by itself")
            found = [self._by_melody(track, n, rules) for track in track_ids]
            return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)
        found = []
        for likes, unlikes in wanted:
            seeds = self.seeds(likes, unlikes, by)
            weights = nearby.weights(self.index, "sound" if seeds.outside else by, settings.taste)
            near = neighbours(self.index, self.catalogue, seeds, n, weights=weights, **rules)
            told = likenesses(self.index, self.catalogue.artists, seeds, near.rows, weights)
            found.append(self._similar_frame(seeds.named, near, ["; ".join(why) for why in told]))
        return found[0] if len(found) == 1 else pd.concat(found, ignore_index=True)

    def _allowed(self, where: str | None) -> Rows | None:
        """Rows for which a filter holds; None = all."""
        return None if where is None else np.flatnonzero(self.catalogue.where(where)).astype(np.int32)

    def similar_tunes(
        self,
        tune: Notes,
        n: int | None = None,
        *,
        name: Any = "tune",
        where: str | None = None,
        max_per_artist: int | None = None,
        collapse: bool = False,
        settings: SimilarSettings | None = None,
    ) -> pd.DataFrame:
        """The tracks that have a tune, in any key and at any tempo; columns as of ``similar``.

        Args:
            tune: one voice; see ``recsys.producers.melody``.
            n: tracks at most; fewer where fewer share anything with it.
            name: what the tune is called in the answer.
            where, max_per_artist, collapse, settings: as of ``similar``.

        Raises:
            DataError: no melodies were heard, or the tune is too short.
        """
        settings = settings or SimilarSettings()
        n = n or settings.n
        allow = self._allowed(where)
        rules = {"max_per_artist": max_per_artist or settings.max_per_artist, "collapse": collapse}
        return self._tunes_frame(name, self.tunes.search(tune, 4 * n, allow=allow), n, rules)

    def _by_melody(self, track: Any, n: int, rules: Mapping[str, Any]) -> pd.DataFrame:
        """The tracks whose whole melody is most like that of a track."""
        (row,) = self.tracks.rows([track])
        mates = nearby.album_mates(self.catalogue, int(row)) if rules["not_same_album"] else nearby.NONE
        found = self.tunes.alike(int(row), 4 * n, allow=rules["allow"], exclude=mates)
        return self._tunes_frame(self.tracks.at(np.array([row]))[0], found, n, rules)

    def _tunes_frame(self, name: Any, found: Sequence[Found], n: int, rules: Mapping[str, Any]) -> pd.DataFrame:
        """What was found by a melody, under the rules for artists and recordings."""
        rows = np.array([one.row for one in found], np.int32)
        once = self.catalogue.codes("recording") if rules["collapse"] and "recording" in self.catalogue.frame else None
        single = np.arange(len(rows)) if once is None else nearby.first_of_each(once[rows], 1)
        kept = single[nearby.first_of_each(self.catalogue.artists[rows[single]], rules["max_per_artist"])][:n]
        near = Near(rows[kept], np.array([found[place].score for place in kept], np.float32))
        return self._similar_frame(np.array([name], object), near, [found[place].told() for place in kept])

    def seeds(self, likes: list[Any], unlikes: list[Any], by: str) -> Seeds:
        """What is searched for: tracks by id, and files, each a track again or compared by what it sounds like."""
        (near, heard), (far, unheard) = (self._sought(seeds) for seeds in (likes, unlikes))
        if (heard or unheard) and by == "collaborative":
            raise DataError("a file that is no track can't be compared by collaborative; leave --by out, or say sound")
        name = " − ".join(" + ".join(map(str, seeds)) for seeds in (likes, unlikes) if seeds)
        if len(likes) == 1 and not unlikes and len(near):
            name = self.tracks.at(near)[0]
        placed = [[file.vector for file in files if file.vector is not None] for files in (heard, unheard)]
        same = np.concatenate([nearby.NONE, *(file.same for file in (*heard, *unheard))])
        artists = [file.artist for file in heard]
        return Seeds(name, near, far, heard=placed[0], unheard=placed[1], artists=artists, same=same)

    def _sought(self, seeds: list[Any]) -> tuple[Rows, list[Outside]]:
        """Rows of the tracks, in order, and the files that are no tracks."""
        files = {place: self.hear(seed) for place, seed in enumerate(seeds) if self._outside(seed)}
        ids = [seed for place, seed in enumerate(seeds) if place not in files]
        rows = [*self.tracks.rows(ids), *(file.row for file in files.values() if file.row >= 0)]
        return np.array(rows, np.int32), [file for file in files.values() if file.row < 0]

    def _outside(self, seed: Any) -> bool:
        return isinstance(seed, str | Path) and seed not in self.tracks and Path(seed).is_file()

    def hear(self, path: str | Path) -> Outside:
        """What a sound file is to this bundle: one of its tracks, or a place in its space of sound.

        Raises:
            DataError: the file can't be read or is silent, or the bundle was made without sound.
            ArtefactError: the library was analysed by another version.
        """
        if not (self.folder / SOUND).is_dir():
            raise DataError(
                f"{self.folder} knows no sound; expected tables made with: recsys ingest --features FEATURES"
            )
        from recsys.audio.outside import hear

        return hear(path, self.folder / SOUND, self.catalogue)

    def _similar_frame(self, name: NDArray[Any], near: Near, told: Sequence[str]) -> pd.DataFrame:
        rows = near.rows
        return pd.DataFrame(
            {
                "query": np.repeat(name, len(rows)),
                "rank": np.arange(1, len(rows) + 1),
                "track_id": self.tracks.at(rows),
                "score": near.scores,
                "title": self.catalogue.values("title")[rows],
                "artist": self.catalogue.values("artist")[rows],
                "reason": list(told),
                **self.marks.columns(rows),
            }
        )
