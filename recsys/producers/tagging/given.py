"""A catalogue in, the labels that people gave its tracks out, cleaned, as targets to learn from.

Cleaning: case, accents, hyphens and joining words don't count ("Hip-Hop", "hip hop" and "HipHop" are one label, and so
are "R&B" and "RnB"), nor do short names for the same ("DnB", "1980s"); the commonest spelling stands for all. A plural
joins its singular, and "classical music" "classical", where both are there. Cells are cut at ``;``, ``|``, ``/`` and
commas; labels that say nothing ("Other") or only that somebody likes it ("favorites", "seen live") are none.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.producers.labelling.targets import Target
from recsys.tables.moods import moods_among
from recsys.tables.predicted import listed
from recsys.tables.words import folded, squashed

Rows = NDArray[np.integer[Any]]
BETWEEN = re.compile(r"[;|\\,\0]|\s/\s|(?<=\w\w\w)/(?=\w\w\w)")
NUMBERED = re.compile(r"^\(\d+\)\s*")  # of ID3: "(17)Rock"
JOINING = re.compile(r"\s*(?:&|\+|\band\b|\bund\b|\bet\b|\bn\b)\s*")
NOTHING = {
    *("unknown", "other", "others", "misc", "miscellaneous", "various", "none", "na", "genre", "undefined", "default"),
    *("unclassifiable", "unclassified", "music", "audio", "track", "notset", "noneset", "notavailable", "nogenre"),
}
OPINION = re.compile(
    "(my|alltime|ultimate|best)*fav(e|ou?rite)?s?(song|track|artist|band|album|music)?s?|(i|we)?loved?(it|this|thissong)?"
    "|(seen|watched|wanttosee)live|albumsiown|(just)?goodmusic|awesome|amazing|cool|good|great|best|guiltypleasures?"
)
WHOLE = {"singersongwriter"}  # what is one label although it may be written with a stroke
MEANT = {  # keys of other names for the same
    **{"dnb": "drumnbass", "rhythmnblues": "rnb", "ost": "soundtrack", "originalsoundtrack": "soundtrack"},
    **{"progrock": "progressiverock", "altrock": "alternativerock", "altcountry": "alternativecountry"},
    **{"femalevocal": "femalevocalist", "femalevocals": "femalevocalist", "malevocal": "malevocalist"},
    **{"malevocals": "malevocalist", "intelligentdancemusic": "idm", "electronicdancemusic": "edm"},
    **{"newwaveofbritishheavymetal": "nwobhm", "fifties": "50s", "sixties": "60s", "seventies": "70s"},
    **{"eighties": "80s", "nineties": "90s", "noughties": "00s"},
}
DECADE = re.compile("(?:19(?=[2-9])|20(?=[0-2]))([0-9]0s)")
ENDS_SO = {"blues", "brass", "classics"}  # words on s that are no plural
EMOTION = ("valence", "arousal")
GEMS = (  # the nine of the Geneva emotional music scale: Zentner, Grandjean & Scherer, Emotion 2008
    *("amazement", "solemnity", "tenderness", "nostalgia", "calmness"),
    *("power", "joyful_activation", "tension", "sadness"),
)
LEAST, ARTISTS = 10, 3  # tracks, and artists among them, that a label needs to be learned
MOST = 50  # labels of a target, the commonest
ENOUGH, BY = 60, 10  # labelled tracks, and artists among them, without which a target is not learned
SEVERAL = 0.1  # share of tracks with more than one label from which they count as tags


@dataclass(frozen=True, eq=False)
class Given:
    """What can be learned.

    Attributes:
        targets: by name, over all tracks.
        reasons: why other targets can't be, by name.
    """

    targets: Mapping[str, Target]
    reasons: Mapping[str, str] = field(default_factory=dict)


def given(frame: pd.DataFrame, groups: NDArray[np.integer[Any]], wanted: Sequence[str], usable: Rows) -> Given:
    """The labels of a catalogue as targets.

    Args:
        frame: the catalogue, (n,).
        groups: the artist of each track as a code, (n,); −1 is unknown, each such track its own.
        wanted: ``genre``; ``mood``: that column, else moods among the tags; ``emotion``: valence, arousal and the nine
            emotions of the Geneva scale, those that there are; any other column, of labels or of numbers.
        usable: rows that can be learned from, those with sound.

    A target needs 60 labelled tracks by 10 artists, and two labels of 10 tracks by 3 artists each. Other labels are
    too rare to be learned; a track that has only such ones is left out where tracks have one label each.

    >>> songs = pd.DataFrame({"genre": [["Hip-Hop"], ["hip hop"], ["Rock"]] * 20})
    >>> found = given(songs, np.arange(60), ["genre"], np.arange(60)).targets["genre"]
    >>> found.classes, found.kind, found.values.sum(axis=0).tolist()
    (('Hip-Hop', 'Rock'), 'single', [40.0, 20.0])
    """
    targets: dict[str, Target] = {}
    reasons: dict[str, str] = {}
    alone = np.where(groups < 0, np.arange(len(groups)) + groups.max(initial=0) + 1, groups)
    for name in wanted:
        numbers = _emotion(frame) if name == "emotion" else _numbers(frame, name)
        made = _labels(frame, name, alone, usable) if numbers is None else numbers
        problem = made if isinstance(made, str) else _too_few(made, alone, usable)
        if problem:
            reasons[name] = problem
        else:
            assert isinstance(made, Target)
            targets[name] = made
    return Given(targets, reasons)


def cleaned(cells: Iterable[Any]) -> list[list[str]]:
    """The labels of each cell, each once, in the spelling that is commonest among all.

    >>> cleaned([["Hip-Hop/Rap"], "hip hop; Other", None, "Hip-Hop", "vocals", "Vocal", "Vocal"])
    [['Hip-Hop', 'Rap'], ['Hip-Hop'], [], ['Hip-Hop'], ['Vocal'], ['Vocal'], ['Vocal']]
    """
    said = [[str(label) for label in listed(cell)] for cell in cells]
    pieces = {label: split(label) for label in {label for row in said for label in row}}
    parts = [[part for label in row for part in pieces[label]] for row in said]
    counts = Counter(part for row in parts for part in row)
    spelt = {part: key(part) for part in counts}
    totals = Counter[str]()
    for part, count in counts.items():
        totals[spelt[part]] += count
    best: dict[str, str] = {}
    for part, _ in sorted(counts.items(), key=lambda one: (-one[1], one[0])):
        best.setdefault(_singular(spelt[part], totals), part)
    name = {part: best[_singular(mine, totals)] for part, mine in spelt.items()}
    return [list(dict.fromkeys(name[part] for part in row)) for row in parts]


def split(label: str) -> list[str]:
    """The labels that a text holds.

    >>> split("(17)Rock; Drum & Bass / Jungle, R/B"), split("Unknown")
    (['Rock', 'Drum & Bass', 'Jungle', 'R/B'], [])
    """
    several = [label] if key(label) in WHOLE else BETWEEN.split(label)
    parts = (" ".join(NUMBERED.sub("", part.strip()).split()) for part in several)
    return [part for part in parts if (mine := key(part)) and mine not in NOTHING and not OPINION.fullmatch(mine)]


def key(label: str) -> str:
    """What all names of a label have in common.

    >>> key("R&B") == key("rnb") == key("R and B"), key("Rock 'n' Roll") == key("rock & roll"), key("Hip-Hop")
    (True, True, 'hiphop')
    >>> key("DnB") == key("Drum and Bass"), key("1980's"), key("80s")
    (True, '80s', '80s')
    """
    made = squashed(JOINING.sub("n", folded(label).replace("-", " "))) or folded(label).strip()
    decade = DECADE.fullmatch(made)
    return decade[1] if decade else MEANT.get(made, made)


def _labels(frame: pd.DataFrame, name: str, groups: Rows, usable: Rows) -> Target | str:
    """A target of labels, or why there is none."""
    by_tags = name == "mood" and (name not in frame or not frame[name].notna().any())
    column = "tags" if by_tags else name
    if column not in frame:
        return f"the catalogue has no column {column}"
    cells = cleaned(frame[column].to_numpy(object))
    cells = [moods_among(tags) for tags in cells] if by_tags else cells
    several = sum(len(cells[row]) > 1 for row in usable) > SEVERAL * max(1, sum(len(cells[row]) > 0 for row in usable))
    multi = several or by_tags
    cells = cells if multi else [row[:1] for row in cells]
    return _target(name, cells, _common(cells, groups, usable), multi)


def _target(name: str, cells: Sequence[Sequence[str]], classes: tuple[str, ...], multi: bool) -> Target:
    values = np.full((len(cells), len(classes)), np.nan, np.float32)
    place = {label: column for column, label in enumerate(classes)}
    for row, labels in enumerate(cells):
        mine = [place[label] for label in labels if label in place]
        if mine or (multi and labels):
            values[row] = 0
            values[row, mine] = 1
    return Target(name, "multi" if multi else "single", classes, values)


def _common(cells: Sequence[Sequence[str]], groups: Rows, usable: Rows) -> tuple[str, ...]:
    """The commonest labels of enough tracks by enough artists, sorted; none that all tracks have."""
    tracks: Counter[str] = Counter()
    artists: dict[str, set[int]] = {}
    labelled = 0
    for row in usable.tolist():
        labelled += bool(cells[row])
        for label in cells[row]:
            tracks[label] += 1
            artists.setdefault(label, set()).add(int(groups[row]))
    good = (label for label, count in tracks.items() if count >= LEAST and len(artists[label]) >= ARTISTS)
    some = [label for label in good if tracks[label] <= labelled - LEAST]
    return tuple(sorted(sorted(some, key=lambda label: (-tracks[label], label))[:MOST]))


def _emotion(frame: pd.DataFrame) -> Target | str:
    """Emotions as numbers, learned together, or why there are none."""
    named = [name for name in (*EMOTION, *GEMS) if name in frame]
    columns = [pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float32, na_value=np.nan) for name in named]
    there = {name: values for name, values in zip(named, columns, strict=True) if np.isfinite(values).any()}
    if not there:
        return f"the catalogue has no numbers for {', '.join(EMOTION)} or an emotion such as {GEMS[2]}"
    return Target("emotion", "numeric", tuple(there), np.column_stack(list(there.values())))


def _numbers(frame: pd.DataFrame, name: str) -> Target | None:
    """A column of numbers as a target; None where it holds something else."""
    kind = frame[name].dtype if name in frame else np.dtype(object)
    if not pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind) or not frame[name].notna().any():
        return None
    values = frame[name].to_numpy(np.float32, na_value=np.nan)
    return Target(name, "numeric", (name,), np.where(np.isfinite(values), values, np.nan)[:, None])


def _too_few(target: Target, groups: Rows, usable: Rows) -> str:
    """Why there is too little to learn a target from, "" for enough."""
    if target.kind != "numeric" and len(target.classes) < (2 if target.kind == "single" else 1):
        return f"no two labels have {LEAST} heard tracks by {ARTISTS} artists each"
    known = usable[target.known[usable]]
    artists = len(np.unique(groups[known]))
    if len(known) < ENOUGH or artists < BY:
        return f"{len(known)} heard tracks by {artists} artists have it; expected {ENOUGH} by {BY}"
    if target.kind == "numeric":
        flat = [name for name, values in zip(target.classes, target.values[known].T, strict=True) if _flat(values)]
        return f"{flat[0]} is the same everywhere" if flat else ""
    return ""


def _flat(values: NDArray[np.float32]) -> bool:
    known = values[np.isfinite(values)]
    return not len(known) or bool(known.min() == known.max())


def _singular(mine: str, there: Mapping[str, int]) -> str:
    """A key without its plural's s, or without "music", where what is left is there too."""
    if mine.endswith("music") and mine[:-5] in there:
        return mine[:-5]
    if len(mine) > 4 and mine.endswith("s") and not mine[-2].isdigit() and mine not in ENDS_SO and mine[:-1] in there:
        return mine[:-1]
    return mine
