"""A bundle and a few words in, the tracks that they mean out: search."""

from __future__ import annotations

from typing import TYPE_CHECKING

from recsys.errors import DataError
from recsys.settings import Settings
from recsys.verbs.made import Pathlike

if TYPE_CHECKING:
    import pandas as pd

    from recsys.engine import Engine
    from recsys.producers.text.search import Asked, Found

UNKNOWN = "unknown"
TOLD = 80  # characters of a query that a message repeats


def search(
    query: str,
    *,
    bundle: Pathlike,
    n: int = 20,
    where: str | None = None,
    mood: str | None = None,
    settings: Settings | None = None,
) -> pd.DataFrame:
    """Tracks by words: columns rank, track_id, score, title, artist, reason.

    Titles and artists that the words spell (typing errors forgiven) come first, then what is tagged so, then what is
    near in meaning: tracks whose words are used beside these. Words that are nowhere are in ``attrs["unknown"]``.

    Args:
        query: any words of titles, artists, albums, genres, tags, moods, lyrics or predicted labels, any language.
        bundle: a bundle, or the folder of bundles.
        n: tracks at most.
        where, mood: filters, as of ``recommend``.
        settings: nothing to say here.

    Raises:
        DataError: none of the words is known, a filter that can't be read, or a bundle of an older version.
    """
    from recsys.engine import Engine
    from recsys.producers.text import search as text_search
    from recsys.tables.narrowed import narrowed

    if not query.strip():
        raise DataError("nothing to search for; expected words of a title, an artist, a genre or a tag")
    engine = Engine.open(bundle)
    asked = narrowed(engine.catalogue.frame, where, mood)
    allow = None if asked is None else engine.catalogue.where(asked)
    found = text_search.search(engine.text, query, n, listeners=engine.listeners, allow=allow)
    if not len(found.rows):
        raise DataError(_nothing(found.asked, asked))
    return _table(engine, found)


def _nothing(asked: Asked, where: str | None) -> str:
    text = asked.text if len(asked.text) <= TOLD else f"{asked.text[:TOLD]}…"
    if asked.understood and where is not None:
        return f"nothing that {text!r} finds satisfies {where!r}; loosen the filter"
    return f"no title, artist, album, genre or tag has anything like {text!r}; try fewer or other words"


def _table(engine: Engine, found: Found) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from recsys.producers.text.reasons import reasons

    table = pd.DataFrame(
        {
            "rank": np.arange(1, len(found.rows) + 1),
            "track_id": engine.tracks.at(found.rows),
            "score": found.scores,
            "title": engine.catalogue.values("title")[found.rows],
            "artist": engine.catalogue.values("artist")[found.rows],
            "reason": reasons(engine.text, engine.catalogue, found),
        }
    )
    table.attrs[UNKNOWN] = list(found.asked.unknown)
    return table
