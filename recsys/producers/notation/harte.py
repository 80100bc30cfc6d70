"""Chord labels as text: root, quality, degrees added or left out, and bass, as in ``Eb:min7/b7``.

Harte, Sandler, Abdallah & Gómez, Symbolic Representation of Musical Chords, ISMIR 2005. ``N`` is no chord, ``X`` one
that is not known.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from recsys.errors import DataError

LABEL = re.compile(r"^(?P<root>[A-G][b#]*)(?::(?P<kind>[a-z0-9]+)?(?:\((?P<more>[^)]*)\))?)?(?:/(?P<bass>[b#]*\d+))?$")
DEGREE = re.compile(r"^(?P<out>\*)?(?P<sign>[b#]*)(?P<number>\d+)$")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
SCALE = (0, 2, 4, 5, 7, 9, 11)
KINDS: dict[str, tuple[int, ...]] = {  # semitones above the root
    "maj": (0, 4, 7), "min": (0, 3, 7), "dim": (0, 3, 6), "aug": (0, 4, 8), "sus2": (0, 2, 7), "sus4": (0, 5, 7),
    "maj7": (0, 4, 7, 11), "min7": (0, 3, 7, 10), "7": (0, 4, 7, 10), "minmaj7": (0, 3, 7, 11),
    "dim7": (0, 3, 6, 9), "hdim7": (0, 3, 6, 10), "maj6": (0, 4, 7, 9), "min6": (0, 3, 7, 9),
    "maj9": (0, 4, 7, 11, 2), "min9": (0, 3, 7, 10, 2), "9": (0, 4, 7, 10, 2), "11": (0, 4, 7, 10, 2, 5),
    "13": (0, 4, 7, 10, 2, 9), "min11": (0, 3, 7, 10, 2, 5), "maj11": (0, 4, 7, 11, 2, 5),
    "maj13": (0, 4, 7, 11, 2, 9), "min13": (0, 3, 7, 10, 2, 9), "1": (0,), "5": (0, 7), "aug7": (0, 4, 8, 10),
}  # fmt: skip
QUALITIES = ("maj", "min", "7", "maj7", "min7", "dim", "hdim7", "aug", "sus4")  # that a chord is told as
MAJMIN = {"maj": "maj", "min": "min", "7": "maj", "maj7": "maj", "min7": "min"}  # and the two they belong to
NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")  # where nothing is known of the key
SHARP = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
SHARP_KEYS = frozenset({7, 2, 9, 4, 11, 6})  # major keys written with sharps


class Chord(NamedTuple):
    """Pitch class of the root (None: no chord), semitones above it, and the bass as semitones above the root."""

    root: int | None
    tones: frozenset[int] = frozenset()
    bass: int = 0
    known: bool = True

    @property
    def quality(self) -> str | None:
        """The nearest of ``QUALITIES``; None of no chord, an unknown one, and of tones without a third."""
        tones = self.tones
        if self.root is None or not self.known:
            return None
        if 4 in tones:
            if 8 in tones and 7 not in tones:
                return "aug"
            return "maj7" if 11 in tones else "7" if 10 in tones else "maj"
        if 3 in tones:
            if 6 in tones and 7 not in tones:
                return "hdim7" if 10 in tones else "dim"
            return "min7" if 10 in tones else "min"
        return "sus4" if tones & {2, 5} and 7 in tones else None


def parse(label: str) -> Chord:
    """A label as pitch classes.

    Raises:
        DataError: not in this syntax.

    >>> chord = parse("Eb:min7/b7")
    >>> chord.root, sorted(chord.tones), chord.bass, chord.quality
    (3, [0, 3, 7, 10], 10, 'min7')
    >>> parse("G:7(*5)").quality, parse("A").quality, parse("N").root
    ('7', 'maj', None)
    """
    text = label.strip()
    if text in ("N", "X"):
        return Chord(None, known=text == "N")
    found = LABEL.match(text)
    if found is None or (found["kind"] and found["kind"] not in KINDS):
        raise DataError(f"chord {label!r}; expected a label such as A:min, Eb:maj7/3 or N")
    bare = found["kind"] is None and found["more"] is not None
    tones = set((0,) if bare else KINDS[found["kind"] or "maj"])
    for word in filter(None, (found["more"] or "").replace(" ", "").split(",")):
        out, tone = _degree(word, label)
        tones = tones - {tone} if out else tones | {tone}
    bass = _degree(found["bass"], label)[1] if found["bass"] else 0
    return Chord(pitch_class(found["root"]), frozenset(tones), bass)


def pitch_class(name: str) -> int:
    """0 to 11 of a letter with its accidentals.

    >>> pitch_class("Cb"), pitch_class("F#")
    (11, 6)
    """
    return (LETTERS[name[0]] + name.count("#") - name.count("b")) % 12


def spelled(root: int, quality: str, key: int | None = None) -> str:
    """The label of a chord, with flats or sharps as its key has them (0 to 11 major, 12 to 23 minor).

    >>> spelled(3, "min"), spelled(3, "maj", key=11), spelled(10, "7", key=14)
    ('Eb:min', 'D#:maj', 'Bb:7')
    """
    if key is None:
        return f"{NAMES[root]}:{quality}"
    major = key % 12 if key < 12 else (key + 3) % 12
    return f"{(SHARP if major in SHARP_KEYS else FLAT)[root]}:{quality}"


def _degree(word: str, label: str) -> tuple[bool, int]:
    """Whether a degree is left out, and its semitones above the root."""
    found = DEGREE.match(word)
    if found is None or not 1 <= int(found["number"]) <= 13:
        raise DataError(f"degree {word!r} in chord {label!r}; expected 1 to 13, such as b7 or *5")
    number = int(found["number"]) - 1
    return bool(found["out"]), (SCALE[number % 7] + found["sign"].count("#") - found["sign"].count("b")) % 12
