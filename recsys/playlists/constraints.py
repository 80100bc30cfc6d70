"""What makes a list of tracks acceptable, and the best choice of tracks that allows it.

A list of L places in which an artist returns after ``gap`` places at the earliest splits into q = L // gap whole
stretches and r = L % gap places over: every artist fits q times, and r of them once more. Choices within these
limits form a matroid, so taking tracks greedily by score finds the best one.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from recsys.tables import Catalogue

KINDS = "(digital(ly)? )?(remaster(ed)?|reissue|explicit|clean|mono|stereo|deluxe)( (version|mix|edition))?"
EDITION = rf"(\d{{4}} )?{KINDS}( \d{{4}})?"
REISSUE = re.compile(rf"\s*([(\[]{EDITION}[)\]]|\s[-–] {EDITION})$")


@dataclass(frozen=True)
class Rules:
    """At most ``cap`` tracks of an artist, the same artist ``gap`` places apart or more (1 = may follow itself)."""

    cap: int
    gap: int


@dataclass(frozen=True)
class Start:
    """What stands in the list already: the artists of its tracks in order; None where unknown."""

    artists: Sequence[Hashable | None] = ()

    def counts(self) -> Counter[Hashable]:
        """How often each known artist has played."""
        return Counter(a for a in self.artists if a is not None)

    def waits(self, gap: int) -> dict[Hashable, int]:
        """Places each artist must still wait, for those who played within the last ``gap`` − 1."""
        recent = self.artists[max(0, len(self.artists) - gap + 1) :]
        return {a: i + gap - len(recent) for i, a in enumerate(recent) if a is not None}


def identities(catalogue: Catalogue, rows: Iterable[int]) -> list[Hashable]:
    """One key per track: equal for two ids of the same recording (same title and artist), else its own row."""
    titles, artists = catalogue.frame["title"], catalogue.frame["artist"]
    return [_identity(titles.iat[row], artists.iat[row], int(row)) for row in rows]


def normalised(text: str) -> str:
    """Case, accents, punctuation and notes such as "(2011 remaster)" removed.

    >>> normalised("Déjà  Vu! (2011 Remaster)")
    'deja vu'
    """
    plain = unicodedata.normalize("NFKD", text).casefold().strip()
    plain = "".join(c for c in REISSUE.sub("", plain) if not unicodedata.combining(c))
    return " ".join(re.findall(r"\w+", plain)) or " ".join(text.casefold().split())


def _identity(title: object, artist: object, row: int) -> Hashable:
    if isinstance(title, str) and isinstance(artist, str) and title.strip() and artist.strip():
        return normalised(title), normalised(artist)
    return row


def artist_keys(catalogue: Catalogue, rows: Iterable[int]) -> list[Hashable | None]:
    """The artist of each track, None where unknown (an unknown artist is bound by no rule)."""
    codes = catalogue.artists
    return [int(codes[row]) if codes[row] >= 0 else None for row in rows]


def select(artists: Sequence[Hashable | None], places: int, rules: Rules, start: Start) -> list[int]:
    """Positions of the best ``places`` tracks that can be arranged by the rules, fewer when there are not enough.

    Args:
        artists: artist of each candidate, best candidate first.
        places: how many tracks to add after ``start``.
    """
    whole, over = divmod(places, rules.gap)
    before, waits = start.counts(), start.waits(rules.gap)
    taken: defaultdict[Hashable, int] = defaultdict(int)
    chosen: list[int] = []
    for position, artist in enumerate(artists):
        if len(chosen) == places:
            break
        if artist is not None:
            room = (places - 1 - waits.get(artist, 0)) // rules.gap + 1
            if taken[artist] >= min(rules.cap - before[artist], room) or (taken[artist] == whole and not over):
                continue
            over -= taken[artist] == whole
            taken[artist] += 1
        chosen.append(position)
    return chosen


def loosest_needed(artists: Sequence[Hashable | None], places: int, rules: Rules, start: Start) -> Rules:
    """The rules, or the tightest ones that ``places`` tracks can follow: the gap gives way first, then the cap.

    ``places`` must not exceed the number of candidates.
    """

    def enough(cap: int, gap: int) -> bool:
        return len(select(artists, places, Rules(cap, gap), start)) == places

    top = max(rules.cap, len(artists) + len(start.artists))
    cap = smallest(rules.cap, top, lambda c: enough(c, 1))
    less = smallest(0, rules.gap - 1, lambda less: enough(cap, rules.gap - less))
    return Rules(cap, rules.gap - less)


def smallest(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """The smallest value in low..high for which ``holds``; it holds at ``high`` and stays once it does."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low


def closest_gap(artists: Sequence[Hashable | None]) -> int | None:
    """The smallest distance between two tracks of the same artist; None when nobody returns."""
    last: dict[Hashable, int] = {}
    gaps = []
    for place, artist in enumerate(artists):
        if artist is not None:
            if artist in last:
                gaps.append(place - last[artist])
            last[artist] = place
    return min(gaps, default=None)


def most_tracks(artists: Sequence[Hashable | None]) -> int:
    """How many tracks the most frequent known artist has; 0 when none is known."""
    return max(Counter(a for a in artists if a is not None).values(), default=0)
