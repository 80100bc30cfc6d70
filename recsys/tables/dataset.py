"""Everything there is to learn from, in rows; and its folder on disk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from recsys import manifest
from recsys.errors import DataError
from recsys.tables.catalogue import Catalogue
from recsys.tables.embeddings import Embeddings
from recsys.tables.ids import IdMap
from recsys.tables.interactions import Interactions
from recsys.tables.storage import (
    read_catalogue,
    read_content,
    read_ids,
    read_layer,
    write_catalogue,
    write_ids,
    write_layer,
)

KIND = "tables"
LISTENERS = "listeners.parquet"
LAYERS = ("plays", "skips", "ratings", "playlists")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Plays, skips, ratings, playlists, the catalogue and content spaces over one set of track rows.

    Attributes:
        plays: positive evidence; weight = how much (see ``sources.weights`` for the rule).
        catalogue: one row per track.
        contents: content spaces by name, each with one vector per track row.
        skips: negative evidence over the same users and tracks, weight = strength; or None.
        ratings: explicit ratings as given, same users and tracks, weight = the rating; or None.
        playlists: ``users`` are playlist names, ``time`` the position in the list; or None.
        listeners: what is known of the listeners (age, country, …), a row for each of ``users``; or None.

    Raises:
        DataError: a part that does not cover the same tracks, or listeners that are not the users.
    """

    plays: Interactions
    catalogue: Catalogue
    contents: Mapping[str, Embeddings] = field(default_factory=dict)
    skips: Interactions | None = None
    ratings: Interactions | None = None
    playlists: Interactions | None = None
    listeners: pd.DataFrame | None = None

    def __post_init__(self) -> None:
        sizes = {
            "catalogue": len(self.catalogue),
            **{f"content {k!r}": len(v) for k, v in self.contents.items()},
        }
        for layer in LAYERS[1:]:
            part = getattr(self, layer)
            if part is not None:
                sizes[layer] = len(part.tracks)
        for name, size in sizes.items():
            if size != len(self.tracks):
                raise DataError(f"{name} covers {size} tracks; expected {len(self.tracks)}, as the plays do")
        if self.listeners is not None and len(self.listeners) != len(self.users):
            raise DataError(f"listeners has {len(self.listeners)} rows; expected {len(self.users)}, one for each user")

    @property
    def users(self) -> IdMap:
        """Ids of the listeners."""
        return self.plays.users

    @property
    def tracks(self) -> IdMap:
        """Ids of the tracks."""
        return self.plays.tracks

    def matrix(self) -> sp.csr_array:
        """What each listener played: summed weights, float32 CSR (users, tracks)."""
        return self.plays.matrix()

    def histories(self) -> sp.csr_array:
        """Listeners, then playlists: all that co-occurrence can be learned from, CSR (users + playlists, tracks)."""
        if self.playlists is None:
            return self.matrix()
        lists = self.playlists.matrix()
        return sp.csr_array(sp.vstack([self.matrix(), lists], format="csr"))

    def without(self, spaces: Iterable[str], keep: Iterable[str] = ()) -> Dataset:
        """The dataset less some content spaces; a name such as ``tagger`` means ``tagger:genre`` and the like too.

        Args:
            keep: names in full of spaces that stay all the same.

        >>> from recsys.tables import IdMap
        >>> places = {n: Embeddings.normalised(np.ones((1, 2)), n) for n in ("sound", "tagger:genre", "tagger:mood")}
        >>> data = Dataset(Interactions.empty(IdMap([]), IdMap(["x"])), Catalogue.empty(1), places)
        >>> sorted(data.without(["tagger"]).contents), sorted(data.without(["tagger"], ["tagger:mood"]).contents)
        (['sound'], ['sound', 'tagger:mood'])
        """
        gone, held = set(spaces), set(keep)
        stay = {name for name in self.contents if name in held or not {name, name.partition(":")[0]} & gone}
        return replace(self, contents={name: space for name, space in self.contents.items() if name in stay})

    def save(self, folder: Path, *, inputs: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
        """Write all tables into ``folder`` (an empty working folder) and seal it with a manifest."""
        write_ids(folder / "users.parquet", self.users)
        write_catalogue(folder / "tracks.parquet", self.tracks, self.catalogue)
        for layer in LAYERS:
            part = getattr(self, layer)
            if part is not None:
                write_layer(folder, layer, part)
        if self.listeners is not None:
            self.listeners.reset_index(drop=True).to_parquet(folder / LISTENERS, index=False)
        for space, embedding in self.contents.items():
            np.savez(folder / f"content-{space}.npz", vectors=embedding.vectors, known=embedding.known)
        counts = {layer: len(getattr(self, layer)) for layer in LAYERS if getattr(self, layer) is not None}
        own = {
            "users": len(self.users),
            "tracks": len(self.tracks),
            "rows": counts,
            "contents": sorted(self.contents),
        }
        prints = {"users": self.users.fingerprint, "tracks": self.tracks.fingerprint}
        manifest.seal(folder, KIND, {**own, "fingerprints": prints, "inputs": dict(inputs), **facts})

    @classmethod
    def open(cls, folder: Path) -> Dataset:
        """Read a folder that ``save`` wrote.

        Raises:
            ArtefactError: not such a folder, unfinished, or too new.
        """
        known = manifest.read(folder, KIND)
        users = read_ids(folder / "users.parquet", "user")
        tracks, catalogue = read_catalogue(folder / "tracks.parquet")
        layers = {name: read_layer(folder, name, users, tracks) for name in LAYERS if name in known["rows"]}
        contents = {space: read_content(folder, space) for space in known["contents"]}
        people = pd.read_parquet(folder / LISTENERS) if (folder / LISTENERS).is_file() else None
        return cls(layers.pop("plays"), catalogue, contents, listeners=people, **layers)
