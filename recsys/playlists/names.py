"""Tracks in, a name that says what they are out; and any name to a safe file name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.facts import Facts

Rows = NDArray[np.int32]
ADJECTIVES = {  # trait: (word when low, word when high)
    "energy": ("Calm", "Energetic"),
    "valence": ("Sombre", "Bright"),
    "acousticness": ("Electric", "Acoustic"),
    "tempo": ("Slow", "Fast"),
    "danceability": ("Still", "Danceable"),
}
PLAIN = 0.6  # standard deviations from the library's mean at which a trait names a group
SHARE = 0.3  # of a group that a label must cover to name it
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{i}" for port in ("com", "lpt") for i in range(1, 10))}
LONGEST = 120


def named(facts: Facts, groups: Sequence[Rows], everything: Rows | None = None) -> list[str]:
    """A name for each group of tracks: genre or tag that stands out, mood, decade; else two of its artists.

    Names differ from each other; what tells groups apart is added where it is needed.

    Args:
        groups: track rows of each group.
        everything: the tracks that groups are compared with; default: all of the catalogue.
    """
    everything = np.arange(len(facts), dtype=np.int32) if everything is None else everything
    common = _shares(facts, everything)
    made: list[str] = []
    for rows in groups:
        what, how, when = _words(facts, rows, everything, common)
        by = _artists(facts, rows)
        tries = [what, f"{how} {what}", f"{when} {how} {what}", f"{what} with {by}" if by else what]
        free = [name for name in (" ".join(text.split()) for text in tries) if name not in made]
        made.append(free[0] if free else _numbered(what, made))
    return made


def _words(facts: Facts, rows: Rows, everything: Rows, common: dict[str, float]) -> list[str]:
    """What a group is (or whom it is by), how it sounds, when it is from; "" for what does not stand out."""
    own = _shares(facts, rows)
    scored = {label: share * np.log(share / common[label]) for label, share in own.items() if share >= SHARE}
    label = max(scored, key=lambda one: (scored[one], one), default="") if scored else ""
    if label and scored[label] <= 0:
        label = max(own, key=lambda one: (own[one], one))
    what = _titled(label) or _artists(facts, rows) or "Mix"
    return [what, _adjective(facts, rows, everything), _decade(facts, rows)]


def _shares(facts: Facts, rows: Rows) -> dict[str, float]:
    """The share of tracks that each genre and tag is said of."""
    found: Counter[str] = Counter()
    for column in ("genre", "tags"):
        for values in facts.catalogue.values(column)[rows]:
            found.update({str(value).strip() for value in _items(values)} - {""})
    return {label: count / max(len(rows), 1) for label, count in found.items()}


def _items(values: Any) -> Iterable[Any]:
    if isinstance(values, str):
        return [values]
    return values if isinstance(values, list | tuple | np.ndarray) else []


def _adjective(facts: Facts, rows: Rows, everything: Rows) -> str:
    far: list[tuple[float, str]] = []
    for trait, (low, high) in ADJECTIVES.items():
        values = facts.number(trait)
        mine, all_ = values[rows], values[everything]
        mine, all_ = mine[np.isfinite(mine)], all_[np.isfinite(all_)]
        if len(mine) and len(all_) > 1 and (spread := float(all_.std())) > 0:
            off = (float(mine.mean()) - float(all_.mean())) / spread
            far.append((abs(off), high if off > 0 else low))
    return max(far)[1] if far and max(far)[0] >= PLAIN else ""


def _decade(facts: Facts, rows: Rows) -> str:
    years = facts.number("year")[rows]
    decades = Counter((years[np.isfinite(years)] // 10 * 10).astype(int).tolist())
    if not decades:
        return ""
    decade, count = max(decades.items(), key=lambda item: (item[1], item[0]))
    return f"{decade}s" if count >= 0.5 * len(rows) else ""


def _artists(facts: Facts, rows: Rows) -> str:
    names = [name for name in facts.catalogue.values("artist")[rows] if isinstance(name, str) and name]
    return " & ".join(name for name, _ in Counter(names).most_common(2))


def _titled(label: str) -> str:
    return label[:1].upper() + label[1:]


def _numbered(name: str, taken: Sequence[str]) -> str:
    return next(numbered for i in range(2, len(taken) + 3) if (numbered := f"{name} {i}") not in taken)


def safe_name(text: str, fallback: str = "playlist") -> str:
    """A name that is one file in its folder on any system: no separators, control or reserved characters.

    >>> safe_name("../AC/DC: Live?"), safe_name("con"), safe_name("  Évian "), safe_name("..")
    ('AC DC Live', 'con_', 'Évian', 'playlist')
    """
    text = unicodedata.normalize("NFC", str(text))
    kept = "".join(" " if c in '/\\:*?"<>|' or unicodedata.category(c)[0] == "C" else c for c in text)
    name = re.sub(r"\s+", " ", kept).strip(" .")
    while len(name.encode()) > LONGEST:
        name = name[:-1].strip(" .")
    return f"{name}_" if name.casefold().partition(".")[0] in RESERVED else name or fallback
