"""A folder of features in, pairs of tracks that are the same recording, another version or like a cover, out.

Candidates are each track's nearest fingerprints and tracks of one title, so their number grows with the number of
tracks and not with its square; each is then held against what a relation means.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from recsys import manifest
from recsys.audio.candidates import Pairs, alike, crowd, nearest, together
from recsys.audio.candidates import likeness as likeness_of
from recsys.audio.fingerprint import unit
from recsys.audio.timbre import PARTS
from recsys.audio.titles import plain_artist, plain_title

if TYPE_CHECKING:
    from recsys.audio.store import Features

Floats = NDArray[np.float32]
Numbers = NDArray[np.float64]
Flags = NDArray[np.bool_]

KIND = "relations"
FILE = "relations.parquet"
COLUMNS = ["track_a", "track_b", "relation", "confidence"]
SAME, VERSION, COVER = "same recording", "other version", "cover-like"

NEIGHBOURS = 10  # nearest fingerprints looked at
TITLES = 10  # tracks of one title looked at
LIKE = 0.85  # likeness of fingerprints that the same recording has
COVER_LIKE = 0.88  # that a cover has
APART_FROM_CROWD = 0.04  # that it exceeds the likeness to what else is near, summed over both tracks
CROWD = 5  # how many others that is
COPY = 0.95  # likeness of what is a copy and no other
TITLED_LIKE = 0.8  # that a cover of the same title has
HEARD = 20.0  # seconds below which likeness may be chance
APART = 2.0  # seconds that the same recording may differ in length
OFF_KEY = 0.02  # correlation that its chroma may gain by a change of key
ENVELOPE = 2.0  # dB that its mean spectrum may differ in the middle band
TOGETHER = 0.6  # share of its onsets that are at the same times
TOO_FEW = 8  # onsets that say nothing
TOLERANCE = 0.03  # seconds


class Names(NamedTuple):
    """Codes of the plain title and artist of each track, −1 where unknown."""

    title: NDArray[np.int64]
    artist: NDArray[np.int64]


def relations(features: Features) -> pd.DataFrame:
    """Find related tracks.

    Returns:
        track_a, track_b (ids, track_a before track_b), relation, confidence (0 to 1); each pair at most once:
        "same recording": the same take, whatever its loudness and codec, with up to 2 s more or less of it;
        "other version": title and artist agree, the sound does not;
        "cover-like": pitch classes move alike, in any key, and the artists are not known to be the same.
    """
    vectors = fingerprints(features)
    names = Names(*(_codes(features.catalogue[c], p) for c, p in (("title", plain_title), ("artist", plain_artist))))
    pairs = together(nearest(vectors, NEIGHBOURS, LIKE), alike(names.title, names.artist, TITLES))
    likeness = likeness_of(vectors, pairs)
    same = same_recording(features, pairs, likeness)
    version, cover = _by_name(features, pairs, likeness, _apart(vectors, pairs, likeness), names)
    chosen = [same > 0, version > 0, cover > 0]
    relation = np.select(chosen, [SAME, VERSION, COVER], "")
    confidence = np.select(chosen, [same, version, cover], 0.0)
    return _table(features, pairs, relation, confidence)


def fingerprints(features: Features) -> Floats:
    """Vectors whose dot product is how alike two tracks move, (n, d): of length 1, and of length 0 where unknown."""
    if "fingerprint" not in features.extra:
        return np.zeros((len(features), 1), np.float32)
    prints = features.extra["fingerprint"]
    return np.asarray(unit(prints.vectors) * prints.known[:, None], np.float32)


def same_recording(features: Features, pairs: Pairs, likeness: Numbers) -> Numbers:
    """Confidence that each pair is the same recording, (n,); 0 when it is not."""
    seconds = features.catalogue["duration"].to_numpy(np.float64)
    confidence = np.zeros(len(likeness))
    maybe = np.flatnonzero((np.abs(seconds[pairs.a] - seconds[pairs.b]) <= APART) & (likeness >= LIKE))
    if not len(maybe):
        return confidence
    near = Pairs(pairs.a[maybe], pairs.b[maybe], pairs.mutual[maybe])
    maybe = maybe[_same_key(features, near) & _same_spectrum(features, near)]
    onsets = _onsets(features, np.unique(np.concatenate([pairs.a[maybe], pairs.b[maybe]])))
    for i in maybe:
        share = onsets_together(onsets[pairs.a[i]], onsets[pairs.b[i]])
        if np.isnan(share):
            confidence[i] = likeness[i] / 2
        elif share >= TOGETHER:
            confidence[i] = (likeness[i] + share) / 2
    return confidence


def onsets_together(one: Floats, other: Floats) -> float:
    """Share of the onsets of the shorter list that the other has too, at the best shift of up to 2.5 s; NaN for few.

    >>> times = np.cumsum(np.random.default_rng(0).uniform(0.1, 0.9, 50)).astype(np.float32)
    >>> onsets_together(times, times[3:] - 1)
    1.0
    """
    if min(len(one), len(other)) < TOO_FEW:
        return float("nan")
    apart = (other[None, :] - one[:, None]).ravel()
    apart = np.sort(apart[np.abs(apart) <= APART + 0.5])
    if not len(apart):
        return 0.0
    inside = np.searchsorted(apart, apart + 2 * TOLERANCE, side="right") - np.arange(len(apart))
    shift = apart[inside.argmax()] + TOLERANCE
    few, many = sorted((one + shift, other), key=len)
    place = np.clip(np.searchsorted(many, few), 1, len(many) - 1)
    distance = np.minimum(np.abs(few - many[place]), np.abs(few - many[place - 1]))
    return float((distance <= TOLERANCE + 1e-4).mean())


def collapse(
    rows: pd.DataFrame, related: pd.DataFrame, *, kinds: Sequence[str] = (SAME,), least: float = 0.5
) -> pd.DataFrame:
    """Results with one track of each group of related ones: the first of a list stays, ``rank`` is counted anew.

    Args:
        rows: ``track_id`` in order, and ``query`` or ``user_id`` where there are several lists; tracks related to the
            query itself go too.
        related: what ``relations`` gave.
        kinds: which relations count.
        least: confidence below which a relation does not count.

    >>> rows = pd.DataFrame({"rank": [1, 2, 3], "track_id": ["a", "b", "c"]})
    >>> related = pd.DataFrame([("a", "b", SAME, 0.9)], columns=COLUMNS)
    >>> collapse(rows, related)["track_id"].tolist()
    ['a', 'c']
    """
    counted = related[related["relation"].isin(kinds) & (related["confidence"] >= least)]
    group = _groups(counted)
    own = rows["track_id"].map(lambda track: group.get(track, track))
    lists = [name for name in ("query", "user_id") if name in rows]
    keyed = rows[lists].assign(own=own)
    stays = ~keyed.duplicated()
    if "query" in rows:
        stays &= own != rows["query"].map(lambda track: group.get(track, track))
    kept = rows[stays].reset_index(drop=True)
    if "rank" in kept:
        ranks = kept.groupby(lists, sort=False).cumcount() if lists else pd.Series(range(len(kept)))
        kept["rank"] = (ranks + 1).astype(rows["rank"].dtype)
    return kept


def recordings(related: pd.DataFrame, least: float = 0.5) -> dict[object, object]:
    """The first track of each group of same recordings, by track; a track that stands alone is not in it.

    >>> recordings(pd.DataFrame([("a", "b", SAME, 0.9), ("b", "c", SAME, 0.9)], columns=COLUMNS))
    {'a': 'a', 'b': 'a', 'c': 'a'}
    """
    group = _groups(related[(related["relation"] == SAME) & (related["confidence"] >= least)])
    first: dict[int, object] = {}
    for track in sorted(group, key=str):
        first.setdefault(group[track], track)
    return {track: first[group[track]] for track in sorted(group, key=str)}


def write_relations(related: pd.DataFrame, out: str | Path, features: Features) -> None:
    """Store relations in a folder of their own, with a manifest that names the features they were made from."""
    source = {"folder": str(features.folder), "files": features.manifest["files"]}
    counts = {str(kind): int(count) for kind, count in related["relation"].value_counts().items()}
    with manifest.fresh_folder(Path(out)) as work:
        related.to_parquet(work / FILE, index=False)
        manifest.seal(work, KIND, {"relations": counts, "made_from": source})


def read_relations(folder: str | Path) -> pd.DataFrame:
    """Read what ``write_relations`` stored.

    Raises:
        ArtefactError: not such a folder, unfinished, or too new.
    """
    manifest.read(Path(folder), KIND)
    return pd.read_parquet(Path(folder) / FILE)


def _codes(texts: pd.Series, plain: object) -> NDArray[np.int64]:
    """Equal numbers for texts that are equal when plain; −1 for none."""
    names = texts.map(plain)
    return pd.factorize(names.where(names != "", None))[0].astype(np.int64)


def _same_key(features: Features, pairs: Pairs) -> Flags:
    """Whether no change of key brings the mean chroma of two tracks closer than it is."""
    chroma = features.extra["chroma"].vectors
    centred = chroma - chroma.mean(axis=1, keepdims=True)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-9)
    shifts = [np.einsum("nd,nd->n", centred[pairs.a], np.roll(centred, s, axis=1)[pairs.b]) for s in range(12)]
    return np.asarray(shifts[0] >= np.max(shifts, axis=0) - OFF_KEY)


def _same_spectrum(features: Features, pairs: Pairs) -> Flags:
    """Whether the mean spectra agree, whatever the loudness and what a codec cuts off."""
    envelope = features.blocks["timbre"].vectors[:, PARTS["envelope"]]
    return np.asarray(np.median(np.abs(envelope[pairs.a] - envelope[pairs.b]), axis=1) <= ENVELOPE)


def _onsets(features: Features, rows: NDArray[np.int64]) -> dict[int, Floats]:
    """Onset times of some tracks."""
    none = np.empty(0, np.float32)
    ids = np.asarray(features.tracks.ids)
    return {int(row): np.sort(features.events(str(ids[row])).get("onsets", none)) for row in rows}


def _apart(vectors: Floats, pairs: Pairs, likeness: Numbers) -> Flags:
    """Which pairs are alike as covers are, and more than each is to what else is near it."""
    close = np.flatnonzero(pairs.mutual & (likeness >= COVER_LIKE))
    rows, place = np.unique(np.concatenate([pairs.a[close], pairs.b[close]]), return_inverse=True)
    both = crowd(vectors, rows, CROWD, COPY)[place].reshape(2, -1).sum(axis=0)
    found = np.zeros(len(likeness), bool)
    found[close] = 2 * likeness[close] - both >= APART_FROM_CROWD
    return found


def _by_name(
    features: Features, pairs: Pairs, likeness: Numbers, apart: Flags, names: Names
) -> tuple[Numbers, Numbers]:
    """Confidence that each pair is two versions by one artist, and that it is a cover; 0 when it is not."""
    titled, credited = ((codes[pairs.a] == codes[pairs.b]) & (codes[pairs.a] >= 0) for codes in names)
    long = features.catalogue["duration"].to_numpy(np.float64) >= HEARD
    heard = apart & long[pairs.a] & long[pairs.b]
    cover = ~credited & (heard | (titled & (likeness >= TITLED_LIKE)))
    version = np.where(titled & credited, 0.5 + np.clip(likeness, 0, 1) / 2, 0.0)
    return version, np.where(cover, np.clip(5 * likeness - 4 + 0.5 * titled, 0.05, 1), 0.0)


def _table(features: Features, pairs: Pairs, relation: NDArray[np.str_], confidence: Numbers) -> pd.DataFrame:
    ids, found = np.asarray(features.tracks.ids), relation != ""
    columns = (ids[pairs.a[found]], ids[pairs.b[found]], relation[found], confidence[found].round(4))
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))


def _groups(related: pd.DataFrame) -> dict[object, int]:
    """A number for each track that is related to others, the same for all that hang together."""
    codes, ids = pd.factorize(pd.concat([related["track_a"], related["track_b"]], ignore_index=True))
    half = len(related)
    graph = coo_array((np.ones(half), (codes[:half], codes[half:])), shape=(len(ids), len(ids)))
    labels = connected_components(graph, directed=False)[1] if half else []
    return {track: -1 - int(label) for track, label in zip(ids, labels, strict=True)}
