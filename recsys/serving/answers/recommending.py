"""A listener, or a history of nobody known, in; recommendations with reasons out, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from recsys.contracts import Rows
from recsys.engine import Engine
from recsys.errors import DataError
from recsys.explain import Explained, reasons
from recsys.listing.drafts import history_of
from recsys.ranking.dials import Dials
from recsys.serving.answers.similar import listed
from recsys.serving.answers.stand import Stand
from recsys.serving.questions import AskRecommend, History

NOBODY = np.array([-1], np.int32)
NOW = 3.0  # what a track heard just now weighs against the mean of the history


def recommended(stand: Stand, asked: AskRecommend) -> dict[str, Any]:
    """A page for a listener; see ``schemas.Recommended``.

    Raises:
        UnknownId: a listener or a track that is not known.
        DataError: the bundle was made without plays, or a filter that can't be read.
    """
    engine, row = stand.engine, stand.user(asked.user)
    history, rows = engine.histories[[row]], np.array([row], np.int32)
    if asked.context:
        history, rows = _with(history, stand.rows(asked.context)), NOBODY
    user = str(engine.users.at(row))
    return _page(stand, history, rows, asked) | {"user": user}


def folded_in(stand: Stand, asked: History) -> dict[str, Any]:
    """A page for a history; see ``schemas.Recommended``.

    Raises:
        UnknownId: a track that is not known.
        DataError: the bundle was made without plays, or a filter that can't be read.
    """
    rows = [stand.row(play.track) for play in asked.history]
    history = history_of(len(stand.tracks), rows, [play.weight for play in asked.history])
    dials = Dials(novelty=asked.novelty, max_per_artist=asked.max_per_artist)
    wanted = None if dials.neutral else dials
    page = _page(stand, history, NOBODY, asked, dials=wanted, seen=asked.include_seen)
    return page | {"user": None}


def explained(stand: Stand, user: str, track: str) -> dict[str, Any]:
    """Why a listener would get a track; see ``schemas.Explained``."""
    engine, row, who = stand.engine, stand.row(track), stand.user(user)
    history = engine.histories[[who]]
    found = engine.explain(
        history, 1, rows=np.array([who], np.int32), allow=np.array([row], np.int32), include_seen=True
    )
    if found.lists.rows[0, 0] < 0:
        raise DataError(f"nothing speaks for {track!r}: the model knows too little of it to score it")
    plays = [play for play in found.carried_by[0, 0].tolist() if play >= 0]
    return {
        "user": str(engine.users.at(who)),
        "track": stand.shelf.card(row),
        "score": round(float(found.lists.scores[0, 0]), 6),
        "parts": {kind: round(float(part[0, 0]), 6) for kind, part in found.parts.items()},
        "plays": stand.shelf.cards(plays),
        "reason": _reasons(stand, found, 1)[0],
        "heard": bool((history.indices == row).any()),
        "bundle": stand.version,
    }


def _page(
    stand: Stand,
    history: sp.csr_array,
    rows: Rows,
    asked: AskRecommend | History,
    *,
    dials: Dials | None = None,
    seen: bool = False,
) -> dict[str, Any]:
    end = asked.offset + asked.n
    mask = stand.allow(asked.where, asked.mood)
    allow = None if mask is None else np.flatnonzero(mask).astype(np.int32)
    wanted = min(end + 1, len(stand.tracks))
    found = _explained(stand.engine, history, wanted, rows, allow, dials, seen)
    real = int((found.lists.rows[0] >= 0).sum())
    page = slice(asked.offset, min(end, real))
    why = [[reason] for reason in _reasons(stand, found, real)[page]]
    chosen, scores = found.lists.rows[0, page].tolist(), found.lists.scores[0, page].tolist()
    items = listed(stand.shelf, chosen, scores, why)
    return {"items": items, "next": end if real > end else None, "bundle": stand.version}


def _explained(
    engine: Engine, history: sp.csr_array, n: int, rows: Rows, allow: Rows | None, dials: Dials | None, seen: bool
) -> Explained:
    if not engine.facts.get("chosen"):
        raise DataError("this bundle was made without plays; expected a listening log for recommendations")
    return engine.explain(history, n, rows=rows, allow=allow, include_seen=seen, dials=dials)


def _reasons(stand: Stand, found: Explained, real: int) -> Sequence[str]:
    """Why each of the first ``real`` rows is there, in words."""
    if not real:
        return []
    return [str(one) for one in reasons(found.carried_by[0, :real], found.shared[0, :real], stand.shelf.name)]


def _with(history: sp.csr_array, heard: Rows) -> sp.csr_array:
    """A history and what was heard just now, which weighs more than the mean of it."""
    mean = float(history.data.mean()) if history.nnz else 1.0
    now = history_of(history.shape[1], heard, np.full(len(heard), NOW * mean, np.float32))
    return sp.csr_array(history + now)
