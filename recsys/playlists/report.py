"""How a list turned out, as text and JSON: length, sound, transitions, familiarity, rules that gave way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from recsys.playlists.facts import Facts
from recsys.playlists.memory import overlap
from recsys.playlists.transitions import neighbours

if TYPE_CHECKING:
    from recsys.playlists.goals import Goals
    from recsys.playlists.solve import Playlist

Rows = NDArray[np.int32]
TRAITS = ("tempo", "energy", "loudness", "valence")
UNITS = {"tempo": " BPM", "loudness": " LUFS"}
STEPS = {"tempo": "octaves", "key": "places on the circle of fifths", "energy": "", "loudness": "dB"}


@dataclass(frozen=True)
class Report:
    """A list in numbers.

    Attributes:
        tracks, seconds, artists: length and number of artists.
        traits: per trait that is known the values in order of play (None = unknown).
        keys: Camelot codes in order of play, None = unknown; empty when none is known.
        curves: per trait the targets asked for, place by place, in its own unit.
        steps: mean step between neighbours per fact that is known.
        familiar: share of tracks that the listener has played; None for nobody.
        overlap: share of tracks that stood on the last lists of this name; None without a ledger.
        goals: parts of the solver's objective.
        relaxed, notes: rules that gave way, in words; what else should be known.
    """

    title: str
    tracks: int
    seconds: float | None
    artists: int
    traits: dict[str, list[float | None]] = field(default_factory=dict)
    keys: list[str | None] = field(default_factory=list)
    curves: dict[str, list[float]] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    familiar: float | None = None
    overlap: float | None = None
    goals: dict[str, float] = field(default_factory=dict)
    relaxed: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        title: str,
        made: Playlist,
        facts: Facts,
        *,
        goals: Goals | None = None,
        heard: Rows | None = None,
        before: NDArray[np.bool_] | None = None,
    ) -> Self:
        """The report of a solved list.

        Args:
            heard: track rows that the listener has played, if there is one.
            before: tracks of the last lists of this name, bool (tracks,).
        """
        rows, codes = made.rows, facts.artist[made.rows]
        known = np.empty(0, np.int32) if heard is None else heard
        return cls(
            title,
            len(rows),
            made.seconds,
            len(np.unique(codes[codes >= 0])),
            _traits(facts, rows),
            _keys(facts, rows),
            _curves(goals, len(rows)),
            _steps(facts, rows),
            round(float(np.isin(rows, known).mean()), 4) if len(rows) and len(known) else None,
            None if before is None else round(overlap(rows, before), 4),
            {name: round(float(part), 4) for name, part in made.parts.items()},
            [str(one) for one in made.relaxed],
            list(made.notes),
        )

    def json(self) -> dict[str, Any]:
        """All of it as plain values."""
        return {name: value for name, value in vars(self).items() if value not in (None, {}, [])}

    def text(self) -> str:
        """All of it in some lines.

        >>> print(Report("Calm", 2, 400.0, 2, {"tempo": [90.0, 100.0]}, steps={"tempo": 0.15}).text())
        Calm
          2 tracks by 2 artists, 6:40
          tempo     ▁█  90 to 100 BPM, mean 95
          steps     tempo 0.15 octaves
        """
        length = f", {_clock(self.seconds)}" if self.seconds else ""
        lines = [self.title, f"  {self.tracks} tracks by {self.artists} artists{length}"]
        lines += [f"  {name:<9} {self._trait(values, name)}" for name, values in self.traits.items()]
        if self.keys:
            lines.append(f"  keys      {' '.join(key or '?' for key in self.keys)}")
        if self.steps:
            told = ", ".join(f"{name} {step:.2f} {STEPS[name]}".rstrip() for name, step in self.steps.items())
            lines.append(f"  steps     {told}")
        shares = (("familiar", self.familiar), ("overlap", self.overlap))
        lines += [f"  {name:<9} {share:.0%}" for name, share in shares if share is not None]
        lines += [f"  relaxed   {one}" for one in self.relaxed] + [f"  note      {one}" for one in self.notes]
        return "\n".join(lines)

    def _trait(self, values: list[float | None], name: str) -> str:
        known = [value for value in values if value is not None]
        span = f"{min(known):.4g} to {max(known):.4g}{UNITS.get(name, '')}, mean {np.mean(known):.4g}"
        return f"{spark(values)}  {span}"


def spark(values: list[float | None], width: int = 60) -> str:
    """Values as a row of small bars, at most ``width`` of them; a blank where nothing is known.

    >>> spark([1, 2, None, 3])
    '▁▅ █'
    """
    if len(values) > width:
        parts = np.array_split(np.array([np.nan if v is None else v for v in values], float), width)
        values = [float(np.nanmean(part)) if np.isfinite(part).any() else None for part in parts]
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    scale = 7 / (high - low) if high > low else 0.0
    return "".join(" " if v is None else "▁▂▃▄▅▆▇█"[round((v - low) * scale)] for v in values)


def _clock(seconds: float | None) -> str:
    minutes, rest = divmod(round(seconds or 0), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _traits(facts: Facts, rows: Rows) -> dict[str, list[float | None]]:
    """Values in order of play of each trait that is known of any track."""
    found = {name: facts.number(name)[rows] for name in TRAITS}
    return {
        name: [round(float(value), 4) if np.isfinite(value) else None for value in values]
        for name, values in found.items()
        if np.isfinite(values).any()
    }


def _keys(facts: Facts, rows: Rows) -> list[str | None]:
    """Keys as Camelot codes: 8B is C major, 8A is A minor."""
    found = [None if np.isnan(key) else _camelot(int(key)) for key in facts.number("key")[rows]]
    return found if any(found) else []


def _camelot(key: int) -> str:
    pitch = key if key < 12 else (key - 12 + 3) % 12
    return f"{(7 * pitch + 7) % 12 + 1}{'B' if key < 12 else 'A'}"


def _curves(goals: Goals | None, tracks: int) -> dict[str, list[float]]:
    """Targets of the curves that are given in values, place by place."""
    curves = [curve for curve in (goals.curves if goals and tracks else ()) if curve.absolute]
    return {curve.trait: [round(float(target), 4) for target in curve.at(tracks)] for curve in curves}


def _steps(facts: Facts, rows: Rows) -> dict[str, float]:
    found = neighbours(facts, rows) if len(rows) > 1 else {}
    return {name: round(float(np.nanmean(step)), 4) for name, step in found.items() if np.isfinite(step).any()}
