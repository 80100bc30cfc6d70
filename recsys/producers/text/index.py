"""A catalogue in, its text as arrays out: which words stand where, how rare they are, and which are used alike.

Words are weighed by TF-IDF within each field (Salton & Buckley 1988; rarity as in scikit-learn, smoothed), and a
truncated SVD of all fields together (latent semantic analysis, Deerwester et al. 1990) gives words and tracks places
in one space, so that "calm" finds what others call "relaxing". Everything is numpy and scipy: answering loads no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys.producers.text.spelling import Spellings
from recsys.tables.predicted import BY, CHANCE, MOOD, PREDICTED, TAGS, columns, listed, targets, together
from recsys.tables.words import folded, squashed, tokens

Floats = NDArray[np.float32]
WEIGHTS = {  # of a field in a query, largest first; every one is a column, but predicted
    **{"title": 1.0, "artist": 1.0, "genre": 1.0, "tags": 0.9, "mood": 0.9},
    **{"predicted": 0.8, "album": 0.5, "lyrics": 0.4},
}
NAMES = ("title", "artist")
LABELS = ("genre", "tags", "mood", "predicted")
LEAST = 0.3  # chance of a predicted label that is worth finding
RATHER, TOP = 0.1, 0.02  # chance, and share of the tracks likeliest to have it, of a label that hardly any is sure of
LONGEST = 400  # words of one text that count
PHRASE = 4  # words of a label that may be written as one
DIMENSIONS = 64
SHARED = 2  # tracks that must have a word for it to have a place
COMMON = 20_000  # words at most that places are found from
ROUNDS = 4  # of subspace iteration


@dataclass(frozen=True, eq=False)
class TextIndex:
    """What searching needs.

    Attributes:
        words: all distinct words.
        names: all distinct titles and artists as one word each.
        idf: float32 (w,), rarity of each word.
        fields: by name, CSR (w, tracks) float32: TF-IDF of length 1 per track, times the chance of what is predicted.
        called: by "title" and "artist", int32 (tracks,): place of the name, −1 where unknown.
        word_places, track_places: float32 (w, d) and (tracks, d), the latter of length 1; d may be 0.
    """

    words: Spellings
    names: Spellings
    idf: Floats
    fields: Mapping[str, sp.csr_array]
    called: Mapping[str, NDArray[np.int32]]
    word_places: Floats
    track_places: Floats

    @property
    def tracks(self) -> int:
        """How many tracks there are."""
        return len(self.track_places)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All there is to store."""
        made = {f"words.{name}": part for name, part in self.words.arrays().items()}
        made |= {f"names.{name}": part for name, part in self.names.arrays().items()}
        made |= {f"called.{name}": part for name, part in self.called.items()}
        for field, matrix in self.fields.items():
            made |= {f"field.{field}.{name}": getattr(matrix, name) for name in ("indptr", "indices", "data")}
        return made | {"idf": self.idf, "word_places": self.word_places, "track_places": self.track_places}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Back from ``arrays()``; arrays may be memory-mapped."""
        words, names, called = (_under(arrays, part) for part in ("words", "names", "called"))
        shape = len(arrays["idf"]), len(arrays["track_places"])
        fields = {}
        for field in dict.fromkeys(name.split(".")[1] for name in arrays if name.startswith("field.")):
            part = _under(arrays, f"field.{field}")
            fields[field] = sp.csr_array((part["data"], part["indices"], part["indptr"]), shape=shape)
        spelt = Spellings.from_arrays(words), Spellings.from_arrays(names)
        return cls(*spelt, arrays["idf"], fields, called, arrays["word_places"], arrays["track_places"])


def _under(arrays: Mapping[str, NDArray[Any]], part: str) -> dict[str, NDArray[Any]]:
    start = f"{part}."
    return {name.removeprefix(start): values for name, values in arrays.items() if name.startswith(start)}


def build(frame: pd.DataFrame, *, dimensions: int = DIMENSIONS) -> TextIndex:
    """Read the text of a catalogue.

    Args:
        frame: of a ``Catalogue``; title, artist, album, genre, tags, mood, lyrics and what producers predicted count,
            where they are there.
        dimensions: of the space; fewer where there are fewer words or tracks.

    >>> songs = pd.DataFrame({"title": ["Blue Train", "So What"], "genre": [["jazz"], ["jazz", "modal"]]})
    >>> made = build(songs)
    >>> [made.words[i] for i in range(len(made.words))], bool((made.fields["genre"].toarray()[1] > 0).all())
    (['blue', 'jazz', 'modal', 'so', 'train', 'what'], True)
    """
    read = {field: _read(frame, field) for field in WEIGHTS}
    read = {field: found for field, found in read.items() if len(found[0])}
    spelt = [word for found in read.values() for word in found[1]]
    codes, distinct = pd.factorize(np.array(spelt, object))
    words = Spellings.of(distinct.tolist())
    order = np.empty(len(distinct), np.int64)
    order[np.argsort(distinct)] = np.arange(len(distinct))
    counts, start = {}, 0
    for field, (rows, mine, weight) in read.items():
        places = order[codes[start : start + len(mine)]]
        counts[field] = _counted(weight, places, rows, (len(words), len(frame)))
        start += len(mine)
    idf = _rarity(counts.values(), len(words), len(frame))
    fields = {field: _weighed(matrix, idf, keep=field == "predicted") for field, matrix in counts.items()}
    names, called = _called(frame)
    return TextIndex(words, names, idf, fields, called, *_places(fields, len(words), len(frame), dimensions))


# ---- which words stand where --------------------------------------------------------------------------


def _read(frame: pd.DataFrame, field: str) -> tuple[list[int], list[str], list[float]]:
    """Track rows, words and how likely each is there; a word may come several times."""
    if field == "predicted":
        return _predicted(frame)
    if field not in (columns(frame) if field == MOOD else frame):
        return [], [], []
    values = _moods(frame) if field == MOOD else frame[field]
    words = Reader(label=field in LABELS)
    rows: list[int] = []
    found: list[str] = []
    for row, value in enumerate(values.to_numpy(object)):
        for text in (value,) if isinstance(value, str) else listed(value):
            mine = words[str(text)]
            rows += [row] * len(mine)
            found += mine
    return rows, found, [1.0] * len(rows)


def _moods(frame: pd.DataFrame) -> pd.Series[Any]:
    """Moods that were given, meant by tags of other names, or told by valence and arousal.

    Those that are predicted stand elsewhere, with their chances.
    """
    found, by = together(frame, MOOD), f"{MOOD}{BY}"
    found = found.where(frame[by].isna(), None) if by in frame else found
    if MOOD in frame or TAGS not in frame:
        return found
    spelt = [{squashed(str(tag)) for tag in listed(tags)} for tags in frame[TAGS]]
    others = [[mood for mood in listed(moods) if mood not in mine] for moods, mine in zip(found, spelt, strict=True)]
    return pd.Series(others, frame.index, dtype=object)


class Reader(dict[str, tuple[str, ...]]):
    """Words of texts, each read once; of a label of several words also all as one, so that "hip hop" is "hiphop".

    >>> Reader(label=True)["Hip-Hop"], Reader(label=False)["Hip-Hop"]
    (('hip', 'hop', 'hiphop'), ('hip', 'hop'))
    """

    def __init__(self, *, label: bool) -> None:
        super().__init__()
        self.label = label

    def __missing__(self, text: str) -> tuple[str, ...]:
        found = tokens(text)[:LONGEST]
        made = (*found, squashed(text)) if self.label and 1 < len(found) <= PHRASE else found
        self[text] = made
        return made


def _predicted(frame: pd.DataFrame) -> tuple[list[int], list[str], list[float]]:
    """Predicted labels, weighed by their chance where that is known."""
    best: dict[tuple[int, str], float] = {}
    words = Reader(label=True)
    for target in targets(frame):
        for row, value in enumerate(frame[f"{target}{PREDICTED}"]):
            for label in listed(value) if not isinstance(value, float) else ():
                for word in words[str(label)]:
                    best[row, word] = 1.0
        for name in frame:
            start = f"{CHANCE}{target}_"
            if str(name).startswith(start):
                chances = np.nan_to_num(frame[name].to_numpy(np.float64, na_value=np.nan))
                label = str(name).removeprefix(start).replace("_", " ")
                least = min(LEAST, max(RATHER, float(np.quantile(chances, 1 - TOP)))) if len(chances) else LEAST
                for row in np.flatnonzero(chances >= least).tolist():
                    for word in words[label]:
                        best[row, word] = float(chances[row])
    return [row for row, _ in best], [word for _, word in best], list(best.values())


def _called(frame: pd.DataFrame) -> tuple[Spellings, dict[str, NDArray[np.int32]]]:
    """Titles and artists as one word each, and which track has which."""
    spelt = {field: [as_name(value) for value in frame[field]] for field in NAMES if field in frame}
    names = Spellings.of(name for mine in spelt.values() for name in mine if name)
    place = {names[i]: i for i in range(len(names))}
    return names, {field: np.array([place.get(n, -1) for n in mine], np.int32) for field, mine in spelt.items()}


def as_name(text: Any) -> str:
    """A title or artist as one word, or without case where it has no letters; "" where it is missing.

    >>> as_name("AC/DC"), as_name("!!!"), as_name(None)
    ('acdc', '!!!', '')
    """
    return (squashed(text) or folded(text).strip()) if isinstance(text, str) else ""


# ---- how much they say --------------------------------------------------------------------------------


def _counted(weight: list[float], words: NDArray[Any], tracks: list[int], shape: tuple[int, int]) -> sp.csr_array:
    """How often each word is at each track; of what is there n times, 1 + log n."""
    made = sp.csr_array((weight, (words, tracks)), shape=shape, dtype=np.float32)
    made.sort_indices()
    made.data = np.where(made.data > 1, 1 + np.log(np.maximum(made.data, 1)), made.data).astype(np.float32)
    return made


def _rarity(counts: Any, words: int, tracks: int) -> Floats:
    """log((1 + tracks) / (1 + tracks that have the word anywhere)) + 1, float32 (w,)."""
    made = sp.csr_array((words, tracks), dtype=np.float32)
    for matrix in counts:
        made = made + matrix
    return (np.log((1 + tracks) / (1 + np.diff(made.indptr))) + 1).astype(np.float32)


def _weighed(matrix: sp.csr_array, idf: Floats, *, keep: bool) -> sp.csr_array:
    """TF-IDF of length 1 per track; with ``keep`` each weight stays a part of the whole, as chances must."""
    owner = np.repeat(idf, np.diff(matrix.indptr))
    values = matrix.data * owner
    whole = np.sqrt(np.bincount(matrix.indices, (owner if keep else values) ** 2, minlength=matrix.shape[1]))
    values = (values / whole[matrix.indices]).astype(np.float32)
    return sp.csr_array((values, matrix.indices.astype(np.int32), matrix.indptr), shape=matrix.shape)


# ---- which are used alike -----------------------------------------------------------------------------


def _places(fields: Mapping[str, sp.csr_array], words: int, tracks: int, dimensions: int) -> tuple[Floats, Floats]:
    """Words and tracks in the axes along which tracks differ most, (w, d) and (tracks, d)."""
    whole = sp.csr_array((words, tracks), dtype=np.float32)
    for field, matrix in fields.items():
        whole = whole + matrix * np.float32(WEIGHTS[field])
    having = np.diff(whole.indptr)
    kept = np.flatnonzero(having >= SHARED)
    kept = np.sort(kept[np.argsort(-having[kept], kind="stable")[:COMMON]])
    size = min(dimensions, len(kept) - 1, tracks - 1)
    if size < 1:
        return np.zeros((words, 0), np.float32), np.zeros((tracks, 0), np.float32)
    some = sp.csr_array(whole[kept])
    axes = _axes(some, size)
    places = np.zeros((words, size), np.float32)
    places[kept] = axes
    return places, _unit(some.T @ axes)


def _axes(matrix: sp.csr_array, size: int) -> Floats:
    """Left singular vectors, (w, d), by subspace iteration (Halko, Martinsson & Tropp 2011); always the same ones."""
    from recsys.blas import one_blas_thread

    other = sp.csr_array(matrix.T)
    basis = np.random.default_rng(0).standard_normal((matrix.shape[0], size + 8)).astype(np.float32)
    with one_blas_thread():
        for _ in range(ROUNDS):
            basis = np.linalg.qr(matrix @ (other @ basis))[0]
        inside = other @ basis  # (tracks, size + 8)
        small = np.linalg.eigh(inside.T.astype(np.float64) @ inside)[1][:, ::-1][:, :size]
    return (basis @ small).astype(np.float32)


def _unit(rows: Floats) -> Floats:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(length > 0, length, 1)).astype(np.float32)
