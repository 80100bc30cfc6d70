"""Answers by outside id from a bundle: recommendations, similar tracks, playlists, each with a reason.

Loads neither a training library nor torch; parts of the bundle are read when they are first needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import nearby, seeding
from recsys.audio.space import NAME as SOUND
from recsys.contracts import Rows
from recsys.errors import DataError
from recsys.explain import Explained, explain, reasons, structured
from recsys.exploring import Exploration, explored
from recsys.nearby import Near, Seeds, likenesses, neighbours
from recsys.opened import Opened
from recsys.playlists.formats import Entry
from recsys.playlists.solve import Playlist
from recsys.ranking.dials import Dials
from recsys.ranking.dials import Facts as DialFacts
from recsys.retrieval import top_lists
from recsys.settings import Playlist as PlaylistSettings
from recsys.settings import Similar as SimilarSettings
from recsys.tables import Interactions, TopK
from recsys.wishes import Wishes

if TYPE_CHECKING:
    from recsys.audio.outside import Outside
    from recsys.producers.melody.search import Found
    from recsys.producers.notation import Notes

ENTRY = ("title", "artist", "album", "path", "mbid", "isrc")  # what a playlist file says of a track


class Engine(Opened):
    """A trained engine, opened from its bundle.

    >>> engine = Engine.open("data/bundles/main")          # doctest: +SKIP
    >>> engine.similar(["t0001"], n=3)                     # doctest: +SKIP
    """

    # ---- recommendations ------------------------------------------------------------------------------

    def recommend(
        self,
        users: Sequence[Any] | None = None,
        n: int = 100,
        *,
        candidates: Iterable[Any] | None = None,
        include_seen: bool = False,
        dials: Dials | None = None,
        now: float | None = None,
    ) -> pd.DataFrame:
        """The ``n`` best tracks for each listener, columns user_id, rank, track_id, score, source, reason, why.

        ``reason`` is a text; ``why`` holds ``parts`` that sum to the score and ``plays``, the listener's own plays that
        carried the row. Where the catalogue says so, ``marks`` (explicit, generated) and ``licence`` follow.

        Args:
            users: ids of trained listeners; None = all of them.
            n: tracks per listener; fewer only when fewer are left.
            candidates: ids of the only tracks to choose from; unknown ones are ignored.
            include_seen: whether tracks in the listener's history may be recommended.
            dials: what is wanted beyond the score: rarity, the own mix, nothing heard lately, …; None = nothing.
            now: when the lists are for, Unix seconds UTC; None = the latest event of the log.

        Raises:
            UnknownId: a listener the model has not seen (give their plays as ``histories`` instead).
        """
        rows = np.arange(len(self.users), dtype=np.int32) if users is None else self.users.rows(users)
        allow = None if candidates is None else self.tracks.rows(list(candidates), missing="drop")
        explained = self.explain(
            self.histories[rows], n, rows=rows, allow=allow, include_seen=include_seen, dials=dials, now=now
        )
        return self.frame(self.users.at(rows), explained)

    def recommend_histories(self, plays: Interactions, n: int = 100, **options: Any) -> pd.DataFrame:
        """The same for people the model has never seen: their plays are folded in, nothing is retrained."""
        return self.frame(plays.users.ids, self.explain(plays.matrix(), n, **options))

    def explain(
        self,
        histories: sp.csr_array,
        n: int,
        *,
        rows: Rows | None = None,
        allow: Rows | None = None,
        include_seen: bool = False,
        dials: Dials | None = None,
        now: float | None = None,
        exploration: Exploration | None = None,
    ) -> Explained:
        """Lists in rows, with source and reason of every entry; ``rows`` are trained user rows, −1 = unseen.

        ``now``, Unix seconds, is when the lists are for; None = the latest event of the log. With an ``exploration``
        some places go to other sources, by lot.
        """
        mine = None if rows is None else self.listening.take(rows)
        dials = dials or Dials()
        facts = self.evened(dials) if dials.even else self.dial_facts
        wishes = Wishes(dials, facts, self.listening.newest if now is None else now, mine)
        exclude = None if include_seen else wishes.exclude(histories)
        finish = wishes.finish(histories, n)
        reach = min(wishes.dials.reach(n), max(len(self.tracks), n)) if finish else n
        options: dict[str, Any] = {"users": rows, "allow": allow, "exclude": exclude}
        explained = explain(self.model, self.known, histories, reach, finish=finish, **options)
        if exploration is None:
            return explained
        return explored(self.model, self.known, histories, explained, exploration, **options)

    def evened(self, dials: Dials) -> DialFacts:
        """What dials know of tracks, with what evens exposure out; found from a sample of the listeners, and kept."""
        key = dials.even, dials.even_by, dials.even_to
        if key not in self._evened:
            from recsys.evening import evening

            def lists(rows: Rows, k: int) -> TopK:
                return top_lists(self.model, self.histories[rows], k, users=rows, exclude=self.histories[rows])

            offsets = evening(lists, self.histories, self.catalogue, dials)
            self._evened[key] = self.dial_facts._replace(offsets=offsets)
        return self._evened[key]

    @cached_property
    def _evened(self) -> dict[tuple[float, str, str], DialFacts]:
        return {}

    def frame(self, user_ids: NDArray[Any], explained: Explained) -> pd.DataFrame:
        """Lists in ids, one row per recommendation."""
        rows, scores = explained.lists.rows, explained.lists.scores
        real = rows >= 0
        place = np.broadcast_to(np.arange(1, rows.shape[1] + 1, dtype=np.int32), rows.shape)
        chance = {} if explained.propensity is None else {"propensity": explained.propensity[real]}
        return pd.DataFrame(
            {
                "user_id": np.repeat(user_ids, real.sum(axis=1)),
                "rank": place[real],
                "track_id": self.tracks.at(rows[real]),
                "score": scores[real],
                "source": pd.Categorical(explained.sources[real]),
                **chance,
                "reason": reasons(explained.carried_by[real], explained.shared[real], self.name),
                "why": pd.array(structured(explained, real, self._plays(explained.carried_by[real]))),
                **self.marks.columns(rows[real]),
            }
        )

    def _plays(self, carried_by: NDArray[np.int32]) -> pa.Array:
        """Ids of the plays that carried some rows, one after another."""
        rows = carried_by[carried_by >= 0]
        distinct, codes = np.unique(rows, return_inverse=True)
        return pa.array(self.tracks.at(distinct)).take(pa.array(codes))

    def name(self, row: int) -> str:
        """ "Title – Artist" of a track row, or its id."""
        return self.catalogue.name(row) or str(self.tracks.at(row))

    def most_played(self, n: int) -> list[Any]:
        """The ids of the tracks that most listeners have played."""
        return list(self.tracks.at(np.argsort(-self.listeners, kind="stable")[:n]))

    # ---- similar tracks -------------------------------------------------------------------------------

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
        allow = None if where is None else np.flatnonzero(self.catalogue.where(where)).astype(np.int32)
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

    # ---- playlists ------------------------------------------------------------------------------------

    def playlist(
        self,
        seeds: Sequence[Any],
        *,
        n: int | None = None,
        minutes: float | None = None,
        where: str | None = None,
        settings: PlaylistSettings | None = None,
    ) -> tuple[Playlist, list[Entry]]:
        """A playlist from seed tracks or sound files: neighbours of all seeds together, in a listenable order.

        Other kinds of lists are made by recipes, see ``recsys.listing``. ``where`` filters all but the seeds.

        Returns:
            The playlist in rows (with the rules it had to relax) and its entries for a file.

        Raises:
            UnknownId: a seed that is not in the catalogue.
            DataError: no track satisfies the filter, or it can't be read.
        """
        wanted, settings = self.seeds(list(seeds), [], "hybrid"), settings or PlaylistSettings()
        allow = self._allowed(where)
        made = seeding.from_seeds(self.index, self.catalogue, wanted, settings, n=n, minutes=minutes, allow=allow)
        why = seeding.reasons(self.index, self.catalogue, wanted, made.rows)
        return made, [self.entry(row, reason) for row, reason in zip(made.rows.tolist(), why, strict=True)]

    def entry(self, row: int, reason: str | None = None) -> Entry:
        """A track row as a line of a playlist file."""
        known = {name: self.catalogue.values(name)[row] for name in ENTRY}
        text = {name: value if isinstance(value, str) else None for name, value in known.items()}
        seconds = self.catalogue.values("duration")[row]
        duration = float(seconds) if pd.notna(seconds) else None
        marked = {name: self.marks.text(name, row) for name in ("licence", "marks")}
        return Entry(track_id=str(self.tracks.at(row)), duration=duration, reason=reason, **text, **marked)
