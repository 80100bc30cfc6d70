"""Ids of listeners in, names that tell nobody who they are out: a keyed digest, the same for one id under one key."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.errors import DataError

BYTES = 32  # of a key
LENGTH = 32  # hexadecimal digits of a name: 128 bits, so that no two listeners meet


@dataclass(frozen=True)
class Pseudonyms:
    """Names under one key: HMAC-SHA256 (RFC 2104) of the id, cut to 128 bits, in hexadecimal digits.

    Who has the key can find a listener's rows, by the id; who has not can't, even if ids can be guessed.

    >>> names = Pseudonyms(bytes(32))
    >>> names.of(["ann", 7]).tolist() == [names.one("ann"), names.one("7")], len(names.one("ann"))
    (True, 32)
    >>> names.one("ann") == Pseudonyms(b"1" * 32).one("ann")
    False
    """

    key: bytes = field(repr=False)

    def one(self, id: Any) -> str:
        """The name of a listener."""
        return hmac.digest(self.key, str(id).encode(), "sha256").hex()[:LENGTH]

    def of(self, ids: Iterable[Any]) -> NDArray[Any]:
        """The names of some listeners, in order."""
        return np.array([self.one(id) for id in ids], dtype=object)

    def without(self, text: str, ids: Iterable[Any]) -> str:
        """A text in which these ids, where they stand as words, became names.

        >>> Pseudonyms(bytes(32)).without("for ann, not for annabel", ["ann"])
        'for 78352bae17eb6789b087bccad1370630, not for annabel'
        """
        for id in map(str, ids):
            text = re.sub(rf"(?<![\w-]){re.escape(id)}(?![\w-])", self.one(id), text)
        return text

    @property
    def fingerprint(self) -> str:
        """Tells two keys apart, and tells nothing of either."""
        return hashlib.blake2b(self.key, digest_size=8, person=b"recsys pseudonym").hexdigest()


def named(file: str | Path | None) -> Pseudonyms | None:
    """``pseudonyms`` of a file; None where none is given: ids are told then."""
    return None if file is None else pseudonyms(Path(file))


def there(file: str | Path | None) -> Pseudonyms | None:
    """``named``, by a key that must be there already.

    Raises:
        DataError: it is not.
    """
    if file is not None and not Path(file).is_file():
        raise DataError(f"no key {str(file)!r}; expected the file that recommend --pseudonyms made")
    return named(file)


def pseudonyms(file: Path) -> Pseudonyms:
    """Names under the key in a file, which is made where there is none, for its owner's eyes only (mode 600).

    Raises:
        DataError: the file holds no key.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as made:
            made.write(secrets.token_hex(BYTES) + "\n")
            made.flush()
            os.fsync(made.fileno())
    except FileExistsError:
        pass
    text = file.read_text(encoding="ascii", errors="replace").strip()
    if not re.fullmatch(rf"[0-9a-f]{{{2 * BYTES}}}", text):
        raise DataError(f"{file} holds no key; expected {2 * BYTES} hexadecimal digits, or no file: it is made then")
    return Pseudonyms(bytes.fromhex(text))
