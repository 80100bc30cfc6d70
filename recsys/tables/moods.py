"""Words for moods as places of valence and arousal: which tracks are near them, and which tags name them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.tables.words import squashed

VALENCE = ("valence", "happiness")
AROUSAL = ("arousal", "energy")
MOODS = {  # word: (valence, arousal) as parts of the library, after the circumplex of Russell, 1980
    **{"happy": (0.85, 0.65), "joyful": (0.9, 0.75), "party": (0.85, 0.95), "energetic": (0.65, 0.95)},
    **{"upbeat": (0.8, 0.75), "excited": (0.75, 0.9), "calm": (0.6, 0.1), "relaxed": (0.7, 0.2)},
    **{"peaceful": (0.65, 0.05), "tender": (0.6, 0.25), "romantic": (0.7, 0.35), "dreamy": (0.55, 0.25)},
    **{"focus": (0.5, 0.35), "sleep": (0.5, 0.02), "sad": (0.1, 0.25), "melancholy": (0.2, 0.2)},
    **{"gloomy": (0.1, 0.15), "dark": (0.1, 0.5), "tense": (0.2, 0.8), "angry": (0.15, 0.95)},
    **{"aggressive": (0.2, 0.98), "epic": (0.45, 0.85)},
}
SAME = {  # words for a mood that MOODS has
    **{"relaxing": "relaxed", "chill": "relaxed", "chillout": "relaxed", "mellow": "calm", "soothing": "calm"},
    **{"quiet": "calm", "melancholic": "melancholy", "sadness": "sad", "happiness": "happy", "joy": "joyful"},
    **{"energy": "energetic", "lively": "energetic", "uplifting": "upbeat", "romance": "romantic"},
    **{"aggression": "aggressive", "anger": "angry", "tension": "tense", "tenderness": "tender", "sleepy": "sleep"},
    **{"atmospheric": "dreamy", "cheerful": "happy", "gloom": "gloomy", "serene": "peaceful", "concentration": "focus"},
}
NAMED = {word: word for word in MOODS} | SAME
NEAR = 0.2  # parts of the library, in both directions together, that a mood reaches


def mood_named(word: str) -> str | None:
    """The mood that a word means; None when it means none.

    >>> mood_named("Chill-Out"), mood_named("sad"), mood_named("jazz")
    ('relaxed', 'sad', None)
    """
    return NAMED.get(squashed(word))


def moods_among(tags: Sequence[str]) -> list[str]:
    """The moods among some tags, each once.

    >>> moods_among(["Relaxing", "jazz", "sad", "chill"]), moods_among([])
    (['relaxed', 'sad'], [])
    """
    found = (mood_named(tag) for tag in tags)
    return list(dict.fromkeys(mood for mood in found if mood))


def moods_of(valence: NDArray[np.floating], arousal: NDArray[np.floating]) -> list[list[str] | None]:
    """The moods near each track, nearest first; None where valence or arousal is unknown.

    Args:
        valence, arousal: (n,), any unit: their ranks within the library count; NaN = unknown.

    >>> moods_of(np.array([0.0, 0.5, 1.0, np.nan]), np.array([0.1, 0.0, 0.9, 0.5]))
    [['sad', 'dark', 'gloomy', 'melancholy'], ['sleep', 'calm', 'peaceful', 'dreamy', 'tender', 'relaxed'],
     ['party', 'joyful', 'excited'], None]
    """
    places = np.column_stack([ranks(valence), ranks(arousal)])
    words = np.array(list(MOODS))
    away = np.column_stack([np.sqrt(((places - place) ** 2).mean(axis=1)) for place in MOODS.values()])  # (n, moods)
    order = np.argsort(away, axis=1, kind="stable")
    near = (away <= NEAR).sum(axis=1)
    known = ~np.isnan(places.sum(axis=1))
    return [words[order[row, : near[row]]].tolist() if known[row] else None for row in range(len(places))]


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Each value's place among all, 0 = lowest to 1 = highest, ties alike; NaN where unknown.

    >>> ranks(np.array([10.0, np.nan, 30.0, 20.0])).tolist()
    [0.0, nan, 1.0, 0.5]
    """
    series = pd.Series(np.asarray(values, np.float64))
    most = max(1, int(series.notna().sum()) - 1)
    return ((series.rank() - 1) / most).to_numpy()
