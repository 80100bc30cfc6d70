"""A filter and a mood in words in, one filter out: what ``--mood`` means beside ``--where``."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pandas as pd

from recsys.errors import DataError, did_you_mean
from recsys.tables.moods import MOODS, mood_named
from recsys.tables.predicted import AXES, MOOD, RANK, columns, listed, together
from recsys.tables.words import squashed

LIMIT = re.compile(r"(\w+)\s*(<=|>=|<|>)\s*(\d*\.?\d+)")
SOME = 12  # moods that a message names
EXAMPLE = 'expected words such as "calm", or parts of the library such as "valence>.6,arousal<.4"'


def narrowed(frame: pd.DataFrame, where: str | None, mood: str | None) -> str | None:
    """One filter that holds where both do; None where nothing is asked.

    Args:
        frame: of the catalogue.
        where: as of ``tables.where``.
        mood: words with commas between, any of which will do; and limits of ``valence`` and ``arousal`` as parts of
            the library (0 = its least track, 1 = its most), all of which must hold.

    Raises:
        DataError: a mood that nobody knows, a limit that can't be read, or nothing here tells moods.

    >>> songs = pd.DataFrame({"tags": [["chill"], ["Sad"]], "valence": [0.2, 0.9], "arousal": [0.1, 0.5]})
    >>> narrowed(songs, "valence > 0", "relaxing, arousal < .4")
    "(valence > 0) and mood in ['relaxed'] and arousal_rank < .4"
    """
    if mood is None:
        return where
    known = columns(frame)
    parts = [part.strip() for part in mood.split(",") if part.strip()]
    words = [part for part in parts if not re.search("[<>=]", part)]
    limits = [_limit(part, known) for part in parts if part not in words]
    if not parts:
        raise DataError(f"the mood is empty; {EXAMPLE}")
    named = [f"{MOOD} in {_labels(frame, words, known)!r}"] if words else []
    return " and ".join([*([f"({where})"] if where else []), *named, *limits])


def _limit(text: str, known: Iterable[str]) -> str:
    """One limit as a filter."""
    found = LIMIT.fullmatch(text.casefold())
    if found is None or f"{found[1]}{RANK}" not in AXES:
        raise DataError(f"can't read {text!r} in a mood; {EXAMPLE}")
    if f"{found[1]}{RANK}" not in known:
        raise DataError(f"nothing here tells {found[1]}; expected such a column of the tracks, or: recsys label")
    if not 0 <= float(found[3]) <= 1:
        raise DataError(f"found {text!r} in a mood; expected a part of the library from 0 to 1")
    return f"{found[1]}{RANK} {found[2]} {found[3]}"


def _labels(frame: pd.DataFrame, words: Iterable[str], known: Iterable[str]) -> list[str]:
    """The labels of the library that the words mean, and moods that valence and arousal may tell."""
    if MOOD not in known:
        raise DataError(
            "nothing here tells moods; expected a column mood, moods among the tags, valence and arousal, "
            "or what recsys label makes of them"
        )
    there = {str(label) for cell in together(frame, MOOD) for label in listed(cell)}
    meant: list[str] = []
    for word in words:
        wanted = mood_named(word) or squashed(word)
        found = sorted(label for label in there if (mood_named(label) or squashed(label)) == wanted)
        if not found and wanted not in MOODS:
            raise DataError(f"mood {word!r} is not known{did_you_mean(word, sorted({*MOODS, *there}))}")
        meant += found
    if not meant:
        some = ", ".join(sorted(there)[:SOME]) or "none"
        raise DataError(f"no track is known to be {' or '.join(words)}; moods here: {some}")
    return list(dict.fromkeys(meant))
