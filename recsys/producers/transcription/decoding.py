"""How probable each pitch is to sound and to begin in, notes out.

A note begins where its onset is a peak, and lasts until its pitch has been improbable for a while; after Bittner et
al., A Lightweight Instrument-Agnostic Model for Polyphonic Note Transcription and Multipitch Estimation, ICASSP 2022.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recsys.producers.notation import Notes

Floats = NDArray[np.float32]


def find_notes(
    onsets: Floats,
    frames: Floats,
    times: NDArray[np.float64],
    *,
    lowest: int = 21,
    onset: float = 0.5,
    frame: float = 0.3,
    shortest: int = 11,
    patience: int = 11,
) -> Notes:
    """Notes from probabilities (t, pitches).

    Args:
        onsets, frames: that a pitch begins, and that it sounds.
        times: seconds of each frame, and of the end, (t + 1,).
        lowest: MIDI pitch of the first column.
        onset, frame: thresholds of both.
        shortest: frames below which a note is none.
        patience: frames for which a pitch may be improbable before the note is over.

    >>> sounding = np.zeros((40, 88), np.float32)
    >>> sounding[5:30, 39], begins = 0.9, np.zeros((40, 88), np.float32)
    >>> begins[5, 39] = 0.9
    >>> notes = find_notes(begins, sounding, 0.01 * np.arange(41))
    >>> notes.pitch.tolist(), notes.onset.round(2).tolist(), notes.offset.round(2).tolist()
    ([60], [0.05], [0.3])
    """
    begins = np.maximum(onsets, _rises(frames, float(onsets.max(initial=0))))
    padded = np.pad(begins, ((1, 1), (0, 0)))
    peaks = (begins >= onset) & (begins > padded[:-2]) & (begins >= padded[2:])
    rows, sure = [], []
    for pitch in np.flatnonzero(peaks.any(axis=0)):
        starts = np.flatnonzero(peaks[:, pitch])
        for start, limit in zip(starts, [*starts[1:], len(frames)], strict=True):
            end = _end(frames[start:limit, pitch], frame, patience) + start
            if end - start >= shortest:
                strength = float(frames[start:end, pitch].mean())
                rows.append((times[start], times[end], lowest + pitch, np.clip(round(127 * strength), 1, 127)))
                sure.append(strength)
    return Notes.of(np.array(rows, np.float64).reshape(-1, 4), sure)


def _rises(frames: Floats, most: float) -> Floats:
    """Where a pitch suddenly sounds, scaled to the strongest onset: its least rise over two frames before."""
    padded = np.pad(frames, ((2, 0), (0, 0)))
    rise = np.maximum(np.minimum(frames - padded[1:-1], frames - padded[:-2]), 0)
    rise[:2] = 0
    top = float(rise.max(initial=0))
    return rise * np.float32(most / top if top > 0 else 0.0)


def _end(course: Floats, threshold: float, patience: int) -> int:
    """Frames until a pitch falls silent for good."""
    quiet = 0
    for place, value in enumerate(course.tolist()):
        quiet = quiet + 1 if value < threshold else 0
        if quiet >= patience:
            return place - patience + 1
    return len(course) - quiet
