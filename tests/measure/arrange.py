"""Songs in, performances with known chords, keys and beats out: rearranged, transposed, and played by FluidSynth.

Songs are those of POP909; ``exercise`` makes up functional progressions in the textures of classical piano music.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
from numpy.typing import NDArray

from recsys.producers.notation import Notes, Part, Piece, Segments, read_lab, read_midi, write_midi
from recsys.producers.notation.harte import KINDS, parse, pitch_class, spelled

Floats = NDArray[np.float64]
RATE = 22050
SECONDS = 45.0
LEAD = (0, 0, 4, 11, 21, 22, 24, 25, 26, 40, 41, 42, 48, 52, 56, 57, 60, 65, 66, 68, 71, 73, 74, 79, 80)
BACK = (0, 0, 1, 4, 5, 6, 16, 19, 21, 24, 25, 26, 27, 46, 48, 49, 50, 88, 89)
BASS = (32, 33, 33, 34, 35, 38, 43)
KINDS_OF = ("piano", "band", "band", "tune", "tune", "exercise", "exercise")


class Song(NamedTuple):
    """Notes of melody, bridge and piano, beats with whether they begin a bar, chords and keys; seconds."""

    parts: list[Notes]
    beats: Floats
    bars: NDArray[np.bool_]
    chords: Segments
    keys: Segments


class Performance(NamedTuple):
    """Sound float32 (n,) and what happens in it."""

    samples: NDArray[np.float32]
    piece: Piece
    chords: Segments
    keys: Segments


def pop909(folder: Path) -> Song:
    """A folder of POP909."""
    beats = np.loadtxt(folder / "beat_midi.txt")
    parts = [part.notes for part in read_midi(folder / f"{folder.name}.mid").parts]
    chords, keys = (read_lab(folder / name) for name in ("chord_midi.txt", "key_audio.txt"))
    return Song(parts, beats[:, 0], beats[:, 2] > 0, chords, keys)


def perform(song: Song | None, font: Path, rng: np.random.Generator) -> tuple[str, Performance]:
    """Play 45 s of a song, or of something made up where there is none; and how it was arranged."""
    kind = "exercise" if song is None else str(rng.choice(KINDS_OF[:5]))
    if song is None:
        song = exercise(rng)
    song = excerpt(song, rng)
    song = transposed(stretched(song, float(np.exp(rng.uniform(np.log(0.75), np.log(1.3))))), int(rng.integers(-5, 7)))
    parts = arranged(song, kind, rng)
    piece = Piece(parts, song.beats, song.bars)
    return kind, Performance(sound(piece, font, rng), piece, song.chords, song.keys)


# Changes to a song


def excerpt(song: Song, rng: np.random.Generator, seconds: float = SECONDS) -> Song:
    """A part that begins with a beat, at the time 0."""
    last = np.searchsorted(song.beats, song.beats[-1] - seconds)
    start = song.beats[int(rng.integers(max(last, 1)))]
    return shifted(song, start, seconds)


def shifted(song: Song, start: float, seconds: float) -> Song:
    """What lies between ``start`` and so many seconds later."""
    parts = []
    for notes in song.parts:
        kept = notes.take((notes.onset >= start - 0.02) & (notes.onset < start + seconds))
        rows = np.column_stack([kept.onset - start, kept.offset - start, kept.pitch, kept.velocity])
        rows[:, 0] = np.maximum(rows[:, 0], 0)
        parts.append(Notes.of(rows[rows[:, 1] > rows[:, 0] + 0.01]))
    inside = (song.beats >= start - 1e-6) & (song.beats < start + seconds)
    cut = (_cut(segments, start, seconds) for segments in (song.chords, song.keys))
    return Song(parts, song.beats[inside] - start, song.bars[inside], *cut)


def _cut(segments: Segments, start: float, seconds: float) -> Segments:
    moved = np.clip(segments.intervals - start, 0, seconds)
    kept = np.flatnonzero(moved[:, 1] > moved[:, 0])
    return Segments(moved[kept], [segments.labels[i] for i in kept])


def stretched(song: Song, factor: float) -> Song:
    """Slower by a factor."""
    parts = [Notes(n.onset * factor, n.offset * factor, n.pitch, n.velocity, n.confidence) for n in song.parts]
    chords, keys = (Segments(s.intervals * factor, s.labels) for s in (song.chords, song.keys))
    return Song(parts, song.beats * factor, song.bars, chords, keys)


def transposed(song: Song, steps: int) -> Song:
    """Higher by so many semitones."""
    parts = [
        Notes(n.onset, n.offset, (n.pitch + steps).clip(21, 108).astype(np.int16), n.velocity, n.confidence)
        for n in song.parts
    ]
    chords = Segments(song.chords.intervals, [_moved(label, steps) for label in song.chords.labels])
    return Song(
        parts,
        song.beats,
        song.bars,
        chords,
        Segments(song.keys.intervals, [_moved(k, steps) for k in song.keys.labels]),
    )


def _moved(label: str, steps: int) -> str:
    if label in ("N", "X"):
        return label
    root, sign, rest = label.partition(":")
    if not sign:
        root, sign, rest = label.partition("/")
    return spelled((pitch_class(root) + steps) % 12, "").rstrip(":") + sign + rest


# Arrangements


def arranged(song: Song, kind: str, rng: np.random.Generator) -> list[Part]:
    """Parts with instruments."""
    voices = [shaken(notes, rng) for notes in song.parts if len(notes)]
    if kind == "piano":
        program = int(rng.choice([0, 0, 0, 1, 2, 4]))
        return [Part(notes, program) for notes in voices]
    if kind == "exercise":
        program = int(rng.choice([0, 0, 0, 0, 6, 48, 24, 71]))
        return [
            Part(notes, program if i or rng.random() < 0.7 else int(rng.choice(LEAD))) for i, notes in enumerate(voices)
        ]
    if kind == "tune":
        return _tune(song, voices, rng)
    parts = [Part(notes, int(rng.choice(LEAD if i == 0 else BACK))) for i, notes in enumerate(voices)]
    if rng.random() < 0.5:
        parts.append(Part(accompaniment(song, "bass", rng), int(rng.choice(BASS))))
    if rng.random() < 0.4:
        parts.append(
            Part(accompaniment(song, str(rng.choice(["pad", "strum", "arpeggio"])), rng), int(rng.choice(BACK)))
        )
    if rng.random() < 0.65:
        parts.append(Part(_drums(song, rng), None, drums=True))
    return parts


def _tune(song: Song, voices: list[Notes], rng: np.random.Generator) -> list[Part]:
    """The melody alone with chords as they are written."""
    style = str(rng.choice(["pad", "strum", "oompah", "arpeggio", "alberti"]))
    parts = [Part(accompaniment(song, style, rng), int(rng.choice(BACK)))]
    if voices and rng.random() < 0.95:
        parts.insert(0, Part(voices[0], int(rng.choice(LEAD))))
    if rng.random() < 0.25:
        parts.append(Part(accompaniment(song, "bass", rng), int(rng.choice(BASS))))
    return parts


def shaken(notes: Notes, rng: np.random.Generator) -> Notes:
    """With small random deviations of time and strength."""
    late = np.maximum(0, notes.onset + rng.normal(0, rng.uniform(0, 0.012), len(notes)))
    force = np.rint(notes.velocity * rng.uniform(0.75, 1.15) + rng.normal(0, 6, len(notes))).clip(20, 127)
    return Notes.of(np.column_stack([late, np.maximum(notes.offset, late + 0.05), notes.pitch, force]))


def accompaniment(song: Song, style: str, rng: np.random.Generator) -> Notes:
    """The chords of a song as chords, broken chords or a bass."""
    rows: list[tuple[float, float, float, float]] = []
    low, force = int(rng.integers(43, 58)), float(rng.uniform(55, 85))
    sevenths = rng.random() < 0.8
    halves = np.sort(np.concatenate([song.beats, (song.beats[1:] + song.beats[:-1]) / 2]))
    for (start, end), label in zip(song.chords.intervals.tolist(), song.chords.labels, strict=True):
        chord = parse(label)
        if chord.root is None or end - start < 0.08:
            continue
        tones = sorted(chord.tones if sevenths else {t for t in chord.tones if t < 9})
        pitches = sorted(low + (chord.root + tone - low) % 12 for tone in tones)
        bass = 36 + (chord.root + chord.bass - 36) % 12
        beats = song.beats[(song.beats > start + 0.05) & (song.beats < end - 0.05)]
        fine = halves[(halves > start + 0.05) & (halves < end - 0.05)]
        rows += _figure(style, start, end, pitches, bass, beats, fine, rng)
    if not rows:
        return Notes.none()
    table = np.array(rows)
    table[:, 3] = (force * table[:, 3] + rng.normal(0, 4, len(table))).clip(20, 120)
    return Notes.of(table)


def _figure(
    style: str,
    start: float,
    end: float,
    pitches: list[int],
    bass: int,
    beats: Floats,
    fine: Floats,
    rng: np.random.Generator,
) -> list[tuple[float, float, float, float]]:
    """Notes of one chord: onset, offset, pitch and share of the usual strength."""
    if style == "pad":
        return [(start, end - 0.02, p, 1.0) for p in [*pitches, *([bass] if rng.random() < 0.5 else [])]]
    if style in ("strum", "oompah", "bass"):
        starts = [start, *beats.tolist()]
        ends = [*starts[1:], end]
        if style == "bass":
            walk = [bass, bass, bass + 7 if bass < 45 else bass - 5]
            return [
                (a, b - 0.02, int(rng.choice(walk)) if i else bass, 1.1)
                for i, (a, b) in enumerate(zip(starts, ends, strict=True))
            ]
        made = []
        for i, (a, b) in enumerate(zip(starts, ends, strict=True)):
            if style == "oompah" and i % 2 == 0:
                made.append((a, b - 0.02, bass, 1.1))
            else:
                made += [(a, a + 0.9 * (b - a), p, 1.0) for p in pitches]
        if style == "strum":
            made.append((start, end - 0.02, bass, 1.0))
        return made
    starts = [start, *fine.tolist()]
    ends = [*starts[1:], end]
    order = [*pitches, pitches[-1]]
    if style == "alberti":
        order = [pitches[0], pitches[-1], pitches[1 % len(pitches)], pitches[-1]]
    ring = 1 if style == "alberti" else int(rng.integers(1, 4))
    made = [
        (a, min(a + ring * (b - a), end), order[i % len(order)], 1.0)
        for i, (a, b) in enumerate(zip(starts, ends, strict=True))
    ]
    return [*made, (start, end - 0.02, bass, 1.0)] if rng.random() < 0.5 else made


def _drums(song: Song, rng: np.random.Generator) -> Notes:
    """Bass drum, snare and hi-hat."""
    halves = (song.beats[:-1] + song.beats[1:]) / 2
    rows = [
        (t, t + 0.1, 36 if bar else 38 if rng.random() < 0.6 else 36, 95)
        for t, bar in zip(song.beats, song.bars, strict=True)
    ]
    rows += [(t, t + 0.1, 42, 70) for t in np.concatenate([song.beats, halves])]
    table = np.array(rows, float)
    table[:, 3] = (table[:, 3] * rng.uniform(0.5, 1.1, len(table))).clip(20, 127)
    return Notes.of(table)


# Made up

DEGREES = ("I", "ii", "iii", "IV", "V", "V7", "vi", "vii", "V/V", "V/vi", "V/ii", "V/IV", "ii7", "dim7")
MAJOR = dict(
    zip(
        DEGREES,
        zip(
            (0, 2, 4, 5, 7, 7, 9, 11, 2, 4, 9, 0, 2, 11),
            ("maj", "min", "min", "maj", "maj", "7", "min", "dim", "7", "7", "7", "7", "min7", "dim"),
            strict=True,
        ),
        strict=True,
    )
)
MINOR = dict(
    zip(
        DEGREES,
        zip(
            (0, 2, 3, 5, 7, 7, 8, 11, 2, 3, 10, 0, 2, 11),
            ("min", "dim", "maj", "min", "maj", "7", "maj", "dim", "7", "7", "maj", "7", "hdim7", "dim"),
            strict=True,
        ),
        strict=True,
    )
)
NEXT = {  # what follows, the likelier the more often it is named
    "I": "IV V V V7 V7 vi ii ii7 IV vii V/V V/ii V/vi V/IV I dim7",
    "ii": "V V7 V7 V vii I",
    "ii7": "V V7 V7",
    "iii": "vi IV",
    "IV": "I V V7 ii V7 I dim7",
    "V": "I I I V7 vi I V7",
    "V7": "I I I I vi",
    "vi": "ii IV V V7 ii7 IV V/V",
    "vii": "I I V7",
    "V/V": "V V V7",
    "V/vi": "vi",
    "V/ii": "ii ii7",
    "V/IV": "IV",
    "dim7": "I V7 I",
}
SCALES = {True: (0, 2, 4, 5, 7, 9, 11), False: (0, 2, 3, 5, 7, 8, 11)}


def exercise(rng: np.random.Generator, bars: int = 40) -> Song:
    """A progression with a melody and a figured left hand, in a key that changes to a near one now and then."""
    metre, bpm = int(rng.choice([2, 3, 4, 4])), float(rng.uniform(70, 160))
    beat = 60 / bpm
    total = int(np.ceil((SECONDS + 2) / beat))
    beats = beat * np.arange(total)
    tonic, major, degree, at = 0, bool(rng.random() < 0.7), "I", 0.0
    chords: list[tuple[float, float, str]] = []
    keys: list[tuple[float, float, str]] = []
    melody: list[tuple[float, float, float, float]] = []
    left = 60 + int(rng.integers(7, 17))
    while at < total:
        if degree == "I" and at > 0 and rng.random() < 0.12:
            tonic, major = _near_key(tonic, major, rng)
        root, quality = (MAJOR if major else MINOR)[degree]
        length = float(rng.choice([0.5, 1, 1, 2, 2, metre, metre]))
        end = min(at + length, total)
        chords.append((at * beat, end * beat, spelled((tonic + root) % 12, quality)))
        keys.append((at * beat, end * beat, spelled(tonic, "maj" if major else "min")))
        left = _melody(melody, at, end, beat, left, (tonic + root) % 12, KINDS[quality], tonic, SCALES[major], rng)
        at, degree = end, str(rng.choice(NEXT[degree].split()))
    song = Song([], beats, np.arange(total) % metre == 0, _segments(chords), _segments(keys))
    style = str(rng.choice(["alberti", "alberti", "arpeggio", "strum", "pad", "oompah"]))
    return song._replace(parts=[Notes.of(np.array(melody)), accompaniment(song, style, rng)])


def _near_key(tonic: int, major: bool, rng: np.random.Generator) -> tuple[int, bool]:
    """The key a fifth above or below, the relative or the parallel one."""
    way = rng.integers(4)
    if way == 2:
        return (tonic + (9 if major else 3)) % 12, not major
    return (tonic, not major) if way == 3 else ((tonic + (7 if way else 5)) % 12, major)


def _melody(
    rows: list[tuple[float, float, float, float]], at: float, end: float, beat: float, pitch: int,
    root: int, tones: tuple[int, ...], tonic: int, scale: tuple[int, ...], rng: np.random.Generator,
) -> int:  # fmt: skip
    """Chord tones where it counts, steps of the scale between; the last pitch."""
    step = float(rng.choice([0.25, 0.5, 0.5, 1.0]))
    place = at
    while place < end - 1e-6:
        near = [p for p in range(pitch - 7, pitch + 8) if 57 <= p <= 91]
        strong = place == at or ((place - at) % 1 < 1e-6 and rng.random() < 0.7)
        inside = (
            [p for p in near if (p - root) % 12 in tones] if strong else [p for p in near if (p - tonic) % 12 in scale]
        )
        chances = np.exp(-0.35 * np.abs(np.array(inside) - pitch))
        pitch = int(rng.choice(inside, p=chances / chances.sum()))
        length = min(step, end - place)
        if rng.random() < 0.9:
            rows.append((place * beat, (place + 0.95 * length) * beat, pitch, 80 + 8 * strong))
        place += length
    return pitch


def _segments(rows: list[tuple[float, float, str]]) -> Segments:
    """Neighbours of one label joined."""
    joined: list[tuple[float, float, str]] = []
    for start, end, label in rows:
        if joined and joined[-1][2] == label:
            joined[-1] = (joined[-1][0], end, label)
        else:
            joined.append((start, end, label))
    return Segments(np.array([row[:2] for row in joined]), [row[2] for row in joined])


# Sound


def sound(piece: Piece, font: Path, rng: np.random.Generator | None = None) -> NDArray[np.float32]:
    """Played by FluidSynth; with a random place, detuning, equaliser and noise where there is ``rng``."""
    with tempfile.TemporaryDirectory() as folder:
        score, wave = Path(folder) / "a.mid", Path(folder) / "a.wav"
        write_midi(score, piece)
        reverb = "0" if rng is None else str(int(rng.random() < 0.6))
        command = [
            "fluidsynth",
            "-ni",
            "-q",
            "-g",
            "0.4",
            "-r",
            str(RATE),
            "-R",
            reverb,
            "-C",
            "0",
            "-F",
            wave,
            font,
            score,
        ]
        subprocess.run([str(word) for word in command], check=True, capture_output=True)
        samples = soundfile.read(wave, dtype="float32", always_2d=True)[0].mean(axis=1)
    samples = samples[: round(SECONDS * 1.35 * RATE)]
    return samples if rng is None else _worn(samples, rng)


def nothing(font: Path, rng: np.random.Generator) -> Performance:
    """Sound without chords: noise of some colour, drums, or something that glides as speech does; or two of them."""
    count, made = round(SECONDS * RATE), np.zeros(round(SECONDS * RATE), np.float32)
    song = exercise(rng)
    for kind in rng.choice(["noise", "drums", "glide"], size=int(rng.integers(1, 3)), replace=False):
        if kind == "noise":
            colour = np.maximum(np.arange(count // 2 + 1), 1.0) ** -rng.uniform(0, 1.2)
            part = np.fft.irfft(np.fft.rfft(rng.standard_normal(count)) * colour, count)
            part *= 1 + rng.uniform(0, 1) * np.sin(2 * np.pi * rng.uniform(0.1, 4) * np.arange(count) / RATE)
        elif kind == "drums":
            part = np.resize(sound(Piece([Part(_drums(song, rng), None, drums=True)]), font, rng), count)
        else:
            part = _glide(count, rng)
        made += (rng.uniform(0.2, 1) * part / (np.abs(part).max() + 1e-9)).astype(np.float32)
    ends = np.array([[0.0, SECONDS]])
    piece = Piece([], song.beats[song.beats < SECONDS], song.bars[song.beats < SECONDS])
    return Performance(_worn(made, rng), piece, Segments(ends, ["N"]), Segments(ends, ["X"]))


def _glide(count: int, rng: np.random.Generator) -> Floats:
    """A voice whose pitch never stays, in syllables."""
    time = np.arange(count) / RATE
    knots = np.cumsum(rng.uniform(0.1, 0.4, int(SECONDS * 10)))
    pitch = np.interp(time, knots, 130 * 2 ** rng.normal(0, 0.35, len(knots)))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    voice = sum(rng.uniform(0.3, 1) / (k + 1) * np.sin((k + 1) * phase) for k in range(10))
    loud = np.interp(time, knots, rng.random(len(knots)) > 0.35)
    return np.asarray(voice * loud)


def _worn(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Equalised, noisy, at a random level; chords keep their times."""
    spectrum = np.fft.rfft(samples)
    hz = np.fft.rfftfreq(len(samples), 1 / RATE)
    knots = np.log2([40, 120, 350, 1000, 3000, 9000])
    gains = np.interp(np.log2(np.maximum(hz, 20)), knots, rng.normal(0, 4, len(knots)))
    samples = np.fft.irfft(spectrum * 10 ** (gains / 20), len(samples)).astype(np.float32)
    peak = float(np.abs(samples).max()) + 1e-9
    level = 10 ** (-rng.uniform(25, 65) / 20)
    noisy = samples / peak + level * rng.standard_normal(len(samples)).astype(np.float32)
    return (noisy * np.float32(rng.uniform(0.1, 0.9))).astype(np.float32)
