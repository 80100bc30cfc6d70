"""One index, many views: named blocks of normalised vectors side by side, blended when asked and not when built.

Score of a candidate: the weighted mean of the cosines in those blocks that both the query and the candidate
know, so that a track without, say, a collaborative vector is compared by what is known of it and not
punished for what isn't. Tracks that know the same blocks form a group, in which that mean is one inner
product with the query's blocks scaled; groups are searched one by one and merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError, did_you_mean
from recsys.index import storage
from recsys.index.exact import Allow, Exclude
from recsys.index.filters import Lists, allow_mask
from recsys.index.group import Group, overlap
from recsys.tables import Embeddings, TopK

Kind = Literal["auto", "exact", "hnsw", "ivf-sq8", "ivf-flat"]
Weights = Mapping[str, float] | None


class Index:
    """Neighbours of tracks, by any weighting of the blocks; make one with ``build`` or ``open``.

    Attributes:
        blocks: dimensions of each block by name, in storage order.
        tracks: how many track rows there are; a track that no block knows is never found.
        groups: the tracks by what is known of them; each holds its vectors and, when large, a FAISS index.
        threads: workers of a batch search.

    >>> taste = Embeddings.normalised(np.array([[1., 0], [1, .1], [0, 1]]), "collaborative")
    >>> sound = Embeddings.normalised(np.array([[1., 0], [0, 1], [1, .1]]), "content")
    >>> index = Index.build({"collaborative": taste, "content": sound})
    >>> index.neighbours([0], 1, weights={"collaborative": 1}).rows.tolist()
    [[1]]
    >>> index.neighbours([0], 2, weights={"collaborative": .2, "content": .8}).rows.tolist()
    [[2, 1]]
    """

    def __init__(self, blocks: Mapping[str, int], tracks: int, groups: list[Group], threads: int = 2) -> None:
        self.blocks, self.tracks, self.groups, self.threads = dict(blocks), tracks, groups, threads
        names = list(self.blocks)
        self._slices = dict(zip(names, _spans(self.blocks.values()), strict=True))
        self._codes = [sum(1 << names.index(b) for b in group.blocks) for group in groups]
        self._places = [group.places(tracks) for group in groups]

    @classmethod
    def build(
        cls, embeddings: Mapping[str, Embeddings], kind: Kind = "auto", *, seed: int = 0, threads: int = 2
    ) -> Self:
        """Index one or more spaces of the same tracks; vectors are normalised on the way.

        Args:
            embeddings: by block name; tracks with ``known`` False have no vector in that block.
            kind: ``auto`` is exact below 200,000 tracks and HNSW above.
            seed: of everything random; HNSW is reproducible only with ``threads=1``.

        Raises:
            DataError: no block, blocks over different numbers of tracks, or an unknown kind.
        """
        spaces = {name: Embeddings.normalised(_masked(e), name) for name, e in embeddings.items()}
        if len({len(e) for e in spaces.values()}) != 1:
            raise DataError(
                f"blocks cover {[len(e) for e in spaces.values()]} tracks; expected one and the same number"
            )
        known = np.stack([e.known for e in spaces.values()])
        codes = (1 << np.arange(len(known))) @ known
        groups = []
        for code in np.unique(codes[codes > 0]):
            rows = np.flatnonzero(codes == code).astype(np.int32)
            parts = {name: e.vectors for i, (name, e) in enumerate(spaces.items()) if code >> i & 1}
            groups.append(Group.build(rows, len(codes), parts, kind, seed=seed, threads=threads))
        return cls({name: e.dimensions for name, e in spaces.items()}, len(codes), groups, threads)

    def search(
        self,
        queries: Mapping[str, NDArray[np.float32]],
        k: int,
        *,
        weights: Weights = None,
        allow: Allow = None,
        exclude: Exclude = None,
        effort: int | None = None,
    ) -> TopK:
        """The k tracks nearest to each query; lists shorter than k only when no more tracks may be found.

        Args:
            queries: vectors (q, d) by block; a missing block or a zero row is unknown to that query.
            weights: by block, ≥ 0, default even; blocks left out weigh nothing.
            allow: the only tracks that may be returned: a bool mask (tracks,) or rows.
            exclude: tracks that one query must not get: CSR (q, tracks), or rows (q, m) padded with −1.
            effort: of an approximate search; default: what reached recall@10 ≥ .99 when the index was built.

        Raises:
            DataError: unknown block, wrong shape, or weights that are negative or all zero.
        """
        names = self._names(queries)
        whole = np.zeros((len(queries[names[0]]), sum(self.blocks.values())), np.float32)
        codes = np.zeros(len(whole), np.int64)
        for name in names:
            vectors = np.asarray(queries[name])
            if vectors.shape != (len(whole), self.blocks[name]):
                raise DataError(f"queries[{name!r}] {vectors.shape}; expected ({len(whole)}, {self.blocks[name]})")
            unit = Embeddings.normalised(vectors, name)
            whole[:, self._slices[name]] = unit.vectors
            codes |= unit.known.astype(np.int64) << list(self.blocks).index(name)
        lists = Lists.of(exclude, len(whole), self.tracks)
        return self._search(whole, codes, k, self._weights(weights), allow_mask(allow, self.tracks), lists, effort)

    def neighbours(
        self,
        rows: Any,
        k: int,
        *,
        weights: Weights = None,
        allow: Allow = None,
        exclude: Exclude = None,
        effort: int | None = None,
    ) -> TopK:
        """The k tracks nearest to each of these track rows, never the track itself; options as in ``search``.

        A track that is unknown to all blocks that weigh something has an empty list.
        """
        rows = np.asarray(rows, np.int32).reshape(-1)
        if len(rows) and not (rows.min() >= 0 and rows.max() < self.tracks):
            raise DataError(f"track rows span {rows.min()}..{rows.max()}; expected 0..{self.tracks - 1}")
        whole, codes = self._stored(rows)
        lists = Lists.of(exclude, len(rows), self.tracks)
        lists = Lists.single(rows) if lists is None else lists.joined(rows)
        return self._search(whole, codes, k, self._weights(weights), allow_mask(allow, self.tracks), lists, effort)

    def recall(self, k: int, sample: Any, *, weights: Weights = None, effort: int | None = None) -> float:
        """Share of the true k nearest tracks that ``neighbours`` finds, over a sample of track rows."""
        truth = self.neighbours(sample, k, weights=weights, effort=0)
        return overlap(truth, self.neighbours(sample, k, weights=weights, effort=effort))

    def vectors(self, block: str, rows: Any = None) -> NDArray[np.float32]:
        """Unit vectors of one block for these track rows (default: all), (rows, d), zero where unknown.

        All at once are a read-only view where one group holds every track, and a copy where not.
        """
        self._names([block])
        first = self.groups[0] if self.groups else None
        if rows is None and first is not None and first.rows is None and block in first.slices:
            return first.vectors[:, first.slices[block]]
        asked = np.arange(self.tracks) if rows is None else np.asarray(rows).reshape(-1)
        made = np.zeros((len(asked), self.blocks[block]), np.float32)
        for group, place in zip(self.groups, self._places, strict=True):
            if block in group.slices:
                at = asked if place is None else place[asked]
                made[at >= 0] = group.vectors[at[at >= 0], group.slices[block]]
        return made

    def facts(self) -> list[dict[str, Any]]:
        """For people and manifests: per group its tracks, blocks, kind, and per view effort and measured recall."""
        return [group.facts() for group in self.groups]

    def save(self, folder: Path) -> None:
        """Write the index into an existing folder: index.json, vectors-*.npy, rows-*.npy, index-*.faiss."""
        storage.save(folder, self.blocks, self.tracks, self.groups)

    @classmethod
    def open(cls, folder: Path, sha256: Mapping[str, str] | None = None, *, threads: int = 2) -> Self:
        """Read a saved index; vectors stay on disk and are mapped into memory.

        ``sha256`` holds the promised hash of each ``index-*.faiss`` by file name. A hostile file of that kind
        corrupts memory, so one without a hash or with another content isn't read but built again.

        Raises:
            ArtefactError: missing or damaged files.
        """
        return cls(*storage.open(folder, sha256 or {}, threads), threads)

    def _search(
        self,
        whole: NDArray[np.float32],
        codes: NDArray[np.int64],
        k: int,
        weights: dict[str, float],
        mask: NDArray[np.bool_] | None,
        exclude: Lists | None,
        effort: int | None,
    ) -> TopK:
        """Unit query blocks (q, D), what each query knows, and filters in; merged lists out."""
        answer = TopK.empty(len(whole), k)
        for code, chosen in _parts(codes):
            some = None if exclude is None else exclude if len(chosen) == len(whole) else exclude.take(chosen)
            parts = []
            for number, group in enumerate(self.groups):
                shared = self._shared(code & self._codes[number], weights)
                if shared:
                    queries = {b: whole[chosen, self._slices[b]] for b in shared}
                    place = self._places[number]
                    parts.append(group.search(queries, shared, k, mask, some, place, effort, self.threads))
            if parts:
                best = parts[0] if len(parts) == 1 else merged(parts, k)
                answer.rows[chosen], answer.scores[chosen] = best.rows, best.scores
        return answer

    def _shared(self, code: int, weights: dict[str, float]) -> dict[str, float]:
        """Weights over the blocks in ``code``, adding up to 1; empty when none of them weighs anything."""
        found = {b: w for i, (b, w) in enumerate(weights.items()) if code >> i & 1 and w > 0}
        total = sum(found.values())
        return {b: w / total for b, w in found.items()}

    def _stored(self, rows: NDArray[np.int32]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """The vectors (q, D) of these tracks and the blocks that they know."""
        whole = np.zeros((len(rows), sum(self.blocks.values())), np.float32)
        codes = np.zeros(len(rows), np.int64)
        for group, code, place in zip(self.groups, self._codes, self._places, strict=True):
            at = rows if place is None else place[rows]
            mine = np.flatnonzero(at >= 0)
            codes[mine] = code
            for block, columns in group.slices.items():
                whole[mine, self._slices[block]] = group.vectors[at[mine], columns]
        return whole, codes

    def _weights(self, weights: Weights) -> dict[str, float]:
        if weights is None:
            return dict.fromkeys(self.blocks, 1.0)
        self._names(weights)
        if not all(w >= 0 for w in weights.values()) or not any(weights.values()):
            raise DataError(f"weights {dict(weights)}; expected numbers >= 0, not all zero")
        return {b: float(weights.get(b, 0)) for b in self.blocks}

    def _names(self, given: Iterable[str]) -> list[str]:
        names = list(given)
        for name in names:
            if name not in self.blocks:
                raise DataError(f"unknown block {name!r}{did_you_mean(name, self.blocks)}")
        if not names:
            raise DataError(f"no block given; expected some of {', '.join(self.blocks)}")
        return names


def merged(parts: list[TopK], k: int) -> TopK:
    """One list out of several per query: larger score first, then lower row."""
    rows = np.concatenate([p.rows for p in parts], axis=1)
    scores = np.concatenate([p.scores for p in parts], axis=1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return TopK(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1))


def _parts(codes: NDArray[np.int64]) -> Iterator[tuple[int, NDArray[np.intp]]]:
    """Queries by what they know."""
    for code in np.unique(codes) if len(codes) > 1 else codes:
        yield int(code), np.flatnonzero(codes == code)


def _spans(lengths: Any) -> list[slice]:
    ends = np.cumsum([0, *lengths]).tolist()
    return [slice(*ends[i : i + 2]) for i in range(len(ends) - 1)]


def _masked(embedding: Embeddings) -> NDArray[np.float32]:
    return np.where(embedding.known[:, None], embedding.vectors, np.float32(0))
