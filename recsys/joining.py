"""A dataset and the features of a sound library in, one dataset out: tags, traits and a content space for its tracks.

A track of the log takes the features of the first file that fits by id, MusicBrainz id or ISRC, path, file name when
only one file and one track have it, or artist and title (with lengths at most 5 s apart where both are known). Files
that no track takes become tracks of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.audio.relations import recordings, relations
from recsys.audio.space import NAME, Space
from recsys.audio.store import TAGS, Features
from recsys.audio.tonal import camelot, key_name
from recsys.contracts import Rows
from recsys.errors import DataError
from recsys.sources import Gathered
from recsys.sources.matching import normalised
from recsys.sources.rejects import Rejects
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from recsys.tables.predicted import BY, columns_of, targets, where_none_is_given

APART = 5.0  # seconds that two lengths of one recording may differ
DESCRIBED = (*TAGS, "duration", "path", "flags")


@dataclass(frozen=True, eq=False)
class Joined:
    """A dataset with a library in it.

    Attributes:
        dataset: the whole.
        space: what places other sounds; None where there is no sound.
        counts: how many tracks fitted in which way.
        relations: which tracks are the same recording, versions or covers.
        digests: the hash of the sound of each track row, None where it has none.
    """

    dataset: Dataset
    space: Space | None
    counts: dict[str, float]
    relations: pd.DataFrame
    digests: pd.Series


def nothing() -> Gathered:
    """What there is without any file but those of the library."""
    empty = np.empty(0, np.int32)
    plays = Interactions(IdMap([], "user"), IdMap([], "track"), empty, empty, np.empty(0, np.float32))
    return Gathered(Dataset(plays, Catalogue.empty(0)), Rejects().frame(), {})


def join(
    dataset: Dataset,
    features: Features,
    encoded: Sequence[Embeddings] = (),
    *,
    space: Space | None = None,
    said: pd.DataFrame | None = None,
) -> Joined:
    """Bring a library into a dataset.

    Args:
        dataset: what other sources gave.
        features: the library.
        encoded: further vectors of its tracks, each a content space of its own.
        space: what places sounds already; None = it is fitted to this library.
        said: what producers predicted of its tracks, columns as ``tables.predicted`` names them; kept where nothing
            was given.

    Values of the catalogue are filled in, never replaced; lengths only where the files are not mostly excerpts. Traits
    become columns, ``tempo``, ``key`` and ``camelot`` among them; what is wrong with a file stands in ``flags``;
    vectors are the content space ``sound``.

    Raises:
        DataError: the dataset has a content space of such a name already.
    """
    for name in (NAME, *(space.space for space in encoded)):
        if name in dataset.contents:
            raise DataError(f"there is a content space {name!r} already and features make one; rename the content file")
    theirs, how = match(dataset.tracks, dataset.catalogue, features)
    own = np.setdiff1d(np.arange(len(features)), theirs)
    moved = _with_tracks(dataset, features.tracks.at(own))
    library = np.full(len(moved.tracks), -1, np.int32)
    library[moved.tracks.rows(dataset.tracks.ids)] = theirs
    library[moved.tracks.rows(features.tracks.at(own))] = own
    related = relations(features)
    columns = _columns(features, related)
    if said is not None:
        columns = pd.concat([columns, said.reset_index(drop=True)], axis=1)
    catalogue = _described(moved.catalogue, columns, library)
    space, contents = _space(features, catalogue, library, moved.contents, space)
    contents |= {mine.space: _taken(mine, library) for mine in encoded}
    counts = {"library_tracks": len(features), "library_own": len(own)}
    counts |= {f"library_by_{way}": number for way, number in sorted(how.items())}
    ours = _our_ids(related, features, moved.tracks, library)
    digests = features.catalogue["digest"].reset_index(drop=True).reindex(library).reset_index(drop=True)
    return Joined(replace(moved, catalogue=catalogue, contents=contents), space, dict(counts), ours, digests)


def _our_ids(related: pd.DataFrame, features: Features, tracks: IdMap, library: Rows) -> pd.DataFrame:
    """Relations by the ids of the dataset; of several tracks that took one file, the first."""
    known = np.flatnonzero(library >= 0)[::-1]
    track = {str(features.tracks.ids[library[row]]): tracks.ids[row] for row in known}
    return related.assign(track_a=related["track_a"].map(track), track_b=related["track_b"].map(track))


def match(tracks: IdMap, catalogue: Catalogue, features: Features) -> tuple[Rows, Counter[str]]:
    """The library row of each track, −1 where none fits, int32 (tracks,); and how many fitted in which way."""
    library = _Library(features, _names_of_one(catalogue.frame["path"]))
    table = catalogue.frame[["mbid", "isrc", "path", "artist", "title", "duration"]].itertuples(index=False)
    found, how = np.full(len(tracks), -1, np.int32), Counter[str]()
    for row, (key, track) in enumerate(zip(tracks.ids, table, strict=True)):
        way, found[row] = library.find(str(key), track)
        how[way] += 1
    del how["none"]
    return found, how


class _Library:
    """The files of a library by all that a track may know of them; ``single`` are file names of one track only."""

    def __init__(self, features: Features, single: set[str]) -> None:
        frame = features.catalogue
        self.seconds = frame["duration"].to_numpy(np.float64)
        self.ids = {str(key): row for row, key in enumerate(features.tracks.ids)}
        self.codes = _first_rows(zip(frame["mbid"], range(len(frame)), strict=True))
        self.codes |= _first_rows(zip(frame["isrc"], range(len(frame)), strict=True))
        places = [(str(path), row) for row, paths in enumerate(frame["paths"]) for path in paths]
        self.paths = _first_rows(places)
        names = Counter(_base(path) for path, _ in places)
        self.names = {_base(path): row for path, row in places if names[_base(path)] == 1 and _base(path) in single}
        self.titles: dict[str, list[int]] = {}
        for row, (artist, title) in enumerate(zip(frame["artist"], frame["title"], strict=True)):
            if _text(artist) and _text(title):
                self.titles.setdefault(normalised(artist, title), []).append(row)

    def find(self, key: str, track: Any) -> tuple[str, int]:
        """In which way a track fits, and the library row; ("none", −1) when it does not."""
        codes = [key, _text(track.mbid), _text(track.isrc)]
        path = _text(track.path)
        tries = (
            ("id", self.ids.get(key)),
            ("code", next((self.codes[c.casefold()] for c in codes if c and c.casefold() in self.codes), None)),
            ("path", self.paths.get((path or key).casefold())),
            ("name", self.names.get(_base(path)) if path else None),
            ("title", self._by_title(track)),
        )
        return next(((way, row) for way, row in tries if row is not None), ("none", -1))

    def _by_title(self, track: Any) -> int | None:
        """The file of this artist and title whose length is nearest, the first where lengths are unknown."""
        if not (_text(track.artist) and _text(track.title)):
            return None
        rows = self.titles.get(normalised(track.artist, track.title), [])
        apart = [abs(self.seconds[row] - track.duration) for row in rows]
        fits = [(0.0 if np.isnan(gap) else gap, row) for gap, row in zip(apart, rows, strict=True) if not gap > APART]
        return min(fits)[1] if fits else None


def _first_rows(values: Iterable[tuple[Any, int]]) -> dict[str, int]:
    """The first row of each text, whatever its case."""
    made: dict[str, int] = {}
    for value, row in values:
        if _text(value):
            made.setdefault(value.casefold(), row)
    return made


def _names_of_one(paths: Iterable[Any]) -> set[str]:
    counts = Counter(_base(path) for path in paths if _text(path))
    return {name for name, number in counts.items() if number == 1 and name}


def _base(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2].casefold()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _with_tracks(dataset: Dataset, ids: NDArray[Any]) -> Dataset:
    """The dataset with more tracks of which nothing is known; integer ids become text beside ids that are text."""
    tracks = IdMap([*dataset.tracks.ids.tolist(), *ids.tolist()], "track")
    place = tracks.rows(dataset.tracks.ids)

    def moved(part: Interactions | None) -> Interactions | None:
        return None if part is None else replace(part, tracks=tracks, track=place[part.track])

    def spread(space: Embeddings) -> Embeddings:
        vectors, known = np.zeros((len(tracks), space.dimensions), np.float32), np.zeros(len(tracks), np.bool_)
        vectors[place], known[place] = space.vectors, space.known
        return replace(space, vectors=vectors, known=known)

    plays = moved(dataset.plays)
    assert plays is not None
    catalogue = Catalogue(dataset.catalogue.frame.set_axis(place).reindex(range(len(tracks))))
    contents = {name: spread(space) for name, space in dataset.contents.items()}
    rest = {layer: moved(getattr(dataset, layer)) for layer in ("skips", "ratings", "playlists")}
    return Dataset(plays, catalogue, contents, **rest, listeners=dataset.listeners)


def _columns(features: Features, related: pd.DataFrame) -> pd.DataFrame:
    """What a library can say in a catalogue, one row per library track; a file without a title has its name.

    Tracks that are the same recording have the same ``recording``, the id of the first of them in the library.
    """
    first = recordings(related)
    described = features.catalogue[list(DESCRIBED)].reset_index(drop=True)
    described["recording"] = pd.Series([first.get(track) for track in features.tracks.ids], dtype=object)
    described["title"] = described["title"].where(described["title"].notna(), described["path"].map(_stem))
    traits = features.traits.reset_index(drop=True).rename(columns={"tempo_bpm": "tempo"})
    if "key" in traits:
        keys = traits["key"].to_numpy(np.float64)
        named = {"key": [key_name(k) or None for k in keys], "camelot": [camelot(k) or None for k in keys]}
        traits = traits.drop(columns="key").assign(**{n: pd.Series(v, dtype=object) for n, v in named.items()})
    return pd.concat([described, traits], axis=1)


def _stem(path: str) -> str:
    name = path.replace("\\", "/").rpartition("/")[2]
    return name.rpartition(".")[0] or name


def _described(catalogue: Catalogue, columns: pd.DataFrame, library: Rows) -> Catalogue:
    """The catalogue with its gaps filled from the library row of each track."""
    mine = columns.reindex(np.where(library >= 0, library, -1)).reset_index(drop=True)
    mine, frame = _unsaid(mine, catalogue.frame), catalogue.frame.copy()
    if _excerpts(frame["duration"], mine["duration"]):
        mine["duration"] = mine["duration"].where(~frame.notna().any(axis=1))
    fresh = [name for name in mine if name not in frame or not frame[name].notna().any()]
    order = list(dict.fromkeys([*frame, *mine]))
    frame = pd.concat([frame.drop(columns=fresh, errors="ignore"), mine[fresh]], axis=1)[order]
    for name in mine.columns.difference(fresh, sort=False):
        if pd.api.types.is_numeric_dtype(frame[name]) == pd.api.types.is_numeric_dtype(mine[name]):
            frame[name] = frame[name].where(frame[name].notna(), mine[name])
    for name in frame:
        if not pd.api.types.is_numeric_dtype(frame[name]):
            frame[name] = frame[name].astype(object).where(frame[name].notna(), None)
    return Catalogue(where_none_is_given(frame))


def _unsaid(mine: pd.DataFrame, frame: pd.DataFrame) -> pd.DataFrame:
    """Columns without predictions where the catalogue has some of that target, so that one producer speaks."""
    for target in (target for target in targets(mine) if f"{target}{BY}" in frame):
        rows = frame[f"{target}{BY}"].notna()
        mine = mine.assign(**{name: mine[name].mask(rows) for name in columns_of(mine, target)})
    return mine


def _excerpts(lengths: pd.Series[float], files: pd.Series[float]) -> bool:
    """Whether the files mostly are parts of the tracks, so that they don't tell how long a track is."""
    apart = (lengths.astype(np.float64) - files).dropna()
    return len(apart) > 0 and bool(apart.median() > APART)


def _space(
    features: Features, catalogue: Catalogue, library: Rows, contents: Mapping[str, Embeddings], space: Space | None
) -> tuple[Space | None, dict[str, Embeddings]]:
    """The content space of the library, where there is none fitted with the artists that are known, and its vectors."""
    if not any(block.known.any() for block in features.blocks.values()):
        return None, dict(contents)
    there = np.flatnonzero(library >= 0)
    blocks = {
        name: replace(block, vectors=block.vectors[library[there]], known=block.known[library[there]])
        for name, block in features.blocks.items()
    }
    made = features.manifest["made_from"]
    facts = {name: made[name] for name in ("analyser", "windows", "seconds", "trim", "loudness") if name in made}
    space = space or Space.fit(blocks, catalogue.artists[there], facts=facts)
    order = np.full(len(library), -1, np.int32)
    order[there] = np.arange(len(there))
    return space, {**contents, NAME: _taken(space.vectors(blocks), order)}


def _genres(catalogue: Catalogue) -> NDArray[np.int32]:
    """The first genre of each track as a code, −1 where none is known."""
    first = [next(iter(_listed(value)), None) for value in catalogue.values("genre")]
    return pd.factorize(pd.Series(first, dtype=object))[0].astype(np.int32)


def _listed(genres: Any) -> list[str]:
    values = genres if isinstance(genres, list | tuple | np.ndarray) else []
    return [value.casefold() for value in values if isinstance(value, str)]


def _taken(space: Embeddings, rows: Rows) -> Embeddings:
    """The vectors of these rows; −1 is unknown."""
    there = rows >= 0
    known = there & space.known[rows]
    return Embeddings(np.where(known[:, None], space.vectors[rows], 0), known, space.space)
