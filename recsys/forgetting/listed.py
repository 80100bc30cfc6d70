"""Ids that were forgotten, as keyed digests: what an old log is held against, so that it brings nobody back."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from recsys import manifest
from recsys.errors import ArtefactError

FOLDER, NAME = "forgotten", "ids.json"
BYTES = 16  # of a digest
LEVELS = 4  # folders above an output in which the list is looked for
TOGETHER = " + "  # between the ids of a household


class Forgotten:
    """The list of a folder of proofs.

    A digest is BLAKE2b of the id under a random key that the list holds, 128 bits: an id takes a microsecond, so a log
    of millions can be held against it. Who has the file can try ids as quickly, so it is for its owner's eyes only
    (mode 600); the proofs, which are slow to try, may be handed out.

    >>> some = Forgotten(bytes(16), ["ann"])
    >>> "ann" in some, "ann + bo" in some, "anna" in some, 7 in some
    (True, True, False, False)
    """

    def __init__(self, key: bytes, ids: Iterable[str] = ()) -> None:
        self.key = key
        self.digests = {self._digest(id) for id in ids}
        self._said: dict[str, bool] = {}

    def __contains__(self, id: Any) -> bool:
        """Whether an id, or that of one member of a household, was forgotten."""
        text = str(id)
        if text not in self._said:
            self._said[text] = any(self._digest(part.strip()) in self.digests for part in text.split(TOGETHER))
        return self._said[text]

    def __len__(self) -> int:
        return len(self.digests)

    def _digest(self, id: str) -> str:
        return hashlib.blake2b(id.encode("utf-8", "surrogatepass"), key=self.key, digest_size=BYTES).hexdigest()

    @classmethod
    def read(cls, folder: Path) -> Self:
        """The list of a folder of proofs; a new, empty one where there is none.

        Raises:
            ArtefactError: the file is no such list.
        """
        path = folder / NAME
        if not path.is_file():
            return cls(secrets.token_bytes(BYTES))
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            made = cls(bytes.fromhex(told["key"]))
            made.digests = {str(one) for one in told["digests"]}
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{path} is no list of forgotten ids ({error}); restore it from a copy") from error
        return made

    @classmethod
    def above(cls, path: Path, folder: str | Path | None = None) -> Self | None:
        """The list that holds for what is written to a path: that of ``folder``, else of the nearest ``forgotten``
        beside it or above; None where there is none.

        Raises:
            ArtefactError: the folder that was named has no list, or the list can't be read.
        """
        if folder is not None:
            if not (Path(folder) / NAME).is_file():
                raise ArtefactError(f"{folder} has no {NAME}; expected a folder that recsys forget wrote")
            return cls.read(Path(folder))
        homes = [home / FOLDER for home in path.resolve().parents[:LEVELS]]
        found = next((home for home in homes if (home / NAME).is_file()), None)
        return None if found is None else cls.read(found)

    def add(self, id: str, folder: Path) -> None:
        """Take an id down, in the list of a folder of proofs."""
        self.digests.add(self._digest(id))
        self._said.clear()
        folder.mkdir(parents=True, exist_ok=True)
        told = {"by": "BLAKE2b-128, keyed", "key": self.key.hex(), "digests": sorted(self.digests)}
        before = os.umask(0o077)
        try:
            manifest.write_json(folder / NAME, told)
        finally:
            os.umask(before)

    @property
    def fingerprint(self) -> str:
        """Changes with the ids on the list."""
        return hashlib.sha256(" ".join(sorted(self.digests)).encode()).hexdigest()[:16]
