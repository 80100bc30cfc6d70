"""What was looked through, what was taken out of it, and hashes before and after; the id only as a salted digest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from recsys import manifest
from recsys.errors import ArtefactError

ROUNDS = 200_000
KIND = "forgotten"
LEARNED = (
    "Vectors and counts of tracks in models and index were learned from all listeners together and hold no row of "
    "this one; the next training, on tables without them, takes their part out of these too."
)


@dataclass
class Proof:
    """A JSON file that grows while a listener is forgotten, and that a run which was killed goes on with.

    Attributes:
        path: of the file.
        salt, digest: PBKDF2-SHA256 of the id under a random salt: who has the id can check that it is meant. Ids that
            can be guessed can be found by trying them; that is what the many rounds make slow.
        begun, finished: Unix seconds UTC; ``finished`` is None while there is something to do.
        changed: a record of each folder or file: path, kind, removed, before, after.
        looked: how many files of each suffix were looked through.
        left: places that still name the listener and that this program did not write.
    """

    path: Path
    salt: str
    digest: str
    begun: float
    finished: float | None = None
    changed: list[dict[str, Any]] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)

    @classmethod
    def begin(cls, folder: Path, who: str, *, salt: str, time: float) -> Self:
        """The unfinished proof about this listener in a folder, or a new one."""
        held = cls.of(folder, who)
        if held is not None and held.finished is None:
            return held
        digest = digest_of(who, salt)
        return cls(folder / f"{int(time)}-{digest[:8]}.json", salt, digest, time)

    @classmethod
    def of(cls, folder: Path, who: str) -> Self | None:
        """The latest proof about this listener in a folder."""
        found = [cls.read(path) for path in sorted(folder.glob("*-????????.json"))]
        return next((one for one in reversed(found) if digest_of(who, one.salt) == one.digest), None)

    @classmethod
    def read(cls, path: Path) -> Self:
        """A proof from its file.

        Raises:
            ArtefactError: not such a file.
        """
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            names = ("salt", "digest", "begun", "finished", "changed", "looked", "left")
            return cls(path, **{name: told[name] for name in names})
        except (ValueError, KeyError, TypeError) as error:
            raise ArtefactError(f"{path} is no proof of forgetting ({error}); move it away") from error

    def add(self, **record: Any) -> None:
        """One more thing that was changed; kept on disk at once."""
        self.changed.append(record)
        self.save()

    def removed(self) -> dict[str, int]:
        """How much of each kind was taken out, over all places."""
        total: dict[str, int] = {}
        for one in self.changed:
            for name, count in one["removed"].items():
                total[name] = total.get(name, 0) + count
        return total

    def facts(self) -> dict[str, Any]:
        """Everything, as the file has it."""
        return {
            "kind": KIND,
            "by": f"PBKDF2-HMAC-SHA256, {ROUNDS} rounds",
            **{name: getattr(self, name) for name in ("salt", "digest", "begun", "finished")},
            "removed": self.removed(),
            "changed": self.changed,
            "looked": self.looked,
            "left": self.left,
            "learned": LEARNED,
        }

    def save(self) -> None:
        """Write the file."""
        manifest.write_json(self.path, self.facts())


def digest_of(who: str, salt: str) -> str:
    """The digest of an id under a salt (hex).

    >>> digest_of("ann", "00")[:8] == digest_of("ann", "00")[:8] != digest_of("ann", "01")[:8]
    True
    """
    return hashlib.pbkdf2_hmac("sha256", who.encode(), bytes.fromhex(salt), ROUNDS).hex()
