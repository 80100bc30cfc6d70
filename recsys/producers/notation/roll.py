"""A piece in, a picture out: notes over time with bars, chords and the key."""

from __future__ import annotations

import os
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from recsys import manifest
from recsys.errors import DataError, MissingExtra
from recsys.producers.notation.score import Piece
from recsys.producers.notation.tables import Segments

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".png", ".svg", ".pdf")
COLOURS = ("#2f5d8a", "#d9822b", "#4c9a67", "#8a4c7d", "#b0403b", "#5b7f95", "#a3862b", "#6b6b6b")
SHADES = {True: "#e3ebf3", False: "#f6ece0"}  # of chords: minor and other ones
MIDDLE = (48, 72)  # pitches always shown
MOST = 500  # chords that are written out


def draw_roll(path: str | os.PathLike[str], piece: Piece, chords: Segments | None = None) -> None:
    """Draw a piano roll; stronger notes are darker, chords are written above.

    Raises:
        MissingExtra: matplotlib is not installed.
        DataError: ``path`` is not a picture's name.
    """
    place = Path(path)
    if place.suffix.lower() not in FORMATS:
        raise DataError(f"a picture named {place.name}; expected a name that ends with {', '.join(FORMATS)}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtra("matplotlib", "notebooks") from error
    end = _end(piece, chords)
    figure = Figure(figsize=(float(np.clip(end / 6, 8, 60)), 5.5), dpi=100, layout="constrained")
    axis = figure.subplots()
    low, high = _notes(axis, piece)
    axis.vlines(piece.beats[piece.downbeats], low, high, color="#9aa5b1", linewidth=0.6, zorder=0)
    if chords is not None:
        _chords(axis, chords, low, high)
    axis.set(xlim=(0, max(end, 1.0)), ylim=(low, high), xlabel="seconds", ylabel="pitch")
    octaves = np.arange(12 * np.ceil(low / 12), high + 1, 12)
    axis.set_yticks(octaves, [f"C{int(pitch) // 12 - 1}" for pitch in octaves])
    axis.spines[["top", "right"]].set_visible(False)
    if piece.title:
        axis.set_title(piece.title.replace("$", r"\$"), loc="left", fontsize=11)
    content = BytesIO()
    figure.savefig(content, format=place.suffix[1:].lower())
    manifest.write_bytes(place, content.getvalue())


def _notes(axis: Axes, piece: Piece) -> tuple[float, float]:
    """Lines for notes; the lowest and highest pitch to show."""
    from matplotlib.colors import to_rgba

    low, high = MIDDLE
    melodic = [part for part in piece.parts if not part.drums and len(part.notes)]
    for place, part in enumerate(melodic):
        notes = part.notes
        shade = np.tile(to_rgba(COLOURS[place % len(COLOURS)]), (len(notes), 1))
        shade[:, 3] = 0.35 + 0.65 * notes.velocity / 127
        axis.hlines(notes.pitch, notes.onset, notes.offset, colors=[tuple(row) for row in shade.tolist()], linewidth=3)
        low, high = min(low, int(notes.pitch.min())), max(high, int(notes.pitch.max()))
    return low - 2.0, high + 4.0


def _chords(axis: Axes, chords: Segments, low: float, high: float) -> None:
    named = [place for place, label in enumerate(chords.labels) if label not in ("N", "X")]
    for minor, colour in SHADES.items():
        mine = chords.intervals[[place for place in named if (":min" in chords.labels[place]) == minor]]
        spans = np.column_stack([mine[:, 0], mine[:, 1] - mine[:, 0]])
        axis.broken_barh([tuple(span) for span in spans], (low, high - low), facecolors=colour, zorder=-1)
    for number, place in enumerate(named if len(named) <= MOST else ()):
        text = chords.labels[place].replace(":maj", "").replace(":min", "m").replace(":", "")
        axis.text(chords.intervals[place, 0], high - 0.4 - number % 2, text, fontsize=6, va="top", clip_on=True)


def _end(piece: Piece, chords: Segments | None) -> float:
    ends = [float(part.notes.offset.max()) for part in piece.parts if len(part.notes)]
    ends += [float(piece.beats[-1])] if len(piece.beats) else []
    ends += [float(chords.intervals[-1, 1])] if chords is not None and len(chords.labels) else []
    return max(ends, default=0.0)
