"""Words for chords and keys in, numbers out; and courses of chords that sound like those that were learned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from recsys.errors import DataError
from recsys.producers.generation.songs import NONE, Ints, scale, tones
from recsys.producers.notation.harte import QUALITIES, pitch_class, spelled

Floats = NDArray[np.float32]
NAME = re.compile(r"^([A-Ga-g])([#b♯♭]*)(.*)$")
ENDINGS = {
    "": "maj", "maj": "maj", "M": "maj", "m": "min", "min": "min", "-": "min", "7": "7", "maj7": "maj7", "M7": "maj7",
    "m7": "min7", "min7": "min7", "-7": "min7", "dim": "dim", "°": "dim", "o": "dim", "m7b5": "hdim7", "ø": "hdim7",
    "hdim7": "hdim7", "aug": "aug", "+": "aug", "sus4": "sus4", "sus": "sus4", "sus2": "sus4",
}  # fmt: skip
KEY = re.compile(r"^([A-Ga-g])([#b♯♭]*)[ :_-]*(maj|major|min|minor|m)?$")


def read_chords(text: str) -> list[int]:
    """Chords with spaces or bars between them, as ``C G Am F`` or ``A:min | F``.

    Raises:
        DataError: a word that names no chord, or none at all.

    >>> read_chords("C | Am7 N")
    [0, 85, 108]
    """
    words = text.replace("|", " ").replace(",", " ").split()
    if not words:
        raise DataError(f"chords {text!r}; expected some, such as 'C G Am F'")
    return [_chord(word, text) for word in words]


def _chord(word: str, text: str) -> int:
    if word in ("N", "N.C."):
        return NONE
    found = NAME.match(word.split("/")[0])
    ending = found[3].removeprefix(":") if found else ""
    if found is None or ending not in ENDINGS:
        raise DataError(f"chord {word!r} in {text!r}; expected a root with one of {', '.join(filter(None, ENDINGS))}")
    root = pitch_class(_plain(found[1], found[2]))
    return len(QUALITIES) * root + QUALITIES.index(ENDINGS[ending])


def read_key(text: str) -> int:
    """A key as ``C``, ``Am``, ``F# minor`` or ``Eb:maj``, 0 to 23.

    Raises:
        DataError: names no key.

    >>> read_key("Am"), read_key("Eb major")
    (21, 3)
    """
    found = KEY.match(text.strip())
    if found is None:
        raise DataError(f"key {text!r}; expected a name such as C, Am or 'F# minor'")
    minor = found[3] in ("min", "minor", "m") or (found[3] is None and found[1].islower())
    return pitch_class(_plain(found[1], found[2])) + 12 * minor


def _plain(letter: str, signs: str) -> str:
    return letter.upper() + signs.replace("♯", "#").replace("♭", "b")


def label(chord: int, key: int | None = None) -> str:
    """The label of a chord.

    >>> label(85, 0), label(108)
    ('A:min7', 'N')
    """
    return "N" if chord == NONE else spelled(chord // len(QUALITIES), QUALITIES[chord % len(QUALITIES)], key)


def key_of_chords(chords: Sequence[int]) -> int:
    """The key whose scale holds most of the chords' tones; the first and last chord's root speaks for it."""

    def fit(key: int) -> float:
        inside = sum(len(tones(chord) & scale(key)) / max(len(tones(chord)), 1) for chord in chords)
        ends = sum(0.3 for chord in (chords[0], chords[-1]) if _triad(chord) == key)
        return inside + ends

    return max(range(24), key=fit)


def _triad(chord: int) -> int:
    """The key whose tonic chord this is; −1 of others."""
    if chord == NONE:
        return -1
    root, quality = divmod(chord, len(QUALITIES))
    return root + (12 if QUALITIES[quality].startswith("min") else 0) if quality in (0, 1, 3, 4) else -1


def course(
    follows: Mapping[str, Floats], key: int, bars: int, heat: float, rng: Generator, before: int | None = None
) -> Ints:
    """A chord for each bar, of the scale, home at the end; the first half of eight bars comes back in the next eight.

    Args:
        follows: ``major`` and ``minor``: chances of chords (109, 109) after another in the bar before, in C or A.
        key: 0 or 21.
        heat: 1 as learned, lower likelier.
        before: the chord of the bar before; None: the first is home.

    Returns:
        Chords of half bars, (2 · bars,).
    """
    chances, home = _chances(follows, key), _home(key)
    made = [home if before is None else _drawn(chances[before], heat, rng, before)]
    for bar in range(1, bars):
        if bar >= 8 and bar % 8 < 4 and bar < bars - 2:
            made.append(made[bar - 8])
            continue
        odds = chances[made[-1]] * (chances[:, home] + 1e-4 if bar == bars - 2 else 1)
        made.append(_drawn(odds, heat, rng, made[-1]))
    made[-1] = home
    return np.repeat(np.array(made[:bars], np.int64), 2)


def way(follows: Mapping[str, Floats], key: int, bars: int, first: int, last: int, heat: float, rng: Generator) -> Ints:
    """A chord for each bar between two chords, drawn from all ways that lead from one to the other."""
    chances = _chances(follows, key) + 1e-4
    onward = [chances[:, last]]
    for _ in range(bars - 1):
        onward.append(chances @ (onward[-1] / onward[-1].sum()))
    made = [first]
    for bar in range(bars):
        made.append(_drawn(chances[made[-1]] * onward[bars - 1 - bar], heat, rng, made[-1]))
    return np.repeat(np.array(made[1:], np.int64), 2)


def _chances(follows: Mapping[str, Floats], key: int) -> NDArray[np.float64]:
    """Chances of the chords that lie in the scale; in minor the dominant too."""
    chances = np.asarray(follows["minor" if key >= 12 else "major"], np.float64).copy()
    inside = [len(tones(chord)) > 0 and tones(chord) <= scale(key) for chord in range(NONE)]
    if key >= 12:
        dominant = len(QUALITIES) * ((key + 7) % 12)
        inside[dominant] = inside[dominant + QUALITIES.index("7")] = True
    chances[:, ~np.append(inside, False)] = 0
    return chances


def _home(key: int) -> int:
    return len(QUALITIES) * (key % 12) + (1 if key >= 12 else 0)


def _drawn(chances: NDArray[np.float64], heat: float, rng: Generator, before: int) -> int:
    """One of the chords; staying is half as likely as it was learned."""
    odds = chances ** (1 / max(heat, 0.05))
    odds[before] *= 0.5
    return int(rng.choice(len(odds), p=odds / odds.sum()))


def spread(chords: Sequence[int], bars: int) -> Ints:
    """Given chords, one a bar, again and again, as half bars."""
    return np.repeat(np.array([chords[bar % len(chords)] for bar in range(bars)], np.int64), 2)
