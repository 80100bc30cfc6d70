"""Answers by outside id from a bundle: recommendations, similar tracks, playlists, each with a reason.

Loads neither a training library nor torch; parts of the bundle are read when they are first needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import seeding
from recsys.alike import Alike
from recsys.contracts import Rows
from recsys.explain import Explained, explain, reasons, structured
from recsys.exploring import Exploration, explored
from recsys.playlists.formats import Entry
from recsys.playlists.solve import Playlist
from recsys.ranking.dials import Dials
from recsys.ranking.dials import Facts as DialFacts
from recsys.retrieval import top_lists
from recsys.settings import Playlist as PlaylistSettings
from recsys.tables import Interactions, TopK
from recsys.wishes import Wishes

ENTRY = ("title", "artist", "album", "path", "mbid", "isrc")  # what a playlist file says of a track


class Engine(Alike):
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
