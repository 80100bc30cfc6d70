"""The eight styles of the sample world, as what a composer and a listener would say about them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Genre:
    """A style.

    Attributes:
        tempo: lowest and highest beats per minute.
        major: share of tracks in a major key.
        harmony, leads: instruments for the chords and for the melody; a track takes one of each.
        figure: how chords are played: "block", "stab" or "arpeggio".
        bass: "roots", "walking", "offbeat" or "" for none.
        drums: a key of ``compose.DRUMS`` or "" for none.
        progressions: chord roots as scale degrees, 0 = tonic.
        sevenths: whether chords have four notes.
        brightness, energy, acoustic: typical sound, 0 to 1.
        share: relative number of artists.
    """

    name: str
    tempo: tuple[float, float]
    major: float
    harmony: tuple[str, ...]
    leads: tuple[str, ...]
    figure: str
    bass: str
    drums: str
    progressions: tuple[tuple[int, ...], ...]
    sevenths: bool
    brightness: float
    energy: float
    acoustic: float
    share: float
    tags: tuple[str, ...]


POP, TURN, MINOR, BLUES = (0, 4, 5, 3), (1, 4, 0, 5), (0, 5, 2, 6), (0, 3, 0, 4)

GENRES = (
    Genre("Rock", (110, 160), 0.7, ("organ", "pluck"), ("pluck", "organ"), "stab", "roots", "rock",
          (POP, BLUES), False, 0.8, 0.85, 0.3, 3.0, ("guitar", "loud", "driving")),
    Genre("House", (118, 128), 0.3, ("pad", "organ"), ("piano", "flute"), "stab", "offbeat", "four",
          (MINOR, (0, 3)), True, 0.7, 0.8, 0.1, 2.5, ("dance", "electronic", "club")),
    Genre("Synthwave", (80, 118), 0.25, ("pad",), ("organ", "flute"), "arpeggio", "roots", "rock",
          (MINOR, (0, 6, 5, 6)), False, 0.6, 0.6, 0.1, 2.0, ("electronic", "retro", "night")),
    Genre("Folk", (76, 120), 0.8, ("pluck",), ("flute", "pluck"), "arpeggio", "", "",
          (POP, BLUES), False, 0.5, 0.35, 0.9, 2.0, ("acoustic", "warm", "guitar")),
    Genre("Jazz", (90, 168), 0.6, ("piano",), ("flute", "piano"), "stab", "walking", "swing",
          (TURN, (0, 5, 1, 4)), True, 0.45, 0.45, 0.8, 1.5, ("swing", "late night", "instrumental")),
    Genre("Funk", (96, 116), 0.5, ("organ", "piano"), ("pluck",), "stab", "roots", "funk",
          (BLUES, (0, 3)), True, 0.65, 0.7, 0.4, 1.5, ("groove", "dance", "warm")),
    Genre("Classical", (60, 110), 0.6, ("piano", "pad"), ("piano", "flute"), "arpeggio", "", "",
          ((0, 3, 4, 0), (0, 5, 3, 4)), False, 0.35, 0.25, 1.0, 1.2, ("calm", "instrumental", "solo")),
    Genre("Ambient", (60, 84), 0.5, ("pad",), ("flute", "piano"), "block", "", "",
          ((0, 5), (0, 3, 5, 3)), True, 0.2, 0.1, 0.4, 1.0, ("calm", "drone", "night")),
)  # fmt: skip
