"""Histories in, lists out, with the source, the parts and the reason of every row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

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

if TYPE_CHECKING:
    from recsys.tables import Dataset

PRIOR = "popularity"
POPULAR = "popular with all listeners"
LIKELY = 0.05  # a play less alike than this did not carry the recommendation
PLAYS = 3  # own plays named for each row
NAMED = 2  # of them in words
ROWS = 40_000  # rows told apart at a time
KINDS = {
    **dict.fromkeys(("popularity", "recent"), "popularity"),
    **dict.fromkeys(("content", "ridge", "mapped", "tower"), "content"),
    **dict.fromkeys(("hybrid", "cease", "lightfm"), "plays and content together"),
}
COLLABORATIVE = "collaborative"
CONTENT = "content: "  # before the name of a block
ROUNDING = 1e-6  # of the largest part: less is what rounding left, not a part
LEADS = 0.25  # share of what speaks for a row from which a block of content is named in words
REST = {"hybrid": COLLABORATIVE, "mapped": COLLABORATIVE}  # kinds of what no block gave, where they differ


Finish = Callable[[TopK], TopK]


class Known(NamedTuple):
    """What rows are explained with.

    Attributes:
        taste: unit vectors of tracks by who listens, (tracks, d), or None.
        content: unit vectors of tracks by what they are, (tracks, d), or None.
        facts: what two tracks may have in common.
        popular: listeners of each track, (tracks,).
        described: what is known of the tracks, without plays, by which content is told apart; None = it is not.
    """

    taste: Floats | None
    content: Floats | None
    facts: Facts
    popular: Floats
    described: Dataset | None = None


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
    lists, parts = _scored(model, histories, n, users=users, exclude=exclude, allow=allow)
    empty = np.diff(histories.indptr) == 0
    if users is not None and hasattr(model, "acquainted"):
        empty &= ~model.acquainted(users)
    if empty.any():
        lists, parts = _popular_where(empty, lists, parts, known.popular, members(model).index(PRIOR), allow)
    before, lists = lists, lists if finish is None else finish(lists)
    parts = parts if finish is None else _placed(before, lists, parts)
    kinds = by_kind(model, known, histories, lists.rows, parts)
    if finish is not None:
        given = np.sum(list(kinds.values()), axis=0)
        kinds["dials"] = np.where(lists.rows >= 0, lists.scores - given, 0).astype(np.float32)
    return because(known, histories, lists, _sources(model, parts, empty), kinds)


def _sources(model: Recommender, parts: Floats, empty: NDArray[np.bool_]) -> NDArray[Any]:
    """The member that gave most to each row, (q, k); of a model without members its name, or what stands in for it."""
    named = np.array(members(model), dtype=object)
    one = np.broadcast_to(np.where(empty, named.size - 1, 0)[:, None], parts.shape[:2])
    return np.asarray(named[parts.argmax(axis=2) if isinstance(model, Blended) else one])


def members(model: Recommender) -> tuple[str, ...]:
    """Names of the members of a blend; of a model without any its own, and popularity, which stands in for it."""
    return model.names if isinstance(model, Blended) else (model.name, PRIOR)


def _placed(before: TopK, after: TopK, parts: Floats) -> Floats:
    """The parts (q, c, members) of lists for what was chosen from them, (q, k, members)."""
    order = np.argsort(before.rows, axis=1)
    ranked = np.take_along_axis(before.rows, order, axis=1)
    place = np.stack([np.searchsorted(mine, rows) for mine, rows in zip(ranked, after.rows, strict=True)])
    place = np.take_along_axis(order, np.minimum(place, ranked.shape[1] - 1), axis=1)
    real = (after.rows >= 0)[:, :, None]
    return np.where(real, np.take_along_axis(parts, place[:, :, None], axis=1), 0).astype(np.float32)


def because(
    known: Known, histories: sp.csr_array, lists: TopK, sources: NDArray[Any], parts: dict[str, Floats]
) -> Explained:
    """Lists that exist already, with the own plays that carried each row and what the two have in common."""
    carried = _carried_by(known, histories, lists)
    common = aspects.shared(known.facts, lists.rows, carried[:, :, 0])
    common |= np.where(aspects.by_played_artists(known.facts, lists.rows, histories), aspects.PLAYED, 0).astype(
        np.uint16
    )
    return Explained(lists, sources, parts, carried, common | _leading(parts))


def _popular_where(
    some: NDArray[np.bool_],
    lists: TopK,
    parts: Floats,
    popular: Floats,
    prior: int,
    allow: Rows | None,
) -> tuple[TopK, Floats]:
    """The same lists and parts, and what is popular for some of the listeners; it goes to the part ``prior``."""
    best = exact.select(popular[None, :], lists.rows.shape[1], allow=allow)
    rows = np.where(some[:, None], best.rows, lists.rows)
    scores = np.where(some[:, None], best.scores, lists.scores)
    parts = np.where(some[:, None, None], 0, parts).astype(np.float32)
    mine = np.where(some[:, None], scores, parts[:, :, prior])
    parts[:, :, prior] = np.where(np.isfinite(mine), mine, 0)
    return TopK(rows, scores), parts


def _scored(model: Recommender, histories: sp.csr_array, n: int, **options: Any) -> tuple[TopK, Floats]:
    """Lists, and what each of ``members`` gave to the scores, float32 (q, k, members)."""
    if isinstance(model, Blended):
        return top_parts(model, histories, n, **options)
    lists = top_lists(model, histories, n, **options)
    whole = np.where(lists.rows >= 0, lists.scores, 0).astype(np.float32)
    return lists, np.stack([whole, np.zeros_like(whole)], axis=2)


def by_kind(model: Recommender, known: Known, histories: sp.csr_array, rows: Rows, parts: Floats) -> dict[str, Floats]:
    """What each kind of knowledge gave to the scores of rows (q, k); they sum to the score, each float32 (q, k).

    A member that can tell its content apart gives to each block in proportion to what the block has in its own score.

    Args:
        parts: what each of ``members`` gave, (q, k, members).
    """
    found: dict[str, Floats] = {}
    models = getattr(model, "models_", (model, None))
    for name, member, part in zip(members(model), models, np.moveaxis(parts, 2, 0), strict=True):
        kind = KINDS.get(name, COLLABORATIVE)
        if known.described is not None and hasattr(member, "split") and part.any():
            shares = _shares(member, known.described, histories, rows)
            given = {f"{CONTENT}{block}": (part * share).astype(np.float32) for block, share in shares.items()}
            kind, part = REST.get(name, kind), part - np.sum(list(given.values()), axis=0, dtype=np.float32)
            found |= {block: found.get(block, np.float32(0)) + each for block, each in given.items()}
        found[kind] = (found.get(kind, np.float32(0)) + part).astype(np.float32)
    most = {kind: float(np.abs(each).max(initial=0)) for kind, each in found.items()}
    least = ROUNDING * max(most.values(), default=0)
    return {kind: each for kind, each in found.items() if most[kind] > least} or found


def _shares(member: Any, described: Dataset, histories: sp.csr_array, rows: Rows) -> dict[str, Floats]:
    """The share of each block of content in a member's scores, (q, k); some listeners at a time."""
    size = max(1, ROWS // max(1, rows.shape[1]))
    starts = range(0, len(rows), size)
    found = [member.split(described, histories[i : i + size], rows[i : i + size]).shares() for i in starts]
    return {block: np.concatenate([each[block] for each in found]) for block in found[0]}


def _leading(parts: Mapping[str, Floats]) -> NDArray[np.uint16]:
    """The block of content that gave most to each row, as bits, where it gave much, (q, k)."""
    blocks = {kind.removeprefix(CONTENT): part for kind, part in parts.items() if kind.startswith(CONTENT)}
    total = np.sum([np.maximum(part, 0) for part in parts.values()], axis=0)
    if not blocks:
        return np.zeros(np.shape(total), np.uint16)
    bits = np.array([aspects.leading(name) for name in blocks], np.uint16)
    given = np.stack(list(blocks.values()))
    best = given.argmax(axis=0)
    much = np.take_along_axis(given, best[None], axis=0)[0] >= LEADS * np.maximum(total, 1e-9)
    return np.where(much, bits[best], 0).astype(np.uint16)


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
    if bits & aspects.LED:
        return f"it suits what you played, {common}"
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
