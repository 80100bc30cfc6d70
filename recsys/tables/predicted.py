"""Columns of a catalogue that producers predicted, beside those that were given: names, and how they are read together.

Conventions, for a target ``genre`` of labels and a target ``valence`` of numbers:
    * ``genre`` is what was given, and nothing else ever stands there.
    * ``genre_predicted`` has the labels of at least even chance (a list), ``p_genre`` the chance of the likeliest label
      and ``p_genre_jazz`` that of one label; of tracks without a given genre only.
    * ``valence_predicted`` and ``valence_sigma`` are the mean and its deviation, where no valence was given.
    * ``genre_by`` names the producer, as name@version; a column ``X_by`` beside ``X_predicted`` is what marks a target.
    * Read together (filters, playlists, search), a given label has chance 1 and other labels of that track 0; where
      none was given the prediction speaks.
    * Moods are given by a column ``mood``, or where there is none by tags that name one; where none was given or is
      likely, valence and arousal tell them. ``valence_rank`` and ``arousal_rank`` are these as parts of the library.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from recsys.tables.moods import AROUSAL, VALENCE, moods_among, moods_of, ranks
from recsys.tables.words import folded, squashed

PREDICTED, BY, SIGMA, CHANCE = "_predicted", "_by", "_sigma", "p_"
MOOD, TAGS = "mood", "tags"
RANK = "_rank"
AXES = {f"{names[0]}{RANK}": names for names in (VALENCE, AROUSAL)}  # names of ranks: of the columns that may say it
EVEN = 0.5  # chance from which a label is named


def targets(frame: pd.DataFrame) -> list[str]:
    """What producers predicted, by name.

    >>> targets(pd.DataFrame({"genre": [None], "genre_predicted": [["jazz"]], "genre_by": ["library@1"]}))
    ['genre']
    """
    ending = [str(name).removesuffix(BY) for name in frame if str(name).endswith(BY)]
    return [name for name in ending if f"{name}{PREDICTED}" in frame]


def is_predicted(name: str, frame: pd.DataFrame) -> bool:
    """Whether a column holds predictions, or says something about them."""
    return any(name in columns_of(frame, target) for target in targets(frame))


def chance_of(target: str, label: str) -> str:
    """The name of the column with the chance of a label.

    >>> chance_of("genre", "Hip-Hop")
    'p_genre_hip_hop'
    """
    word = re.sub(r"\W+", "_", folded(label)).strip("_")
    return f"{CHANCE}{target}_{word or 'x'}"


def columns(frame: pd.DataFrame) -> list[str]:
    """Every name that ``together`` knows: the columns; moods, valence and arousal where something tells them."""
    known = [str(name) for name in frame]
    axes = [rank for rank in AXES if _axis(frame, rank)]
    tagged = TAGS in frame and bool(frame[TAGS].notna().any())
    extra = [*targets(frame), *([MOOD] if tagged or len(axes) == len(AXES) else []), *axes]
    return [*known, *(name for name in extra if name not in known)]


def together(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """A column as given where it is given, else as predicted; see the conventions above.

    Raises:
        KeyError: no such column.

    >>> songs = pd.DataFrame({"genre": [["Jazz"], None], "genre_predicted": [None, ["rock"]], "genre_by": "library@1",
    ...                       "p_genre": [None, .9], "p_genre_jazz": [None, .1]})
    >>> [together(songs, name).tolist() for name in ("genre", "p_genre", "p_genre_jazz")]
    [[['Jazz'], ['rock']], [1.0, 0.9], [1.0, 0.1]]
    """
    if name == MOOD:
        return _moods(frame)
    if name in AXES and name not in frame and (axis := _axis(frame, name)):
        return pd.Series(ranks(numbers(frame, axis)), frame.index)
    for target in targets(frame):
        given = _given(frame, target)
        if name == target:
            return frame[f"{target}{PREDICTED}"].where(~given, frame.get(target))
        if name == f"{CHANCE}{target}":
            return frame[name].where(~given, 1.0)
        if name.startswith(f"{CHANCE}{target}_") and name in frame:
            return frame[name].where(~given, _has(frame, target, name, given))
        if name == f"{target}{SIGMA}":
            return frame[name].where(~given, 0.0)
    return frame[name]


def said(frame: pd.DataFrame, target: str) -> pd.Series[Any]:
    """What was given of a target, None where nothing was; moods that tags name count as given.

    >>> said(pd.DataFrame({"tags": [["chill", "rock"], ["rock"], None]}), "mood").tolist()
    [['relaxed'], None, None]
    """
    if target in frame and (target != MOOD or frame[target].notna().any()):
        return frame[target]
    if target == MOOD and TAGS in frame:
        found = [moods_among([str(tag) for tag in listed(cell)]) or None for cell in frame[TAGS]]
        return pd.Series(found, frame.index, dtype=object)
    return pd.Series(None, frame.index, dtype=object)


def _moods(frame: pd.DataFrame) -> pd.Series[Any]:
    """Moods that were given, else predicted, else those near the place of valence and arousal.

    Raises:
        KeyError: nothing tells any mood.
    """
    if MOOD not in columns(frame):
        raise KeyError(MOOD)
    found = said(frame, MOOD)
    if f"{MOOD}{PREDICTED}" in frame:
        found = found.where(_given(frame, MOOD), frame[f"{MOOD}{PREDICTED}"])
    found = found.map(lambda cell: list(map(str, listed(cell))) or None).astype(object)
    axes = [_axis(frame, rank) for rank in AXES]
    if not all(axes) or found.notna().all():
        return found
    near = moods_of(*(numbers(frame, str(axis)) for axis in axes))
    return found.where(found.notna(), pd.Series(near, frame.index, dtype=object))


def _given(frame: pd.DataFrame, target: str) -> pd.Series[Any]:
    mine = said(frame, target)
    return mine.notna() & ~mine.map(lambda value: isinstance(value, list | tuple | np.ndarray) and not len(value))


def _has(frame: pd.DataFrame, target: str, name: str, given: pd.Series[Any]) -> pd.Series[Any]:
    """1 where the label of a column of chances was given, else 0."""
    wanted = squashed(name.removeprefix(f"{CHANCE}{target}_").replace("_", " "))
    values = said(frame, target).where(given, None)
    return values.map(lambda value: float(wanted in {squashed(str(label)) for label in listed(value)}))


def listed(value: Any) -> list[Any]:
    """The labels of a cell: of a list, or the one that it is; none where it is missing."""
    if isinstance(value, list | tuple | np.ndarray):
        return list(value)
    return [] if value is None or value is pd.NA or value != value else [value]


def where_none_is_given(frame: pd.DataFrame) -> pd.DataFrame:
    """The catalogue with predictions only where nothing was given.

    >>> songs = pd.DataFrame({"genre": [["Jazz"], None], "genre_predicted": [["rock"], ["rock"]],
    ...                       "genre_by": "library@1", "p_genre": [.6, .9]})
    >>> where_none_is_given(songs)[["genre", "genre_predicted", "genre_by"]].iloc[0].tolist()
    [['Jazz'], None, None]
    """
    made = frame.copy()
    for target in targets(frame):
        given = _given(frame, target)
        for name in columns_of(frame, target):
            number = pd.api.types.is_numeric_dtype(frame[name].dtype)
            made[name] = frame[name].mask(given) if number else frame[name].astype(object).where(~given, None)
    return made


def columns_of(frame: pd.DataFrame, target: str) -> list[str]:
    """The columns of one target, without that of what was given."""
    names = {f"{target}{PREDICTED}", f"{target}{BY}", f"{target}{SIGMA}", f"{CHANCE}{target}"}
    return [str(name) for name in frame if name in names or str(name).startswith(f"{CHANCE}{target}_")]


def told(frame: pd.DataFrame, row: int) -> dict[str, dict[str, Any]]:
    """What is known of one track by target: ``given``, or ``predicted`` (chances by label, or a number) and ``by``.

    >>> songs = pd.DataFrame({"genre": [None], "genre_predicted": [["jazz"]], "genre_by": ["library@1"],
    ...                       "p_genre": [.83], "p_genre_jazz": [.83], "p_genre_hip_hop": [.17]})
    >>> told(songs, 0)
    {'genre': {'predicted': {'jazz': 0.83, 'hip hop': 0.17}, 'by': 'library@1'}}
    """
    made: dict[str, dict[str, Any]] = {}
    for target in targets(frame):
        given = listed(said(frame.iloc[[row]], target).iloc[0])
        by = frame[f"{target}{BY}"].iloc[row]
        if given:
            made[target] = {"given": [_plain(one) for one in given]}
        elif isinstance(by, str):
            made[target] = {**_predicted(frame, target, row), "by": by}
    return made


def _plain(value: Any) -> int | float | str:
    """A number or a word as JSON knows it."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if isinstance(value, int | float) else str(value)


def _predicted(frame: pd.DataFrame, target: str, row: int) -> dict[str, Any]:
    """A number and its deviation, or chances by label, likeliest first."""
    if f"{target}{SIGMA}" in frame:
        mean, sigma = (float(frame[f"{target}{end}"].iloc[row]) for end in (PREDICTED, SIGMA))
        return {"predicted": round(mean, 4), "sigma": round(sigma, 4) if np.isfinite(sigma) else None}
    start = f"{CHANCE}{target}_"
    chances = {str(n).removeprefix(start): float(frame[n].iloc[row]) for n in frame if str(n).startswith(start)}
    named = {chance_of(target, str(one)): str(one) for one in listed(frame[f"{target}{PREDICTED}"].iloc[row])}
    order = sorted(chances, key=lambda name: -chances[name])
    return {"predicted": {named.get(start + n, n.replace("_", " ")): round(chances[n], 4) for n in order}}


def numbers(frame: pd.DataFrame, name: str) -> NDArray[np.float64]:
    """A column of numbers, predictions where nothing was given; all NaN when there is no such column, (n,)."""
    if name not in frame and name not in targets(frame):
        return np.full(len(frame), np.nan)
    values = pd.to_numeric(together(frame, name), errors="coerce").to_numpy(np.float64, na_value=np.nan)
    return np.where(np.isfinite(values), values, np.nan)


def _axis(frame: pd.DataFrame, rank: str) -> str | None:
    """The column that says how pleasant, or how lively, a track is; None where there is none."""
    return next((name for name in AXES[rank] if np.isfinite(numbers(frame, name)).any()), None)
