"""Options in, listeners with their histories and the tracks to choose from out: whom a batch is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Rows
from recsys.engine import Engine
from recsys.errors import DataError
from recsys.settings import Settings
from recsys.sources import read_histories, read_ids

NEWCOMER = "newcomer"  # whom --like and --tag speak of
OF_A_TAG = 20  # tracks that stand for a tag


def whom(
    engine: Engine, users: Any, histories: Any, like: Sequence[Any], tags: Sequence[str], settings: Settings
) -> tuple[Any, sp.csr_array, Rows | None]:
    """Ids, histories (CSR) and trained rows of the listeners that are asked for."""
    if (users is not None) + (histories is not None) + bool(like or tags) > 1:
        raise DataError("found several of users, histories, and like or tags; expected one kind of listener")
    if like or tags:
        return [NEWCOMER], _imagined(engine, like, tags), None
    return _new(engine, histories, settings) if histories is not None else _trained(engine, users)


def _imagined(engine: Engine, like: Sequence[Any], tags: Sequence[str]) -> sp.csr_array:
    """Plays of somebody who likes these tracks, and the best known ones of these genres or tags, CSR (1, tracks)."""
    rows = [engine.tracks.rows(list(like))] if like else []
    for tag in tags:
        known = engine.catalogue.where(f"genre = {tag!r} or tags = {tag!r}")
        if not known.any():
            raise DataError(f"no track has the genre or tag {tag!r}; see the columns genre and tags of the catalogue")
        heard = np.where(known, engine.listeners + 1, 0)
        rows.append(np.argsort(-heard, kind="stable")[: min(OF_A_TAG, int(known.sum()))].astype(np.int32))
    chosen = np.unique(np.concatenate(rows))
    shape = 1, len(engine.tracks)
    return sp.csr_array((np.ones(len(chosen), np.float32), chosen, [0, len(chosen)]), shape=shape)


def _trained(engine: Engine, users: Any) -> tuple[Any, sp.csr_array, Rows]:
    """Listeners by id; one that the model has not seen has an empty history and row −1."""
    known = _ids(users, "user")
    if known is None:
        return engine.users.ids, engine.histories, np.arange(len(engine.users), dtype=np.int32)
    rows = engine.users.rows(known, missing="mark")
    empty = sp.csr_array((1, len(engine.tracks)), dtype=np.float32)
    return known, sp.csr_array(sp.vstack([engine.histories, empty], format="csr")[rows]), rows


def _new(engine: Engine, histories: Any, settings: Settings) -> tuple[Any, sp.csr_array, None]:
    paths = [histories] if isinstance(histories, str | Path) else histories
    plays = read_histories(paths, engine.tracks, settings=settings.ingest).interactions
    return plays.users.ids, plays.matrix(), None


def pool_of(engine: Engine, candidates: Any, where: str | None = None) -> Rows | None:
    """Rows of the tracks to choose from: candidates for which a filter holds; None = all.

    Raises:
        DataError: no track is left.
    """
    if where is None:
        return _candidates(engine, candidates)
    rows = np.flatnonzero(engine.catalogue.where(where)).astype(np.int32)
    rows = rows if (pool := _candidates(engine, candidates)) is None else np.intersect1d(rows, pool)
    if not len(rows):
        raise DataError(f"no track to choose from satisfies {where!r}; loosen the filter")
    return rows


def _candidates(engine: Engine, candidates: Any) -> Rows | None:
    pool = _ids(candidates, "track")
    if pool is None:
        return None
    allow = np.unique(engine.tracks.rows(pool, missing="drop"))
    if not len(allow):
        known = engine.tracks.ids[0] if len(engine.tracks) else "none"
        raise DataError(f"none of the {len(pool)} candidates is in this bundle; expected ids such as {known}")
    return allow


def without(engine: Engine, pool: Rows | None, liked: Sequence[Any]) -> Rows:
    """The candidates, or all tracks, but those that a newcomer named."""
    rows = np.arange(len(engine.tracks), dtype=np.int32) if pool is None else pool
    return np.setdiff1d(rows, engine.tracks.rows(list(liked))) if liked else rows


def _ids(given: Any, noun: Literal["user", "track"]) -> list[Any] | None:
    """Ids as given, or read from a file; each once, in that order."""
    if given is None:
        return None
    listed = read_ids(Path(given), noun) if isinstance(given, str | Path) else list(given)
    return list(dict.fromkeys(listed))
