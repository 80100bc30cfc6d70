"""Tracks to come near and to keep away from in, their neighbours with scores and reasons out, page by page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from recsys import nearby
from recsys.contracts import Rows
from recsys.errors import DataError, did_you_mean
from recsys.nearby import HARMONY, Seeds
from recsys.serving.answers.shelf import Shelf
from recsys.serving.answers.stand import Stand
from recsys.tables import Catalogue

NAMES = {"taste": "collaborative", "content": "content", "sound": "sound", "harmony": HARMONY}
OF_ARTIST = 20  # tracks that stand for an artist


@dataclass(frozen=True)
class Near:
    """A question; see ``questions.AskSimilar``."""

    track: str
    n: int = 10
    offset: int = 0
    where: str | None = None
    taste: float | None = None
    blend: Mapping[str, float] | None = None
    like: tuple[str, ...] = ()
    unlike: tuple[str, ...] = ()
    max_per_artist: int | None = None
    mood: str | None = None

    @property
    def quick(self) -> bool:
        """Whether the answer takes so little that it need not wait in line."""
        return self.where is None and self.mood is None and self.n + self.offset <= QUICK


QUICK = 100


class Artists(NamedTuple):
    """As much of a catalogue as neighbours need when no recording is to be collapsed."""

    artists: NDArray[np.int32]
    frame: tuple[()] = ()


def similar(stand: Stand, asked: Near) -> dict[str, Any]:
    """A page of neighbours; see ``schemas.Similar``.

    Raises:
        UnknownId: a track that is not in the catalogue.
        DataError: a space that this bundle does not have, or a filter that can't be read.
    """
    row = stand.row(asked.track)
    likes = np.array([row, *(stand.row(one) for one in asked.like)], np.int32)
    unlikes = np.array([stand.row(one) for one in asked.unlike], np.int32)
    seeds = Seeds(row, likes, unlikes)
    blend = weights(stand, asked.taste, asked.blend)
    found, following = neighbours(stand, seeds, blend, asked)
    return {
        "track": stand.shelf.card(row),
        "blend": {_called(name): round(weight, 4) for name, weight in blend.items()},
        "items": items(stand, seeds, found, blend),
        "next": following,
        "bundle": stand.version,
    }


def neighbours(stand: Stand, seeds: Seeds, blend: dict[str, float], asked: Near) -> tuple[nearby.Near, int | None]:
    """One page, and where the next begins."""
    end = asked.offset + asked.n
    wanted, allow = min(end + 1, max(len(stand.tracks), 1)), stand.allow(asked.where, asked.mood)
    if len(seeds.rows) == 1 and len(seeds.likes) and asked.max_per_artist is None:
        lists = stand.engine.index.neighbours(seeds.likes, wanted, weights=blend, allow=allow)
        real = int(lists.lengths[0])
        near = nearby.Near(lists.rows[0, :real], lists.scores[0, :real])
    else:
        near = nearby.neighbours(
            stand.engine.index,
            cast(Catalogue, Artists(stand.shelf.artists)),
            seeds,
            wanted,
            weights=blend,
            allow=cast(Rows, allow),
            max_per_artist=asked.max_per_artist,
        )
    page = nearby.Near(near.rows[asked.offset : end], near.scores[asked.offset : end])
    return page, end if len(near.rows) > end else None


def items(stand: Stand, seeds: Seeds, near: nearby.Near, blend: Mapping[str, float]) -> list[dict[str, Any]]:
    """Neighbours as lists tell of them."""
    why = nearby.likenesses(stand.engine.index, stand.shelf.artists, seeds, near.rows, blend)
    return listed(stand.shelf, near.rows.tolist(), near.scores.tolist(), why)


def listed(shelf: Shelf, rows: list[int], scores: list[float], why: list[list[str]]) -> list[dict[str, Any]]:
    """Items of a list; see ``schemas.Item``."""
    return [
        {"track": card, "score": round(score, 6) if score == score else None, "reasons": reasons}
        for card, score, reasons in zip(shelf.cards(rows), scores, why, strict=True)
    ]


def weights(stand: Stand, taste: float | None, blend: Mapping[str, float] | None) -> dict[str, float]:
    """Block weights of a question, adding up to 1.

    Raises:
        DataError: a space of another name, that this bundle does not have, or nothing that weighs anything.
    """
    there = stand.engine.index.blocks
    if blend is None:
        share = stand.settings.similar.taste if taste is None else taste
        other = "content" if "content" in there else "sound"
        wanted = {"collaborative": share, other: 1 - share}
        found = {name: weight for name, weight in wanted.items() if name in there} or dict.fromkeys(there, 1.0)
        found = found if sum(found.values()) > 0 else dict.fromkeys(found, 1.0)
    else:
        found = {_block(name, there): float(weight) for name, weight in blend.items()}
    whole = sum(found.values())
    if not whole > 0:
        raise DataError(f"blend {dict(blend or {})}: nothing weighs anything; expected e.g. taste:.5,sound:.5")
    return {name: weight / whole for name, weight in found.items() if weight > 0}


def _block(name: str, there: Mapping[str, int]) -> str:
    if name not in NAMES:
        raise DataError(f"blend of {name!r}{did_you_mean(name, NAMES)}")
    if NAMES[name] not in there:
        known = ", ".join(_called(block) for block in there) or "none"
        raise DataError(f"blend of {name!r}: this bundle has no such space; it has {known}")
    return NAMES[name]


def _called(block: str) -> str:
    return next((name for name, space in NAMES.items() if space == block), block)


def spoken(text: str) -> dict[str, float]:
    """A blend in words.

    Raises:
        DataError: words of another form, a negative or endless number.

    >>> spoken("taste:.5,sound:1")
    {'taste': 0.5, 'sound': 1.0}
    """
    made: dict[str, float] = {}
    for part in text.split(","):
        name, sign, number = part.partition(":")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not sign or not 0 <= value <= 1000:
            raise DataError(f"blend {text!r}; expected names and numbers from 0 to 1000, e.g. taste:.5,sound:.5")
        made[name.strip()] = value
    return made
