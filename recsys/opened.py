"""A bundle's parts, read when they are first needed, and written when it is made."""

from __future__ import annotations

import json
import shutil
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from recsys import bundle, manifest, models
from recsys.audio.space import NAME as SOUND
from recsys.contracts import Recommender
from recsys.errors import ArtefactError, DataError
from recsys.explain import Known
from recsys.following import Following
from recsys.index import Index
from recsys.listening import Listening
from recsys.marks import Marks
from recsys.producers.text import index as text
from recsys.producers.text.index import TextIndex
from recsys.ranking.aspects import Facts
from recsys.ranking.dials import Facts as DialFacts
from recsys.tables import Catalogue, Dataset, Embeddings, IdMap, Interactions
from recsys.tables.storage import read_catalogue, read_ids, write_catalogue, write_ids
from recsys.wishes import dial_facts

if TYPE_CHECKING:
    from recsys.producers.melody.search import Tunes

NEXT = "next"
TEXT = "text"  # the index that searching reads
WORDS = "words"  # what places texts in the content space of that name
MELODY = "melody"  # the melodies of tracks, ready to be searched
CONTENTS = "contents"  # content spaces as they came, for tracks that come later


class Opened:
    """A bundle on disk; everything in rows except ``users`` and ``tracks``, which name them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.facts = manifest.read(folder, bundle.KIND)

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a bundle, or the folder of bundles whose CURRENT names it.

        Raises:
            ArtefactError: no bundle there, unfinished, or too new.
        """
        return cls(bundle.resolve(Path(path)))

    @cached_property
    def users(self) -> IdMap:
        """Listeners the model was trained on."""
        return read_ids(self.folder / "users.parquet", "user")

    @cached_property
    def tracks(self) -> IdMap:
        """All tracks."""
        return read_ids(self.folder / "tracks.parquet", "track")

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is known of each track."""
        return read_catalogue(self.folder / "tracks.parquet")[1]

    @cached_property
    def listening(self) -> Listening:
        """Who heard and skipped what, and when."""
        return Listening.open(self.folder, (len(self.users), len(self.tracks)))

    @property
    def histories(self) -> sp.csr_array:
        """What each trained listener played, CSR (users, tracks)."""
        return self.listening.histories

    @cached_property
    def contents(self) -> dict[str, Embeddings]:
        """Content spaces by name, as they were ingested."""
        found = {folder.name: bundle.open_arrays(folder) for folder in sorted((self.folder / CONTENTS).glob("*"))}
        return {name: Embeddings(arrays["vectors"], arrays["known"], name) for name, arrays in found.items()}

    @cached_property
    def listeners(self) -> NDArray[np.float32]:
        """How many listeners each track has, (tracks,)."""
        return np.bincount(self.histories.indices, minlength=len(self.tracks)).astype(np.float32)

    @cached_property
    def model(self) -> Recommender:
        """The fitted recommender.

        Raises:
            DataError: the bundle was made without plays, so it can't recommend to listeners.
        """
        told = json.loads((self.folder / "model.json").read_text(encoding="utf-8"))
        if told["name"] is None:
            raise DataError(f"{self.folder} was made without plays; expected a listening log for recommendations")
        try:
            return models.from_arrays(told["name"], bundle.open_arrays(self.folder / "model"), told["params"])
        except (KeyError, TypeError) as error:
            raise ArtefactError(f"{self.folder} was made by another version ({error}); train again") from error

    @cached_property
    def index(self) -> Index:
        """Track vectors, blocks side by side."""
        if not (self.folder / "index").is_dir():
            raise DataError(f"{self.folder} has no track vectors; train another model than {self.facts['chosen']}")
        hashes = {Path(name).name: file["sha256"] for name, file in self.facts["files"].items()}
        return Index.open(self.folder / "index", hashes)

    @cached_property
    def taste(self) -> NDArray[np.float32] | None:
        """Unit vectors whose cosine says how alike two tracks are to listeners, (tracks, d); None if there are none."""
        there = (self.folder / "index").is_dir() and "collaborative" in self.index.blocks
        return self.index.vectors("collaborative") if there else None

    @cached_property
    def following(self) -> Following | None:
        """What comes next in a list; None where no such model made lists better."""
        return Following.open(self.folder / NEXT)

    @cached_property
    def tunes(self) -> Tunes:
        """The melodies of the tracks.

        Raises:
            DataError: none were heard.
        """
        if not (self.folder / MELODY).is_dir():
            raise DataError(f"{self.folder} knows no melodies; expected: recsys analyze --with notes, ingest, train")
        from recsys.producers.melody.search import Tunes

        return Tunes.from_arrays(bundle.open_arrays(self.folder / MELODY))

    @cached_property
    def text(self) -> TextIndex:
        """Which words stand where in the catalogue.

        Raises:
            DataError: the bundle is of a version that kept none.
        """
        if not (self.folder / TEXT).is_dir():
            raise DataError(f"{self.folder} was made before there was search; train again")
        return TextIndex.from_arrays(bundle.open_arrays(self.folder / TEXT))

    @cached_property
    def known(self) -> Known:
        """What recommendations are explained with."""
        spaces = self.index.blocks if (self.folder / "index").is_dir() else {}
        content = self.index.vectors("content") if "content" in spaces else None
        sound = self.index.vectors(SOUND) if SOUND in spaces else None
        return Known(self.taste, content, Facts.of(self.catalogue, sound), self.listeners, self.described)

    @cached_property
    def described(self) -> Dataset:
        """What is known of the tracks, without plays."""
        return Dataset(Interactions.empty(self.users, self.tracks), self.catalogue, self.contents)

    @cached_property
    def marks(self) -> Marks:
        """What should be seen wherever a track is named."""
        return Marks(self.catalogue)

    @cached_property
    def dial_facts(self) -> DialFacts:
        """What dials know of tracks."""
        return dial_facts(self.known.facts, self.listeners, self.taste)


def carry_spaces(tables: Path, folder: Path) -> None:
    """Take along what places other sounds and texts in the content spaces of these tables, and finds tunes in them."""
    for name in (SOUND, WORDS, MELODY):
        if (tables / name).is_dir():
            shutil.copytree(tables / name, folder / name)


def write_engine(
    folder: Path,
    dataset: Dataset,
    model: Recommender | None,
    index: Index | None,
    following: Following | None = None,
) -> None:
    """All that answering needs, into an empty folder."""
    write_ids(folder / "users.parquet", dataset.users)
    write_catalogue(folder / "tracks.parquet", dataset.tracks, dataset.catalogue)
    Listening.of(dataset).save(folder)
    bundle.save_arrays(folder / TEXT, text.build(dataset.catalogue.frame).arrays())
    for name, space in dataset.contents.items():
        bundle.save_arrays(folder / CONTENTS / name, {"vectors": space.vectors, "known": space.known})
    told = {"name": model.name if model else None, "params": model.params() if model else {}}
    manifest.write_json(folder / "model.json", told)
    if model:
        bundle.save_arrays(folder / "model", model.arrays())
    if index:
        (folder / "index").mkdir()
        index.save(folder / "index")
    if following:
        following.save(folder / NEXT)
