"""What a file is: its tags, the hash of its sound, and a stable name for the track."""

from __future__ import annotations

from dataclasses import dataclass

from recsys.audio import checks
from recsys.audio.containers import look
from recsys.audio.tags import Tags, read_tags


@dataclass(frozen=True)
class Identity:
    """All about a file that shows without decoding it.

    Attributes:
        digest: sha256 of its sound without the tags, hex.
        tags: what it says about itself.
        flags: names from ``recsys.audio.checks.FLAGS``.
    """

    digest: str
    tags: Tags
    flags: list[str]


def identify(path: str) -> Identity:
    """Read a file once, without decoding.

    Raises:
        DataError: it is empty.
        OSError: it cannot be read.
    """
    container = look(path)
    tags = read_tags(path)
    return Identity(container.digest, tags, checks.of_file(path, container, tags))


def track_id(mbid: str | None, isrc: str | None, digest: str) -> str:
    """``mbid:…`` or ``isrc:…`` when the file carries one, else ``sound:…``, from the hash without the tags.

    >>> track_id(None, None, "0123456789abcdef" * 4)
    'sound:0123456789abcdef0123456789abcdef'
    >>> track_id(None, "GBAYE0601498", "00")
    'isrc:GBAYE0601498'
    """
    if mbid:
        return f"mbid:{mbid}"
    return f"isrc:{isrc}" if isrc else f"sound:{digest[:32]}"
