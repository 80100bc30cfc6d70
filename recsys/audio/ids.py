"""A stable name for a track: what its file says it is, or a hash of its sound."""

from __future__ import annotations

from recsys.audio.tags import Tags


def track_id(tags: Tags, digest: str) -> str:
    """``mbid:…`` or ``isrc:…`` when the file carries one, else ``sound:…``, from a hash without the tags.

    Args:
        tags: of the file.
        digest: sha256 of its sound, hex.

    >>> track_id(Tags(title="A"), "0123456789abcdef" * 4)
    'sound:0123456789abcdef0123456789abcdef'
    >>> track_id(Tags(isrc="GBAYE0601498"), "00")
    'isrc:GBAYE0601498'
    """
    if tags.mbid:
        return f"mbid:{tags.mbid}"
    return f"isrc:{tags.isrc}" if tags.isrc else f"sound:{digest[:32]}"
