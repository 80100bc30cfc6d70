"""Labels, titles and lyrics of tracks in, a content space of them out, in which later tracks have their places too.

Terms are words, and of labels also pieces of three letters, so that "prog rock" is near "progressive rock". They are
weighed by TF-IDF and turned into the axes along which tracks differ most (latent semantic analysis).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.blas import one_blas_thread
from recsys.tables import Embeddings
from recsys.tables.predicted import listed
from recsys.tables.words import grams, tokens

Floats = NDArray[np.float32]
Codes = NDArray[np.uint64]
NAME = "text"
WEIGHTS = {"genre": 1.0, "tags": 1.0, "mood": 1.0, "title": 0.5, "album": 0.3, "lyrics": 0.7}
LABELS = ("genre", "tags", "mood")
DIMENSIONS = 256
SHARED = 2  # tracks that must have a term
MOST = 4096  # terms, those of most tracks
LONGEST = 400  # words of one text that count
ROUNDS = 4  # of subspace iteration
STATE = ("terms", "idf", "axes")


@dataclass(frozen=True, eq=False)
class TextSpace:
    """Terms and where they lie.

    Attributes:
        terms: uint64 (t,), hashes of the terms, sorted.
        idf: float32 (t,), their rarity.
        axes: float32 (t, d).

    >>> songs = pd.DataFrame({"genre": [["prog rock"], ["progressive rock"], ["jazz"], ["jazz", "swing"], None]})
    >>> made = TextSpace.fit(songs, dimensions=2).vectors(songs)
    >>> np.abs(made.vectors @ made.vectors[0]).round(1).tolist(), made.known.tolist()
    ([1.0, 1.0, 0.0, 0.0, 0.0], [True, True, True, True, False])
    """

    terms: Codes
    idf: Floats
    axes: Floats

    @classmethod
    def fit(cls, frame: pd.DataFrame, *, dimensions: int = DIMENSIONS) -> Self:
        """Find rarities and axes on a catalogue.

        Args:
            frame: of a ``Catalogue``; genre, tags, mood, title, album and lyrics count, where they are there.
            dimensions: fewer where there are fewer terms.
        """
        terms, counts = _counted(frame)
        having = np.diff(sp.csc_array(counts).indptr)
        kept = np.flatnonzero(having >= SHARED)
        kept = np.sort(kept[np.argsort(-having[kept], kind="stable")[:MOST]])
        idf = (np.log((1 + len(frame)) / (1 + having[kept])) + 1).astype(np.float32)
        rows = _weighed(sp.csr_array(counts[:, kept]), idf)
        return cls(terms[kept], idf, _axes(rows, min(dimensions, len(kept), len(frame))))

    def vectors(self, frame: pd.DataFrame) -> Embeddings:
        """Places of tracks of any catalogue, of length 1; unknown where none of the terms is there."""
        terms, counts = _counted(frame)
        place = np.minimum(np.searchsorted(self.terms, terms), max(len(self.terms) - 1, 0))
        shared = np.flatnonzero(self.terms[place] == terms) if len(self.terms) else np.empty(0, np.int64)
        mine = place[shared]
        return Embeddings.normalised(_weighed(sp.csr_array(counts[:, shared]), self.idf[mine]) @ self.axes[mine], NAME)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to store."""
        return {name: getattr(self, name) for name in STATE}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Back from ``arrays()``."""
        return cls(*(np.asarray(arrays[name]) for name in STATE))


class _Terms(dict[str, tuple[str, ...]]):
    """Terms of texts, each read once."""

    def __init__(self, *, label: bool) -> None:
        super().__init__()
        self.label = label

    def __missing__(self, text: str) -> tuple[str, ...]:
        words = tokens(text)[:LONGEST]
        made = (*words, *(f"~{piece}" for word in words for piece in grams(word))) if self.label else words
        self[text] = made
        return made


def _counted(frame: pd.DataFrame) -> tuple[Codes, sp.csr_array]:
    """Hashes of all terms, sorted, and how often each track has them, log-scaled and weighed by field, (n, t)."""
    number: dict[str, int] = {}
    parts = []
    for field, weight in WEIGHTS.items():
        if field not in frame:
            continue
        known, rows, found = _Terms(label=field in LABELS), [], []
        for row, value in enumerate(frame[field].to_numpy(object)):
            for text in (value,) if isinstance(value, str) else listed(value):
                mine = known[str(text)]
                rows += [row] * len(mine)
                found += [number.setdefault(term, len(number)) for term in mine]
        parts.append((weight, rows, found))
    shape = len(frame), len(number)
    total = sp.csr_array(shape, dtype=np.float32)
    for weight, rows, found in parts:
        counts = sp.csr_array((np.ones(len(rows), np.float32), (rows, found)), shape=shape)
        counts.data = np.float32(weight) * (1 + np.log(counts.data))
        total = total + counts
    codes = np.array([_hash(term) for term in number], np.uint64)
    order = np.argsort(codes)
    return codes[order], sp.csr_array(total[:, order])


def _hash(term: str) -> int:
    return int.from_bytes(blake2b(term.encode("utf-8", "replace"), digest_size=8).digest(), "little")


def _weighed(counts: sp.csr_array, idf: Floats) -> sp.csr_array:
    """TF-IDF of length 1 per track."""
    values = counts.data * idf[counts.indices]
    owner = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(owner, values.astype(np.float64) ** 2, minlength=counts.shape[0]))
    values = (values / np.maximum(length, 1e-12)[owner]).astype(np.float32)
    return sp.csr_array((values, counts.indices, counts.indptr), shape=counts.shape)


def _axes(rows: sp.csr_array, size: int) -> Floats:
    """The leading eigenvectors of ``rows.T @ rows``, (t, d), largest first; always the same ones.

    By subspace iteration (Halko, Martinsson & Tropp 2011) where there are many terms.
    """
    gram = (rows.T @ rows).toarray().astype(np.float32)
    with one_blas_thread():
        if len(gram) <= 2 * size:
            return np.linalg.eigh(gram)[1][:, ::-1][:, :size].astype(np.float32)
        basis = np.random.default_rng(0).standard_normal((len(gram), size + 16)).astype(np.float32)
        for _ in range(ROUNDS):
            basis = np.linalg.qr(gram @ basis)[0]
        small = np.linalg.eigh(basis.T @ gram @ basis)[1][:, ::-1][:, :size]
        return (basis @ small).astype(np.float32)
