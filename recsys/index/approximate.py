"""Approximate search with FAISS: a fast guess at the best rows, scored again exactly; the only home of faiss."""

from __future__ import annotations

import os
from functools import cache
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_info

from recsys.errors import DataError, did_you_mean
from recsys.index import exact
from recsys.index.filters import Lists, allow_mask, is_few
from recsys.tables import TopK

Kind = Literal["hnsw", "ivf-sq8", "ivf-flat"]
LINKS, BUILD_EFFORT = 16, 80  # HNSW: neighbours per vector, and how carefully they are chosen
CHUNK = 512  # queries whose candidates' vectors are gathered at a time
OVERFETCH = {"hnsw": 1, "ivf-sq8": 3, "ivf-flat": 1}  # rounded codes need more candidates to choose from
EFFORTS = {
    "hnsw": (16, 32, 48, 64, 96, 128, 160, 192, 256, 384, 512, 768),
    "ivf-sq8": (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384),
    "ivf-flat": (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256, 384),
}


class Approximate:
    """A FAISS index over the rows of one matrix, by inner product; build it with ``Approximate.build``.

    Graphs follow Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using
    Hierarchical Navigable Small World graphs", 2016. The vectors should be normalised.
    """

    def __init__(self, kind: Kind, vectors: NDArray[np.float32], handle: Any) -> None:
        self.kind, self.vectors, self._handle = kind, vectors, handle
        self._plain: dict[int, Any] = {}

    @classmethod
    def build(cls, vectors: NDArray[np.float32], kind: Kind, *, seed: int = 0, threads: int = 2) -> Approximate:
        """Index float32 vectors (n, d); HNSW is reproducible with one thread only.

        >>> unit = np.eye(8, dtype=np.float32)
        >>> Approximate.build(unit, "hnsw").search(unit[:2], 1, effort=16).rows.tolist()
        [[0], [1]]
        """
        if kind not in get_args(Kind):
            raise DataError(f"unknown index kind {kind!r}{did_you_mean(kind, get_args(Kind))}")
        faiss = _faiss()
        faiss.omp_set_num_threads(threads)
        handle = _empty(faiss, kind, len(vectors), vectors.shape[1], seed)
        handle.train(vectors)
        handle.add(vectors)
        return cls(kind, vectors, handle)

    def search(
        self,
        queries: NDArray[np.float32],
        k: int,
        *,
        effort: int,
        allow: NDArray[Any] | None = None,
        exclude: Lists | None = None,
        threads: int = 2,
    ) -> TopK:
        """Probably the k best rows for each query (q, d), with exact scores; never fewer than there are.

        ``effort`` is efSearch of HNSW or the number of cells that IVF looks into. ``allow`` and ``exclude`` are
        as in ``exact.top_k``; the filter acts inside the search, and few allowed rows are searched exactly.
        """
        n = len(self.vectors)
        mask = allow_mask(allow, n)
        allowed = n if mask is None else int(np.count_nonzero(mask))
        longest = 0 if exclude is None else int(np.diff(exclude.indptr).max(initial=0))
        fetch = OVERFETCH[self.kind] * k + longest
        if is_few(allowed, n) or not is_few(fetch, n):
            return exact.top_k(queries, self.vectors, k, exclude=exclude, allow=mask, threads=threads)
        found = self._candidates(queries, fetch, effort, mask, allowed / n, threads)
        if exclude is not None:
            found[exclude.contain(found)] = -1
        lists = self._scored(queries, found, k)
        return self._completed(lists, queries, k, mask, exclude, threads)

    def dumps(self) -> NDArray[np.uint8]:
        """The index as bytes; a graph comes without the vectors, which are kept elsewhere anyway."""
        faiss = _faiss()
        return faiss.serialize_index(self._handle, faiss.IO_FLAG_SKIP_STORAGE if self.kind == "hnsw" else 0)

    @classmethod
    def loads(cls, data: NDArray[np.uint8], kind: Kind, vectors: NDArray[np.float32]) -> Approximate | None:
        """The index back from bytes that are known to be ours, or None if it isn't one of these vectors.

        A graph keeps a copy of the vectors; ``vectors`` of the index are then these, so that others may let go.
        """
        faiss = _faiss()
        handle = faiss.deserialize_index(data)
        if handle.ntotal != len(vectors) or handle.d != vectors.shape[1]:
            return None
        if kind == "hnsw":
            store = faiss.IndexFlatIP(handle.d)
            store.add(vectors)
            store.this.disown()
            handle.storage, handle.own_fields = store, True
            vectors = np.asarray(_Held(handle, store, vectors.shape))
        return cls(kind, vectors, handle)

    def _candidates(
        self, queries: NDArray[np.float32], fetch: int, effort: int, mask: Any, share: float, threads: int
    ) -> NDArray[np.int64]:
        faiss = _faiss()
        faiss.omp_set_num_threads(threads)
        effort = max(effort, fetch) if self.kind == "hnsw" else effort
        if mask is None:
            parameters = self._plain.get(effort) or self._plain.setdefault(effort, self._parameters(effort))
            return self._handle.search(queries, fetch, params=parameters)[1]
        effort = round(effort / share) if self.kind == "hnsw" else 2 * effort
        chosen = faiss.IDSelectorBitmap(np.packbits(mask, bitorder="little"))
        return self._handle.search(queries, fetch, params=self._parameters(effort, sel=chosen))[1]

    def _parameters(self, effort: int, **more: Any) -> Any:
        faiss = _faiss()
        if self.kind == "hnsw":
            return faiss.SearchParametersHNSW(efSearch=effort, **more)
        return faiss.SearchParametersIVF(nprobe=effort, **more)

    def _scored(self, queries: NDArray[np.float32], found: NDArray[np.int64], k: int) -> TopK:
        """Exact scores of the candidates, best first, equal ones by lower row."""
        lists = TopK.empty(len(found), k)
        for start in range(0, len(found), CHUNK):
            rows, part = found[start : start + CHUNK], slice(start, start + CHUNK)
            scores = np.matmul(self.vectors[rows], queries[part, :, None])[:, :, 0]
            scores[rows < 0] = -np.inf
            order = np.lexsort((rows, -scores), axis=1)[:, :k]
            lists.rows[part] = np.take_along_axis(rows, order, axis=1)
            lists.scores[part] = np.take_along_axis(scores, order, axis=1)
        return lists

    def _completed(
        self, lists: TopK, queries: NDArray[np.float32], k: int, mask: Any, exclude: Lists | None, threads: int
    ) -> TopK:
        """Lists that came out short, searched again exactly."""
        short = np.flatnonzero(lists.rows[:, -1] < 0)
        if len(short):
            some = None if exclude is None else exclude.take(short)
            whole = exact.top_k(queries[short], self.vectors, k, exclude=some, allow=mask, threads=threads)
            lists.rows[short], lists.scores[short] = whole.rows, whole.scores
        return lists


class _Held:
    """Vectors inside a FAISS index as an array that keeps the index alive, read-only."""

    def __init__(self, handle: Any, store: Any, shape: tuple[int, ...]) -> None:
        self.handle = handle
        pointer = int(store.get_xb())
        self.__array_interface__ = {"version": 3, "typestr": "<f4", "shape": shape, "data": (pointer, True)}


def _empty(faiss: Any, kind: Kind, n: int, d: int, seed: int) -> Any:
    metric = faiss.METRIC_INNER_PRODUCT
    if kind == "hnsw":
        handle = faiss.IndexHNSWFlat(d, LINKS, metric)
        handle.hnsw.efConstruction = BUILD_EFFORT
        handle.hnsw.rng = faiss.RandomGenerator(seed + 1)
        return handle
    cells = max(1, min(round(4 * n**0.5), n // 39))
    name = f"IVF{cells},{'SQ8' if kind == 'ivf-sq8' else 'Flat'}"
    handle = faiss.index_factory(d, name, metric)
    handle.cp.seed = seed + 1
    return handle


@cache
def _faiss() -> Any:
    """Import faiss; its old OpenBLAS doesn't know newer processors, so it is told what numpy's found."""
    known = {i.get("architecture", "") for i in threadpool_info() if i["internal_api"] == "openblas"}
    told = "OPENBLAS_CORETYPE" in os.environ
    if not told and len(known) == 1:
        os.environ["OPENBLAS_CORETYPE"] = known.pop()
    try:
        import faiss
    finally:
        if not told:
            os.environ.pop("OPENBLAS_CORETYPE", None)
    return faiss
