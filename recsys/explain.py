"""Histories in, lists out, with the source, the parts and the reason of every row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.contracts import Blended, Floats, Recommender, Rows
from recsys.index import exact
from recsys.ranking import aspects
from recsys.ranking.aspects import Facts
from recsys.ranking.reasons import carriers
from recsys.retrieval import top_lists, top_parts
from recsys.tables import TopK

POPULAR = "popular with all listeners"
LIKELY = 0.05  # a play less alike than this did not carry the recommendation
PLAYS = 3  # own plays named for each row
NAMED = 2  # of them in words
KINDS = {
    **dict.fromkeys(("popularity", "recent"), "popularity"),
    **dict.fromkeys(("content", "ridge", "mapped", "tower"), "content"),
    **dict.fromkeys(("hybrid", "cease", "lightfm"), "plays and content together"),
}
COLLABORATIVE = "collaborative"


Finish = Callable[[TopK], TopK]


class Known(NamedTuple):
    """What rows are explained with.

    Attributes:
        taste: unit vectors of tracks by who listens, (tracks, d), or None.
        content: unit vectors of tracks by what they are, (tracks, d), or None.
        facts: what two tracks may have in common.
        popular: listeners of each track, (tracks,).
    """

    taste: Floats | None
    content: Floats | None
    facts: Facts
    popular: Floats


class Explained(NamedTuple):
    """Lists of track rows, and of every row where it came from.

    Attributes:
        lists: rows and scores, (q, k).
        sources: name of the model, or of the member of a blend that gave most, (q, k).
        parts: what each kind of knowledge gave; they sum to the score, each float32 (q, k).
        carried_by: own plays most alike, best first, −1: none, int32 (q, k, 3).
        shared: what the first of them and the track have in common, bits of ``aspects.WORDS``, (q, k).
        propensity: the chance with which each row's source was drawn, (q, k); None when nothing was left to chance.
    """

    lists: TopK
    sources: NDArray[Any]
    parts: dict[str, Floats]
    carried_by: NDArray[np.int32]
    shared: NDArray[np.uint16]
    propensity: NDArray[np.float64] | None = None


def explain(
    model: Recommender,
    known: Known,
    histories: sp.csr_array,
    n: int,
    *,
    users: Rows | None = None,
    allow: Rows | None = None,
    exclude: sp.csr_array | None = None,
    finish: Finish | None = None,
) -> Explained:
    """The ``n`` best tracks for each history; for an empty one what is popular.

    Args:
        users: trained user rows behind the histories, −1 = unseen; None = all unseen.
        allow: the only track rows that may be returned.
        exclude: tracks that a listener must not get, CSR (q, tracks); usually the histories.
        finish: what is done to the lists afterwards: longer ones in, those wanted out.
    """
    lists, sources, parts = _sourced(model, histories, n, users=users, exclude=exclude, allow=allow)
    empty = np.diff(histories.indptr) == 0
    if empty.any():
        lists = _popular_where(empty, lists, known.popular, n, allow)
        sources[empty] = "popularity"
        parts = {kind: np.where(empty[:, None], 0, values) for kind, values in parts.items()}
        mine = np.where(empty[:, None], lists.scores, parts.get("popularity", 0))
        parts["popularity"] = np.where(np.isfinite(mine), mine, 0).astype(np.float32)
    if finish is not None:
        lists, sources, parts = _finished(finish, lists, sources, parts)
    return because(known, histories, lists, sources, parts)


def _finished(
    finish: Finish, lists: TopK, sources: NDArray[Any], parts: dict[str, Floats]
) -> tuple[TopK, NDArray[Any], dict[str, Floats]]:
    """Lists after ``finish``, with their sources and parts; what it did to a score is the part "dials"."""
    chosen = finish(lists)
    order = np.argsort(lists.rows, axis=1)
    ranked = np.take_along_axis(lists.rows, order, axis=1)
    place = np.stack([np.searchsorted(mine, rows) for mine, rows in zip(ranked, chosen.rows, strict=True)])
    place = np.take_along_axis(order, np.minimum(place, ranked.shape[1] - 1), axis=1)
    real = chosen.rows >= 0
    kept = {k: np.where(real, np.take_along_axis(v, place, axis=1), 0).astype(np.float32) for k, v in parts.items()}
    before = np.sum(list(kept.values()), axis=0)
    kept["dials"] = np.where(real, chosen.scores - before, 0).astype(np.float32)
    return chosen, np.take_along_axis(sources, place, axis=1), kept


def because(
    known: Known, histories: sp.csr_array, lists: TopK, sources: NDArray[Any], parts: dict[str, Floats]
) -> Explained:
    """Lists that exist already, with the own plays that carried each row and what the two have in common."""
    carried = _carried_by(known, histories, lists)
    common = aspects.shared(known.facts, lists.rows, carried[:, :, 0])
    common |= np.where(aspects.by_played_artists(known.facts, lists.rows, histories), aspects.PLAYED, 0).astype(
        np.uint16
    )
    return Explained(lists, sources, parts, carried, common)


def _popular_where(some: NDArray[np.bool_], lists: TopK, popular: Floats, n: int, allow: Rows | None) -> TopK:
    """The same lists, and what is popular for some of the listeners."""
    best = exact.select(popular[None, :], n, allow=allow)
    return TopK(np.where(some[:, None], best.rows, lists.rows), np.where(some[:, None], best.scores, lists.scores))


def _sourced(
    model: Recommender, histories: sp.csr_array, n: int, **options: Any
) -> tuple[TopK, NDArray[Any], dict[str, Floats]]:
    """Lists, the model or member of a blend that gave most to each row, and what each kind of knowledge gave."""
    if isinstance(model, Blended):
        lists, parts = top_parts(model, histories, n, **options)
        sources = np.array(model.names, dtype=object)[parts.argmax(axis=2)]
        return lists, sources, by_kind(model.names, parts)
    lists = top_lists(model, histories, n, **options)
    whole = np.where(lists.rows >= 0, lists.scores, 0).astype(np.float32)
    return lists, np.full(lists.rows.shape, model.name, dtype=object), {KINDS.get(model.name, COLLABORATIVE): whole}


def by_kind(names: tuple[str, ...], parts: Floats) -> dict[str, Floats]:
    """Members' parts (q, k, members) summed by kind of knowledge."""
    found: dict[str, Floats] = {}
    for number, name in enumerate(names):
        kind = KINDS.get(name, COLLABORATIVE)
        found[kind] = found.get(kind, np.float32(0)) + parts[:, :, number]
    return found


def _carried_by(known: Known, histories: sp.csr_array, lists: TopK) -> NDArray[np.int32]:
    """By taste, and by content where taste says nothing of the track; −1: none, int32 (q, k, 3)."""
    found = np.full((*lists.rows.shape, PLAYS), -1, np.int32)
    for vectors in (known.taste, known.content):
        open_ = found[:, :, 0] < 0
        if vectors is not None and (open_ & (lists.rows >= 0)).any():
            rows, cosines = carriers(np.where(open_, lists.rows, -1), histories, vectors, PLAYS)
            found = np.where(open_[:, :, None] & (cosines >= LIKELY), rows, found)
    return found.astype(np.int32)


def reasons(carried_by: NDArray[np.int32], shared: NDArray[np.uint16], names: Any) -> pd.Categorical:
    """A reason in words for each row, from its plays (n, 3) and what it shares (n,); ``names`` gives a row's name.

    >>> reasons(np.array([[4, 7, -1], [-1, -1, -1]]), np.array([2, 0], np.uint16), lambda row: f"song {row}").tolist()
    ['because you played song 4 and song 7 (same artist)', 'popular with all listeners']
    """
    keys = np.column_stack([carried_by[:, :NAMED], shared.astype(np.int32)])
    distinct, codes = np.unique(keys, axis=0, return_inverse=True)
    texts = [_reason([int(row) for row in plays if row >= 0], int(bits), names) for *plays, bits in distinct]
    meanings = list(dict.fromkeys(texts))
    place = {text: i for i, text in enumerate(meanings)}
    return pd.Categorical.from_codes(np.array([place[t] for t in texts], dtype=int)[codes.ravel()], meanings)


def _reason(plays: list[int], bits: int, names: Any) -> str:
    """Why one row is there, in words."""
    common = aspects.words(np.array([bits], np.uint16))[0]
    if plays:
        return f"because you played {' and '.join(names(row) for row in plays)}" + (f" ({common})" if common else "")
    return f"{POPULAR}, {common}" if common else POPULAR


def structured(explained: Explained, real: NDArray[np.bool_], plays: pa.Array) -> pa.StructArray:
    """``why`` of each row: ``parts`` that sum to the score, and ``plays``, ids of the own plays that carried it.

    Args:
        real: which places of the lists hold a track, (q, k).
        plays: the ids of all of ``carried_by[real]`` that are plays, row after row.
    """
    parts = [pa.array(np.ascontiguousarray(values[real], np.float32)) for values in explained.parts.values()]
    given = pa.StructArray.from_arrays(parts, names=list(explained.parts))
    counts = (explained.carried_by[real] >= 0).sum(axis=1)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    return pa.StructArray.from_arrays([given, pa.ListArray.from_arrays(offsets, plays)], names=["parts", "plays"])
