"""A wish in, a new song out: from nothing, after a song, between two, or one song in the manner of another.

Notes are drawn one after another from the composer's chances. Pitches beyond the scale and the chord are drawn only as
far as the key stays plain to hear; a song that holds a long stretch of a learned one is drawn again, or refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator

from recsys.errors import DataError
from recsys.producers.generation import harmonies
from recsys.producers.generation.composer import Composer, Stored
from recsys.producers.generation.copies import CEILING, copied
from recsys.producers.generation.songs import (
    ACCOMPANIMENT,
    BAR,
    MELODY,
    NONE,
    Ints,
    Song,
    away,
    scale,
    told,
    tones,
)
from recsys.producers.generation.transitions import OPENING, transition

TRIES = 8
HEARD = 16  # bars of a song that are heard before one goes on
PHRASE = 8  # bars after which half of them comes back
JUDGED = 6  # ways over a bridge that are compared


@dataclass(frozen=True)
class Wish:
    """What is wanted.

    Attributes:
        bars: of four beats.
        key: 0 to 23; None: as it comes.
        tempo: beats a minute; None: as it comes.
        chords: one a bar, again and again; none: as they come.
        heat: 1 as learned; lower is plainer, higher wilder.
    """

    bars: int = 16
    key: int | None = None
    tempo: float | None = None
    chords: Sequence[int] = ()
    heat: float = 1.0

    def check(self) -> None:
        """Refuse what can't be.

        Raises:
            DataError: says what.
        """
        for name, value, low, high in (("bars", self.bars, 2, 256), ("tempo", self.tempo, 30, 300)):
            if value is not None and not low <= value <= high:
                raise DataError(f"{name} {value:g}; expected {low} to {high}")
        if not 0.1 <= self.heat <= 3:
            raise DataError(f"temperature {self.heat:g}; expected 0.1 to 3")


def compose(stored: Stored, wish: Wish, rng: Generator) -> Song:
    """A song from nothing: phrases that come back, home at the end.

    Raises:
        DataError: a wish that can't be, or nothing but copies was drawn.
    """
    wish.check()
    key = wish.key if wish.key is not None else _key(wish.chords, rng)
    tempo = wish.tempo if wish.tempo is not None else float(rng.integers(72, 126))

    def draw() -> Song:
        home = Song(np.zeros((0, 4), np.int64), np.zeros(0, np.int64), 21 if key >= 12 else 0, tempo)
        song = extend(stored.composer, home, _chords(stored, wish, key, rng), wish.heat, rng, free=_free(wish))
        return ended(song).moved(away(key))

    return fresh(draw, stored, wish.bars)


def go_on(stored: Stored, song: Song, wish: Wish, rng: Generator) -> Song:
    """What comes after a song: new bars alone, in its key.

    Raises:
        DataError: as of ``compose``.
    """
    wish.check()
    past = song.part(max(song.bars - HEARD, 0), song.bars).home()

    def draw() -> Song:
        chords = _chords(stored, wish, song.key, rng, int(past.chords[-1]))
        whole = extend(stored.composer, past, chords, wish.heat, rng, free=_free(wish))
        made = ended(whole.part(past.bars, whole.bars))
        return replace(made.moved(away(song.key)), tempo=wish.tempo or song.tempo)

    made = fresh(draw, stored, wish.bars)
    return made if wish.key is None else made.moved((wish.key - made.key + 6) % 12 - 6)


def bridge(stored: Stored, first: Song, second: Song, wish: Wish, rng: Generator) -> Song:
    """Bars that lead from one song into another: of several ways the one that both sides speak for most.

    Raises:
        DataError: as of ``compose``.
    """
    wish.check()
    shift = -away(first.key)
    past = first.part(max(first.bars - HEARD, 0), first.bars).moved(shift)
    opening = second.part(0, min(OPENING, second.bars)).moved(shift)

    def draw() -> Song:
        return min((way() for _ in range(JUDGED)), key=cost)

    def way() -> Song:
        between = (int(past.chords[-1]), int(opening.chords[0]))
        planned = (
            harmonies.spread([_moved(chord, shift) for chord in wish.chords], wish.bars)
            if len(wish.chords)
            else harmonies.way(stored.follows, past.key, wish.bars, *between, wish.heat, rng)
        )
        return extend(stored.composer, past, planned, wish.heat, rng).part(past.bars, past.bars + wish.bars)

    def cost(made: Song) -> float:
        return -transition(stored, past, made) - transition(stored, past.then(made), opening)

    tempo = wish.tempo or (first.tempo + second.tempo) / 2
    return fresh(lambda: replace(draw().moved(-shift), tempo=tempo), stored, wish.bars)


def restyle(stored: Stored, song: Song, manner: Song, wish: Wish, rng: Generator) -> Song:
    """The melody and chords of one song, accompanied in the manner of another.

    Raises:
        DataError: as of ``compose``.
    """
    wish.check()
    bars, home = min(song.bars, wish.bars), song.home()
    past = replace(manner.part(0, min(HEARD, manner.bars)).home(), key=home.key)
    melody = home.part(0, bars).notes
    melody = melody[melody[:, 1] == MELODY]

    def draw() -> Song:
        whole = extend(stored.composer, past, home.chords[: 2 * bars], wish.heat, rng, melody)
        made = whole.part(past.bars, whole.bars).moved(away(song.key))
        return replace(made, tempo=wish.tempo or song.tempo)

    made = draw()
    return made if wish.key is None else made.moved((wish.key - made.key + 6) % 12 - 6)


def fresh(draw: Callable[[], Song], stored: Stored, bars: int) -> Song:
    """Draw until there is enough music in it and no long copy; the fullest of several where there never is enough.

    Raises:
        DataError: all of them are copies.
    """
    longest, most = 0.0, 0
    best: Song | None = None
    for _ in range(TRIES):
        song = draw()
        longest = copied(song, stored.learned)
        sung = len(np.unique(song.notes[song.notes[:, 1] == MELODY, 0] // BAR))
        if longest < CEILING and len(song.notes) >= 4 * bars and 2 * sung >= bars:
            return song
        if longest < CEILING and len(song.notes) > most:
            best, most = song, len(song.notes)
    if best is not None:
        return best
    raise DataError(
        f"{TRIES} songs were drawn, the last with {longest:g} beats of a learned song; "
        "expected another seed, a higher temperature or other chords"
    )


def ended(song: Song) -> Song:
    """With a last bar that rests: chord and tonic, held to the end."""
    last = BAR * (song.bars - 1)
    notes = song.notes[song.notes[:, 0] < last].copy()
    notes[:, 3] = np.minimum(notes[:, 3], last - notes[:, 0])
    home = sorted(tones(int(song.chords[-1])) or scale(song.key))
    sung = notes[notes[:, 1] == MELODY, 2]
    near = int(sung[-1]) if len(sung) else 72
    tonic = near + (song.key % 12 - near + 6) % 12 - 6
    rows = [(last, MELODY, tonic, BAR), (last, ACCOMPANIMENT, 36 + song.key % 12, BAR)]
    rows += [(last, ACCOMPANIMENT, 48 + tone, BAR) for tone in home]
    return replace(song, notes=told(np.concatenate([notes, np.array(rows, np.int64)])))


def _key(chords: Sequence[int], rng: Generator) -> int:
    return harmonies.key_of_chords(chords) if len(chords) else int(rng.choice([0, 7, 5, 2, 10, 21, 16, 14]))


def _chords(stored: Stored, wish: Wish, key: int, rng: Generator, before: int | None = None) -> Ints:
    """Chords of half bars at home: those wished for, or new ones."""
    if len(wish.chords):
        return harmonies.spread([_moved(chord, -away(key)) for chord in wish.chords], wish.bars)
    return harmonies.course(stored.follows, 21 if key >= 12 else 0, wish.bars, wish.heat, rng, before)


def _free(wish: Wish) -> bool:
    """Chords that were wished for may leave the key, if no key was."""
    return bool(len(wish.chords)) and wish.key is None


def _moved(chord: int, semitones: int) -> int:
    return chord if chord == NONE else (chord + 9 * semitones) % NONE


def extend(
    composer: Composer,
    song: Song,
    chords: Ints,
    heat: float,
    rng: Generator,
    melody: Ints | None = None,
    *,
    free: bool = False,
) -> Song:
    """A song at home with as many bars more as there are chords for.

    Args:
        chords: of half bars.
        melody: given notes of the new bars, (n, 4), steps from the first of them; none is drawn then.
        free: whether notes of chords may lie beyond the scale as often as they like.
    """
    from recsys.producers.generation.pen import Pen

    whole = replace(song, chords=np.append(song.chords, chords))
    pen = Pen(composer, whole, song, heat, rng, free=free)
    start, end = BAR * song.bars, BAR * whole.bars
    if melody is not None:
        pen.write(end, (melody + np.array([start, 0, 0, 0])).tolist())
    else:
        half, back = BAR * PHRASE // 2, BAR * PHRASE
        while pen.until < end:
            same = pen.until - start >= back and not (pen.until - start) % back and pen.until + half < end
            if same and pen.alike(pen.until - back, pen.until, half):
                pen.repeat(pen.until - back, half)
            else:
                pen.write(min(pen.until + half, end))
    return replace(whole, notes=told(np.concatenate([song.notes, np.array(pen.notes, np.int64).reshape(-1, 4)])))
