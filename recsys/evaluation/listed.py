"""Tables of lists in, part by part; what all of them hold together out: places by track and source, and some in full.

Conventions:
    * A place is one row of one list. Memory grows with tracks and never with listeners.
    * What concerns fewer than ``AUDIENCE`` listeners is told together, as in ``evaluation.exposure``. Of artists and
      marks the most listed track says how many listeners there are at least.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from recsys.evaluation.exposure import AUDIENCE, MOST, NOT_SAID, RARER
from recsys.evaluation.slices import BANDS, bands
from recsys.tables import Catalogue, IdMap
from recsys.tables.catalogue import FLAGS

FIRST = 10  # places that are looked at apart
SHOWN = 5  # places of a list that is shown
Counts = NDArray[np.int64]


class Share(NamedTuple):
    """One group of places.

    Attributes:
        label: of the group.
        places: share of all places.
        beside: other shares by name.
        tracks: how many are in the group; 0 where groups are not of tracks.
    """

    label: str
    places: float
    beside: dict[str, float]
    tracks: int = 0


class Tally:
    """Counts over the parts of a table of lists, in any number of calls.

    Args:
        tracks: ids of all tracks.
        examples: listeners whose first places are kept, as the table names them.

    >>> tally = Tally(IdMap(["x", "y"]), ["ann"])
    >>> tally.add(pa.table({"user_id": ["ann", "bo"], "rank": [1, 1], "track_id": ["y", "y"], "source": ["als"] * 2}))
    >>> tally.places.tolist(), tally.listeners, list(tally.shown)
    ([0, 2], 2, ['ann'])
    """

    def __init__(self, tracks: IdMap, examples: Sequence[Any] = ()) -> None:
        self.tracks, self.examples = tracks, list(examples)
        self.places: Counts = np.zeros(len(tracks), np.int64)
        self.rows = self.listeners = 0
        self.by_source: dict[str, Counts] = {}  # places, first places, listeners
        self.shown: dict[Any, list[dict[str, Any]]] = {}

    def add(self, table: pa.Table) -> None:
        """Count the rows of one part; all rows of a listener are in it."""
        first = table["rank"].to_numpy() <= FIRST
        users, people = _codes(table["user_id"])
        track, names = _codes(table["track_id"])
        rows = self.tracks.rows(names, missing="mark")
        found = np.bincount(track, minlength=len(names))
        np.add.at(self.places, rows[rows >= 0], found[rows >= 0])
        self.rows, self.listeners = self.rows + table.num_rows, self.listeners + len(people)
        self._sources(*_codes(table["source"]), first, users, len(people))
        if self.examples:
            self._keep(table, first)

    def _sources(self, source: Counts, names: list[Any], first: NDArray[np.bool_], users: Counts, people: int) -> None:
        had = np.zeros((len(names), people), bool)
        had[source, users] = True
        counts = np.bincount(source, minlength=len(names)), np.bincount(source[first], minlength=len(names))
        for name, *each in zip(names, *counts, had.sum(axis=1), strict=True):
            self.by_source[name] = self.by_source.get(name, np.zeros(3, np.int64)) + np.array(each, np.int64)

    def _keep(self, table: pa.Table, first: NDArray[np.bool_]) -> None:
        mine = pc.is_in(table["user_id"], pa.array(self.examples, table["user_id"].type))
        wanted = mine.to_numpy(zero_copy_only=False) & first & (table["rank"].to_numpy() <= SHOWN)
        for row in table.take(pa.array(np.flatnonzero(wanted))).to_pylist():
            self.shown.setdefault(row["user_id"], []).append(row)

    @property
    def least(self) -> int:
        """Listeners below which nothing is told on its own."""
        return min(AUDIENCE, self.listeners)

    def sources(self) -> list[Share]:
        """Share of places by source, the largest first; beside it that of the first places."""
        total, firsts, _ = sum(self.by_source.values(), np.zeros(3, np.int64))
        order = sorted(self.by_source, key=lambda name: (-int(self.by_source[name][0]), name))
        told = {name: self.by_source[name] for name in order if self.by_source[name][2] >= self.least}
        rest = sum((counts for name, counts in self.by_source.items() if name not in told), np.zeros(3, np.int64))
        told |= {RARER: rest} if rest[0] else {}
        beside = f"first {FIRST} places"
        return [Share(n, float(c[0] / total), {beside: float(c[1] / max(firsts, 1))}) for n, c in told.items()]

    def bands(self, heard: NDArray[np.floating]) -> list[Share]:
        """Share of places by how popular tracks are, beside those of plays and of the catalogue.

        Args:
            heard: listeners of each track, (tracks,).
        """
        return self._shares(bands(heard.astype(np.int64)), list(BANDS), heard)

    def artists(self, catalogue: Catalogue, heard: NDArray[np.floating]) -> list[Share]:
        """Share of places of the artists with most of them."""
        codes = catalogue.artists
        names = pd.unique(catalogue.frame["artist"].dropna()).tolist()
        top = np.argsort(-np.bincount(codes[codes >= 0], self.places[codes >= 0], len(names)), kind="stable")[:MOST]
        enough = [int(code) for code in top if self.places[codes == code].max(initial=0) >= self.least]
        place = np.full(len(names) + 1, -1)
        place[enough] = np.arange(len(enough))
        return self._shares(place[codes], [str(names[code]) for code in enough], heard)

    def marks(self, catalogue: Catalogue, heard: NDArray[np.floating]) -> dict[str, list[Share]]:
        """Share of places by explicit, generated and licence, for those of which something is known."""
        made = {}
        for name in (*FLAGS, "licence"):
            codes, labels = pd.factorize(catalogue.frame[name].astype(object), use_na_sentinel=True)
            if len(labels):
                names = [{"True": "yes", "False": "no"}.get(str(label), str(label)) for label in labels]
                made[name] = self._together(np.where(codes < 0, len(names), codes), [*names, NOT_SAID], heard)
        return made

    def _together(self, code: Counts, names: list[str], heard: NDArray[np.floating]) -> list[Share]:
        """Groups, the largest first; those of few listeners, and all after the largest, as one."""
        most = np.zeros(len(names), np.int64)
        np.maximum.at(most, code, self.places)
        size = np.bincount(code, minlength=len(names))
        order = [int(i) for i in np.argsort(-size, kind="stable") if size[i]]
        kept = [i for i in order[:MOST] if most[i] >= self.least or most[i] == 0]
        place = np.full(len(names), len(kept))
        place[kept] = np.arange(len(kept))
        found = self._shares(place[code], [names[i] for i in kept] + [RARER], heard)
        return [share for share in found if share.tracks]

    def _shares(self, code: Counts, labels: Sequence[str], heard: NDArray[np.floating]) -> list[Share]:
        real = code >= 0
        weights = {"": self.places, "plays": heard, "catalogue": np.ones(len(code))}
        parts = {
            name: np.bincount(code[real], weight[real], len(labels)) / max(float(weight.sum()), 1e-12)
            for name, weight in weights.items()
        }
        size = np.bincount(code[real], minlength=len(labels))
        beside = [{name: float(parts[name][i]) for name in ("plays", "catalogue")} for i in range(len(labels))]
        return [Share(one, float(parts[""][i]), beside[i], int(size[i])) for i, one in enumerate(labels)]


def lorenz(amounts: NDArray[Any], points: int = 21) -> list[tuple[float, float]]:
    """The share of the whole that the least share of the holders has, from (0, 0) to (1, 1).

    >>> lorenz(np.array([3, 1]), 3)
    [(0.0, 0.0), (0.5, 0.25), (1.0, 1.0)]
    """
    held = np.r_[0.0, np.cumsum(np.sort(np.asarray(amounts, np.float64)))]
    at = np.linspace(0, 1, points)
    share = np.interp(at * (len(held) - 1), np.arange(len(held)), held) / max(held[-1], 1e-12)
    return [(round(float(x), 4), float(y)) for x, y in zip(at, share, strict=True)]


def parts_of(row: Mapping[str, Any]) -> dict[str, float]:
    """What each kind of knowledge gave to one place, by name; JSON text is read.

    >>> parts_of({"why": '{"parts": {"content": 0.5}, "plays": []}'})
    {'content': 0.5}
    """
    why = row.get("why") or {}
    told = json.loads(why) if isinstance(why, str) else why
    return {name: float(np.float32(given)) for name, given in (told.get("parts") or {}).items() if given is not None}


def _codes(column: pa.ChunkedArray) -> tuple[Counts, list[Any]]:
    """Codes and the values that they stand for."""
    plain = column.combine_chunks()
    coded = plain if pa.types.is_dictionary(plain.type) else plain.dictionary_encode()
    if isinstance(coded, pa.ChunkedArray):
        coded = coded.combine_chunks()
    return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()
