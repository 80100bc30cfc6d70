"""A text index and a few words in, the tracks that they mean out, each with what matched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.producers.text.index import LABELS, NAMES, WEIGHTS, TextIndex, as_name
from recsys.tables.moods import mood_named
from recsys.tables.words import tokens

Floats = NDArray[np.float32]
Rows = NDArray[np.int32]
LONGEST = 1000  # characters of a query that count
MOST = 32  # words of it
EXACT, NEAR_NAME, ALL_WORDS = 3.0, 2.0, 1.0  # what a name adds to the score, which is below 1 otherwise
EDIT = 0.1  # what each typing error in a name costs
FORGIVEN = 0.7  # what a word counts that is spelt otherwise
ALTERNATIVES = 6  # spellings of one word
MEANING = 0.3  # what nearness in meaning adds at most
NEARNESS = 0.5  # cosine from which it counts
HEARD = 0.02  # what many listeners add at most: enough to order what matches alike
CHECKED = 500  # names of all words that are compared with the whole query


@dataclass(frozen=True)
class Term:
    """One word of a query.

    Attributes:
        word: as it was typed.
        places: of the words of the index that it may mean, each with what a match counts.
        share: of the query that it is; all shares sum to 1.
    """

    word: str
    places: dict[int, float]
    share: float = 0.0

    @property
    def exact(self) -> bool:
        """Whether the index has the word as typed."""
        return max(self.places.values(), default=0.0) == 1.0


@dataclass(frozen=True, eq=False)
class Asked:
    """A query as the index understands it; ``unknown`` are words that are nowhere, nor anything like them."""

    text: str
    name: str
    terms: Sequence[Term]
    unknown: Sequence[str] = ()

    @property
    def understood(self) -> bool:
        """Whether any word is known."""
        return bool(self.terms)


@dataclass(frozen=True, eq=False)
class Found:
    """What was found.

    Attributes:
        rows: best first.
        scores: larger is better.
        asked: the query as it was understood.
        names: rows that the query names, among them all those of ``rows``.
        meaning: cosine of each row with the query in meaning.
    """

    rows: Rows
    scores: Floats
    asked: Asked
    names: frozenset[int]
    meaning: Floats


def understand(index: TextIndex, text: str) -> Asked:
    """The words of a query as the index has them.

    >>> import pandas as pd
    >>> from recsys.producers.text.index import build
    >>> songs = build(pd.DataFrame({"title": ["Rhapsody"], "genre": [["hip-hop"]]}))
    >>> asked = understand(songs, "rapsody hiphop xyzzy")
    >>> [[songs.words[place] for place in term.places] for term in asked.terms], asked.unknown
    ([['rhapsody'], ['hiphop']], ['xyzzy'])
    """
    text = text[:LONGEST].encode("utf-8", "replace").decode()  # without halves of characters
    typed = list(dict.fromkeys(tokens(text)))[:MOST]
    found = {word: _places_of(index, word) for word in typed}
    for first, second in pairwise(typed):
        if (both := index.words.find(first + second)) >= 0:
            found[first], found[second] = {**found[first], both: 1.0}, {**found[second], both: 1.0}
    known = {word: places for word, places in found.items() if places}
    says = {word: max(float(index.idf[place]) for place in places) for word, places in known.items()}
    whole = sum(says.values())
    terms = [Term(word, places, says[word] / whole) for word, places in known.items()]
    return Asked(text, as_name(text), terms, [word for word in typed if word not in known])


def search(
    index: TextIndex, text: str, n: int, *, listeners: Floats | None = None, allow: NDArray[np.bool_] | None = None
) -> Found:
    """The ``n`` tracks that a text means: names first, then tags, genres and other text, then what is near in meaning.

    Args:
        index: of the catalogue.
        text: any words.
        n: tracks at most; what does not match at all is never found.
        listeners: of each track, (tracks,); among tracks that match alike more listeners come first.
        allow: the only tracks to choose from, bool (tracks,).

    >>> import pandas as pd
    >>> from recsys.producers.text.index import build
    >>> frame = {"title": ["Piano", "Night", "Noise"], "tags": [["x"], ["calm", "piano"], ["loud"]]}
    >>> songs = build(pd.DataFrame(frame))
    >>> search(songs, "calm piano", 3).rows.tolist(), search(songs, "pianno", 3).rows.tolist()
    ([1, 0], [0, 1])
    """
    asked = understand(index, text)
    scores = _lexical(index, asked)
    meaning = _meaning(index, asked)
    scores += MEANING * np.where(meaning >= NEARNESS, meaning, 0)
    names = _named(index, asked)
    for row, worth in names.items():
        scores[row] += worth
    good = scores > 0 if allow is None else (scores > 0) & allow
    if listeners is not None and len(listeners):
        scores += np.float32(HEARD) * np.log1p(listeners) / max(float(np.log1p(listeners.max())), 1e-9)
    rows = np.flatnonzero(good).astype(np.int32)
    rows = rows[np.lexsort((rows, -scores[rows]))][:n]
    return Found(rows, scores[rows], asked, frozenset(names), meaning[rows])


def _places_of(index: TextIndex, word: str) -> dict[int, float]:
    """Places of a word, or of those that it may be a typing error for, each with what a match counts.

    A word for a mood also means that mood, so that "relaxing" finds "relaxed".
    """
    exact, mood = index.words.find(word), index.words.find(mood_named(word) or word)
    if exact >= 0 or mood >= 0:
        return {place: worth for place, worth in ((mood, FORGIVEN), (exact, 1.0)) if place >= 0}
    near = [one.place for one in index.words.near(word)]
    often = sorted(near, key=lambda place: index.idf[place])
    return dict.fromkeys(often[:ALTERNATIVES], FORGIVEN)


def _lexical(index: TextIndex, asked: Asked) -> Floats:
    """How much of the query stands at each track, 0..1, (tracks,)."""
    total, covered = np.zeros(index.tracks, np.float32), np.zeros(index.tracks, np.float32)
    for term in asked.terms:
        best = np.zeros(index.tracks, np.float32)
        for place, counts in term.places.items():
            for name, matrix in index.fields.items():
                start, end = matrix.indptr[place], matrix.indptr[place + 1]
                rows, worth = matrix.indices[start:end], matrix.data[start:end]
                best[rows] = np.maximum(best[rows], np.float32(counts * WEIGHTS[name]) * worth)
        total += np.float32(term.share) * best
        covered += np.float32(term.share) * (best > 0)
    return total * covered


def _meaning(index: TextIndex, asked: Asked) -> Floats:
    """Cosine of each track with the labels of the query in the space of words used alike, (tracks,).

    Words of names alone are used too seldom to mean anything.
    """
    parts = [
        counts * index.idf[place] * index.word_places[place]
        for term in asked.terms
        if _is_label(index, term)
        for place, counts in term.places.items()
    ]
    if not parts or not index.word_places.shape[1]:
        return np.zeros(index.tracks, np.float32)
    wanted = np.sum(parts, axis=0, dtype=np.float32)
    length = float(np.linalg.norm(wanted))
    return index.track_places @ (wanted / length) if length > 0 else np.zeros(index.tracks, np.float32)


def _named(index: TextIndex, asked: Asked) -> dict[int, float]:
    """Rows whose title or artist (or both together) the query is, and what that adds to their scores."""
    worth: dict[int, float] = {}
    places = {index.names.find(asked.name): EXACT}
    if not all(_is_label(index, term) for term in asked.terms) or not asked.terms:
        places |= {one.place: NEAR_NAME - EDIT * one.edits for one in index.names.near(asked.name) if one.edits}
    for place, value in places.items():
        for called in index.called.values() if place >= 0 else ():
            worth |= {int(row): max(value, worth.get(int(row), 0.0)) for row in np.flatnonzero(called == place)}
    for row in _all_words(index, asked) if len(asked.terms) > 1 and not asked.unknown else ():
        whole = whole_name(index, row, NAMES), whole_name(index, row, NAMES[::-1])
        worth[row] = max(worth.get(row, 0.0), EXACT if asked.name in whole else ALL_WORDS)
    return worth


def _is_label(index: TextIndex, term: Term) -> bool:
    """Whether some genre or tag has the word as typed."""
    fields = [index.fields[name] for name in LABELS if name in index.fields]
    return term.exact and any(m.indptr[place] < m.indptr[place + 1] for m in fields for place in term.places)


def _all_words(index: TextIndex, asked: Asked) -> list[int]:
    """Rows with every word of the query in title or artist."""
    fields = [index.fields[name] for name in NAMES if name in index.fields]
    common: NDArray[Any] | None = None
    for term in asked.terms:
        rows = [m.indices[m.indptr[place] : m.indptr[place + 1]] for m in fields for place in term.places]
        mine = np.unique(np.concatenate(rows)) if rows else np.empty(0, np.int32)
        common = mine if common is None else np.intersect1d(common, mine, assume_unique=True)
    return [] if common is None else common[:CHECKED].tolist()


def whole_name(index: TextIndex, row: int, order: Sequence[str]) -> str:
    """Title and artist of a track, or one of them, as one word."""
    places = (int(index.called[name][row]) for name in order if name in index.called)
    return "".join(index.names[place] for place in places if place >= 0)
